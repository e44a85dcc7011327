"""Verdicts follow from recorded values, and change with them."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book/_scripts"))
from pages import VALUE, parts, verdict, verdicts, whole  # noqa: E402

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
    assert "**did not hold**" in page and "It is –, or 7." in page


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0.5, 2.5, "held"),
        (0, 3, "held"),
        (1.1, 2.5, "did not hold"),
        (0.5, 1.9, "did not hold"),
        (-0.1, 3.1, "did not hold"),
    ],
)
def test_a_verdict_is_what_the_values_say(a, b, expected):
    assert verdict(ROW, {"tiny.a": a, "tiny.b": b}) == expected
    page = verdicts({"paper": [ROW], "book": []}, notebook(a=a, b=b, n=7))
    said = f"{a:.2f}".replace("-", "−")
    assert f"| It is so. (section 1) | **{expected}** | It is {said}, or 7. [Tiny]" in page


PART = {"says": "One", "holds": {"a": [0, 1]}, "control": {"b": [0, 1]}, "found": "{a:.1f}."}


@pytest.mark.parametrize(
    ("a", "b", "otherwise", "expected"),
    [
        (0.5, 2.0, None, "held"),
        (0.5, 0.5, None, "by construction"),
        (0.5, None, None, "held"),
        (2.0, 0.5, None, "did not hold"),
        (None, 0.5, None, "did not hold"),
        (2.0, 2.0, "not confirmed", "not confirmed"),
        (0.5, 2.0, "not confirmed", "held"),
    ],
)
def test_what_a_null_network_meets_too_is_so_by_construction(a, b, otherwise, expected):
    part = PART | ({"otherwise": otherwise} if otherwise else {})
    assert verdict(part, {"a": a, "b": b}) == expected


HELD, FAILED = {"holds": {"a": [0, 1]}}, {"holds": {"a": [2, 3]}}
BUILT, OPEN = HELD | {"control": {"a": [0, 1]}}, FAILED | {"otherwise": "not confirmed"}


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ([HELD, HELD], "held"),
        ([HELD, FAILED], "in part"),
        ([HELD, OPEN], "in part"),
        ([FAILED, FAILED], "did not hold"),
        ([FAILED, OPEN], "in part"),
        ([OPEN], "not confirmed"),
        ([BUILT], "by construction"),
        ([BUILT, HELD], "held"),
        ([BUILT, FAILED], "did not hold"),
        ([BUILT, HELD, FAILED], "in part"),
    ],
)
def test_the_verdict_on_a_claim_follows_from_its_parts(of, expected):
    assert whole({"parts": of}, {"a": 0.5}) == expected


def test_the_page_shows_the_parts_with_their_verdicts():
    other = {**PART, "says": "Other", "holds": {"a": [5, 6]}}
    row = {"claim": "Two.", "chapter": "notebooks/tiny", "parts": [PART, other]}
    row = yaml.safe_load(yaml.safe_dump(row).replace("a:", "tiny.a:").replace("b:", "tiny.b:"))
    page = verdicts({"paper": [row], "book": []}, notebook(a=0.5, b=9))
    assert (
        "| Two. | **in part** | *One*: **held**. 0.5.<br>*Other*: **did not hold**. 0.5. [" in page
    )


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
    assert (ROOT / f"{row['chapter']}.md").exists()
    source = "".join(p.read_text(encoding="utf-8") for p in ROOT.glob("notebooks/*.md"))
    assert {"claim", "chapter"} <= set(row) <= {"claim", "where", "chapter", "parts", *PART}
    for part in parts(row):
        assert part["holds"] and part.get("otherwise", "not confirmed") == "not confirmed"
        for low, high in [*part["holds"].values(), *part.get("control", {}).values()]:
            assert low <= high and (low, high) != (-1, 1)
        assert not re.search(r"\d\.\d", VALUE.sub("", part["found"]) + part.get("says", ""))
        prefixes = {id.split(".")[0] for id in part["holds"] if not id.startswith("eq.")}
        assert all(re.search(rf'record\(\s*f?"{prefix}\.', source) for prefix in prefixes)
    assert not re.search(r"\d\.\d", row["claim"])


def test_the_papers_claims_say_where_they_are_made():
    assert all(row["where"] for row in ROWS["paper"]) and len(ROWS["paper"]) >= 8
