"""Every argument of every public function: what is of another kind is a ValueError naming it.

From signatures and annotations, so that a new function is tried without a word here, once its
arguments have a valid example in `EXAMPLES`.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import get_args, get_origin

import jaxtyping
import numpy as np
import pandas as pd
import pytest
import study
import torch
from conftest import arrays, known_network, straight
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy import sparse
from study import Study

import emt
import emt.training.descent
import emt.workshop.store
from emt import Network, Stage, Task, TrainingConfig, impulse, spectrum
from emt.beyond.fitting import propagated
from emt.evidence import NonMemorySpace
from emt.gsemm import GSEMM, State
from emt.linear_network import program
from emt.network import ACTIVATIONS
from emt.tasks import Trials
from emt.training.backpropagation import allocate
from emt.training.descent import Training
from emt.verdict.measuring import measured
from emt.verdict.reporting import NetworkReport, Verdict

pytestmark = pytest.mark.usefixtures("_no_shape_hook")

NET = known_network(3, 2, 4)
TASK, W = NET.task, NET.network
RNG = np.random.default_rng(0)
BITS = RNG.choice([-1.0, 1.0], (4, 3, 2))
ONES, TIMES, STATES = np.ones(2), np.arange(1.0, 4.0), RNG.normal(size=(30, 10))
CONFIG = TrainingConfig(hidden=6, stages=(Stage(2, 2, 1e-3),), batch=2)
MODEL = GSEMM(np.eye(4, 2), np.eye(2, 4), np.eye(2))
MEMORIES = emt.corrected(W, 3)
EYE, ROW, ROOTS = np.eye(6), np.arange(6.0), spectrum.roots_of_unity(3, 2)
LINES = {"a": TIMES, "b": TIMES}
PAIRS = {"a": (TIMES, TIMES), "b": (TIMES, TIMES)}
TRIPLES = {"a": (TIMES, TIMES, TIMES)}
RESPONSE = impulse.impulse_response(W, 12)
EVIDENCE = measured(W, TASK, seed=1, alignments=False, progress=False)
REPORT = NetworkReport(Verdict("partly", ("Why.",)), EVIDENCE, {"seed": "1"})


def double(x):
    return {"x": x, "y": 2 * x}


def rnn():
    return torch.nn.RNN(2, 3), torch.nn.Linear(3, 2, bias=False)


class SimpleRNNCell:
    """Keras's, as far as it is looked at."""

    def get_config(self):
        """Say nothing."""
        return {}


class Layer:
    """Keras's, as far as it is looked at."""

    name, return_sequences, cell = "rnn", True, SimpleRNNCell()

    def get_weights(self):
        """Return kernels."""
        return [np.ones((2, 3)), np.ones((3, 3))]


