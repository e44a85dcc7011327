"""A reader's walk: every command that a page prints, run as printed in a clone of the last commit.

Commands stand in fences, in indented blocks and in the prose; Python is walked where it stands in
the prose, since cells run in the book. Everything that is said goes to standard output.

    make walk WITHOUT="make (test|book)"
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from torch import nn

import emt
from emt.loading.modules import on_arrays

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "book/walk.csv"
PAGES = "CONTRIBUTING.md", "README.md", "book/*.md", "emt/verdict/command.py", "notebooks/*.md"
KEPT = re.compile(r"PATH|HOME|TERM|PIP_.*|.*_(PROXY|proxy)|.*_CA_BUNDLE|SSL_CERT_.*")
FIRST = [
    # what a reader does whom no page tells
    "make environment",
    "python3 -m venv ../mine && . ../mine/bin/activate",
]
HERE = [
    # what is printed, what is run in its place (nothing: it is not run), why
    (r"^apt-get install", "apt-get install --dry-run", "installs nothing"),
    (r"^(make .*CONDA_PREFIX)", r'CONDA_PREFIX="$PWD/.venv"; \1', "no conda here"),
    (r"make (?=atlas)", "make -n ", "hours"),
    (r"make (?=book [B-Z]|TORCH)", "make -n ", "another book or torch"),
    (r"make (?=walk)", "make -n ", "this is it"),
    (r"make (?=machines|faults|mutation)", "make -n ", "it has a table of its own"),
    (r"make (?=audit)", "make -n ", "asks a service that does not answer here"),
    (r"^pip install.*\[torch\].*", 'pip install ".[torch]" torch==2.13.0+cpu', "torch is at hand"),
    (r"^emt sweep .*--scheduler.*", "", "no cluster here; tests/test_parallel.py has one"),
    (r"^emt sweep (?!.*--hidden )", "emt sweep --s 2 --kappa 1 --hidden 8 ", "smaller networks"),
    (r'device="cuda"', 'device="cpu"', "no GPU here"),
    (r"^emt\.train\(\.\.\.", "emt.train(task, config", "what the dots stand for"),
]
COMMAND = re.compile(r"(?:\$ )?((?:apt-get|cat|conda|emt|git|make|pip|python3?) .+|make)")
CALL = re.compile(r"(?:\w+ = )?(?:emt(?:\.\w+)+|on_arrays)\(.*\)\S*")
CODE = re.compile(
    r"^ *(`{3,}|:{3,})(?P<kind>.*)\n(?P<body>(?:.*\n)*?) *\1 *$"
    r"|^ {4,}(?P<line>\S.*)$|(?<!`)`(?P<word>[^`\n]+)`(?!`)",
    re.MULTILINE,
)


def printed(text: str) -> list[str]:
    """Return the commands and calls that a page prints, in its order, each once.

    Parameters
    ----------
    text
        Of the page.
    """
    found = []
    for code in CODE.finditer(text):
        shell = code["kind"] in ("", "sh", "bash", "console")
        whole = code["body"].splitlines() if shell else [code["line"] or code["word"] or ""]
        for line in map(str.strip, whole):
            if command := COMMAND.fullmatch(line):
                found.append(re.sub(r"\s+#.*", "", command[1]))
            elif code["word"] and CALL.fullmatch(line):
                found.append(line)
    return list(dict.fromkeys(found))


def pages(root: Path = ROOT) -> dict[str, list[str]]:
    """Return what each page prints; what make does once for all pages is on the first alone.

    Parameters
    ----------
    root
        Of the project.
    """
    found, made = {}, set()
    for path in (path for pattern in PAGES for path in sorted(root.glob(pattern))):
        steps = [s for s in printed(path.read_text(encoding="utf-8")) if s not in made]
        made |= {step for step in steps if step.startswith("make")}
        if steps:
            found[str(path.relative_to(root))] = steps
    return found


def here(step: str, without: str | None = None) -> tuple[str, str]:
    """Return what is run in place of a command, and why, if it is not run as printed.

    Parameters
    ----------
    step
        As printed.
    without
        What is left out: of make, all but the plan.
    """
    reasons = []
    for pattern, instead, why in HERE:
        step, times = re.subn(pattern, instead, step)
        reasons += [why] * times
    if without and re.fullmatch(without, step):
        step, reasons = step.replace("make ", "make -n ", 1), ["left out"]
    return step, ", ".join(reasons)


class Shell:
    """A reader's shell in a folder: what one command sets, the next one sees."""

    def __init__(self, folder: Path):
        cache = {"XDG_CACHE_HOME": str(folder.parent / "cache")}
        kept = {k: v for k, v in os.environ.items() if KEPT.fullmatch(k)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.bash = subprocess.Popen(
            ["bash"], **pipes, cwd=folder, env=kept | cache, text=True, start_new_session=True
        )

    def end(self):
        """End the shell and what still runs in it."""
        with suppress(ProcessLookupError):
            os.killpg(self.bash.pid, signal.SIGKILL)
        self.bash.communicate()

    def run(self, command: str) -> tuple[str, float]:
        """Run a command to its end, and return its outcome and its seconds."""
        print(f"\n$ {command}", flush=True)
        mark, last, start = "-- walked:", "", time.perf_counter()
        self.bash.stdin.write(f"{{ {command}\n}} < /dev/null; printf '\\n{mark} %s\\n' $?\n")
        self.bash.stdin.flush()
        for line in self.bash.stdout:
            if line.startswith(mark):
                break
            print(line, end="", flush=True)
            last = line.strip() or last
        seconds = time.perf_counter() - start
        code = int(line.removeprefix(mark))
        return ("ok" if code == 0 else f"exit {code}: {last}"), seconds


def given() -> dict[str, object]:
    """Return what a reader has, by the names that pages use."""
    task, rng = emt.repeat_copy(8, 2), np.random.default_rng(0)
    plain = emt.constructed(task, np.linalg.qr(rng.normal(size=(40, 16)))[0])
    network = replace(plain, activation=emt.TANH, W_uh=plain.W_uh / 4, W_r=plain.W_r * 4)
    W, U, R = network.W_hh, network.W_uh, network.W_r
    model = nn.Sequential(nn.RNN(2, 12, batch_first=True), nn.Linear(12, 2))
    gated = emt.from_torch(nn.Sequential(nn.GRU(2, 12), nn.Linear(12, 2)))
    return {
        **{"emt": emt, "on_arrays": on_arrays, "task": task, "network": network, "gated": gated},
        **{"model": model, "cell": nn.RNNCell(2, 12), "edited": emt.from_torch(model)},
        **{"W": W, "U": U, "R": R, "W_r": R, "m": 2},
        "config": emt.TrainingConfig(hidden=16, stages=(emt.Stage(8, 2, 0.01),)),
        "function": lambda u, h: np.tanh(h @ W.T + u @ U.T),
        "operator": np.vstack([np.eye(2), np.zeros((14, 2))]),
        "point": emt.operating_point(gated, task),
    }


def of_keras():
    """Return the model of a reader who uses Keras."""
    os.environ["KERAS_BACKEND"] = "torch"
    from keras import Input, Sequential, layers

    return Sequential([Input((None, 2)), layers.SimpleRNN(12), layers.Dense(2)])


def write_files(folder: Path) -> None:
    """Write the files that a reader has.

    Parameters
    ----------
    folder
        Where she works.
    """
    import onnx
    import scipy.io

    names = given()
    parts = {"W_rec": names["W"], "W_in": names["U"], "W_out": names["R"]}
    np.savez(folder / "weights.npz", **parts)
    bits = np.where(np.random.default_rng(0).random((50, 8, 2)) < 0.5, -1.0, 1.0)
    inputs = np.concatenate([bits, np.zeros((50, 16, 2))], axis=1)
    targets, mask = np.tile(bits, (1, 3, 1)), np.tile(np.arange(24) >= 8, (50, 1))
    np.savez(folder / "trials.npz", inputs=inputs, targets=targets, mask=mask)
    for name in ("weights.mat", "net.mat"):
        scipy.io.savemat(folder / name, parts)
    for name in ("model.pt", "theirs.pt"):
        torch.save(names["model"].state_dict(), folder / name)
    of_keras().save(folder / "model.keras")
    held = [onnx.numpy_helper.from_array(value, name) for name, value in parts.items()]
    onnx.save(
        onnx.helper.make_model(onnx.helper.make_graph([], "network", [], [], held)),
        folder / "model.onnx",
    )


def walk(scratch: Path, without: str | None, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Walk through all pages, and return a row of each command.

    Parameters
    ----------
    scratch
        An empty folder.
    without
        As for `here`.
    known
        Rows that stay; of their commands only the first two are run again.
    """
    rows, folder = [], scratch / "project"
    stay = [] if known is None else known.fillna("").to_dict("records")
    stay = {(row["page"], row["command"]): row for row in stay if row["page"]}
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    write_files(folder)
    shell = Shell(folder)
    for page, steps in {"": FIRST, **pages(folder)}.items():
        for step in steps:
            if (page, step) in stay:
                rows.append(stay[page, step])
                continue
            run, why = here(step, without)
            why = why if run in (step, "") else f"as `{run}`: {why}"
            if CALL.fullmatch(run):
                run = f".venv/bin/python benchmarks/walk.py --call {shlex.quote(run)}"
            outcome, seconds = shell.run(run) if run else ("not run", 0.0)
            outcome += f" ({why})" if why else ""
            row = {"page": page, "command": step, "outcome": outcome, "seconds": round(seconds, 1)}
            rows.append(row)
    shell.end()
    return pd.DataFrame(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without", help="commands to leave out: a regular expression")
    parser.add_argument("--new", action="store_true", help="only what the table lacks")
    parser.add_argument("--call", help="evaluate this, where a reader's files are")
    asked = parser.parse_args()
    if asked.call:
        exec(asked.call, given() | ({"model": of_keras()} if "keras(" in asked.call else {}))
        sys.exit()
    with TemporaryDirectory() as scratch:
        rows = walk(Path(scratch), asked.without, pd.read_csv(TABLE) if asked.new else None)
        rows.to_csv(TABLE, index=False, lineterminator="\n")
    sys.exit(int(rows["outcome"].str.startswith("exit").any()))
