"""Reports: what they say, how they look, and what evidence each bound of a verdict asks for."""

import html
import json
import math
import os
import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError
from matplotlib import pyplot as plt
from scipy import linalg
from test_refusals import missing
from threadpoolctl import threadpool_info, threadpool_limits

import emt
from emt import Network, Trials, repeat_copy
from emt.beyond.faithfulness import Faithfulness
from emt.beyond.overwriting import overwriting_network
from emt.gated import GRU
from emt.impulse import Inference
from emt.verdict import criteria, measuring, pages
from emt.verdict.criteria import (
    CANNOT_TELL,
    CRITERIA,
    LINEAR,
    NOT_FOUND,
    OVERWRITING,
    PARTLY,
    SAID,
    judged,
)
from emt.verdict.measuring import MEASURES
from emt.verdict.reporting import NetworkReport

FOLDER = Path(emt.__file__).parent / "verdict"
SCHEMA = json.loads((FOLDER / "report.schema.json").read_text(encoding="utf-8"))
VALID = Draft202012Validator(SCHEMA)
S, KAPPA = 4, 2
CELL = emt.Cell(lambda u, h: h, np.eye(3), 3)


def planted(H: int = 14) -> Network:
    """Plant a linear network in a random basis, with small writes and modes that fade."""
    rng, n = np.random.default_rng(0), S * KAPPA
    B = linalg.qr(rng.normal(size=(H, H)))[0] @ (np.eye(H) + 0.1 * rng.normal(size=(H, H)))
    dual = linalg.inv(B)
    size = 0.03
    network = emt.constructed(
        repeat_copy(S, KAPPA), size * B[:, :n], dual[:n] / size, activation=emt.TANH
    )
    rest = rng.normal(size=(H - n, H - n))
    rest *= 0.5 / abs(linalg.eigvals(rest)).max()
    return replace(network, W_hh=network.W_hh + B[:, n:] @ rest @ dual[n:])


def gru() -> GRU:
    rng, H = np.random.default_rng(1), 6
    shapes = (3 * H, H), (3 * H, KAPPA), (KAPPA, H)
    return GRU(*(rng.normal(size=shape) / 2 for shape in shapes))


def random_network() -> Network:
    rng = np.random.default_rng(2)
    return Network(*(rng.normal(size=n) / 4 for n in ((9, 9), (9, KAPPA), (KAPPA, 9))))


def trials() -> Trials:
    rng, task = np.random.default_rng(3), repeat_copy(S, KAPPA)
    u = emt.random_bits(task, 30, rng)
    said = np.concatenate([0 * u, emt.continuation(task, u, 2 * S)], axis=1)
    mask = np.broadcast_to(np.arange(3 * S) >= S, (30, 3 * S))
    return Trials(emt.with_silence(u, 2 * S), said, mask)


# The network, what it is asked about, what the answer is.
ASKED = {
    "linear": (planted, S, LINEAR),
    "overwriting": (lambda: overwriting_network(repeat_copy(S, KAPPA), 2.0, 4.0), S, OVERWRITING),
    "gated": (gru, 3, NOT_FOUND),
    "inferred": (planted, None, LINEAR),
    "no rule": (random_network, None, CANNOT_TELL),
    "own trials": (planted, replace(repeat_copy(S, KAPPA), trials=trials()), LINEAR),
}


def reported(name: str, alignments: bool = False) -> NetworkReport:
    make, task, _ = ASKED[name]
    return emt.report(make(), task, alignments=alignments, progress=False)


@pytest.fixture(scope="module")
def reports() -> dict[str, NetworkReport]:
    return {name: reported(name, alignments=name == "linear") for name in ASKED}


def test_a_page_folds_what_was_used_and_tells_the_notes(reports):
    report = reports["linear"].to_dict() | {"missing": {"a part": "It is not there."}}
    text, tables = pages.fragment(report, []), pages.tables(report)
    words = {table.title for table in tables if table.words}
    assert words == {"What could not be had", "What was used"}
    titles = [html.escape(table.title) for table in tables if table.folded]
    assert {"Criteria", "What was used"} <= {*titles}
    assert re.findall("<summary>(.*?)</summary>", text) == titles
    notes = [html.escape(table.note) for table in tables if table.note]
    assert re.findall('<p class="note">(.*?)</p>', text) == notes and notes


