"""Committed tables: how they are made, written whole, and checked again."""

import hashlib
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
from emt.workshop.store import write_whole
from emt.workshop.tables import FOLDER, digest


@dataclass(frozen=True)
class Study:
    """One table: the same function of many arguments, a row each.

    Attributes
    ----------
    row
        Top-level function that returns the columns of one row.
    arguments
        Of each row; they are the first columns of the table.
    checked
        Columns that a later run must reproduce within the spread of the rows of its group, and for
        each the smallest spread that is taken, for columns that hardly vary.
    group
        Columns whose values make a group.
    timed
        Whether the rows hold durations: they are then computed one after the other.
    """

    row: Callable[..., dict]
    arguments: Sequence[dict]
    checked: Mapping[str, float] = field(default_factory=dict)
    group: tuple[str, ...] = ()
    timed: bool = False


def build(study: Study, label: str | None = None) -> pd.DataFrame:
    """Compute all rows of a study.

    Parameters
    ----------
    study
        What to compute.
    label
        Of the progress bar.
    """
    row = partial(_row, study.row)
    return pd.DataFrame(sweep(row, study.arguments, 1 if study.timed else -1, label))


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


def chosen(studies: Mapping[str, Study], key: str, count: int = 5) -> list[tuple[str, int]]:
    """Choose rows to compute again: name of the study and index of the row.

    Parameters
    ----------
    studies
        Those with nothing to check are passed over.
    key
        Decides the choice: the commit.
    count
        How many.
    """
    rows = [(n, i) for n, study in studies.items() if study.checked for i in _indices(study)]
    return sorted(rows, key=lambda row: hashlib.sha256(f"{key} {row}".encode()).digest())[:count]


def disagreements(study: Study, rows: pd.DataFrame, index: int) -> list[str]:
    """Compute one row again and say which columns leave the spread of the table.

    A column may differ from its committed value by 1.5 times the range of its group: two seeds on
    two machines differ by less.

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
    missing = {*names, *study.checked, *study.group} - set(rows.columns)
    same = len(rows) == len(arguments) and not missing
    if not same or dict(rows.loc[index, names]) != arguments[index]:
        raise ValueError(f"row {index} of the table is not the study's: run make atlas")
    again, group = _row(study.row, arguments[index]), rows
    for name in study.group:
        group = group[group[name] == again[name]]
    faults = []
    for name, least in study.checked.items():
        spread = 1.5 * max(group[name].max() - group[name].min(), least)
        if not abs(again[name] - rows.loc[index, name]) <= spread:
            was = f"{rows.loc[index, name]:.6g} give or take {spread:.6g}"
            faults.append(f"{name} is {again[name]:.6g}, in the table {was}")
    return faults


def _row(function, argument: dict) -> dict:
    return {**argument, **function(**argument)}


def _indices(study: Study) -> range:
    return range(len(study.arguments))


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
