"""Plant faults in ``emt``, one at a time, and see whether the tests notice: ``make mutation``.

The faults are Cosmic Ray's: a number off by one, another operator, a loop that never runs. Each is
planted in the code of a function, in a copy of this process, and meets the tests that reach its
line; what runs at import is written to a copy of the project instead. Types are left
alone, which no call looks at, and bits and shifts in place of arithmetic, which fail at any number.

In the folder are ``reached.json``, which tests reach which line (remove it after changing tests),
``tried.csv``, what became of each fault, and the copy. A run goes on where the last one stopped;
a fault is tried again if its module has changed, and with ``--again`` if it was not noticed.

``book/mutation.csv`` counts them, ``book/survivors.csv`` lists those that no test noticed: who can
prove that one makes no difference writes why into its last column, and the next run keeps it.
"""

import argparse
import ast
import csv
import gc
import hashlib
import importlib
import json
import os
import pkgutil
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter, defaultdict
from pathlib import Path
from types import CodeType, FunctionType

import pytest

ROOT = Path(__file__).parents[1]
UNLIKELY = re.compile("_(RShift|LShift|BitOr|BitAnd|BitXor)$|RemoveDecorator")
# They start other programs, which this process's faults do not reach, and take long.
OUTSIDE = "check_page environment import live make notebooks pipeline"
AT_NO_HOME = tuple(f"tests/test_{name}.py" for name in ("arguments", "refusals", "fuzz", "drawn"))
MOST = {True: 30.0, False: 12.0}
"""Seconds of tests for one fault, at home and elsewhere; what outlives them has survived."""
COLUMNS = "module", "text", "line", "operator", "occurrence", "verdict", "change"


def faults(cache: Path) -> list[tuple]:
    """Return all faults: file, operator, occurrence, line, column; those in types left out."""
    from cosmic_ray.commands.init import _all_work_items

    paths = sorted((ROOT / "emt").rglob("*.py"))
    if cache.exists() and cache.stat().st_mtime > max(path.stat().st_mtime for path in paths):
        return [tuple(fault) for fault in json.loads(cache.read_text(encoding="utf-8"))]
    found = []
    for path in paths:
        silent = _types(ast.parse(path.read_text(encoding="utf-8")))
        for item in _all_work_items([path], {}):
            (m,) = item.mutations
            inside = any(low <= m.start_pos and m.end_pos <= high for low, high in silent)
            if not inside and not UNLIKELY.search(m.operator_name):
                name = path.relative_to(ROOT).as_posix()
                found.append((name, m.operator_name, m.occurrence, *m.start_pos))
    cache.write_text(json.dumps(found), encoding="utf-8")
    return found


def _types(tree: ast.AST) -> list[tuple]:
    """Return from where to where annotations stand."""
    found = []
    for node in ast.walk(tree):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if part is not None:
                end = part.end_lineno, part.end_col_offset
                found.append(((part.lineno, part.col_offset), end))
    return found


def sample(every: list[tuple], count: int, seed: int = 0) -> list[tuple]:
    """Return `count` faults, each module's share by its size and at least 8, one at a place."""
    places = defaultdict(lambda: defaultdict(list))
    for fault in every:
        places[fault[0]][fault[3:]].append(fault)
    total, chosen = sum(map(len, places.values())), []
    for file, where in places.items():
        rng = random.Random(f"{seed} {file}")  # of its own: the others' stay if this one changes
        share = max(8, round(count * len(where) / total))
        for place in rng.sample(sorted(where), min(share, len(where))):
            chosen.append(rng.choice(where[place]))
    random.Random(seed).shuffle(chosen)
    return chosen


