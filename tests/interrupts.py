"""By hand: interrupt `make book` at five times, run it again, compare with an undisturbed run.

    .venv/bin/python tests/interrupts.py SCRATCH_FOLDER

Prints the five times and whether networks, executed notebooks and pages are the same bytes
(the run-times page apart). At a small size; takes about ten minutes.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARAMETERS = "PARAMETERS=-p s 8 -p kappa 3 -p hidden 64"
TIMES = (4, 12, 25, 45, 65)


def start(build: Path) -> subprocess.Popen:
    """Start make in a process group of its own, as a terminal does."""
    where = [f"BUILD={build}", f"BIN={Path(sys.executable).parent}", "READY="]
    command = ["make", "book", *where, PARAMETERS]
    log = (build.parent / f"{build.name}.log").open("a", encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, process_group=0)


def hashes(build: Path) -> dict[str, str]:
    """Hash everything that a build leaves, but durations, locks and logs."""
    kept = [*build.glob("networks/*.safetensors"), *build.glob("executed/*.ipynb")]
    kept += [p for p in (build / "html").rglob("*") if p.is_file()]
    kept = [p for p in kept if p.stem != "run-times" and not p.name.startswith(".part-")]
    return {str(p.relative_to(build)): hashlib.sha256(p.read_bytes()).hexdigest() for p in kept}


def main(scratch: Path) -> int:
    """Return 1 if any interrupted build ended differently."""
    scratch.mkdir(parents=True, exist_ok=True)
    assert start(scratch / "undisturbed").wait() == 0, "see undisturbed.log"
    reference, different = hashes(scratch / "undisturbed"), 0
    for seconds in TIMES:
        build = scratch / f"after-{seconds}"
        run = start(build)
        time.sleep(seconds)
        running = run.poll() is None
        os.killpg(run.pid, signal.SIGINT) if running else None
        stopped = run.wait()
        left = len(list(build.glob("networks/.part-*")))
        assert start(build).wait() == 0, f"see {build.name}.log"
        same = hashes(build) == reference
        different += not same
        print(
            f"interrupted after {seconds} s (exit {stopped}, {left} part files):",
            "the same bytes" if same else "DIFFERENT",
            flush=True,
        )
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
