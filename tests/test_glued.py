"""How the page writes numbers."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "book/_scripts"))
from glued import resolved, written

sys.path.pop(0)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1, "%", "100%"),
        (1.0, "%", "100%"),
        (0, "%", "0%"),
        (0.5, "%", "50%"),
        (0.998, "%", "99.8%"),
        (0.99997, "%", "99.997%"),
        (0.9996, "%", "99.96%"),
        (0.00004, "%", "0.004%"),
        (0.29999999, "%", "30%"),
        (0.9, ".1%", "90.0%"),
        (6.4e-8, ".0e", "6 × 10⁻⁸"),
        (1e-8, ".0e", "10⁻⁸"),
        (-2.5e12, ".1e", "−2.5 × 10¹²"),
        (3e-15, "~", "rounding error"),
        (0.0, "~", "rounding error"),
        (2e-11, "~", "2 × 10⁻¹¹"),
        (4096000, "d", "4,096,000"),
        (4096000, ",", "4,096,000"),
        (80, "d", "80"),
        (-0.25, ".2f", "−0.25"),
        (0.25, ".3f", "0.250"),
        (None, ".3f", "–"),
    ],
)
def test_numbers_are_written_as_one_says_them(value, form, text):
    assert written(value, form) == text


VALUES = {"notebooks/a": {"a.x": 0.998}, "notebooks/b": {"b.n": 4096000}}


@pytest.mark.parametrize("page", ["notebooks/a", "intro"])
def test_roles_become_numbers(page):
    folder = "" if page.startswith("notebooks") else "notebooks/"
    here = "a.x" if page == "notebooks/a" else "notebooks/a.ipynb::a.x"
    text = f"All {{glue:text}}`{folder}b.ipynb::b.n:d` bits, {{glue:text}}`{here}:%` right."
    assert resolved(text, page, VALUES) == "All 4,096,000 bits, 99.8% right."


@pytest.mark.parametrize("role", ["`a.y:%`", "`c.ipynb::a.x:%`", "`a.x:d`"])
def test_what_is_not_recorded_or_cannot_be_written_so_stops_the_build(role):
    with pytest.raises(SystemExit, match="notebooks/a shows"):
        resolved(f"{{glue:text}}{role}", "notebooks/a", VALUES)


def test_other_roles_and_code_stay():
    text = "{cite:p}`emt` and {py:obj}`emt.run`"
    assert resolved(text, "notebooks/a", VALUES) == text