@pytest.mark.parametrize("name", ASKED)
def test_the_verdict_is_the_right_one(reports, name):
    assert reports[name].verdict.word == ASKED[name][2]
    reasons = reports[name].verdict.reasons
    assert all(reason.strip() for reason in reasons)
    parts = [re.match(r"([\d.]+)% of the answers", reason) for reason in reasons]
    assert all(float(part[1]) <= 100 for part in parts if part)


@pytest.mark.parametrize("name", ASKED)
def test_a_report_is_json_as_the_schema_says(reports, name):
    report = reports[name].to_dict()
    VALID.validate(json.loads(json.dumps(report, allow_nan=False)))
    assert (report["task"] is None) == (name == "no rule")
    assert (report["inferred"] is None) == (name not in ("inferred", "no rule"))


def test_the_schema_is_one_and_says_what_the_package_says():
    Draft202012Validator.check_schema(SCHEMA)
    measures = SCHEMA["$defs"]["measures"]["properties"]
    assert {k: v["description"] for k, v in measures.items()} == {
        k: says for k, (says, _) in MEASURES.items()
    }
    bounds = SCHEMA["properties"]["criteria"]["properties"]
    assert {k: v["description"] for k, v in bounds.items()} == SAID
    assert set(SCHEMA["properties"]["edits"]["properties"]) >= set(measuring.OTHERS)


SPOILT = {
    "another format": lambda report: report.update(format="emt report 2"),
    "another verdict": lambda report: report.update(verdict="perhaps"),
    "no reasons": lambda report: report.update(reasons=[]),
    "something else": lambda report: report.update(extra=1),
    "something less": lambda report: report.pop("missing"),
    "text for a number": lambda report: report["measures"].update(index="0.1"),
    "another measure": lambda report: report["measures"].update(other=1.0),
    "no measures": lambda report: report.update(measures={}),
    "above 1": lambda report: report["edits"]["memories"].update(efficacy=1.5),
    "another basis": lambda report: report["edits"].update(other=report["edits"]["memories"]),
    "a score less": lambda report: report["exchanges"]["memory"].pop("cause"),
    "another bound": lambda report: report["criteria"].update(other=1.0),
    "half a memory": lambda report: report["task"].update(s=1.5),
}


@pytest.mark.parametrize("case", SPOILT)
def test_the_schema_refuses(reports, case):
    report = reports["linear"].to_dict()
    SPOILT[case](report)
    with pytest.raises(ValidationError):
        VALID.validate(report)


@pytest.mark.parametrize("name", ASKED)
def test_text_is_plain_and_80_columns_wide(reports, name):
    text = str(reports[name])
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= 80
    assert reports[name].verdict.word in text.splitlines()[0]


class Read(HTMLParser):
    """A page, taken apart."""

    def __init__(self, text: str):
        """Read a page."""
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note a tag, and that it is open."""
        self.tags.append((tag, dict(attrs)))
        self.open += [tag] if tag not in ("meta", "img") else []

    def handle_endtag(self, tag):
        """Close the last tag."""
        assert self.open.pop() == tag

    def images(self) -> list[dict]:
        """Return what each image says of itself."""
        return [attrs for tag, attrs in self.tags if tag == "img"]


@pytest.mark.parametrize("name", ASKED)
def test_a_page_needs_nothing_else(reports, name, tmp_path):
    path = reports[name].save(tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    page = Read(text)
    assert page.open == [] and {"html", "head", "title", "main", "h1"} <= {t for t, _ in page.tags}
    assert not re.search(r"https?:|//\w|@import|url\(", re.sub(r'src="data:[^"]*"', "", text))
    for tag, attrs in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base")
        assert not attrs.keys() & {"href", "srcset", "data", "action", "onload"}
    images = page.images()
    assert len(images) == 2 * (reports[name].evidence.spectrum is not None)
    for image in images:
        assert len(image["alt"]) > 40
        kind, _, content = image["src"].partition("base64,")
        assert kind == "data:image/svg+xml;"
        svg = b64decode(content, validate=True).decode()
        assert svg.startswith("<svg") and svg.rstrip().endswith("</svg>")
        assert not re.search(r"""href=["'](?!#|data:image/png;base64,)|url\([^#]|<script""", svg)


