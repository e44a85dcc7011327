"""Interrupt, starve and damage the project, and see that nothing is lost: ``make faults``.

Each row of ``book/faults.csv`` is one kind of fault at one kind of work, tried a number of times in
a small copy of the project. What must not be lost is compared by its hash after each try; every so
often the work is done again to its end, and must give the same files as when nobody disturbs it,
with no other file and no process left behind. Moments are drawn, from a seed, over the time that
the undisturbed work took. The last row is a control: a writer that must be caught.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.metadata import requires
from pathlib import Path

import test_make
from distributed import Client
from filelock import FileLock
from joblib.externals.loky import get_reusable_executor
from moment import square
from outcomes import ROOT, Case, put
from packaging.requirements import Requirement

import emt
from emt.training.recipes import three_stages
from emt.workshop import store
from emt.workshop.parallel import one_thread

TABLE = ROOT / "book/faults.csv"
KEYS = ["work", "fault"]
SIGNALS = {"kill -9": signal.SIGKILL, "Ctrl-C": signal.SIGINT}
TRIES, WHOLE = 20, 4  # moments of each, and after how many the work is done to its end
TASK = emt.repeat_copy(5, 2)
CONFIG = emt.TrainingConfig(hidden=32, seed=1, stages=three_stages(5, updates=(300, 0, 0)))
OTHER = emt.TrainingConfig(hidden=32, seed=2, stages=three_stages(5, updates=(20, 0, 0)))
LEARNS = """
import emt
from emt.training.recipes import three_stages

stages = three_stages(5, updates=(300, 0, 0))
config = emt.TrainingConfig(hidden=32, seed=1, stages=stages)
loss = emt.trained(emt.repeat_copy(5, 2), config, progress=False).loss[-1]
"""
PAGE = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Page

```{code-cell} ipython3
:tags: [parameters]

seed = 1
```

```{code-cell} ipython3
from emt.workshop.claims import Ledger
LEARNS
Ledger("page")("page.loss", loss, expect=(0, 1))
```
"""
WRITING = threading.Lock()
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["faults"])


class Running:
    """Work that has begun, in a process group of its own, with what it shows in a file."""

    def __init__(self, pid: int, wait: Callable[[], int], log: Path):
        self.pid, self.wait, self.log = pid, wait, log

    def end(self, how: signal.Signals) -> None:
        """Send a signal to all of it, as a terminal does."""
        try:
            os.killpg(self.pid, how)
        except ProcessLookupError:
            pass


