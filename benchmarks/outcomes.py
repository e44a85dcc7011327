"""Rows of the tables of machines and of faults: what was tried, and how it went."""

import csv
import io
import re
import time
from collections import Counter
from pathlib import Path

import study

from emt.writing import write_whole

ROOT = Path(__file__).parents[1]
GOOD = "as it should"


class Case:
    """One row: any number of tries, what was wrong in them, and what was shown.

    Parameters
    ----------
    what
        Was done: the first columns of the row, which name it.
    """

    def __init__(self, **what: str):
        self.what, self.start = what, time.monotonic()
        self.tries, self.next_runs, self.good, self.last = 0, 0, GOOD, ""
        self.faults, self.messages = Counter(), Counter()

    def check(self, true: bool, fault: str) -> None:
        """Note a fault, unless the check is true."""
        if not true:
            self.faults[fault] += 1

    def say(self, text: str, *folders: Path) -> None:
        """Note the last line that a run showed, without the names of the machine's folders."""
        for folder in folders:
            text = text.replace(f"{folder}/", "").replace(str(folder), ".")
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        lines = [line for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if not re.match(r"make(\[\d+\])?: \*\*\*|---", line)]
        self.last = (telling or lines or [""])[-1].strip()
        self.messages[self.last] += 1

    def row(self) -> dict[str, str]:
        """Return the row as it goes into the table."""
        wrong = "; ".join(f"{n} of {self.tries}: {fault}" for fault, n in self.faults.items())
        shown = self.messages.most_common(1)
        seconds = f"{time.monotonic() - self.start:.0f}"
        found = {"outcome": wrong or self.good, "message": shown[0][0] if shown else ""}
        tried = {"tries": str(self.tries), "next runs": str(self.next_runs)}
        return {**self.what, **tried, **found, "seconds": seconds}


def put(table: Path, row: dict[str, str], keys: list[str], order: list[tuple]) -> None:
    """Put a row in its place in a table, which is written whole; other rows stay.

    Parameters
    ----------
    table
        CSV file; made if it is not there.
    row
        The new row.
    keys
        Its columns by which an older one is found.
    order
        What the first of them may hold, as the rows shall stand; others leave the table.
    """
    row = {**row, "commit": study.commit(ROOT) or "unknown"}
    text = table.read_text(encoding="utf-8") if table.exists() else ""
    rows = {tuple(old[k] for k in keys): old for old in csv.DictReader(io.StringIO(text))}
    rows[tuple(row[k] for k in keys)] = row
    first = {key: key[: len(order[0])] for key in rows}
    kept = sorted((k for k in rows if first[k] in order), key=lambda k: order.index(first[k]))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[key] for key in kept)
    write_whole(table, out.getvalue().encode())
    print(", ".join(row.values()), flush=True)