def test_names_of_arrays_are_text_everywhere():
    network, name = planted(9), '<b onclick="x">[red]W&c'
    arrays = {"W_uh": network.W_uh, "W_r": network.W_r, name: network.W_hh}
    opened = emt.from_arrays(arrays, names={"W_hh": name})
    report = emt.report(opened, S, alignments=False, progress=False)
    page = report._repr_html_()
    assert "<b" not in page and "&lt;b onclick=&quot;x&quot;&gt;[red]W&amp;c" in page
    assert all("onclick" not in attrs for _, attrs in Read(page).tags)
    assert name in str(report) and name in report.to_dict()["used"]["W_hh"]


def test_a_report_is_kept_whole_or_not_at_all(reports, tmp_path, monkeypatch):
    report, path = reports["no rule"], tmp_path / "report.json"
    assert report.save(path) == path
    assert json.loads(path.read_text(encoding="utf-8")) == report.to_dict()
    for wrong in (tmp_path, tmp_path / "nowhere" / "x.html", path / "x.html"):
        with pytest.raises(ValueError, match="path must be a file"):
            report.save(wrong)
    before = path.read_bytes()
    monkeypatch.setattr("emt.writing.os.replace", stopped)
    for kind in ("json", "html"):
        with pytest.raises(KeyboardInterrupt):
            report.save(tmp_path / f"report.{kind}")
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == before


def stopped(*_):
    raise KeyboardInterrupt


def test_two_reports_of_one_network_are_the_same_bytes(reports):
    again = reported("inferred")
    assert again.to_dict() == reports["inferred"].to_dict()
    assert again._repr_html_() == reports["inferred"]._repr_html_()


AGAIN = """
import emt
report = emt.report(emt.load("n.safetensors").network, alignments=False, progress=False)
report.save("threads.json")
report.save("threads.html")
"""


def test_a_report_is_the_same_bytes_on_any_number_of_threads(reports, tmp_path):
    emt.save(planted(), tmp_path / "n.safetensors")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    environment = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", AGAIN], cwd=tmp_path, env=environment, check=True)
    for kind in ("json", "html"):
        one = reports["inferred"].save(tmp_path / f"one.{kind}").read_bytes()
        assert len(one) > 1000 and one == (tmp_path / f"threads.{kind}").read_bytes()


def test_reports_are_measured_and_drawn_on_one_thread(reports, monkeypatch):
    seen = {}

    def noted(module, name):
        function = getattr(module, name)

        def noting(*arguments):
            seen[name] = {pool["num_threads"] for pool in threadpool_info()}
            return function(*arguments)

        monkeypatch.setattr(module, name, noting)

    noted(measuring, "_visited")
    noted(pages, "_figure_3")
    with threadpool_limits(2):
        assert max(pool["num_threads"] for pool in threadpool_info()) == 2
        reported("overwriting")
        pages.drawn(reports["overwriting"].evidence)
    assert seen == {"_visited": {1}, "_figure_3": {1}}