class Work:
    """Something that can be interrupted, in a folder of its own.

    Attributes
    ----------
    folder
        Where it works.
    place
        What it makes; all of it but what `passing` names must be the same files every time.
    """

    passing = re.compile(r"^(config/|lock$|site/|uv/)|run-times|\.timing\.json$|\.lock$")

    def __init__(self, folder: Path):
        self.folder, self.place = folder, folder / "build"
        self.prepare()

    def prepare(self) -> None:
        """Make the folder ready for the first run."""
        self.folder.mkdir(parents=True)

    def start(self) -> Running:
        """Begin the work."""
        raise NotImplementedError

    def before(self, n: int) -> None:
        """Do what comes before a try: what was made is taken away."""
        shutil.rmtree(self.place, ignore_errors=True)

    def made(self) -> dict[str, str]:
        """Return the hash of every file that was made."""
        paths = [p for p in self.place.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        found = {p.relative_to(self.place).as_posix(): digest(p) for p in paths}
        return {name: hash for name, hash in found.items() if not self.passing.search(name)}

    def whole(self, found: dict[str, str], good: dict[str, str]) -> bool:
        """Say whether what an interruption left is whole: nothing half written has its name."""
        names = (n for n in found if re.search(r"(networks|results)/\w+\.\w+$|\d\.ipynb$", n))
        return all(found[name] == good.get(name) for name in names)

    def good(self, n: int, good: dict[str, str]) -> dict[str, str]:
        """Return what the work of a try must make, given what an undisturbed one made."""
        return good

    def left(self) -> list[int]:
        """Return the processes that still work here."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if os.fsencode(self.folder / "build") in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return [pid for pid in found if test_make.alive(pid)]


class Function(Work):
    """A function that runs in a process which has all modules at hand."""

    def __init__(self, folder: Path, function: Callable, *arguments):
        self.call = function, arguments
        super().__init__(folder)

    def start(self, operation: int = 0, how: int = 0) -> Running:
        """Begin it; with an operation, a signal comes before that operation on files."""
        log = self.folder / "log"
        function, arguments = self.call
        given = self.folder, operation, how, function, *arguments
        process = FORK.Process(target=_call, args=given)
        process.start()

        def wait() -> int:
            process.join()
            return process.exitcode

        return Running(process.pid, wait, log)


def _call(folder: Path, operation: int, how: int, function: Callable, *arguments) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(folder / "log", "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ["EMT_STORE"] = str(folder / "build/networks")
    one_thread()
    seen = 0

    def count(event: str, _) -> None:
        nonlocal seen
        if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"):
            seen += 1
            if seen == operation:
                os.kill(os.getpid(), how)

    if operation:
        sys.addaudithook(count)
    function(folder, *arguments)
    if operation:
        print(f"operations: {seen}", flush=True)


class Make(Work):
    """A target of make, in a small copy of the project."""

    def __init__(self, folder: Path, *target: str, learns: bool = True):
        self.target, self.learns = target, learns
        super().__init__(folder)

    def prepare(self) -> None:
        """Copy the project, with one small chapter."""
        test_make.Project(self.folder)
        self.options = [f"BIN={test_make.BIN}", "READY="]
        learns = LEARNS if self.learns else "\nloss = 0.5\n"
        page = PAGE.replace("\nLEARNS\n", learns)
        (self.folder / "notebooks/page.md").write_text(page, encoding="utf-8")

    def start(self, name: str = "log") -> Running:
        """Run make in a process group of its own."""
        log = self.folder / name
        command = ["make", *self.options, *self.target]
        with open(log, "w", encoding="utf-8") as file:
            run = subprocess.Popen(
                command,
                cwd=self.folder,
                env=test_make.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,
            )
        return Running(run.pid, run.wait, log)


class Pages(Make):
    """The pages of a book: old ones are there, and stay until the new ones are whole."""

    def before(self, n: int) -> None:
        """Give the first page another text at every try."""
        text = f"# {'Even' if n % 2 == 0 else 'Odd'}\n"
        (self.folder / "book/intro.md").write_text(text, encoding="utf-8")

    def whole(self, found, good) -> bool:
        """Say whether the pages are all old or all new."""
        return html(found) in map(html, self.known.values())

    def good(self, n: int, good):
        """Return those of the text that the first page has."""
        return self.known[n % 2]


class Install(Make):
    """The environment, from a lock of a few packages."""

    passing = re.compile(r"RECORD$|direct_url|uv_|INSTALLER|\.exe$|^bin/|__editable__|kernel\.json")

    def prepare(self) -> None:
        """Leave in the lock what pytest and the kernel need."""
        super().prepare()
        todo, names = ["pytest", "ipykernel", "setuptools"], set()
        while todo:
            name = todo.pop().lower().replace("_", "-")
            needed = [Requirement(text) for text in requires(name) or () if name not in names]
            names.add(name)
            todo += [r.name for r in needed if not r.marker or r.marker.evaluate({"extra": ""})]
        path = self.folder / "requirements.lock"
        blocks = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())
        kept = [b for b in blocks if re.match(r"[\w.-]+", b)[0].lower() in names]
        path.write_text("\n".join(kept) + "\n", encoding="utf-8")
        self.place = self.folder / ".venv"
        self.options = ["TORCH=mpmath", "TORCH_INDEX=", f"PYTHON={sys.executable}"]

    def before(self, n: int) -> None:
        """Leave everything: an installation begins from nothing by itself."""
        for stamp in self.place.glob(".installed-*"):
            stamp.unlink()

    def whole(self, found, good) -> bool:
        """Say whether the stamp is there only if all the rest is."""
        return found == good or not list(self.place.glob(".installed-*"))


def digest(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def html(found: dict[str, str]) -> dict[str, str]:
    """Return of what was made the pages."""
    return {name: hash for name, hash in found.items() if name.startswith("html/")}


# What is done


def learn(folder: Path) -> None:
    """Train a small network, or take it from the store."""
    emt.trained(TASK, CONFIG, progress=False)


def keep(folder: Path) -> None:
    """Write a network."""
    result = store.Training(emt.untrained(TASK, CONFIG), [1.0])
    (folder / "build/networks").mkdir(parents=True, exist_ok=True)
    store.keep(folder / "build/networks/x.safetensors", result, TASK, CONFIG)


def learn_in_place(folder: Path) -> None:
    """Train as `learn` does, and write slowly, under the file's own name: what must be caught."""

    def write(path: Path, content: bytes) -> Path:
        with path.open("wb") as file:
            for byte in range(0, len(content), 100):
                file.write(content[byte : byte + 100])
                file.flush()
                time.sleep(0.01)
        return path

    store.write_whole = write
    learn(folder)


def sweep(folder: Path, scheduler: str | None = None) -> None:
    """Compute a few results, side by side."""
    results = emt.sweep(square, range(12), 2, folder=folder / "build/results", scheduler=scheduler)
    assert [row["square"] for row in results] == [n * n for n in range(12)]
    if scheduler is None:  # as at the end of a program
        get_reusable_executor(reuse=True).shutdown()


def swap(folder: Path) -> None:
    """Put new pages in the place of old ones."""
    sys.path.insert(0, str(ROOT / "book/_scripts"))
    import swap

    new = folder / "build/site/new"
    for n in range(5):
        path = new / f"{n}/index.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("new", encoding="utf-8")
    swap.swap(new, folder / "build/html")


class Swap(Function):
    """New pages in the place of old ones."""

    def before(self, n: int) -> None:
        """Lay the old pages."""
        super().before(n)
        for page in range(5):
            path = self.place / f"html/{page}/index.html"
            path.parent.mkdir(parents=True)
            path.write_text("old", encoding="utf-8")

    def whole(self, found, good) -> bool:
        """Say whether old or new ones are there whole, or lie aside for the next run."""
        trees = [self.place / "html", *self.place.glob("old-*/html")]
        return any(len({p.read_text() for p in t.glob("*/*")}) == 1 for t in trees if t.exists())


# How it is disturbed


def undisturbed(work: Work) -> tuple[dict[str, str], float]:
    """Do the work; return what it made and how long it took."""
    made = {}
    for n in (1, 0) if isinstance(work, Pages) else (0,):
        work.before(n)
        start = time.monotonic()
        run = work.start()
        if code := run.wait():
            text = run.log.read_text(encoding="utf-8")
            raise RuntimeError(f"undisturbed work failed ({code}):\n{text}")
        made[n], seconds = work.made(), time.monotonic() - start
    work.known = made
    return made[0], seconds


def again(work: Work, n: int, good: dict[str, str], case: Case) -> None:
    """Do the work again, and see that it ends well, with the same files as ever."""
    run = work.start()
    case.check(run.wait() == 0, "the next run failed")
    found, good = work.made(), work.good(n, good)
    case.check(found.keys() >= good.keys(), "the next run left something out")
    case.check(found.keys() <= good.keys(), "a temporary file stayed")
    same = all(found[name] == good[name] for name in found.keys() & good.keys())
    case.check(same, "the next run gave other bytes")
    case.next_runs += 1


def interrupted(work: Work, case: Case, how: signal.Signals, whole: int = WHOLE) -> None:
    """Interrupt the work at moments over its whole length."""
    good, seconds = undisturbed(work)
    draw = random.Random(str(case.what))
    for n in range(TRIES):
        work.before(n)
        run = work.start()
        time.sleep(draw.uniform(0, seconds))
        run.end(how)
        after(work, n, run, good, case, how, whole)


def stopped(work: Function, case: Case, how: signal.Signals, whole: int = 1) -> None:
    """Interrupt the work before its operations on files, one after the other."""
    good, _ = undisturbed(work)
    work.before(0)
    run = work.start(operation=-1)
    run.wait()
    count = int(re.search(r"operations: (\d+)", run.log.read_text(encoding="utf-8"))[1])
    draw = random.Random(str(case.what))
    for n, operation in enumerate(sorted(draw.sample(range(1, count + 1), min(TRIES, count)))):
        work.before(n)
        after(work, n, work.start(operation, how), good, case, how, whole)


def after(work, n: int, run: Running, good, case: Case, how: signal.Signals, whole: int) -> None:
    """Look at what an interruption left."""
    case.tries += 1
    code = run.wait()
    if how == signal.SIGINT and code:
        case.say(run.log.read_text(encoding="utf-8"), work.folder)
    end = time.monotonic() + 20
    while work.left() and time.monotonic() < end:
        time.sleep(0.1)
    case.check(not work.left(), "a process stayed")
    case.check(work.whole(work.made(), work.good(n, good)), "something is lost or half written")
    if code == 0:
        case.check(work.made() == work.good(n, good), "it ended well, with other files")
    if n % whole == whole - 1 or n == TRIES - 1:
        again(work, n, good, case)


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Start a scheduler and two workers; give their address."""
    file, processes = folder / "scheduler.json", []
    worker = ["worker", "--no-nanny", "--nthreads", "1", "--local-directory", str(folder)]
    for what, *options in (["scheduler", "--port", "0", "--host", "127.0.0.1"], worker, worker):
        command = f"from distributed.cli.dask_{what} import main; main()"
        full = [sys.executable, "-c", command, *options, "--no-dashboard"]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        full += ["--scheduler-file", str(file)]
        processes.append(subprocess.Popen(full, cwd=folder, env=env, **quiet))
    try:
        test_make.wait_until(file.exists)
        address = json.loads(file.read_text(encoding="utf-8"))["address"]
        with Client(address, set_as_default=False, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def refused(work: Work, case: Case, *words: str) -> None:
    """See that the work says in its last line what is wrong, and loses nothing."""
    case.tries += 1
    run = work.start()
    code, text = run.wait(), run.log.read_text(encoding="utf-8")
    case.say(text, work.folder)
    case.check(code != 0, "it ended well")
    case.check(all(word in case.last for word in words), "the message does not say it")


def two_at_once(folder: Path, case: Case) -> None:
    """Let two makes build the same book."""
    work = Pages(folder / "book", "book", learns=False)
    undisturbed(work)
    for n in (1, 0, 1):
        case.tries += 1
        work.before(n)
        runs = [work.start(name) for name in ("log", "other")]
        case.check([run.wait() for run in runs] == [0, 0], "one of them failed")
        case.check(work.made() == work.known[n], "they gave other files")
        waits = [t for run in runs if "waiting" in (t := run.log.read_text(encoding="utf-8"))]
        case.check(len(waits) == 1, "none said that it waits")
        case.say("".join(line for t in waits for line in t.splitlines() if "waiting" in line))


class Book(Pages):
    """A whole book, its training too."""

    passing = re.compile(rf"{Pages.passing.pattern}|^filler$")

    def before(self, n: int) -> None:
        """Take away what the chapter made."""
        super().before(n)
        for name in ("networks", "executed"):
            shutil.rmtree(self.place / name, ignore_errors=True)

    def whole(self, found, good) -> bool:
        """Say whether the pages are all old or all new, and what else is there is whole."""
        return super().whole(found, good) and Work.whole(self, found, good)


@contextmanager
def disk(work: Work) -> Iterator[Callable[[str], None]]:
    """Put what the work makes on a small disk of its own; give what changes its options."""
    work.place.mkdir(parents=True, exist_ok=True)
    mount = partial(subprocess.run, check=True)
    mount(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", work.place])
    try:
        yield lambda options: mount(["mount", "-o", f"remount,{options}", work.place])
    finally:
        mount(["umount", work.place])


def full_disk(folder: Path, case: Case) -> None:
    """Fill the disk, after more or less of the work."""
    work, draw = Book(folder / "book", "book"), random.Random(str(case.what))
    with disk(work):
        good, _ = undisturbed(work)
        needed = sum(p.stat().st_size for p in work.place.rglob("*") if p.is_file())
        for n, room in enumerate([0, *sorted(draw.randrange(needed // 3) for _ in range(5))]):
            work.before(n + 1)
            filler = work.place / "filler"
            free = os.statvfs(work.place).f_bavail * os.statvfs(work.place).f_frsize
            with filler.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, free - room)
            refused(work, case, "No space left on device")
            case.check(work.whole(work.made(), good), "something is lost or half written")
            filler.unlink()
            again(work, n + 1, good, case)


def read_only(folder: Path, case: Case) -> None:
    """Let the build folder be read only."""
    work = Pages(folder / "book", "book", learns=False)
    with disk(work) as remount:
        good, _ = undisturbed(work)
        work.before(1)
        before = work.made()
        remount("ro")
        refused(work, case, "Read-only file system")
        case.check(work.made() == before, "something was written")
        remount("rw")
        again(work, 1, good, case)


def damaged(folder: Path, case: Case, damage: Callable[[bytes, bytes, random.Random], bytes]):
    """Damage a network in the store."""
    work, draw = Function(folder / "store", learn), random.Random(str(case.what))
    good, _ = undisturbed(work)
    networks = work.place / "networks"
    (path,) = networks.glob("*.safetensors")
    whole = path.read_bytes()
    other = emt.trained(TASK, OTHER, progress=False, folder=folder / "other")
    store.keep(folder / "x", other, TASK, OTHER)
    for n in range(TRIES):
        bad = damage(whole, (folder / "x").read_bytes(), draw)
        path.write_bytes(bad)
        refused(work, case, path.name, "move it away and rerun")
        case.check(path.read_bytes() == bad, "the file was touched")
        path.unlink()
        if n % WHOLE == WHOLE - 1:
            again(work, n, good, case)


def flipped(whole: bytes, _, draw: random.Random) -> bytes:
    """Change one bit."""
    place, bit = draw.randrange(len(whole)), draw.randrange(8)
    return whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]


def stale_lock(folder: Path, case: Case) -> None:
    """Leave a lock in the store that nobody holds."""
    work = Function(folder / "store", learn)
    good, _ = undisturbed(work)
    (lock,) = work.place.glob("networks/*.lock")
    work.before(0)
    lock.parent.mkdir(parents=True)
    lock.write_text("1", encoding="utf-8")
    os.utime(lock, (0, 0))
    case.tries += 1
    again(work, 0, good, case)


def hold(folder: Path, lock: Path) -> None:
    """Hold a lock, and do nothing."""
    with FileLock(lock):
        (folder / "held").touch()
        time.sleep(600)


def held_lock(folder: Path, case: Case) -> None:
    """Let another process hold a network's lock, hang, and be killed."""
    work = Function(folder / "store", learn)
    good, seconds = undisturbed(work)
    (lock,) = work.place.glob("networks/*.lock")
    for n in range(3):
        case.tries += 1
        work.before(0)
        lock.parent.mkdir(parents=True)
        holder = Function(folder / f"holder-{n}", hold, lock).start()
        test_make.wait_until((folder / f"holder-{n}/held").exists)
        run = work.start()
        time.sleep(2 * seconds)
        case.check(test_make.alive(run.pid), "it did not wait")
        case.check(work.made() == {}, "it trained although another process does")
        holder.end(signal.SIGKILL)
        case.check(run.wait() == 0 and work.made() == good, "it did not go on")


class Chapter(Pages):
    """A book whose chapter has two states."""

    def before(self, n: int) -> None:
        """Give the chapter another value at every try."""
        path = self.folder / "notebooks/page.md"
        text = re.sub(r"loss = 0\.\d+", f"loss = 0.{5 - n % 2}", path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")


def times(folder: Path, case: Case, change: Callable[[Chapter], None]) -> None:
    """Change a chapter, while the times of files say something else."""
    work = Chapter(folder / "book", "book", learns=False)
    good, _ = undisturbed(work)
    case.tries += 1
    change(work)
    again(work, 1, good, case)
    case.say((work.folder / "log").read_text(encoding="utf-8"), work.folder)


def made_in_future(work: Chapter) -> None:
    """Date what was made a day ahead, then change the chapter."""
    ahead = time.time() + 86400
    for path in work.place.rglob("*"):
        os.utime(path, (ahead, ahead))
    work.before(1)


def written_in_future(work: Chapter) -> None:
    """Change the chapter a day ahead."""
    work.before(1)
    os.utime(work.folder / "notebooks/page.md", (time.time() + 86400,) * 2)


def same_time(work: Chapter) -> None:
    """Change the chapter, and give it its old time."""
    path = work.folder / "notebooks/page.md"
    old = path.stat()
    work.before(1)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))


