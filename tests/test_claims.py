"""Claims stop a run that does not bear them out; in IPython they leave their values behind."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from emt.workshop import claims
from emt.workshop.claims import ClaimError, Ledger

record, free = Ledger("a"), Ledger("a", published=False)

BROKEN = {
    "too low": (0.1, (0.2, 0.3), None),
    "too high": (0.4, (0.2, 0.3), None),
    "NaN": (np.nan, None, None),
    "infinite": (np.inf, (0.0, np.inf), None),
    "NaN with a range": (np.nan, (0.0, 1.0), None),
    "control inside": (0.25, (0.2, 0.3), 0.21),
    "one control inside": (0.25, (0.2, 0.3), [0.9, 0.3]),
    "NaN control": (0.25, (0.2, 0.3), np.nan),
    "one NaN control": (0.25, (0.2, 0.3), [0.9, np.nan]),
    "empty range": (0.25, (0.3, 0.2), None),
}
HOLDS = {
    "bare": (0.25, None, None),
    "inside": (0.25, (0.2, 0.3), None),
    "at the lower end": (0.2, (0.2, 0.3), None),
    "at the upper end": (0.3, (0.2, 0.3), None),
    "unbounded": (7.0, (5.0, np.inf), None),
    "control outside": (0.25, (0.2, 0.3), 0.31),
    "controls outside": (0.25, (0.2, 0.3), [0.1, 0.9]),
}
SHELL = """
import io, json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

InteractiveShell.instance()
import numpy as np
from matplotlib import pyplot as plt
from emt.figures import curves, use_style
from emt.workshop.claims import ClaimError, Ledger

record, other = Ledger("a"), Ledger("a", published=False)
use_style()

def drawn(height):
    fig, ax = plt.subplots()
    curves(ax, {"line": [0.0, height, 1.0]}, "x", "y")
    record.figure("a.figure", fig)
    assert not plt.get_fignums()

def failing():
    try:
        record("a.broken", 2.0, expect=(0.0, 1.0))
    except ClaimError:
        pass

shown = {}
for name, call in {
    "ranged": lambda: record("a.ranged", 0.25, expect=(0.2, 0.3), control=[0.5, 0.75]),
    "bare": lambda: record("a.bare", 3),
    "values": lambda: record.values({"a.bare": 3, "a.half": 0.5}),
    "broken": failing,
    "free": lambda: other("a.free", np.nan, expect=(0.2, np.inf), control=0.5),
    "free and holds": lambda: other("a.free", 0.25, expect=(0.2, 0.3)),
    "figure": lambda: drawn(2.0),
    "again": lambda: drawn(2.0),
    "other": lambda: drawn(3.0),
}.items():
    with capture_output() as captured:
        call()
    shown[name] = [{"data": o.data, "metadata": o.metadata} for o in captured.outputs]
    assert not captured.stdout, captured.stdout
