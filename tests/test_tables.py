"""Committed tables: written whole, read back, and five rows of them computed again."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import study
import torch
from studies import STUDIES
from study import Study

from emt.workshop import store, tables

ROWS = pd.DataFrame(
    {
        "network": ["s = 8, kappa = 8", "the book's network", 'a "b": c'],
        "seed": [0, 1, 2],
        "seconds": [1.25, 1 / 3, 1e-17],
    }
)
MADE = {
    "command": 'make atlas STUDIES="a: b: c"',
    "date": "2026-01-02",
    "commit": "0123456789ab",
    "versions": "numpy 1, scipy 2, torch 3",
    "machine": "m, 2 cores: slow, Python 4",
}
BODY = "network,seed\nx,0\ny,1\n"


def table_text(made=MADE, body=BODY):
    head = "".join(f"# {key}: {value}\n" for key, value in made.items())
    return f"{head}# sha256: {hashlib.sha256((head + body).encode()).hexdigest()}\n{body}"


def double(x: int, name: str = "a") -> dict:
    return {"twice": 2 * x, "process": os.getpid()}


def example(value, near=None, arguments=({"seed": 0, "of": "a"},)):
    """Return a study whose rows all have this value."""
    return Study(lambda seed, of: {"value": value, "other": 5.0}, arguments, near or {})


# Writing and reading


def test_a_table_comes_back_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "commit", lambda folder: f"of {folder.name}")
    monkeypatch.setattr(torch, "__version__", "2.13.0+cu130")  # what is installed is without it
    path = study.write("x", ROWS, MADE["command"], tmp_path / "new" / "atlas")
    assert path == tmp_path / "new" / "atlas" / "x.csv"
    rows, made = tables.committed("x", tmp_path / "new" / "atlas")
    pd.testing.assert_frame_equal(rows.drop(columns="seconds"), ROWS.drop(columns="seconds"))
    np.testing.assert_allclose(rows["seconds"], ROWS["seconds"], rtol=5e-6)
    assert list(rows) == list(ROWS)
    assert list(made) == list(MADE) and made["command"] == MADE["command"]
    assert made["commit"] == "of new"
    versions = [f"{name} {version(name)}" for name in ("numpy", "scipy", "torch")]
    assert made["versions"] == ", ".join(versions)
    assert pd.Timestamp(made["date"]) <= pd.Timestamp.now()
    assert f"{os.cpu_count()} cores, Python 3." in made["machine"]
    assert b"\r" not in path.read_bytes() and path.read_bytes().startswith(b"# command: make")


def test_a_table_is_replaced_and_without_git_its_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "commit", lambda folder: None)
    for rows in (ROWS, ROWS[:1]):
        study.write("x", rows, "make", tmp_path)
    assert len(tables.committed("x", tmp_path).rows) == 1
    assert tables.committed("x", tmp_path).made["commit"] == "unknown"
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


def test_headers_are_cut_at_the_first_colon(tmp_path):
    (tmp_path / "x.csv").write_text(table_text(), encoding="utf-8")
    rows, made = table = tables.committed("x", tmp_path)
    assert made == MADE
    assert rows.to_dict("list") == {"network": ["x", "y"], "seed": [0, 1]}
    assert table.source == (
        'Table of 2026-01-02, commit 0123456789ab, by make atlas STUDIES="a: b: c"; '
        "m, 2 cores: slow, Python 4, numpy 1, scipy 2, torch 3."
    )


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, OSError])
def test_an_interruption_leaves_the_old_table_and_nothing_else(tmp_path, monkeypatch, stopped):
    path = study.write("x", ROWS, "make", tmp_path)
    before = path.read_bytes()

    def stop(*_):
        raise stopped

    monkeypatch.setattr(store.os, "replace", stop)
    with pytest.raises((stopped, ValueError), match=r"^$|can be written"):
        study.write("x", ROWS[:1], "make", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"] and path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        BODY.encode(),
        table_text(body="").encode(),
        table_text(body="network,seed\n").encode(),
        table_text(body="network,seed\nx,0\ny,1,2,3\n").encode(),
        ("# no colon\n" + table_text()).encode(),
        *(table_text({k: v for k, v in MADE.items() if k != missing}).encode() for missing in MADE),
        table_text(body="network,seed\nx,\n").encode(),
        table_text().encode() + b"\xff\xfe,1\n",
        table_text().encode("utf-16"),
    ],
)
def test_a_damaged_table_asks_to_be_made(tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"x.csv is missing or damaged \(.+\): run make atlas"):
        tables.committed("x", tmp_path)


def test_no_part_of_a_table_is_read_as_one(tmp_path):
    good = study.write("x", pd.concat([ROWS] * 3), "make", tmp_path).read_bytes()
    for end in range(len(good)):
        (tmp_path / "x.csv").write_bytes(good[:end])
        with pytest.raises(ValueError, match="run make atlas"):
            tables.committed("x", tmp_path)


def test_an_edited_table_is_noticed(tmp_path):
    good = (tables.FOLDER / "training_arithmetic.csv").read_bytes()
    edited = [
        good[:n] + b"%d" % ((c - 47) % 10) + good[n + 1 :]
        for n, c in enumerate(good)
        if 47 < c < 58
    ]
    lines = good.splitlines(keepends=True)
    without = [b"".join(lines[:n] + lines[n + 1 :]) for n in range(len(lines))]
    for content in [*edited, *without, good + lines[-1], good + b"\n", good[:-1]]:
        (tmp_path / "x.csv").write_bytes(content)
        with pytest.raises(ValueError, match="run make atlas"):
            tables.committed("x", tmp_path)


def test_a_table_with_other_line_ends_is_the_same(tmp_path):
    good = (tables.FOLDER / "training_arithmetic.csv").read_bytes()
    (tmp_path / "x.csv").write_bytes(good.replace(b"\n", b"\r\n"))
    again, was = tables.committed("x", str(tmp_path)), tables.committed("training_arithmetic")
    pd.testing.assert_frame_equal(again.rows, was.rows)
    assert again.made == was.made and "sha256" not in was.made


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize("index", [-1, 3, True, 1.0, 10**400])
def test_a_row_that_is_not_there_is_named(index):
    again = example(1.0, {"value": 9.0}, seeds(table([1.0, 2.0, 3.0])))
    with pytest.raises(ValueError, match="index must be"):
        study.disagreements(again, table([1.0, 2.0, 3.0]), index)


def test_a_missing_table_asks_to_be_made(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name in ("x", "folder"):
        with pytest.raises(ValueError, match=f"{name}.csv is missing .*: run make atlas"):
            tables.committed(name, tmp_path)


@pytest.mark.parametrize(
    "timed, how", [(("twice",), (1, "bar")), ((), (-1, "bar", Path("kept"), "tcp://x"))]
)
def test_rows_are_built_in_order_and_one_by_one_if_timed(monkeypatch, timed, how):
    asked = []

    def sweep(function, arguments, *how):
        asked.append(how)
        return [function(a) for a in arguments]

    monkeypatch.setattr(study, "sweep", sweep)
    arguments = [{"name": "b", "x": 5}, {"name": "a", "x": 3}]
    rows = study.build(Study(double, arguments, timed=timed), "bar", Path("kept"), "tcp://x")
    assert list(rows) == ["name", "x", "twice", "process"]
    assert rows[["name", "x", "twice"]].values.tolist() == [["b", 5, 10], ["a", 3, 6]]
    assert asked == [how]


def test_timed_rows_are_computed_here():
    rows = study.build(Study(double, [{"x": 2}, {"x": 1}], timed=("twice",)))
    assert rows["process"].tolist() == [os.getpid()] * 2 and rows["twice"].tolist() == [4, 2]


# Rows to compute again


def test_every_steady_row_is_chosen_at_some_time_and_no_other():
    rows = table([1.0, 2.0, 3.0, 4.0])
    plan = Study(double, seeds(rows))
    assert {study.chosen(plan, rows, f"commit {n}") for n in range(200)} == {0, 1, 2, 3}
    some = Study(double, seeds(rows), steady="value > 2 and of == 'a'")
    assert {study.chosen(some, rows, f"commit {n}") for n in range(200)} == {2, 3}


def test_the_key_alone_decides():
    # Written down: the same in every process, whatever its hash seed.
    rows = table(np.ones(9))
    assert [study.chosen(Study(double, seeds(rows)), rows, k) for k in "abc"] == [7, 8, 1]


# Computing one again


def table(values, of="a"):
    of = [of] * len(values) if isinstance(of, str) else of
    return pd.DataFrame({"seed": range(len(values)), "of": of, "value": values, "other": 5.0})


def seeds(rows):
    return rows[["seed", "of"]].to_dict("records")


@pytest.mark.parametrize(
    "was, near, reach",
    [(2.0, None, 0.2), (-2.0, None, 0.2), (2.0, 0.01, 0.2), (2.0, 0.5, 0.5), (0.0, 0.5, 0.5)],
)
def test_a_value_may_differ_by_a_tenth_or_by_what_the_study_says(was, near, reach):
    rows = table([was, was])
    near = {} if near is None else {"value": near}
    for value in (was, was + 0.99 * reach, was - 0.99 * reach):
        assert study.disagreements(example(value, near, seeds(rows)), rows, 1) == []
    for value in (was + 1.01 * reach, was - 1.01 * reach, np.nan, np.inf):
        fault = f"value is {value:.6g}, in the table {was:.6g} give or take {reach:.2g}"
        assert study.disagreements(example(value, near, seeds(rows)), rows, 1) == [fault]


def test_every_column_counts_but_durations():
    was = {"x": 1, "name": "a", "seconds": 5.0, "one": 1.0, "zero": 0.0, "endless": np.inf}
    timed = Study(double, [], timed=("seconds",))
    assert study.differences(timed, was, {**was, "seconds": 50.0}) == []
    assert len(study.differences(Study(double, []), was, {**was, "seconds": 50.0})) == 1
    changed = {"x": 2, "name": "b", "one": 1.2, "zero": 1e-9, "endless": 1e9}
    for name, value in changed.items():
        (fault,) = study.differences(timed, was, {**was, name: value})
        assert fault.startswith(f"{name} is ")
    (fault,) = study.differences(timed, was, {**was, "one": np.inf})
    assert "one is inf" in fault
    for other in ({**was, "more": 1.0}, {k: v for k, v in was.items() if k != "one"}):
        with pytest.raises(ValueError, match=r"the same columns, not \{'(more|one)'\}"):
            study.differences(timed, was, other)


def test_a_row_agrees_with_the_table_it_made_and_not_with_a_changed_one(tmp_path):
    made = Study(double, [{"x": n, "name": "ab"[n % 2]} for n in range(6)], timed=("process",))
    study.write("x", study.build(made), "make", tmp_path)
    rows = tables.committed("x", tmp_path).rows
    assert [study.disagreements(made, rows, n) for n in range(6)] == [[]] * 6
    rows.loc[4, "twice"] = 9
    found = [study.disagreements(made, rows, n) for n in range(6)]
    assert found == [[]] * 4 + [["twice is 8, in the table 9 give or take 0.9"], []]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows[:2],
        lambda rows: pd.concat([rows, rows[:1]], ignore_index=True),
        lambda rows: rows[::-1].reset_index(drop=True),
        lambda rows: rows.assign(of=["x", "b", "c"]),
        lambda rows: rows.assign(seed=[5, 1, 2]),
    ],
    ids=["shorter", "longer", "turned", "another name", "another seed"],
)
def test_a_table_of_other_rows_is_refused(spoil):
    rows = table([1.0, 2.0, 3.0], list("abc"))
    again = example(1.0, {"value": 9.0}, seeds(rows))
    assert study.disagreements(again, rows, 0) == []
    with pytest.raises(ValueError, match="row 0 of the table is not the study's: run make atlas"):
        study.disagreements(again, spoil(rows), 0)


@pytest.mark.parametrize("lost", ["seed", "value"])
def test_a_table_of_other_columns_is_refused(lost):
    rows = table([1.0, 2.0, 3.0])
    again = example(1.0, {"value": 9.0}, seeds(rows))
    with pytest.raises(ValueError, match=r"run make atlas|the same columns"):
        study.disagreements(again, rows.drop(columns=lost), 0)


# The commit


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_the_one_checked_out(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def git(*arguments):
        who = "-c", "user.name=x", "-c", "user.email=x@example.org"
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout

    assert study.commit(tmp_path) is None
    git("init", "-q")
    assert study.commit(tmp_path) is None
    folder = tmp_path / "emt" / "atlas"
    folder.mkdir(parents=True)
    for message in ("one", "two"):
        git("commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", message)
        assert study.commit(tmp_path) == git("log", "-1", "--format=%H")[:12]
    head = study.commit(tmp_path)
    study.write("x", ROWS, "make", folder)
    assert tables.committed("x", folder).made["commit"] == study.commit(folder) == head
    (tmp_path / "emt" / "code.py").touch()
    assert study.commit(folder) == f"{head} + changes"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert study.commit() is None


# The committed tables


@pytest.mark.parametrize("name", STUDIES)
def test_the_committed_table_has_the_studys_rows(name):
    rows, made = table = tables.committed(name)
    wanted = list(STUDIES[name].arguments)
    assert rows[list(wanted[0])].to_dict("records") == wanted
    assert list(rows)[: len(wanted[0])] == list(wanted[0])
    assert not rows.isna().any(axis=None)
    assert {*STUDIES[name].near, *STUDIES[name].timed} <= set(rows)
    assert made["command"] == f'make atlas STUDIES="{name}"' and made["commit"] in table.source


def test_no_other_table_lies_there():
    assert {p.stem for p in tables.FOLDER.glob("*.csv")} == set(STUDIES)
    assert {p.suffix or p.name for p in tables.FOLDER.iterdir()} == {".csv", "authors"}


# Columns that hold nothing but rounding, or chance: no two runs need agree on these.
ROUNDING = {
    ("longevity", "angle_error"),
    ("longevity", "residual"),
    ("networks", "random directions"),
    ("scale", "apart"),
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_table_with_a_column_changed_by_a_fifth_does_not_come_out_again(name):
    rows, plan = tables.committed(name).rows, STUDIES[name]
    computed = set(rows) - set(plan.arguments[0]) - set(plan.timed)
    assert computed or plan.timed
    steady = rows.query(plan.steady) if plan.steady else rows
    for column in computed - {column for table, column in ROUNDING if table == name}:
        told = []
        for _, row in steady.iterrows():
            if isinstance(row[column], str):
                continue
            changed = {**row, column: 1.2 * row[column]}
            if np.isfinite(row[column]) and row[column]:
                told.append(bool(study.differences(plan, changed, dict(row))))
        assert not told or np.mean(told) > 0.9, f"{column}: {np.mean(told):.0%}"


@pytest.mark.parametrize("name", [name for name, plan in STUDIES.items() if not plan.slow])
def test_a_row_chosen_by_the_commit_comes_out_again(name):
    rows = tables.committed(name).rows
    index = study.chosen(STUDIES[name], rows, f"{study.commit()} {name}")
    assert study.disagreements(STUDIES[name], rows, index) == []


def test_no_study_lets_a_fifth_pass():
    assert all(0 < plan.within < 1 / 6 for plan in STUDIES.values())


def test_few_tables_are_too_slow_to_be_computed_again():
    assert [n for n, s in STUDIES.items() if s.slow] == [
        "peers",
        "training_published",
        "longevity",
        "overwriting_published",
        "spread",
        "foreign",
        "starts",
    ]


def test_a_row_is_computed_again_without_what_durations_need():
    def repeated(x, runs=9):
        return {"runs": runs, "y": 2 * x}

    plan = Study(repeated, [{"x": 1}], once={"runs": 1})
    rows = pd.DataFrame([{"x": 1, "runs": 1, "y": 2}])
    assert study.disagreements(plan, rows, 0) == []
    assert study.disagreements(replace(plan, once={}), rows, 0)