# What is changed in the evidence, and the verdict then. Values by name, `own` for the scores of the
# memories, `rival` for the best efficacy of what should fail. A bound is met at its own value, and
# missed by a hundredth.
CHANGES = [
    ({}, LINEAR),
    # Does it do its task?
    ({"accuracy_least": 0.95}, LINEAR),
    ({"accuracy_least": 0.94}, PARTLY),
    ({"accuracy_most": 0.76, "accuracy_least": 0.7, "component": 0.8}, PARTLY),
    ({"accuracy_most": 0.75, "accuracy_least": 0.7, "component": 0.8}, NOT_FOUND),
    ({"accuracy_most": 0.6, "accuracy_least": 0.5, "component": 0.94}, NOT_FOUND),
    ({"accuracy_most": 0.6, "accuracy_least": 0.5, "component": 0.95}, PARTLY),
    # Are edits obeyed, and the memories needed?
    *(({"own": {name: 0.95}}, LINEAR) for name in ("efficacy", "specificity", "sufficiency")),
    *(({"own": {name: 0.94}}, PARTLY) for name in ("efficacy", "specificity", "sufficiency")),
    *(({"own": {name: 0.5}, "fitted": 0.5}, PARTLY) for name in ("specificity", "sufficiency")),
    ({"own": {"necessity": 0.7}}, LINEAR),
    ({"own": {"necessity": 0.71}}, PARTLY),
    ({"own": {"necessity": 1.0}}, PARTLY),
    ({"own": {"decoded": 0.5, "surgery": 0.5}}, LINEAR),
    # Better than what should fail?
    ({"rival": 0.849}, LINEAR),
    ({"rival": 0.86}, CANNOT_TELL),
    ({"rival": 1.0}, CANNOT_TELL),
    # Some of them?
    ({"own": {"efficacy": 0.75}, "rival": 0.5, "fitted": 0.5}, PARTLY),
    ({"own": {"efficacy": 0.74}, "rival": 0.5, "fitted": 0.5}, NOT_FOUND),
    ({"own": {"efficacy": 0.9}, "rival": 0.76, "fitted": 0.5}, NOT_FOUND),
    ({"own": {"efficacy": 0.9}, "rival": 0.749, "fitted": 0.5}, PARTLY),
    ({"own": {"efficacy": 0.5}, "fitted": 0.95}, PARTLY),
    ({"own": {"efficacy": 0.5}, "fitted": 0.94}, CANNOT_TELL),
    ({"own": {"efficacy": 0.5}, "fitted": 0.75}, CANNOT_TELL),
    ({"own": {"efficacy": 0.5}, "fitted": 0.74}, NOT_FOUND),
    ({"own": {"efficacy": 0.5}, "fitted": math.nan}, CANNOT_TELL),
    ({"own": {"efficacy": 0.5}, "fitted": 0.5, "accuracy_least": 0.94}, CANNOT_TELL),
    # As the task asks?
    ({"Phi_cosine": 0.9}, LINEAR),
    ({"Phi_cosine": 0.89}, PARTLY),
    ({"Phi_cosine": math.nan}, PARTLY),
    # Of which kind?
    ({"explained": 0.95}, LINEAR),
    ({"explained": 0.94}, PARTLY),
    ({"explained": math.nan}, PARTLY),
    ({"dose": 0.6}, LINEAR),
    ({"dose": 0.61}, PARTLY),
    ({"dose": 1.0}, PARTLY),
    ({"dose": math.nan}, PARTLY),
    ({"index": 0.25}, LINEAR),
    ({"index": 0.26}, PARTLY),
    ({"index": 0.5}, PARTLY),
    ({"index": math.nan}, LINEAR),
    ({"dose": 0.75, "index": 0.6}, OVERWRITING),
    ({"dose": 0.74, "index": 0.6}, PARTLY),
    ({"dose": 0.75, "index": 0.59}, PARTLY),
    ({"dose": 1.0, "index": math.nan}, PARTLY),
    ({"dose": 1.0, "index": 1.0, "explained": 0.0}, OVERWRITING),
    ({"dose": 1.0, "index": 1.0, "Phi_cosine": 0.0}, PARTLY),
    # No memories at all?
    ({"own": None}, PARTLY),
    ({"own": None, "fitted": 0.94}, CANNOT_TELL),
    ({"own": None, "fitted": 0.74}, NOT_FOUND),
    ({"own": None, "fitted": 0.5, "accuracy_least": 0.94}, CANNOT_TELL),
]


def changed(evidence, own=(), rival=None, **values):
    """Return the evidence with other values and scores."""
    scores, missing = dict(evidence.scores), dict(evidence.missing)
    if own is None:
        del scores["memories"]
        missing["memories"] = "There are none."
    else:
        scores["memories"] = scores["memories"]._replace(**dict(own))
    if rival is not None:
        others = [name for name in scores if name != "memories"]
        scores |= {name: scores[name]._replace(efficacy=0.1) for name in others}
        scores[others[-1]] = scores[others[-1]]._replace(efficacy=rival)
    return evidence._replace(values=evidence.values | values, scores=scores, missing=missing)


@pytest.mark.parametrize("change, word", CHANGES)
def test_the_verdict_follows_the_evidence(reports, change, word):
    found = judged(changed(reports["linear"].evidence, **change))
    assert found.word == word and all(map(str.strip, found.reasons))