class Reach:
    """Follows the tests: which lines each reaches, and how long it takes."""

    def __init__(self):
        """Measure from now on."""
        from coverage import Coverage

        self.coverage = Coverage(source=[str(ROOT / "emt")], data_file=None, branch=False)
        self.coverage.set_option("run:core", "ctrace")
        self.coverage.start()
        self.seconds, self.failed, self.users, self.made = {}, set(), defaultdict(list), {}

    def pytest_collectstart(self, collector):
        """Hold what a file of tests computes when it is imported for what all of them reach."""
        self.coverage.switch_context(collector.nodeid.split("::")[0])

    def pytest_runtest_logstart(self, nodeid):
        """Follow a test."""
        self.begun = time.perf_counter()
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logfinish(self, nodeid):
        """Note how long it took."""
        self.seconds[nodeid] = time.perf_counter() - self.begun

    def pytest_runtest_logreport(self, report):
        """Leave out a test that fails without a fault: it tells nothing of one."""
        if report.failed:
            self.failed.add(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        """Hold what a fixture of several tests computes for what all reach that ask for it."""
        if fixturedef.scope == "function":
            return (yield)
        name, begun = f"@{fixturedef.argname}", time.perf_counter()
        self.coverage.switch_context(name)
        made = yield
        self.made[name] = time.perf_counter() - begun
        return made

    def pytest_runtest_call(self, item):
        """Follow the test itself, its fixtures made."""
        for name in item.fixturenames:
            self.users[f"@{name}"].append(item.nodeid)
        self.coverage.switch_context(item.nodeid)

    def reached(self) -> dict:
        """Return the seconds of each test, and for each file and line the tests that reach it."""
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {
            Path(file).relative_to(ROOT).as_posix(): data.contexts_by_lineno(file)
            for file in data.measured_files()
        }
        seconds = {test: n for test, n in self.seconds.items() if test not in self.failed}
        return {"seconds": seconds, "lines": lines, "users": self.users, "made": self.made}


def reach(path: Path) -> dict:
    """Return what the tests reach, measured once."""
    if not path.exists():
        command = [sys.executable, __file__, "--folder", path.parent, "--reach", path]
        subprocess.run(command, check=True, cwd=ROOT)
    reached = json.loads(path.read_text(encoding="utf-8"))
    shared = defaultdict(list)
    contexts = {t for lines in reached["lines"].values() for each in lines.values() for t in each}
    for fixture in {context for context in contexts if context[:1] == "@"}:
        for test in reached["users"].get(fixture, ()):
            shared[test].append((fixture, reached["made"][fixture]))
    return reached | {"shared": shared}


def _measure(path: Path) -> None:
    plugin = Reach()
    left_out = [f"--ignore=tests/test_{name}.py" for name in OUTSIDE.split()]
    code = pytest.main(["-q", "-p", "no:cacheprovider", *left_out, "tests"], plugins=[plugin])
    print("the tests ended with", code)
    path.write_text(json.dumps(plugin.reached()), encoding="utf-8")


def tests_of(file: str, lines: range | None, reached: dict) -> tuple[list[str], list[str]]:
    """Return the tests that reach any of the lines, or a file: those at home, and the others.

    At home is the file of tests that is named after the module, or else has most of the tests. It
    goes first. Each list is worth `MOST` seconds, refusals and the quickest tests first.
    """
    seconds, at = reached["seconds"], reached["lines"].get(file, {})
    names = {name for line in at if not lines or int(line) in lines for name in at[line]}
    names.update(*(reached["users"].get(name, ()) for name in list(names)))
    chosen = defaultdict(list)
    tests = [t for t in seconds if t in names or t.split("::")[0] in names]
    files = Counter(test.split("::")[0] for test in tests)
    for name in files:
        files[name] *= 0 if name in AT_NO_HOME else 999 if Path(file).stem in name else 1
    home, spent = max(files, key=files.get, default=""), Counter()
    alone = {t: seconds[t] + sum(cost for _, cost in reached["shared"].get(t, ())) for t in tests}
    paid = set()
    for test in sorted(tests, key=lambda t: (t.split("::")[0] not in AT_NO_HOME, alone[t], t)):
        place, fixtures = test.split("::")[0] == home, dict(reached["shared"].get(test, ()))
        cost = seconds[test] + sum(n for name, n in fixtures.items() if name not in paid)
        if not spent[place] or spent[place] + cost < MOST[place]:
            chosen[place].append(test)
            spent[place] += cost
            paid.update(fixtures)
    return chosen[True], chosen[False]


def place(tree: ast.Module, line: int, column: int):
    """Return the name of the function that a place is in, and the lines of its statement.

    The name is empty outside of functions: in defaults, decorators and what a module computes.
    """
    statement, name, path = None, "", []

    def visit(node, inside):
        nonlocal statement, name
        for child in ast.iter_child_nodes(node):
            if not hasattr(child, "lineno"):
                visit(child, inside)
                continue
            begins, ends = (
                (child.lineno, child.col_offset),
                (child.end_lineno, child.end_col_offset),
            )
            if not begins <= (line, column) < ends:
                continue
            if isinstance(child, ast.stmt):
                statement = child
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)) and not inside:
                path.append(child.name)
            if isinstance(child, ast.FunctionDef) and not inside:
                if any(b.lineno <= line <= b.end_lineno for b in child.body):
                    name = ".".join(path)
                    visit(child, True)
                return
            visit(child, inside)

    visit(tree, False)
    if statement is None:
        return "", range(line, line + 1)
    end = statement.end_lineno
    if isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.FunctionDef)):
        end = max(line, statement.body[0].lineno - 1)
    return name, range(statement.lineno if statement.lineno <= line else line, end + 1)


