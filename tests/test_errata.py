"""The errata: every printed form fails, every right one holds, and exchanging them is noticed."""

import re
from pathlib import Path

import numpy as np
import pytest
from errata import LOOSE, MARGIN, ROWS, TOLERANCE, Margins, holds

ALL = ROWS | LOOSE
PAGE = (Path(__file__).parents[1] / "notebooks/errata.md").read_text(encoding="utf-8")


def check(row):
    for seed in range(10):
        margins = row(np.random.default_rng(seed))
        assert holds(margins), (seed, margins)


@pytest.mark.parametrize("id", ALL)
def test_the_printed_form_fails_and_the_right_one_holds(id):
    check(ALL[id])


@pytest.mark.parametrize("id", ALL)
def test_a_row_with_its_forms_exchanged_is_caught(id):
    with pytest.raises(AssertionError):
        check(lambda rng: Margins(*reversed(ALL[id](rng))))


def test_a_row_with_two_right_or_two_wrong_forms_does_not_hold():
    assert holds(Margins(printed=MARGIN, right=TOLERANCE))
    assert not holds(Margins(0.0, 0.0))
    assert not holds(Margins(1.0, 1.0))
    assert not holds(Margins(MARGIN, 2 * TOLERANCE))
    assert not holds(Margins(MARGIN / 2, TOLERANCE))
    assert not holds(Margins(1.0, float("nan"))) and not holds(Margins(float("nan"), 0.0))


@pytest.mark.parametrize("id", ROWS)
def test_the_page_shows_both_margins_of_the_row_once_and_in_place(id):
    name = re.escape(id)
    printed = rf"\*Printed:\*[^\n]*\{{glue:text\}}`{name}_printed:"
    right = rf"\*Right:\*[^\n]*\{{glue:text\}}`{name}:"
    assert len(re.findall(rf"{printed}[^\n]*\n: {right}", PAGE)) == 1
    assert len(re.findall(rf"`{name}(?:_printed)?:", PAGE)) == 2


@pytest.mark.parametrize("id", LOOSE)
def test_what_is_loose_is_no_error_and_has_both_margins(id):
    errors, loose = PAGE.split("## Loose")
    assert id not in ROWS and f"`{id}" not in errors
    (item,) = [line for line in loose.split("\n") if f"`{id}:" in line]
    assert item.startswith("- *") and f"`{id}_printed:" in item


def test_the_page_shows_no_row_that_is_not_run():
    shown = set(re.findall(r"\{glue:text\}`(errata\.\w+):", PAGE))
    shown -= {"errata.margin", "errata.tolerance", "errata.rows"}
    assert {id.removesuffix("_printed") for id in shown} == set(ALL)


def test_every_row_has_the_name_of_its_function():
    assert list(ALL) == [f"errata.{row.__name__}" for row in ALL.values()]