@pytest.mark.parametrize("change, word", [({}, OVERWRITING), ({"index": 0.3}, PARTLY)])
def test_a_network_that_overwrites_is_judged_alike(reports, change, word):
    assert judged(changed(reports["overwriting"].evidence, **change)).word == word


@pytest.mark.parametrize("name", CRITERIA)
@pytest.mark.parametrize("by", [-0.011, 0.011])
def test_every_bound_counts(reports, monkeypatch, name, by):
    monkeypatch.setitem(criteria.CRITERIA, name, CRITERIA[name] + by)
    words = [judged(changed(reports["linear"].evidence, **change)).word for change, _ in CHANGES]
    assert words != [word for _, word in CHANGES]


@pytest.mark.parametrize(
    "said, word",
    [
        ("nothing", NOT_FOUND),
        ("ambiguous", CANNOT_TELL),
        ("delay line", PARTLY),
        (None, CANNOT_TELL),
    ],
)
def test_without_a_task_the_rule_decides(reports, said, word):
    rule = None if said is None else Inference(said, 3, (), "So it is.")
    found = judged(reports["no rule"].evidence._replace(rule=rule))
    assert found.word == word and (said is None or "So it is." in found.reasons[0])


def test_other_channels_are_silent_or_those_of_the_trials(reports):
    network, task = planted(), ASKED["own trials"][1]
    odd = replace(network, W_uh=np.insert(network.W_uh, 1, 0.01, axis=1))
    asked = {"channels": [0, 2], "alignments": False, "progress": False}
    assert (
        emt.report(odd, S, **asked).to_dict()["measures"] == reports["linear"].to_dict()["measures"]
    )
    own = replace(task.trials, inputs=np.insert(task.trials.inputs, 1, 0.0, axis=2))
    found = emt.report(odd, replace(task, trials=own), **asked)
    assert found.verdict.word == LINEAR and found.evidence.network.inputs == 3


def test_one_memory_is_no_answer():
    network = Network(np.eye(3), np.eye(3), np.eye(3))
    assert emt.report(network, 1, alignments=False, progress=False).verdict.word == NOT_FOUND


def test_fewer_units_than_variables_are_no_directions(reports):
    evidence = changed(reports["linear"].evidence, own=None)
    small = evidence._replace(network=Network(np.eye(5), np.ones((5, 2)), np.ones((2, 5))))
    assert judged(small).word == NOT_FOUND
    assert "5 units for 8 variables" in " ".join(judged(small).reasons)


def test_components_that_are_held_are_named(reports):
    evidence = changed(
        reports["linear"].evidence, own=dict.fromkeys(Faithfulness._fields, 0.5), fitted=0.5
    )
    evidence = evidence._replace(
        values=evidence.values | {"accuracy_least": 0.7, "component": 1.0},
        components=np.array([0.5, 1.0]),
    )
    found = judged(evidence)
    assert found.word == CANNOT_TELL and "components [1] only" in found.reasons[-1]


def test_what_was_exchanged_is_there(reports):
    exchanges = reports["linear"].to_dict()["exchanges"]
    assert set(exchanges) == set(SCHEMA["properties"]["exchanges"]["properties"])
    assert exchanges["memory"]["cause"] > 0.95 > exchanges["random directions"]["cause"]
    assert "learned alignment" not in reports["overwriting"].to_dict()["exchanges"]


def test_figure_3_has_the_panels_that_can_be_had(reports):
    evidence = reports["linear"].evidence
    with plt.style.context(["default", "emt.emt"]):
        four, two = pages.panels(evidence), pages.panels(evidence._replace(memories=None))
    titles = [[ax.get_title(loc="left") for ax in fig.axes] for fig in (four, two)]
    plt.close(four), plt.close(two)
    assert [title[0] for title in titles[0] if title] == [*"ABCD"]
    assert [title for title in titles[1] if title] == ["eigenvalues", "hidden state"]


