"""The tables of machines and faults: every case is there and went as it should; checks catch."""

import csv
import signal
import sys
from pathlib import Path

import faults
import machines
import mutation
import pytest
from outcomes import GOOD, Case, put

SCRIPT = """
import sys
from pathlib import Path
place = Path(sys.argv[1])
(place / "networks").mkdir(parents=True, exist_ok=True)
(place / "networks/x.safetensors").write_text("whole", encoding="utf-8")
"""


def rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


def test_every_fault_is_in_the_table_and_went_as_it_should():
    found = rows(faults.TABLE)
    assert [(row["work"], row["fault"]) for row in found] == list(faults.CASES)
    assert {row["outcome"] for row in found[:-1]} == {GOOD}
    assert found[-1]["outcome"].startswith("caught: ")


def test_every_machine_is_in_the_table_and_went_as_it_should():
    found = rows(machines.TABLE)
    assert {row["machine"] for row in found} == set(machines.MACHINES)
    assert {row["outcome"] for row in found} == {GOOD}


class Written(faults.Function):
    """Write one file, in a process."""

    def start(self):
        """Begin it."""
        log = self.folder / "log"
        command = [sys.executable, "-c", SCRIPT, self.place]
        with log.open("w", encoding="utf-8") as file:
            run = faults.subprocess.Popen(command, stderr=file, process_group=0)
        return faults.Running(run.pid, run.wait, log)


@pytest.mark.parametrize(
    "name, text, fault",
    [
        ("networks/y.safetensors", "whole", "a temporary file stayed"),
        ("networks/.part-1", "", "a temporary file stayed"),
        ("networks/x.safetensors", "half", "something is lost or half written"),
    ],
)
def test_what_an_interruption_left_is_seen(tmp_path, name, text, fault):
    work = Written(tmp_path / "work", None)
    good, _ = faults.undisturbed(work)
    work.before(0)
    path = work.place / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    case = Case(work="x", fault="y")
    ended = faults.Running(0, lambda: -9, work.folder / "log")
    faults.after(work, 0, ended, good, case, signal.SIGKILL, whole=1)
    assert f"1 of 1: {fault}" in case.row()["outcome"]
    path.unlink()
    case = Case(work="x", fault="y")
    faults.after(work, 0, ended, good, case, signal.SIGKILL, whole=1)
    assert case.row()["outcome"] == GOOD


def test_a_row_replaces_an_older_one_and_stands_in_its_order(tmp_path):
    table, order = tmp_path / "x.csv", [("a",), ("b",)]
    for name, outcome in (("b", "1"), ("a", "2"), ("b", "3")):
        put(table, {"case": name, "outcome": outcome}, ["case"], order)
    assert [(row["case"], row["outcome"]) for row in rows(table)] == [("a", "2"), ("b", "3")]
    put(table, {"case": "a", "outcome": "4"}, ["case"], [("a",)])
    assert [row["outcome"] for row in rows(table)] == ["4"]


def test_mistakes_were_planted_in_every_module_and_those_left_are_listed():
    root = mutation.ROOT
    counts, left = (rows(root / f"book/{name}.csv") for name in ("mutation", "survivors"))
    modules = {path.relative_to(root).as_posix() for path in (root / "emt").rglob("*.py")}
    only_names = {f"emt/{path.parent.name}/__init__.py" for path in root.glob("emt/*/__init__.py")}
    assert {row["module"] for row in counts} == modules - only_names
    for row in counts:
        listed = [bool(mistake["why"]) for mistake in left if mistake["file"] == row["module"]]
        assert int(row["equivalent"]) == sum(listed)
        assert int(row["survivors"]) == len(listed) - sum(listed)
        assert int(row["mutants"]) == int(row["killed"]) + len(listed) > 0