STUDY = Study(double, [{"x": 1}, {"x": 2}], {"y": 0.0}, timed=("z",))
# By the name of the argument, then by that of the module and of the function.
EXAMPLES = {
    **{"s": 3, "kappa": 2, "F": TASK.F, "threshold": 0.99, "task": TASK, "network": W, "at": None},
    **{"hidden": 10, "steps": 3, "sequences": 4, "seed": 1, "rng": RNG, "u": BITS, "x": BITS},
    **{"first": 1, "last": 3, "step": 3, "memories": MEMORIES, "config": CONFIG, "h": np.zeros(10)},
    **{"Psi": NET.Psi, "Psi_dual": NET.Psi_dual, "labels": MEMORIES.labels, "alpha": 1.0},
    **{"vectors": NET.Psi, "covectors": NET.Psi_dual, "Phi": EYE, "W": W.W_hh, "W_hh": W.W_hh},
    **{"activation": emt.TANH, "tolerance": 1e-9, "progress": False, "every": 25, "stop": None},
    **{"W_uh": W.W_uh, "W_r": W.W_r, "b": np.ones(10), "gain": 1.0, "kind": "dual", "text": "1"},
    **{"wait": 1, "n": 2, "H": 10, "count": 2, "impulses": 6, "noise": 0.01, "stretch": 1.0},
    **{"activity": 0.01, "bar": 0.9, "share": 0.5, "time": 9.0, "times": TIMES, "sizes": TIMES},
    **{"ax": None, "xlabel": "x", "ylabel": "y", "label": "x", "limit": 1.0, "lines": LINES},
    **{
        "p": propagated(W, 6),
        "response": RESPONSE,
        "write_scale": 0.5,
        "updates": 3,
        "device": None,
    },
    **{"learning_rate": 1e-3, "batch": 2, "folder": "here", "most_inputs": None, "delay": [1, 2]},
    **{"component": [2, 1], "sign": [1, -1], "model": MODEL, "V_f": np.ones(4), "least": 0.5},
    **{"overlaps": EYE, "accuracy": 1e-6, "Xi": MODEL.Xi, "T_f": 1.0, "V": np.ones(4)},
    **{"eigenvalues": ROOTS, "theory": ROOTS, "counts": [2, 2, 2], "matrix": EYE, "z": ROOTS},
    **{"contents": np.ones((5, 6)), "y": np.ones((5, 2)), "read": ONES, "study": STUDY},
    **{
        "directions": np.eye(10),
        "starts": STATES[:2],
        "g": 2.0,
        "c": 3.0,
        "memory": 1,
        "path": "x",
    },
    "basis.vector": {"components": ROW, "basis": NET.Psi},
    "basis": {"v": np.ones(10), "block": W.W_uh, "name": "vectors"},
    "basis.propagate": {"name": "count"},
    "basis.invariant_subspaces": {"written": W.W_uh, "read": W.W_r},
    "tasks.bitmap": {"s": 4, "kappa": 5},
    "tasks.from_operator": {"operator": np.ones((6, 2))},
    "scoring": {"trials": Trials(BITS, BITS)},
    "tasks.Task": {"threshold": False, "trials": None},
    "tasks.Trials": {"inputs": BITS, "targets": BITS, "mask": BITS[..., 0] > -2}
    | {"decision": 0.5, "middle": 0.5},
    "network.under_input": {"u": ONES, "y": ONES},
    "scoring.centred": {"trials": Trials(0 * BITS, BITS)},
    "impulse.infer_rule": {"most": 5},
    "loading.arrays": {"arrays": {"W_hh": W.W_hh, "W_uh": W.W_uh, "W_r": W.W_r}, "layout": None}
    | {"leak": np.ones(10), "rates": False, "names": {"W_r": "W_r"}, "ignore": ["q"]},
    "loading.conventions": {"found": {"W_hh": EYE, "W_uh": W.W_uh[:6]}, "layout": None}
    | {"names": {}, "name": "rnn.weight"},
    "loading.graphs": {"held": {}, "nodes": []},
    "loading.layers": {"model": SimpleNamespace(layers=[Layer()]), "config": {}} | {"kind": "LSTM"},
    "loading.modules.on_arrays": {"function": np.add},
    "loading.stepping": {"function": lambda u, h: np.tanh(h), "inputs": 3, "W_r": np.ones((1, 2))}
    | {"c": None, "h0": ONES},
    "loading.files": {
        "path": "n.npz",
        "leak": np.ones(10),
        "rates": False,
        "layout": None,
        "names": None,
        "ignore": ["q"],
    },
    "loading.files.save": {"path": "z"},
    "loading.modules": {"model": rnn()[0], "readout": rnn()[1], "layout": None, "like": None}
    | {"leak": np.ones(3), "rates": False},
    "loading.comparing": {"h": None, "y": np.ones((4, 3, 2))},
    "gated": {"W_hh": np.ones((6, 2)), "W_uh": np.ones((6, 3)), "W_r": np.ones((1, 2))}
    | {"b_hh": np.ones(6), "b_uh": None, "c": None, "h0": None, "reset_first": False},
    "gated.LSTM": {"W_hh": np.ones((8, 2)), "W_uh": np.ones((8, 3)), "b": np.ones(8)},
    "network.identity": {"x": ONES},
    "network.Network": {"c": ONES, "h0": np.ones(10), "leak": np.ones(10), "rates": False},
    "evidence": {"space": NonMemorySpace(np.linalg.qr(STATES[:10])[0][:, :4], np.ones(4), 0)},
    "evidence.non_memory_space": {"h": STATES},
    "evidence.open_network": {"h": STATES},
    "evidence.agreement": {"measured": ONES, "theory": ONES},
    "evidence.wrap_around": {"Phi_learned": EYE},
    "evidence.hops": {"contents": np.ones((9, 6)), "u": BITS[0]},
    "evidence.norms_of_powers": {"block": EYE},
    "beyond.alignment": {"basis": np.eye(10)[:, :2], "dimensions": 2, "pairs": 9}
    | {"shuffled": False, "iterations": 2, "h": STATES, "bits": np.sign(STATES[:, :2])},
    "beyond.faithfulness": {"doses": ONES},
    "beyond.bases.principal_basis": {"h": STATES},
    "beyond.bases.baseline": {"kind": "random directions"},
    "gsemm": {"W": np.eye(4), "h": np.ones(4), "sigma": np.tanh, "step": 0.5},
    "gsemm.flow": {"state": State(np.ones(4), ONES, np.ones(4))},
    "gsemm.simulate": {"start": State(np.ones(4), ONES, np.ones(4))},
    "gsemm.conjugated": {"sigma": ACTIVATIONS["tanh"]},
    "gsemm.conditioning": {"sigma": ACTIVATIONS["tanh"], "x": ONES},
    "gsemm.GSEMM": {"Xi_dagger": MODEL.Xi.T, "Phi_prime": np.eye(2), "alpha_s": 1.0, "alpha_c": 1.0}
    | {"T_h": 0.1, "T_d": 0.1, "sigma_f": np.tanh, "sigma_h": np.tanh},
    "beyond.fitting": {"start": Network(W.W_hh, W.W_uh, W.W_r), "modes": 6, "iterations": 2},
    "beyond.fitting.weak_directions": {"part": 1e-6},
    "beyond.fitting.pulled_back": {"x": np.ones((6, 2, 2))},
    "beyond.interventions": {
        "value": ONES,
        "source": 1,
        "target": 2,
        "first": 1,
        "second": 2,
        "dose": 0.5,
    }
    | {"other": np.ones(10), "to": 1, "block": np.eye(2)},
    "beyond.lifetime": {"stored": BITS, "read": BITS, "cycles": [1, 2]},
    "beyond.lifetime.activity": {"first": 1, "last": 3},
    "beyond.lifetime.faults": {"modes": ROOTS, "roots": ROOTS},
    "beyond.lifetime.accuracy_of": {"variance": TIMES},
    "beyond.lifetime.last_step": {"steps": TIMES, "accuracy": TIMES[::-1] / 4},
    "beyond.lifetime.accuracy_curve": {"steps": TIMES},
    "beyond.lifetime.saturation": {"preactivation": STATES},
    "linearization": {"apart": 1e-4, "most": 5, "visited": STATES},
    "linearization.placed": {"h": np.full(10, 0.1), "linear": W},
    "linearization.order": {"values": TIMES},
    "beyond.overwriting": {"delay": 3, "rounds": 2, "silence": 1, "scale": 1.0},
    "linear_network.coefficients": {"steps": 3},
    "spectrum": {"kappa": 2},
    "training.recipes": {"initialisation": "torch", "clip": 1.0, "warmup": 0, "decay": "none"}
    | {"advance": 0.5, "bias": False, "activation": "tanh", "stages": CONFIG.stages},
    "training.recipes.three_stages": {"updates": (1, 1, 1)},
    "linear_network": {"u": BITS[0], "t": 4},
    "linear_network.run_by_line": {"network": straight(W)},
    "algorithm1": {"W_r_star": W.W_r.T, "removal": "none"},
    "algorithm1.as_printed": {"W_r_star": "dual"},
    "workshop.store.sources": {"module": Path(emt.training.descent.__file__)},
    "workshop.store.stored": {"config": replace(CONFIG, hidden=10)},
    "workshop.store.keep": {"path": "y", "result": Training(W, ONES)},
    "writing.write_whole": {"path": "y", "content": b"x"},
    "training.backpropagation": {"x": ONES, "shape": (2, 3), "like": ONES}
    | {"u": np.ones((3, 4, 2), "f"), "targets": np.ones((2, 4, 2), "f")}
    | {"room": allocate(5, 4, 10, np.ones(1, "f")), "b": None, "activation": "tanh"}
    | {"noise": np.ones((5, 4, 10), "f")}
    | {k: v.astype("f") for k, v in arrays(W).items()},
    "workshop.tables": {"name": "x", "text": "x"},
    "workshop.pictures": {"fig": Figure()},
    "figures.binding": {"content": ONES, "box": (0, 0, 1, 1), "before": ROW, "composed": ROW}
    | {"written": ROW, "u": ONES},
    "figures.binding.figure_1": {"program": program(TASK, BITS[0]), "u": BITS[0]}
    | {"network": program(TASK, BITS[0])},
    "figures.chart": {"rows": [("really?", "no")], "end": "yes"},
    "figures.common": {"rows": [{"x": 1}], "source": "x", "formats": ".3f", "height": 3.0}
    | {"titles": ["x"], "theory": TIMES, "x": TIMES, "pairs": TRIPLES, "points": PAIRS, "low": 1.0}
    | {"factors": {"a": 2.0}, "high": 9.0, "values": EYE, "extent": (0, 1, 0, 1), "reach": 1.0},
    "figures.learned": {
        "by_construction": EYE > 0,
        "edit": 5,
        "spectrum": spectrum.compare(W, TASK),
    },
    "figures.learned.edited_run": {"contents": np.ones((9, 6)), "y": np.ones((9, 2))},
    "figures.learned.hidden_states": {"h": STATES},
    "figures.learned.figure_3": {"annotated": True, "h": STATES[:5], "matrix": np.eye(10)}
    | {"by_construction": np.eye(10) > 0},
    "figures.nonlinear": {
        "powers": {"a": 2.0, "b": 3.0},
        "visited": STATES[:, :2],
        "points": STATES[:3, :2],
    }
    | {"stable": np.array([True, False, True]), "cycles": TIMES, "signs": 0.5, "stored": TIMES},
    "figures.nonlinear.stored_and_read": {"read": LINES},
    "figures.nonlinear.changes": {"lines": PAIRS},
    "figures.theory": {"overlaps": np.ones((4, 3)), "values": ROOTS, "v": ONES, "basis": np.eye(2)}
    | {"components": ONES, "groups": {"a": np.eye(2)}, "modes": np.eye(2), "orbit": STATES[:, :2]}
    | {"spectral": ONES, "orthogonal": ONES},
    "verdict.criteria": {"evidence": EVIDENCE},
    "verdict.measuring": {"channels": [0, 1], "alignments": False},
    "verdict.pages": {"evidence": EVIDENCE, "report": REPORT.to_dict(), "figures": [], "level": 3},
    "verdict.reporting": {"evidence": EVIDENCE, "verdict": REPORT.verdict, "used": {"seed": "1"}}
    | {"channels": [0, 1], "alignments": False},
}