json.dump(shown, sys.stdout, allow_nan=False)
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    home = tmp_path_factory.mktemp("ipython")
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        capture_output=True,
        encoding="utf-8",
        env={"IPYTHONDIR": str(home), "MPLBACKEND": "agg", "MPLCONFIGDIR": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", HOLDS)
def test_a_claim_that_holds_returns_its_value_and_says_nothing(name, capsys):
    value, expect, control = HOLDS[name]
    assert record("a.claim", value, expect, control) == value
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", BROKEN)
def test_a_claim_that_does_not_hold_stops_and_names_itself(name):
    value, expect, control = BROKEN[name]
    with pytest.raises(ClaimError, match=r"a\.claim"):
        record("a.claim", value, expect, control)


@pytest.mark.parametrize("name", BROKEN)
def test_a_claim_of_other_parameters_does_not_bind_unless_it_says_so(name):
    value, expect, control = BROKEN[name]
    np.testing.assert_equal(free("a.claim", value, expect, control), value)
    for call in (record, partial(free, binds=True)):
        with pytest.raises(ClaimError, match=r"a\.claim"):
            call("a.claim", value, expect, control)


def test_other_parameters_excuse_no_wrong_type():
    with pytest.raises(ValueError, match=r"a\.claim.*number"):
        free("a.claim", True)
    with pytest.raises(ValueError, match=r"a\.claim.*range"):
        free("a.claim", 1.0, control=2.0)


def test_a_claim_that_does_not_bind_says_whether_it_holds(shell):
    (free,), (holds,) = (shell[name] for name in ("free", "free and holds"))
    assert free["data"] == {"application/papermill.record/text/plain": "nan"}
    assert free["metadata"]["record"] == {
        "id": "a.free",
        "value": None,
        "expect": [0.2, None],
        "control": [0.5],
        "holds": False,
    }
    assert holds["metadata"]["record"]["holds"] is True


def test_the_message_holds_what_was_measured_and_expected():
    for value, control in ((0.4, None), (0.25, 0.21)):
        with pytest.raises(ClaimError) as caught:
            record("a.x", value, (0.2, 0.3), control)
        assert {str(control or value), "0.2", "0.3"} <= set(
            re.findall(r"\d\.\d+", str(caught.value))
        )


def test_values_without_a_condition_are_recorded_in_one_call(shell):
    (one,), pair = shell["bare"], shell["values"]
    assert pair[0] == one and pair[1]["metadata"]["record"]["value"] == 0.5
    with pytest.raises(ClaimError, match=r"a\.y: the value nan"):
        record.values({"a.x": 1.0, "a.y": np.nan})


def test_a_ledger_takes_its_own_chapters_claims_only():
    for call in (record, lambda id, _: record.figure(id, Figure())):
        with pytest.raises(ValueError, match=r"id must be a name that begins with a\., not 'b\.x'"):
            call("b.x", 0.5)


def test_a_control_needs_a_range():
    with pytest.raises(ValueError, match=r"a\.claim.*range"):
        record("a.claim", 1.0, control=2.0)


@pytest.mark.parametrize(
    "value, kind", [(3, int), (np.int64(3), int), (3.0, float), (np.float32(3), float)]
)
def test_whole_numbers_stay_whole(value, kind):
    got = record("a.x", value)
    assert got == 3 and type(got) is kind


NO_NUMBERS = {
    **{"complex": 1j, "real complex": 1 + 0j, "numpy's complex": np.complex128(1), "text": "1"},
    **{"bytes": b"1", "numpy's text": np.str_("1"), "numpy's bytes": np.bytes_(b"1")},
    **{"truth": True, "numpy's truth": np.bool_(True), "date": np.datetime64("2020-01-01")},
    **{"duration": np.timedelta64(1, "s"), "list": [1.0], "object": object(), "huge": 10**400},
    **{"too long to show": 10**5000, "decimal": Decimal(1), "masked": np.ma.masked},
    **{"tensor": torch.ones(()), "-huge": -(10**400), "void": np.zeros((), "V8")[()]},
}


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize("name", NO_NUMBERS)
def test_what_is_no_real_number_is_neither_value_nor_bound_nor_control(name):
    wrong = NO_NUMBERS[name]
    calls = [
        ((wrong,), "a recorded value"),
        ((0.5, (wrong, 1.0)), "a recorded value"),
        ((0.5, (0.0, wrong)), "a recorded value"),
    ]
    if name not in ("list", "tensor"):  # which are controls
        controls = wrong, [2.0, wrong], [[2.0], [wrong]]
        calls += [((0.5, (0.0, 1.0), c), "control must be|a recorded value") for c in controls]
    for arguments, message in calls:
        with pytest.raises(ValueError, match=rf"a\.claim: ({message})"):
            record("a.claim", *arguments)


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize(
    "control",
    [
        np.ma.array([2.0, 3.0], mask=[False, True]),
        np.ma.array([2.0, 3.0]),
        np.array([2 + 0j]),
        np.array([True]),
        np.array(["2"]),
        np.array(["2020-01-01"], "datetime64[D]"),
        torch.ones(2, requires_grad=True),
        {"a": 2.0},
        [[2.0], [2.0, 3.0]],
        [None],
    ],
    ids=str,
)
def test_a_control_is_an_array_of_real_numbers(control):
    with pytest.raises(ValueError, match=r"a\.b: control must be an array of real numbers"):
        record("a.b", 0.5, (0.0, 1.0), control)


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize(
    "expect", [(0.0,), (0.0, 1.0, 2.0), 1.0, "01", {0: 1, 1: 2}, (np.nan, 1.0), (0.0, np.nan), ()]
)
def test_what_is_expected_is_two_numbers(expect):
    with pytest.raises(ValueError, match=r"a\.b: expect must be"):
        record("a.b", 0.5, expect)


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize("id", ["", None, 3, b"a", ["a"]])
def test_a_claim_has_a_name(id):
    with pytest.raises(ValueError, match="id must be a name"):
        record(id, 0.5)


def test_whole_numbers_may_be_long():
    assert record("a.x", 10**30, (0, 10**31), [10**32, Fraction(-1, 2)]) == 10**30


def test_a_notebook_keeps_value_range_and_control(shell):
    (ranged,), (bare,) = shell["ranged"], shell["bare"]
    prefix = "application/papermill.record/"
    assert ranged == {
        "data": {f"{prefix}text/plain": "0.25"},
        "metadata": {
            "scrapbook": {"name": "a.ranged", "mime_prefix": prefix},
            "record": {
                "id": "a.ranged",
                "value": 0.25,
                "expect": [0.2, 0.3],
                "control": [0.5, 0.75],
            },
        },
    }
    assert bare["data"] == {f"{prefix}text/plain": "3"}
    assert bare["metadata"]["record"] == {
        "id": "a.bare",
        "value": 3,
        "expect": None,
        "control": None,
    }


def test_a_broken_claim_leaves_nothing(shell):
    assert shell["broken"] == []


def test_a_figure_is_the_same_bytes_twice_and_holds_no_date(shell):
    (first,), (again,), (other,) = shell["figure"], shell["again"], shell["other"]
    svg = first["data"]["image/svg+xml"]
    assert first == again and svg != other["data"]["image/svg+xml"]
    figure = first["metadata"].pop("figure")
    assert first["metadata"] == {"scrapbook": {"name": "a.figure", "mime_prefix": ""}}
    assert figure["id"] == "a.figure" and "line" in figure["data"] and figure["narrow"] is None
    assert svg.rstrip().endswith("</svg>") and svg.count("<path") > 3
    assert "dc:date" not in svg and not re.search(r"\b20\d\d-\d\d-\d\d", svg)


def test_an_equation_is_recorded_with_its_deviation(monkeypatch):
    left = []
    monkeypatch.setattr(claims, "_publish", lambda *_, record, **__: left.append(record["control"]))
    second = np.array([[1.0, -4.0], [2.0, 3.0]])
    value = np.add(second, [[0.0, 2e-11], [-1e-11, 0.0]])
    assert record.equation(7, value, second) == pytest.approx(5e-12, rel=1e-4)
    assert record.equation(7, second, second) == 0.0
    assert record.equation(7, np.array([2.0]), np.array([2.0])) == 0.0
    turned = abs(second - [[3.0, 1.0], [-4.0, 2.0]]).max() / 4  # one place on
    assert left[:2] == [pytest.approx([turned]), [turned]] and left[2] is None


@pytest.mark.parametrize(
    "value, second, parts",
    [
        (np.array([1.0, 2.0 + 1e-3]), np.array([1.0, 2.0]), "eq.7: measured"),
        (np.ones(3), np.ones(3), "eq.7: the control"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "eq.7: the value"),
    ],
)
def test_an_equation_that_does_not_hold_or_could_not_fail_is_refused(value, second, parts):
    with pytest.raises(ClaimError, match=parts):
        record.equation(7, value, second)


def test_an_equation_compares_like_with_like():
    with pytest.raises(ValueError, match=r"eq\.7: the routes give \(2,\) and \(1, 2\)"):
        record.equation(7, np.ones(2), np.ones((1, 2)))


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize("bad", [None, "x", b"x", object(), ["1", "2"], np.array(["a"])])
def test_other_things_are_refused_by_name(bad):
    for call, name in (
        (lambda: record.figure("a.b", bad), "fig must be a Figure"),
        (lambda: record.figure(bad if bad != "x" else None, None), "id a name"),
        (lambda: record.equation(7, bad, np.ones(2)), "eq.7"),
        (lambda: record.equation(7, np.arange(2.0), bad), "eq.7"),
        (lambda: record.equation(bad, np.ones(2), np.ones(2)), "number must be"),
    ):
        with pytest.raises(ValueError, match=name):
            call()
