"""Verdicts follow from recorded values, and change with them."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book/_scripts"))
from assemble import VALUE, verdict, verdicts  # noqa: E402

sys.path.pop(0)
ROWS = yaml.safe_load((ROOT / "book/verdicts.yml").read_text(encoding="utf-8"))
ALL = [*ROWS["paper"], *ROWS["book"]]
ROW = {
    "claim": "It is so.",
    "where": "section 1",
    "chapter": "notebooks/tiny",
    "holds": {"tiny.a": [0, 1], "tiny.b": [2, 3]},
    "found": "It is {tiny.a:.2f}, or {tiny.n:d}.",
}


def notebook(**values):
    """Return a notebook that recorded these values."""
    outputs = [
        nbformat.v4.new_output("display_data", metadata={"record": {"id": f"tiny.{k}", "value": v}})
        for k, v in values.items()
    ]
    cells = [nbformat.v4.new_markdown_cell("# Tiny"), nbformat.v4.new_code_cell(outputs=outputs)]
    return {"notebooks/tiny": nbformat.v4.new_notebook(cells=cells)}


def test_a_value_that_is_not_finite_meets_no_condition():
    page = verdicts({"paper": [ROW], "book": []}, notebook(a=None, b=2.5, n=7))
    assert "**in part**" in page and "It is –, or 7." in page


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0.5, 2.5, "held"),
        (0, 3, "held"),
        (1.1, 2.5, "in part"),
        (0.5, 1.9, "in part"),
        (-0.1, 3.1, "did not hold"),
    ],
)
def test_a_verdict_is_what_the_values_say(a, b, expected):
    assert verdict(ROW["holds"], {"tiny.a": a, "tiny.b": b}) == expected
    page = verdicts({"paper": [ROW], "book": []}, notebook(a=a, b=b, n=7))
    assert f"| It is so. (section 1) | **{expected}** | It is {a:.2f}, or 7. [Tiny]" in page


def test_the_papers_claims_come_first_and_the_last_value_counts():
    other = {**ROW, "claim": "Ours.", "holds": {"tiny.n": [7, 7]}}
    page = verdicts({"paper": [ROW], "book": [other]}, notebook(a=0, b=2, n=7))
    assert page.index("It is so.") < page.index("## New in this book") < page.index("Ours.")


def test_an_unknown_value_stops_the_build():
    with pytest.raises(SystemExit, match=r"no chapter records: \['tiny.n'\]"):
        verdicts({"paper": [ROW], "book": []}, notebook(a=0, b=2))
    with pytest.raises(SystemExit, match=r"\['tiny.b'\]"):
        verdicts({"paper": [], "book": [ROW]}, notebook(a=0, n=2))


def test_a_claim_without_conditions_stops_the_build():
    with pytest.raises(SystemExit, match=r"conditions for .'It is so.'"):
        verdicts({"paper": [{**ROW, "holds": {}}], "book": []}, notebook(a=0, b=2, n=7))


@pytest.mark.parametrize("row", ALL, ids=lambda row: row["claim"])
def test_every_claim_has_conditions_that_can_fail_and_no_typed_result(row):
    assert row["holds"] and all(low <= high for low, high in row["holds"].values())
    assert not any((low, high) == (-1, 1) for low, high in row["holds"].values())
    assert not re.search(r"\d\.\d", VALUE.sub("", row["found"]) + row["claim"])
    assert (ROOT / f"{row['chapter']}.md").exists()
    source = "".join(p.read_text(encoding="utf-8") for p in ROOT.glob("notebooks/*.md"))
    prefixes = {id.split(".")[0] for id in row["holds"] if not id.startswith("eq.")}
    assert all(re.search(rf'record\(\s*f?"{prefix}\.', source) for prefix in prefixes)


def test_the_papers_claims_say_where_they_are_made():
    assert all(row["where"] for row in ROWS["paper"]) and len(ROWS["paper"]) >= 8