def _code(module: CodeType, name: str) -> CodeType:
    for part in name.split("."):
        module = next(c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == part)
    return module


def load() -> dict[tuple[str, str], list[FunctionType]]:
    """Collect the tests, which imports all there is, and return the package's functions."""
    left_out = [f"--ignore=tests/test_{name}.py" for name in OUTSIDE.split()]
    pytest.main(["--collect-only", "-qq", *ARGUMENTS, *left_out, "tests"])
    emt = importlib.import_module("emt")
    for info in pkgutil.walk_packages(emt.__path__, "emt."):
        importlib.import_module(info.name)
    found = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            file = Path(thing.__code__.co_filename)
            if file.is_relative_to(ROOT / "emt"):
                key = file.relative_to(ROOT).as_posix(), thing.__code__.co_qualname
                found[key].append(thing)
    gc.freeze()
    return found


def wait(pid: int, limit: int) -> str:
    """Return what became of a process: its tests failed, passed, or took too long."""
    end, pause = time.monotonic() + 3 * limit, 0.005
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            known = {0: "survived", 5: "no test", -signal.SIGXCPU: "timeout"}
            return known.get(code, "killed")
        time.sleep(pause)
        pause = min(0.1, 1.5 * pause)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "timeout"


ARGUMENTS = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
ARGUMENTS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]


def planted(
    functions: list[FunctionType], code: CodeType, anew: list[str], tests: list[str], limit: int
) -> str:
    """Run tests in a copy of this process in which functions have other code.

    Files of tests that reach the fault when they are imported are imported anew.
    """
    pid = os.fork()
    if pid:
        return wait(pid, limit)
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        for function in functions:
            function.__code__ = code
        for file in anew:
            sys.modules.pop(Path(file).stem, None)

        os._exit(int(pytest.main([*ARGUMENTS, *tests])))
    except BaseException:
        traceback.print_exc()
        os._exit(3)


def written(project: Path, file: str, text: str, tests: list[str], limit: int) -> str:
    """Run tests of a copy of the project in which a file has another text."""
    path = project / file
    before = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    try:
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", "pytest", *ARGUMENTS, *tests],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(project)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5)),
        )
        return wait(process.pid, limit)
    finally:
        path.write_text(before, encoding="utf-8")


