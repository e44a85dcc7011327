"""The Makefile in other folders, in other environments, beside other makes, and interrupted."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PAGE = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Page

```{code-cell} ipython3
:tags: [parameters]

word = "none"
```

```{code-cell} ipython3
import os, sys

import emt
from emt.workshop.claims import Ledger

seen = {name: os.environ.get(name) for name in LEAKS}
Ledger("page")("page.value", 1.5)
code = emt.__file__, getattr(emt, "EDITED", word)
code, sys.flags.optimize, sys.warnoptions, sys.executable, seen
```
"""
# What a user may have in her environment, and what must not change a byte.
LEAKS = {
    "LC_ALL": "C",
    "LANG": "de_DE.ISO-8859-1",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTHONSAFEPATH": "1",
    "PYTHONPATH": "/nowhere",
    "SOURCE_DATE_EPOCH": "0",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "OMP_NUM_THREADS": "2",
    "JUPYTER_PLATFORM_DIRS": "1",
    "JUPYTER_PREFER_ENV_PATH": "0",
    "MPLBACKEND": "nonsense",
    "PYTEST_ADDOPTS": "--nonsense",
    "GIT_DIR": "/nowhere",
    "BUILD": "/nowhere",
    "BIN": "/nowhere",
    "PARAMETERS": "-p word other",
}

RUN_TIMES = {"run-times.html", "_sources/run-times.md"}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def environment(**more: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))} | more


