"""Execute one notebook: MyST Markdown in, executed .ipynb out, reproducibly.

On the same kind of processor the result is the same bytes every time. Whatever differs between two
runs (times, random cell ids, papermill's notes) leaves the notebook; the durations go to
`x.timing.json` beside it, for the run-times page. The result appears under its own name only when
it is whole; a notebook that failed is kept as `x.failed.ipynb`.
"""

import argparse
import json
import logging
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jupytext
import nbformat
import papermill
import yaml
from ipykernel.kernelspec import write_kernel_spec
from papermill.exceptions import PapermillExecutionError

KERNEL, CELL_TIMEOUT = "python3", 1800
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def convert(source: Path, target: Path) -> None:
    """Turn the Markdown notebook into an .ipynb without outputs."""
    nb = jupytext.read(source)
    nb.metadata.pop("jupytext", None)
    nbformat.write(nb, target)


def split_timing(nb: nbformat.NotebookNode) -> dict:
    """Make the executed notebook reproducible, in place; return the durations taken from it."""
    seconds = nb.metadata.pop("papermill", {}).get("duration")
    cells = []
    for number, cell in enumerate(nb.cells):
        cell.id = f"cell-{number}"
        cell.metadata.pop("execution", None)
        duration = cell.metadata.pop("papermill", {}).get("duration")
        if cell.cell_type == "code":
            first = next(iter(cell.source.strip().splitlines()), "")
            cells.append({"cell": number, "seconds": duration, "source": first})
    where = {"python": platform.python_version(), "machine": platform.machine()}
    return {"seconds": seconds, "cores": os.cpu_count(), **where, "cells": cells}


@contextmanager
def own_kernel() -> Iterator[None]:
    """Make this very interpreter the kernel, whatever kernels the user or the system has."""
    with tempfile.TemporaryDirectory() as folder:
        write_kernel_spec(Path(folder) / "kernels" / KERNEL)
        os.environ["JUPYTER_PATH"] = folder  # searched before all others
        yield


def execute(source: Path, target: Path, parameters: dict) -> None:
    """Run `source` in its own folder, as a reader would, and write `target` and its timing."""
    started = time.time()
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".running.ipynb")
    failed = target.with_suffix(".failed.ipynb")
    failed.unlink(missing_ok=True)
    convert(source, scratch)
    try:
        with own_kernel():
            papermill.execute_notebook(
                scratch,
                scratch,
                parameters=parameters,
                kernel_name=KERNEL,
                cwd=source.parent,
                execution_timeout=CELL_TIMEOUT,
                progress_bar=sys.stderr.isatty(),
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            )
    except PapermillExecutionError as error:
        scratch.rename(failed)
        tail = "\n".join(ANSI.sub("", "\n".join(error.traceback)).splitlines()[-12:])
        sys.exit(
            f"\n{source}: a cell raised {error.ename}: {ANSI.sub('', error.evalue)}\n\n"
            f"--- the cell (number {error.cell_index})\n{error.source}\n"
            f"--- the end of its traceback\n{tail}\n--- as far as it got: {failed}\n"
        )
    except BaseException as error:
        scratch.rename(failed)
        sys.exit(f"\n{source}: {type(error).__name__}: {error}\n")
    nb = nbformat.read(scratch, as_version=4)
    timing = split_timing(nb)
    target.with_suffix(".timing.json").write_text(
        json.dumps(timing, indent=1) + "\n", encoding="utf-8"
    )
    nbformat.write(nb, scratch)
    os.utime(scratch, (started, started))  # a source edited during the run is newer than this
    scratch.rename(target)
    print(f"{source}: {timing['seconds']:.1f} s", flush=True)


def parameter(text: str) -> object:
    """Read a value as YAML, and as a number what YAML takes for a word: 2e-3."""
    value = yaml.safe_load(text)
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def main() -> None:
    """Read the command line; -p NAME VALUE as papermill has it, the value read as YAML."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    args = parser.parse_args()
    logging.getLogger("papermill").setLevel(logging.WARNING)
    parameters = {name: parameter(value) for name, value in args.p}
    execute(args.source, args.target, parameters)


if __name__ == "__main__":
    main()