def main() -> None:
    """Try the faults that were not tried yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build/mutation")
    parser.add_argument("--sample", type=int, help="about so many faults, not all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="the modules whose names hold this")
    parser.add_argument("--again", action="store_true", help="also what has survived")
    parser.add_argument("--reach", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.folder.resolve()
    sys.path.append(str(folder / "tools"))
    if given.reach:
        return _measure(given.reach)
    folder.mkdir(parents=True, exist_ok=True)
    reached = reach(folder / "reached.json")
    every = faults(folder / "faults.json")
    chosen = sample(every, given.sample, given.seed) if given.sample else every
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file in {f[0] for f in every}}
    trees = {file: ast.parse(text) for file, text in texts.items()}
    table, project = folder / "tried.csv", folder / "project"
    digests = {file: hashlib.sha256(text.encode()).hexdigest()[:12] for file, text in texts.items()}
    rows = {(r["module"], r["operator"], r["occurrence"]): r for r in _read(table)}  # the last
    rows = [r for r in rows.values() if r["text"] == digests.get(r["module"])]
    names = {(fault[0], fault[1].removeprefix("core/"), fault[2]): fault for fault in every}
    done = {(r["module"], r["operator"], int(r["occurrence"])): r for r in rows}
    left = {}
    if given.again:
        left = {k: r for k, r in done.items() if r["verdict"] not in ("killed", "timeout")}
        chosen = [names[key] for key in left] + chosen
    chosen = [fault for fault in chosen if given.only in fault[0]]
    chosen.sort(key=lambda fault: not place(trees[fault[0]], *fault[3:])[0])  # the slow ones last
    shutil.rmtree(project, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0")[:-1]:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    os.chdir(ROOT)
    functions = load()
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    try:
        with table.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
            for number, (file, operator, occurrence, line, column) in enumerate(chosen):
                short = operator.removeprefix("core/")
                key = file, short, occurrence
                if key in done and key not in left:
                    continue
                text = texts[file]
                changed = mutate_code(text, get_operator(operator)(), occurrence)
                try:
                    whole = compile(changed, str(ROOT / file), "exec")
                except SyntaxError:  # a mistake that nobody can make
                    continue
                name, span = place(trees[file], line, column)
                reaching = {t for n in span for t in reached["lines"].get(file, {}).get(str(n), ())}
                name = "" if "" in reaching else name  # it has run already, at import
                anew = [t for t in reaching if t.startswith("tests/") and "::" not in t]
                code = _code(whole, name) if name else None
                verdict = "no test"
                for tests in filter(None, tests_of(file, span if name else None, reached)):
                    limit = 30 + int(3 * sum(reached["seconds"][t] for t in tests))
                    if code:
                        verdict = planted(functions[file, name], code, anew, tests, limit)
                    else:
                        verdict = written(project, file, changed, tests, limit)
                    if verdict not in ("survived", "no test"):
                        break
                pairs = zip(text.splitlines(), changed.splitlines(), strict=False)
                old, new = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
                change = f"{old.strip()} -> {new.strip()}"
                row = file, digests[file], line, short, occurrence, verdict, change
                done[key] = dict(zip(COLUMNS, row, strict=True))
                left.pop(key, None)
                writer.writerow(done[key])
                lines.flush()
                print(number + 1, "of", len(chosen), verdict, f"{file}:{line}", change, flush=True)
    finally:  # also of what was tried before an interruption
        tables([*done.values()])


def tables(rows: list[dict]) -> None:
    """Write the committed tables, and keep what `survivors.csv` says of a fault."""
    path, columns = ROOT / "book/survivors.csv", ("file", "line", "mutation", "why")
    why = {(r["file"], r["mutation"]): r["why"] for r in _read(path)}
    left = [
        (r["module"], int(r["line"]), r["change"], why.get((r["module"], r["change"]), ""))
        for r in rows
        if r["verdict"] not in ("killed", "timeout")
    ]
    _write(path, columns, sorted(left))
    tried, proved, open_ = (
        Counter(names)
        for names in (
            [r["module"] for r in rows],
            [row[0] for row in left if row[3]],
            [row[0] for row in left if not row[3]],
        )
    )
    counts = [
        (name, n, n - proved[name] - open_[name], proved[name], open_[name])
        for name, n in sorted(tried.items())
    ]
    columns = "module", "mutants", "killed", "equivalent", "survivors"
    _write(ROOT / "book/mutation.csv", columns, counts)


def _read(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _write(path: Path, columns: tuple[str, ...], rows: list[tuple]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([columns, *rows])


if __name__ == "__main__":
    main()