class Refuses:
    """What raises an error of its own when it is made an array."""

    def __array__(self, *_, **__):
        """Raise."""
        raise KeyError("no array")


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])
GRADIENT = torch.ones(2, requires_grad=True)
DATES = np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")
OTHERS = {
    **{"None": None, "text": "x", "number as text": "1", "bytes": b"1", "dict": {"q": 1}},
    **{"set": {1}, "object": object(), "complex": 1j, "gradient": GRADIENT, "mask": MASKED},
    **{
        "dates": DATES,
        "date": DATES[0],
        "duration": np.timedelta64(1, "s"),
        "huge": 10**400,
        "longer than a repr": 10**5000,
    },
    **{"sparse": sparse.eye_array(2), "decimal": Decimal(1), "array": Refuses(), "class": Task},
    **{"ragged": [[1.0], [1.0, 2.0]], "list of None": [None, None], "list of text": ["1", "2"]},
    **{"structured": np.zeros(2, [("a", float)]), "list of masks": [MASKED, MASKED]},
    **{"list of huge": [10**400, 1], "pandas": pd.Series([True, None], dtype="boolean")},
    **{
        "bytearray": bytearray(b"12"),
        "truth among numbers": [2.0, True],
        "list of dicts": [{}, {}],
    },
}
# Those of them that are of the right kind, by the class that the annotation names.
RIGHT = {str: ("text", "number as text"), Callable: ("class",), NoneType: ("None",)}
RIGHT |= {bytes: ("bytes",), Mapping: ("dict",), jaxtyping.Complex: ("complex",)}
RIGHT |= {Path: ("text", "number as text"), tuple[str, ...]: ("list of text",)}
RIGHT |= {Sequence[str]: ("list of text",), Sequence[dict]: ("list of dicts",)}
RIGHT |= {Iterable[Mapping]: ("list of dicts",), dict: ("dict",)}
# What has no rule, and why.
NO_RULE = {
    "workshop.claims": "has tests of its own",
    "verdict.command": "has tests of its own: its arguments are text",
    "workshop.parallel": "takes any function and any arguments",
    "workshop.results": "takes any function and any argument",
    "checks": "takes what is wrong, and its name",
}


