"""Committed tables: how they are made, written whole, and checked again."""

import hashlib
import math
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from emt import checks
from emt.workshop.parallel import sweep
from emt.workshop.tables import FOLDER, digest
from emt.writing import write_whole


@dataclass(frozen=True)
class Study:
    """One table: the same function of many arguments, a row each.

    A later run must reproduce every column but durations: on the same processor to rounding, on
    another within a tenth or so, since learning makes small differences larger.

    Attributes
    ----------
    row
        Top-level function that returns the columns of one row.
    arguments
        Of each row; they are the first columns of the table.
    near
        Columns that may differ by more than `within`, and by how much: values near zero, mostly.
    timed
        Columns that hold durations, or what follows from them; the rows of such a table are
        computed one after the other.
    within
        By which part of itself a value may differ; below 1/6, so that one that is a fifth too large
        is noticed.
    steady
        Which rows two machines agree on, as a query of the table, by default all: what a network
        holds that has not learned depends on every rounding.
    slow
        Whether a row takes too long to be computed again with every change.
    once
        What else the row's function is told when a row is computed again: not to repeat what is
        repeated for the sake of durations.
    """

    row: Callable[..., dict]
    arguments: Sequence[dict]
    near: Mapping[str, float] = field(default_factory=dict)
    timed: tuple[str, ...] = ()
    within: float = 0.1
    steady: str = ""
    slow: bool = False
    once: Mapping = field(default_factory=dict)


def build(
    study: Study, label: str | None = None, folder: Path | None = None, scheduler: str | None = None
) -> pd.DataFrame:
    """Compute all rows of a study; durations are measured anew, one row after the other.

    Parameters
    ----------
    study
        What to compute.
    label
        Of the progress bar.
    folder, scheduler
        As for `emt.sweep`.
    """
    row = partial(_row, study.row)
    if study.timed:
        return pd.DataFrame(sweep(row, study.arguments, 1, label))
    return pd.DataFrame(sweep(row, study.arguments, -1, label, folder, scheduler))


def write(name: str, rows: pd.DataFrame, command: str, folder: Path = FOLDER) -> Path:
    """Write a table and how it was made, under a temporary name first.

    Parameters
    ----------
    name
        Of the table.
    rows
        As `build` returns them.
    command
        That makes the table anew.
    folder
        Where the tables are.
    """
    made = {
        "command": command,
        "date": date.today().isoformat(),
        "commit": commit(folder.parent) or "unknown",
        "versions": ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "torch")),
        "machine": f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    head = "".join(f"# {key}: {value}\n" for key, value in made.items())
    body = rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    text = f"{head}# sha256: {digest(head + body)}\n{body}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    write_whole(path, text.encode())
    return path


def chosen(study: Study, rows: pd.DataFrame, key: str) -> int:
    """Choose a row to compute again, of those that are steady.

    Parameters
    ----------
    study, rows
        How the table is made, and the committed table.
    key
        Decides the choice: the commit, say.
    """
    steady = rows.query(study.steady).index if study.steady else rows.index
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest(), "big")
    return int(steady[drawn % len(steady)])


def disagreements(study: Study, rows: pd.DataFrame, index: int) -> list[str]:
    """Compute one row again and say which columns differ from the table.

    Parameters
    ----------
    study, rows
        How the table is made, and the committed table.
    index
        Of the row.

    Raises
    ------
    ValueError
        If the table has other rows or columns than the study.
    """
    arguments = list(study.arguments)
    checks.integer("index", index, least=0)
    if index >= len(arguments):
        raise ValueError(f"index must be below the number of rows, {len(arguments)}, not {index}")
    names = list(arguments[index])
    same = len(rows) == len(arguments) and set(names) <= set(rows.columns)
    if not same or dict(rows.loc[index, names]) != arguments[index]:
        raise ValueError(f"row {index} of the table is not the study's: run make atlas")
    again = {**arguments[index], **study.row(**arguments[index], **study.once)}
    return differences(study, dict(rows.loc[index]), again)


def differences(study: Study, was: dict, again: dict) -> list[str]:
    """Say in which columns two rows of a study are not the same, durations apart.

    Parameters
    ----------
    study
        What was computed.
    was, again
        Both rows.

    Raises
    ------
    ValueError
        If they have not the same columns.
    """
    if set(was) != set(again):
        raise ValueError(f"the rows must have the same columns, not {set(was) ^ set(again)}")
    faults = []
    for name in [name for name in was if name not in study.timed]:
        old, new = was[name], again[name]
        if old == new:
            continue
        if isinstance(old, str):
            faults.append(f"{name} is {new}, in the table {old}")
            continue
        allowed = max(study.within * abs(old), study.near.get(name, 0.0))
        if not abs(new - old) <= allowed < math.inf:
            faults.append(f"{name} is {new:.6g}, in the table {old:.6g} give or take {allowed:.2g}")
    return faults


def _row(function, argument: dict) -> dict:
    return {**argument, **function(**argument)}


def commit(folder: Path = FOLDER) -> str | None:
    """Return the commit that is checked out, "+ changes" if code differs, ``None`` without git.

    Parameters
    ----------
    folder
        In the repository.
    """
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        code = ":(top)emt", ":(top)benchmarks", ":(top,exclude)emt/atlas"
        changed = _git(folder, "status", "--porcelain", "--", *code)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head} + changes" if changed else head


def _git(folder: Path, *command: str) -> str:
    command = ["git", "-C", str(folder), *command]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


checks.guard(globals())