def test_what_is_wrong_is_said(reports):
    wide = Network(np.eye(3), np.ones((3, 3)), np.ones((2, 3)))
    task = ASKED["own trials"][1]
    nothing = reports["no rule"].evidence
    table = {
        r"channels must say which 2 of the 3 inputs .* such as \[0, 1\]": lambda: emt.report(wide),
        "no second round": lambda: measuring._rounds(wide, task, 1),
        "may have a gap": lambda: measuring._response(planted(), task),
        "must be made of weights": lambda: measuring._changed(CELL, np.ones_like),
        "must have one recurrent matrix": lambda: measuring._rotated(gru(), 1),
        "hold a task and a linear network to be drawn: s = ": lambda: pages.panels(nothing),
    }
    for message, call in table.items():
        with pytest.raises(ValueError, match=message):
            call()
    assert [
        place for place in missing(table.values(), only="verdict") if "command.py" not in place
    ] == []


def test_trials_with_a_gap_are_read_by_when_memories_are_read():
    task, rng = repeat_copy(3, 1), np.random.default_rng(0)
    plain = emt.constructed(task, np.linalg.qr(rng.normal(size=(7, 3)))[0])
    late = replace(plain, W_r=plain.W_r @ np.linalg.matrix_power(plain.W_hh, 2))
    bits = rng.choice([-1.0, 1.0], size=(60, 3, 1))
    inputs = np.concatenate([bits, np.zeros((60, 10, 1))], axis=1)
    targets = np.concatenate([np.zeros((60, 4, 1)), np.tile(bits, (1, 3, 1))], axis=1)
    mask = np.broadcast_to(np.arange(13) >= 4, (60, 13))
    own = replace(task, trials=Trials(inputs, targets, mask))
    found = emt.report(late, own, alignments=False, progress=False)
    assert found.verdict.word == LINEAR, found
    assert found.evidence.scores["memories"].efficacy == 1
    assert math.isnan(found.evidence.values["response"]) and "response" in found.evidence.missing


def test_a_rule_with_a_threshold_is_reported_too(tmp_path):
    F = np.zeros((3, 1, 1))
    F[:, 0, 0] = 1.0, -1.0, 1.0
    task = emt.Task(3, 1, F, threshold=True)
    network = overwriting_network(task, 2.0, 8.0)
    found = emt.report(network, task, alignments=False, progress=False)
    assert "response" in found.evidence.missing
    assert len(pages.drawn(found.evidence)) == 1
    assert "Verdict" in found.save(tmp_path / "x.html").read_text(encoding="utf-8")


def test_every_part_takes_the_seed(monkeypatch):
    """Another seed is other inputs, in the memories as in what they are compared with."""
    asked = []

    def noted(function):
        def noting(*arguments, **named):
            asked.append(named["seed"])
            return function(*arguments, **named)

        return noting

    for name in ("scored", "interchanged", "probe"):
        monkeypatch.setattr(measuring, name, noted(getattr(measuring, name)))
    task = repeat_copy(3, 2)
    network = emt.constructed(task, 0.1 * np.eye(8)[:, :6], activation=emt.TANH)
    emt.report(network, task, seed=5, alignments=False, progress=False)
    assert len(asked) >= 9 and set(asked) == {5}


@pytest.mark.parametrize("factor", [0.05, -3.0])
def test_where_each_component_is_another_ones_multiple_its_sign_is_the_rule(factor):
    F = factor * emt.compose_copy(2).F
    rule = Inference("rule", 2, (SimpleNamespace(task=emt.Task(2, 2, F)),), "")
    np.testing.assert_array_equal(measuring._said(rule).F, np.sign(F))


def test_where_nothing_rests_states_are_counted_from_their_mean(noise):
    task = repeat_copy(2, 3)
    h = measuring.in_flight(noise, task, measuring.SEQUENCES, 5).h
    expected = [np.mean([state[i] for step in h for state in step]) for i in range(noise.hidden)]
    np.testing.assert_allclose(measuring._mean(noise, task, 5), expected)


@pytest.mark.parametrize("s, middle", [(2, 1), (3, 2), (4, 2), (5, 3)])
def test_the_memory_that_is_exchanged_is_the_middle_one(s, middle):
    task = repeat_copy(s, 1)
    network = emt.constructed(task, np.eye(s))
    memories = emt.corrected(network, task)
    own = measuring._subspaces(network, task, memories, 0, alignments=False)
    *_, m, Psi = own["memory"].args
    assert m == middle
    np.testing.assert_array_equal(Psi, memories.Psi[:, [middle - 1]])