def things():
    """Return all public functions and records with checks, by module and name."""
    found = {}
    for info in pkgutil.walk_packages(emt.__path__, "emt."):
        module, short = importlib.import_module(info.name), info.name.removeprefix("emt.")
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", "") == info.name and not name.startswith("_")
            record = inspect.isclass(thing) and is_dataclass(thing)
            if own and short not in NO_RULE and (inspect.isfunction(thing) or record):
                found[f"{short}.{name}"] = thing
    return found


THINGS = things()


def examples(title):
    module = title.rpartition(".")[0]
    of_module = EXAMPLES.get(module, {}) if module != "network" else {}  # also an argument's name
    special = {**EXAMPLES, **of_module, **EXAMPLES.get(title, {})}
    axes = Figure().add_subplot()
    special |= {"ax": axes, "axis": axes.xaxis}
    names = inspect.signature(THINGS[title]).parameters
    return {name: special[name] for name in names if name != "formats"}


def kinds(annotation):
    """Return the classes that an annotation names."""
    if get_origin(annotation) is UnionType:
        return {kind for part in get_args(annotation) for kind in kinds(part)}
    kind = get_origin(annotation) or annotation
    if annotation in RIGHT:
        return {annotation}
    array = inspect.isclass(kind) and issubclass(kind, jaxtyping.AbstractArray)
    return {kind.dtype if array else kind}


