"""Committed tables of runs that are too long for the book: read whole, unedited and named."""

import hashlib
import io
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from emt import checks

FOLDER = Path(__file__).parents[1] / "atlas"


class CommittedTable(NamedTuple):
    """A committed table.

    Attributes
    ----------
    rows
        One a run.
    made
        How: command, date, commit, versions, machine.
    """

    rows: pd.DataFrame
    made: dict[str, str]

    @property
    def source(self) -> str:
        """One line for the page that shows it."""
        return "Table of {date}, commit {commit}, by {command}; {machine}, {versions}.".format(
            **self.made
        )


def committed(name: str, folder: Path = FOLDER) -> CommittedTable:
    """Read a committed table.

    Parameters
    ----------
    name
        Of the table.
    folder
        Where the tables are.

    Raises
    ------
    ValueError
        If there is no such table, or it is not whole, or was edited.
    """
    path = folder / f"{name}.csv"
    try:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        head = list(takewhile(lambda line: line.startswith("# "), lines))
        made = dict(line[2:].rstrip().split(": ", 1) for line in head)
        body = "".join(lines[len(head) :])
        said = made.pop("sha256")
        if said != digest(text.replace(f"# sha256: {said}\n", "", 1)):
            raise ValueError("it is not whole, or was edited")
        table = CommittedTable(pd.read_csv(io.StringIO(body)), made)
        if table.rows.empty or table.rows.isna().any(axis=None) or not table.source:
            raise ValueError("rows are missing")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"name must be of a table in folder: {path} is missing or damaged ({error!r}): "
            "run make atlas"
        ) from None
    return table


def digest(text: str) -> str:
    """Return the hash of a table without the line that holds the hash."""
    return hashlib.sha256(text.encode()).hexdigest()


checks.guard(globals())