def control(folder: Path, case: Case) -> None:
    """Catch a bad writer."""
    interrupted(Function(folder / "store", learn_in_place), case, signal.SIGKILL, 1)
    found = "; ".join(f"{n} of {case.tries}: {fault}" for fault, n in case.faults.items())
    case.good, case.faults = f"caught: {found}", {} if found else {"it was not caught": case.tries}


def remote(folder: Path, case: Case, how: signal.Signals) -> None:
    """Interrupt a sweep whose calls a cluster computes."""
    with cluster(folder) as address:
        interrupted(Function(folder / "sweep", sweep, address), case, how)


def signals(work: str, disturb: Callable) -> dict[tuple[str, str], Callable]:
    """Return a case for each signal."""
    return {(work, name): partial(disturb, how=how) for name, how in SIGNALS.items()}


def at(moments: Callable, make: Callable[[Path], Work], **options) -> Callable:
    """Return a case: work that is interrupted."""

    def disturb(folder: Path, case: Case, how: signal.Signals) -> None:
        moments(make(folder / "work"), case, how, **options)

    return disturb


PAGES = "build/html/index.html"
CASES = {
    **signals(
        "installation", at(interrupted, lambda f: Install(f, "test", "PYTEST_ARGS=--version"))
    ),
    **signals("training", at(interrupted, lambda f: Function(f, learn))),
    **signals("writing a network", at(stopped, lambda f: Function(f, keep))),
    **signals(
        "a chapter (papermill)", at(interrupted, lambda f: Make(f, "build/executed/page.ipynb"))
    ),
    **signals("the pages (Sphinx)", at(interrupted, lambda f: Pages(f, PAGES, learns=False))),
    **signals("the swap of pages", at(stopped, lambda f: Swap(f, swap))),
    **signals("a sweep on one machine", at(interrupted, lambda f: Function(f, sweep))),
    **signals("a sweep on a cluster", remote),
    ("make book", "two at once"): two_at_once,
    ("make book", "a full disk"): full_disk,
    ("make book", "a read-only build folder"): read_only,
    ("make book", "a chapter changed, what was made is dated in the future"): partial(
        times, change=made_in_future
    ),
    ("make book", "a chapter dated in the future"): partial(times, change=written_in_future),
    ("make book", "a chapter changed without its time stamp"): partial(times, change=same_time),
    ("a stored network", "one bit changed"): partial(damaged, damage=flipped),
    ("a stored network", "truncated"): partial(
        damaged, damage=lambda whole, _, draw: whole[: draw.randrange(1, len(whole))]
    ),
    ("a stored network", "empty"): partial(damaged, damage=lambda *_: b""),
    ("a stored network", "another's in its place"): partial(damaged, damage=lambda _, x, __: x),
    ("a stored network", "a lock that nobody holds"): stale_lock,
    ("a stored network", "a lock whose holder hangs and is killed"): held_lock,
    ("control", "files written in place, kill -9"): control,
}


def tried(key: tuple[str, str]) -> bool:
    """Try a case, put its row into the table, and say whether it is as it should be."""
    case = Case(**dict(zip(KEYS, key, strict=True)))
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        try:
            CASES[key](Path(folder), case)
        except Exception as error:
            case.check(False, f"not tried: {error}")
    with WRITING:
        put(TABLE, case.row(), KEYS, list(CASES))
    return not case.faults


def main() -> int:
    """Try the cases that were asked for; return 1 if one is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only cases whose names hold one of these")
    parser.add_argument("--workers", type=int, default=2, help="cases at once")
    given = parser.parse_args()
    words = given.words or [""]
    chosen = [key for key in CASES if any(word in ": ".join(key) for word in words)]
    with ThreadPoolExecutor(given.workers) as pool:
        return int(not all(list(pool.map(tried, chosen))))


if __name__ == "__main__":
    import faults  # what processes import has this name

    sys.exit(faults.main())