class Project:
    """A copy of what make needs of this project, with one small chapter."""

    def __init__(self, folder: Path):
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("emt", "book", "requirements"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        for name in ("Makefile", "requirements.lock", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        (folder / "notebooks").mkdir()
        (folder / "notebooks/page.md").write_text(
            PAGE.replace("LEAKS", repr([*LEAKS][:-3])), encoding="utf-8"
        )
        for name in ("equations.yml", "verdicts.yml"):
            (folder / "book" / name).unlink()
        files = "".join(f"- file: {f}\n" for f in ("notebooks/page", "claims", "run-times"))
        toc = f"format: jb-book\nroot: intro\nchapters:\n{files}"
        (folder / "book/_toc.yml").write_text(toc, encoding="utf-8")
        (folder / "book/intro.md").write_text("# Tiny\n", encoding="utf-8")

    def start(self, *arguments: str, **env: str) -> subprocess.Popen:
        """Start make here, with the environment of this interpreter."""
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        command = ["make", f"BIN={BIN}", "READY=", *arguments]
        env = environment(**env)
        return subprocess.Popen(command, cwd=self.folder, env=env, encoding="utf-8", **pipes)

    def make(self, *arguments: str, **env: str) -> subprocess.CompletedProcess:
        """Run make here and wait for it."""
        run = self.start(*arguments, **env)
        out, err = run.communicate()
        return subprocess.CompletedProcess(run.args, run.returncode, out, err)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Project:
    """Build a project in a folder whose name a shell takes apart."""
    project = Project(tmp_path_factory.mktemp("x") / "a b é")
    before = set(project.folder.parent.iterdir())
    done = project.make("book")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(project.folder.parent.iterdir()) == before
    return project


def in_project(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, encoding="utf-8"
    )


# Folders


def test_a_project_and_a_build_may_have_spaces_in_their_names(built, tmp_path):
    assert (built.folder / "build/html/notebooks/page.html").exists()
    build = tmp_path / "my data/ö ut"
    assert built.make("book", f"BUILD={build}").returncode == 0
    pages, others = tree(built.folder / "build/html"), tree(build / "html")
    assert others.keys() == pages.keys()
    assert {n for n in pages if pages[n] != others[n]} <= {
        "run-times.html",
        "_sources/run-times.md",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["my data"]
    assert [p.name for p in (tmp_path / "my data").iterdir()] == ["ö ut"]
    assert "Nothing to be done" in built.make("book", f"BUILD={build}").stdout


@pytest.mark.parametrize("name", ["my data/out", "plain", "two  spaces", "ünder score"])
def test_clean_removes_the_build_and_nothing_else(built, tmp_path, name):
    build, tag = tmp_path / name, tmp_path / name / "CACHEDIR.TAG"
    for word in name.split():
        (tmp_path / word).mkdir(parents=True, exist_ok=True)
        (tmp_path / word / "mine").write_text("kept", encoding="utf-8")
    mine = {p for p in tmp_path.rglob("mine") if build not in p.parents}
    for path in build.glob("mine"):
        path.unlink()
    assert built.make(str(tag), f"BUILD={build}").returncode == 0
    (build / "html").mkdir()
    assert built.make("clean", f"BUILD={build}").returncode == 0
    assert not build.exists() and all(p.exists() for p in mine)


def test_clean_leaves_what_make_did_not_make(built, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source/mine").write_text("kept", encoding="utf-8")
    for target in ("clean", "book"):
        done = built.make(target, f"BUILD={tmp_path}")
        assert done.returncode != 0 and "was not made by make" in done.stderr
    assert tree(tmp_path) == {"source/mine": b"kept"}
    build = tmp_path / "build"
    assert built.make(str(build / "CACHEDIR.TAG"), f"BUILD={build}").returncode == 0
    (build / "mine").write_text("kept", encoding="utf-8")
    assert "holds more" in built.make("clean", f"BUILD={build}").stdout
    assert tree(build) == {"mine": b"kept"}


@pytest.mark.parametrize("name", ["", " ", *(f"/tmp/x{c}y" for c in "\"'`\\$%:;&|<>()*?[]{}~!=")])
def test_a_build_that_make_cannot_handle_is_refused_in_one_line(built, tmp_path, name):
    before = tree(built.folder)
    for target in ("book", "clean", "test"):
        done = built.make(target, f"BUILD={name}")
        assert done.returncode == 2 and done.stdout == ""
        assert "BUILD" in done.stderr and len(done.stderr.splitlines()) == 1
    assert tree(built.folder) == before


def test_a_folder_that_cannot_be_written_to_is_named_in_one_line(built, tmp_path):
    (tmp_path / "file").touch()
    before = tree(built.folder)
    done = built.make("book", f"BUILD={tmp_path}/file/build")
    assert done.returncode == 2 and "file/build cannot be written to" in done.stderr.splitlines()[0]
    command = ["make", f"VENV={tmp_path}/file/venv", f"BUILD={tmp_path}/build", "test"]
    done = in_project(command, built.folder)
    assert done.returncode == 2 and "give VENV and BUILD, folders elsewhere" in done.stderr
    assert tree(built.folder) == before


def test_an_environment_may_lie_elsewhere(built, tmp_path):
    command = ["make", "-n", f"VENV={tmp_path}/venv", f"BUILD={tmp_path}/build", "test"]
    done = in_project(command, built.folder)
    assert done.returncode == 0 and f"-m venv {tmp_path}/venv" in done.stdout
    assert ".cache" not in done.stdout and " .venv" not in done.stdout


def test_a_copied_tree_runs_its_own_code(built, tmp_path):
    copy = Project(tmp_path / "copy")
    with (copy.folder / "emt/__init__.py").open("a", encoding="utf-8") as file:
        file.write("\nEDITED = 'of the copy'\n")
    done = copy.make("build/executed/page.ipynb")
    assert done.returncode == 0, done.stderr
    page = (copy.folder / "build/executed/page.ipynb").read_text(encoding="utf-8")
    assert "of the copy" in page and str(copy.folder / "emt") in page
    assert "of the copy" not in (built.folder / "build/executed/page.ipynb").read_text("utf-8")


def test_an_environment_knows_its_folder(built, tmp_path):
    first, copy = tmp_path / "first", tmp_path / "copy"
    shutil.copytree(built.folder, first, ignore=shutil.ignore_patterns("build"))
    installs = in_project(["make", "-n", "test"], first).stdout
    (stamp,) = re.findall(r"touch (\.venv/\S+)", installs)
    (first / ".venv").mkdir()
    (first / stamp).touch()
    assert "-m venv" not in in_project(["make", "-n", "test"], first).stdout
    shutil.copytree(first, copy, copy_function=shutil.copy2)
    assert "-m venv" in in_project(["make", "-n", "test"], copy).stdout
    first.rename(tmp_path / "moved")
    assert "-m venv" in in_project(["make", "-n", "test"], tmp_path / "moved").stdout


def test_a_new_folder_of_the_package_reruns_what_depends_on_it(built):
    assert built.make("book").returncode == 0
    assert "execute.py" not in built.make("-n", "book").stdout
    room = built.folder / "emt/new room"
    room.mkdir()
    (room / "inner.py").write_text("", encoding="utf-8")
    commands = built.make("-n", "book").stdout
    shutil.rmtree(room)
    assert "execute.py" in commands


def test_a_change_that_times_hide_is_seen(built):
    """A file with its old time, and what was made by a clock that was ahead."""
    assert built.make("book").returncode == 0
    page, made = (built.folder / p for p in ("notebooks/page.md", "build/executed/page.ipynb"))
    text, old, when = page.read_text(encoding="utf-8"), page.stat(), made.stat().st_mtime

    def marked() -> bool:
        built.make("-n", "book")  # make looks even so: what it would do follows from it
        return made.stat().st_mtime == 0

    assert not marked()
    os.utime(made, (time.time() + 3600,) * 2)
    assert marked()
    os.utime(made, (when, when))
    page.write_text(text + "More.", encoding="utf-8")
    os.utime(page, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert marked() and marked()  # until it is made
    page.write_text(text, encoding="utf-8")
    assert "execute.py" in built.make("-n", "book").stdout


# The user's environment


def test_nothing_of_the_users_environment_leaks_in(built, tmp_path):
    for folder in ("kernels/python3", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    spec = '{"argv": ["/bin/false"], "display_name": "x", "language": "python"}'
    (tmp_path / "kernels/python3/kernel.json").write_text(spec, encoding="utf-8")
    leaks = {**LEAKS, "JUPYTER_PATH": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    build = built.folder / "build"
    executed, pages = tree(build / "executed"), tree(build / "html")
    (built.folder / "notebooks/page.md").touch()
    done = built.make("book", **leaks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tree(build / "executed")["page.ipynb"] == executed["page.ipynb"]
    again = tree(build / "html")
    assert again.keys() == pages.keys()
    assert {n for n in pages if pages[n] != again[n]} <= RUN_TIMES


def test_a_variable_named_to_make_passes(built, tmp_path):
    target = "build/other/executed/page.ipynb"
    done = built.make("BUILD=build/other", "OPENBLAS_CORETYPE=Haswell", target)
    assert done.returncode == 0, done.stderr
    text = (built.folder / target).read_text(encoding="utf-8")
    assert "'OPENBLAS_CORETYPE': 'Haswell'" in text and "'ATEN_CPU_CAPABILITY': None" in text


def test_a_foreign_kernel_is_not_used_by_the_script_itself(built, tmp_path):
    (tmp_path / "kernels/python3").mkdir(parents=True)
    spec = '{"argv": ["/bin/false"], "display_name": "x", "language": "python"}'
    (tmp_path / "kernels/python3/kernel.json").write_text(spec, encoding="utf-8")
    command = [sys.executable, "book/_scripts/execute.py", "notebooks/page.md"]
    env = environment(JUPYTER_PATH=str(tmp_path))
    done = subprocess.run([*command, tmp_path / "x.ipynb"], cwd=built.folder, env=env)
    assert done.returncode == 0
    assert sys.executable in (tmp_path / "x.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["assemble", "check"])
def test_scripts_do_not_ask_the_locale(built, name):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    arguments = {
        "assemble": ["book", "build/executed", "build/source"],
        "check": ["build/source", "build/html"],
    }
    command = [sys.executable, f"book/_scripts/{name}.py", *arguments[name]]
    done = subprocess.run(command, cwd=built.folder, env=environment(**ascii_only))
    assert done.returncode == 0


def test_every_text_file_is_opened_as_utf_8():
    call = re.compile(r"\.(read|write)_text\((?!.*encoding|.*utf-8)|[ (]open\(|text=True")
    places = [p for folder in ("emt", "book/_scripts") for p in (ROOT / folder).rglob("*.py")]
    lines = [(p.name, line) for p in places for line in p.read_text("utf-8").splitlines()]
    assert [(n, s) for n, s in lines if call.search(s) and not s.rstrip().endswith("(")] == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize(
    "name", [".ci/run", "Makefile", "emt/tasks.py", "emt/atlas/x.csv", "a/new.md"]
)
def test_a_checkout_has_the_same_line_ends_everywhere(name):
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=true", "check-attr", "text", "eol", "--", name],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        pytest.skip("not in a git repository")
    assert "eol: lf" in done.stdout


# More than one make, and what stops one


def test_two_makes_at_once_both_end_well(built):
    build = "BUILD=build/both"
    runs = [built.start("book", build) for _ in range(2)]
    ends = [(*run.communicate(), run.returncode) for run in runs]
    assert [code for *_, code in ends] == [0, 0], ends
    assert sum("another make is at work" in err for _, err, _ in ends) == 1
    assert tree(built.folder / "build/both/html").keys() == tree(built.folder / "build/html").keys()


def shims(folder: Path) -> Path:
    """Programs of this interpreter, but old pages cannot be removed and the end is an interrupt."""
    folder.mkdir()
    for name in ("jupyter-book", "lychee"):
        (folder / name).symlink_to(BIN / name)
    python = f"""#!/bin/sh
case "$1" in *swap.py) "{sys.executable}" "$@"; kill -INT $PPID; sleep 1; exit 1;; esac
exec "{sys.executable}" "$@"
"""
    rm = """#!/bin/sh
for last; do :; done
case "$last" in *html.old) test ! -e "$last" || { kill -INT $PPID; sleep 1; exit 1; };; esac
exec /bin/rm "$@"
"""
    for name, text in {"python": python, "rm": rm}.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_an_interrupt_at_the_very_end_leaves_whole_pages(built, tmp_path):
    pages, folder = tree(built.folder / "build/html"), shims(tmp_path / "bin")
    (built.folder / "book/intro.md").touch()
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    assert built.make("book", f"BIN={folder}", PATH=path).returncode != 0
    assert tree(built.folder / "build/html").keys() == pages.keys()
    assert built.make("book").returncode == 0


@pytest.fixture
def swap(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book/_scripts")
    import swap

    return swap


def folders(path: Path) -> tuple[Path, Path]:
    new, pages = path / "site/new", path / "html"
    for folder, text in ((new, "new"), (pages, "old")):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(text, encoding="utf-8")
    return new, pages


def text(pages: Path) -> str:
    return (pages / "index.html").read_text(encoding="utf-8")


def test_old_pages_that_cannot_be_removed_are_in_nobodys_way(swap, tmp_path, monkeypatch, capsys):
    new, pages = folders(tmp_path)
    monkeypatch.setattr(swap.shutil, "rmtree", lambda *_, **__: None)
    swap.swap(new, pages)
    assert text(pages) == "new" and "could not be removed" in capsys.readouterr().err
    monkeypatch.undo()
    pages.rename(new)
    (new / "index.html").write_text("newer", encoding="utf-8")
    swap.swap(new, pages)
    assert text(pages) == "newer" and [p.name for p in tmp_path.glob("*")] == ["html", "site"]


@pytest.mark.parametrize("when", [0, 1])
def test_nothing_interrupts_the_renames(swap, tmp_path, monkeypatch, when):
    new, pages = folders(tmp_path)
    rename, calls = Path.rename, []

    def interrupted(self, target):
        calls.append(target)
        if len(calls) == when + 1:
            os.kill(os.getpid(), signal.SIGINT)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    swap.swap(new, pages)
    assert text(pages) == "new" and len(calls) == 2


def test_a_failed_rename_and_a_kill_in_between_are_mended(swap, tmp_path):
    new, pages = folders(tmp_path)
    with pytest.raises(OSError):
        swap.swap(tmp_path / "missing", pages)
    assert text(pages) == "old"
    aside = tmp_path / "old-killed"
    aside.mkdir()
    pages.rename(aside / "html")
    with pytest.raises(OSError):
        swap.swap(tmp_path / "missing", pages)
    assert text(pages) == "old"
    swap.swap(new, pages)
    assert text(pages) == "new"


def test_serve_is_for_this_machine_only(built):
    commands = built.make("-n", "serve").stdout
    assert "http.server" in commands and "--bind 127.0.0.1" in commands


WORKERS = """
import os, sys, time
from emt.workshop.parallel import sweep

def work(n):
    open(os.path.join(sys.argv[1], str(os.getpid())), "w", encoding="utf-8").close()
    time.sleep(120)

if __name__ == "__main__":
    sweep(work, range(4), workers=2)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_workers_notice_that_their_parent_is_gone(tmp_path, end):
    (tmp_path / "script.py").write_text(WORKERS, encoding="utf-8")
    started = tmp_path / "started"
    started.mkdir()
    env = environment(PYTHONPATH=str(ROOT))
    run = subprocess.Popen(
        [sys.executable, tmp_path / "script.py", started], env=env, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: len(list(started.iterdir())) == 2)
    workers = [int(p.name) for p in started.iterdir()]
    run.send_signal(end)
    run.wait()
    wait_until(lambda: not any(alive(worker) for worker in workers))


def wait_until(true, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return False
    return state[0] != "Z"