def wrong(title, name, example):
    annotation = inspect.signature(THINGS[title]).parameters[name].annotation
    found = kinds(annotation)
    right = {case for kind in found for case in RIGHT.get(kind, ())}
    yield from ((case, value) for case, value in OTHERS.items() if case not in right)
    if found & {int, float, bool}:
        yield from (("NaN", np.nan), ("list", [1, 2]))
    if found & {int, float}:
        yield from (("truth", True), ("-huge", -(10**400)), ("array of one", np.ones(1)))
    if found & {jaxtyping.Float, jaxtyping.Int, jaxtyping.Complex} and example is not None:
        example = np.asarray(example)
        yield from (("truths", example > 0), ("texts", example.astype(str)))
        yield from (("objects", np.full(example.shape, None)), ("bytes", example.astype(bytes)))
        yield "dates", np.zeros(example.shape, "datetime64[D]")
        yield "mask", np.ma.array(example, mask=False)
        if jaxtyping.Complex not in found:
            yield "complex", example + 1j


@pytest.fixture(scope="module", autouse=True)
def _elsewhere(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("arguments")
        patch.chdir(folder)
        patch.setenv("EMT_STORE", str(folder))
        emt.workshop.store.keep("x", Training(W, ONES), TASK, replace(CONFIG, hidden=10))
        study.write("x", pd.DataFrame({"x": [1]}), "make", "here")
        np.savez("n.npz", W_hh=W.W_hh, W_uh=W.W_uh, W_r=W.W_r)
        yield


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.mark.parametrize("title", THINGS)
def test_what_is_of_another_kind_is_refused_by_name(title):
    thing, valid = THINGS[title], examples(title)
    faults = []
    for name, example in valid.items():
        for case, value in wrong(title, name, example):
            try:
                list_of(thing(**{**valid, name: value}))
            except ValueError as error:
                if not re.search(rf"\b{name}\b", str(error)):
                    faults.append(f"{name} {case}: {error}")
            except Exception as error:
                faults.append(f"{name} {case}: {error!r}")
            else:
                faults.append(f"{name} {case}: accepted")
    assert not faults, "\n".join(faults)


def list_of(result):
    """Let a generator start."""
    if inspect.isgenerator(result):
        next(result)
    return result


@pytest.mark.parametrize("title", THINGS)
def test_the_example_is_right(title):
    list_of(THINGS[title](**examples(title)))


def spoilt(example):
    """Return arrays of the right kind that are not finite, or of another shape."""
    example = np.array(example, dtype=np.result_type(np.asarray(example), np.int64))
    if example.dtype.kind in "fc":
        for value in (np.nan, np.inf):
            holed = example.copy()
            holed.flat[-1] = value
            yield f"{value}", holed
    yield "no axes", example.flat[0]
    yield "another axis", np.stack([example, example])
    yield "longer", np.concatenate([example, example[..., -1:]], axis=-1)
    yield "more", np.concatenate([example, example[-1:]])
    yield "empty", np.zeros((0,) * example.ndim, example.dtype)
    yield "no columns", example[..., :0]


# Where a function passes an argument on: the name that the message gives instead.
PASSED_ON = {
    **dict.fromkeys(("source", "target", "to", "first", "second"), "memory"),
    **{"modes": "hidden", "updates": "steps", "s": "stages", "kappa": "delay"},
    **{
        "g": "W_hh",
        "c": "W_uh",
        "write_scale": "W_r|W_uh",
        "noise": "h",
        "gain": "F",
        "scale": "u",
    },
    **{"y": "values", "h": "values"},
}
INTEGERS = (0, -1, 10**12, sys.maxsize)
FLOATS = (0.0, -1.0, 1e-300, 1e300)
# Of these and of other shapes, what is right: by the case, the arguments. All else is refused.
ACCEPTED = {
    "0": "seed steps silence wait warmup n",
    "1000000000000": "seed batch delay every hidden iterations most most_inputs n s step t updates"
    " warmup",
    "0.0": "alpha alpha_c alpha_s apart advance decision dose gain learning_rate least middle noise"
    " part stretch threshold tolerance",
    "-1.0": "alpha_c decision dose gain middle",
    "1e-300": "activity bar c g scale share",
    "1e+300": "T_d T_f T_h activity alpha_c alpha_s apart clip decision dose learning_rate"
    " middle noise step stretch threshold tolerance write_scale",
    "inf": "variance",
    "no axes": "leak variance x z",
    "another axis": "components h preactivation u v variance x z",
    "longer": "W_uh Xi bits block covectors doses h inputs operator overlaps sizes targets times u"
    " variance written x z",
    "more": "Psi Psi_dual W_r basis contents covectors directions doses h overlaps preactivation"
    " read response sizes starts times u variance vectors visited x z",
    "empty": "block covectors doses sizes times u variance vectors x z",
    "no columns": "Xi block covectors doses overlaps sizes times u variance vectors written x z",
}
ACCEPTED = {case: set(names.split()) for case, names in ACCEPTED.items()}
ACCEPTED[str(sys.maxsize)] = ACCEPTED["1000000000000"]
ACCEPTED["1e-300"] |= ACCEPTED["0.0"]


def others(title, name, example):
    """Return values of the right kind that most arguments must not have."""
    found = kinds(inspect.signature(THINGS[title]).parameters[name].annotation)
    if example is not None and found & {jaxtyping.Float, jaxtyping.Int, jaxtyping.Complex}:
        return list(spoilt(example))
    return [(str(n), n) for n in INTEGERS * (int in found) + FLOATS * (float in found)]


TRIED = [name for name in THINGS if not name.startswith("figures")]
accepted, tried = {case: set() for case in ACCEPTED}, set()


@pytest.mark.parametrize("title", TRIED)
def test_what_does_not_fit_is_refused_by_name(title):
    thing, valid = THINGS[title], examples(title)
    faults = []
    for name, example in valid.items():
        for case, value in others(title, name, example):
            try:
                list_of(thing(**{**valid, name: value}))
            except ValueError as error:
                names = "|".join([*valid, PASSED_ON.get(name, name)])
                if not re.search(rf"\b({names})\b", str(error)):
                    faults.append(f"{name} {case}: {error}")
            except Exception as error:
                faults.append(f"{name} {case}: {error!r}")
            else:
                accepted.setdefault(case, set()).add(name)
                if name not in ACCEPTED.get(case, ()):
                    faults.append(f"{name} {case}: accepted")
    tried.add(title)
    assert not faults, "\n".join(faults)


def test_nothing_is_said_to_be_right_that_is_refused_everywhere():
    """Where the test before has tried them all."""
    assert tried != set(TRIED) or accepted == ACCEPTED
