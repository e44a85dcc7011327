"""Every public function, called with what is near a right argument.

Arrays of another layout or make are as good as the example. Of anything else there is an answer, or
a ValueError or TypeError that names an argument; never a warning, nor an argument that was changed.
"""

import inspect
import re
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from test_arguments import (
    ONES,
    PASSED_ON,
    THINGS,
    W,
    _elsewhere,  # noqa: F401
    double,
    examples,
    list_of,
)
from test_structure import public

from emt import checks
from emt.workshop import claims, parallel, results

pytestmark = [
    pytest.mark.usefixtures("_no_shape_hook"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # Matplotlib's, of empty axes
]

# What `test_arguments` has no example of; those of `checks` are told what to call a value.
MORE = {
    "network.Network.channels": (W.channels, {"inputs": [0], "outputs": [1, 0]}),
    "workshop.claims.chapter": (claims.chapter, {"name": "x", "published": True}),
    "workshop.parallel.sweep": (
        partial(parallel.sweep, workers=1),
        {"function": double, "arguments": [1, 2], "label": None, "folder": None},
    ),
    "workshop.results.place": (
        results.place,
        {"folder": "here", "function": double, "argument": 1},
    ),
    "workshop.results.code": (results.code, {"function": double}),
    "checks.integer": (partial(checks.integer, "value"), {"value": 1}),
    "checks.real": (partial(checks.real, "value"), {"value": 1.0}),
    "checks.is_number": (checks.is_number, {"value": 1}),
    "checks.boolean": (partial(checks.boolean, "value"), {"value": True}),
    "checks.function": (partial(checks.function, "value"), {"value": double}),
    "checks.choice": (partial(checks.choice, "value", options=("a", "b")), {"value": "a"}),
    "checks.numbers": (partial(checks.numbers, "value"), {"value": ONES}),
    "checks.array": (lambda value: checks.array("value", value, 2), {"value": ONES}),
    "checks.square": (partial(checks.square, "value"), {"value": np.eye(2)}),
    "checks.whole_numbers": (
        partial(checks.whole_numbers, "value", length=2, allowed=(1, 2)),
        {"value": [1, 2]},
    ),
    "checks.generator": (checks.generator, {"seed": 1}),
    "checks.shown": (checks.shown, {"value": ONES}),
}
LEFT_OUT = {
    "checks.fits": "takes what was checked",
    "checks.guard": "takes the globals of a module",
    "verdict.command.main": "takes no argument: test_command",
    "workshop.parallel.one_thread": "takes no argument",
    "training.backpropagation.backpropagate": "writes into its room: test_backpropagation",
    "workshop.results.imported": "takes what `code` has found: test_store",
}
# By the function or its module, the argument that is not tried.
UNTRIED = {
    ("training.backpropagation", "like"): "an array of either library, and no list",
    ("verdict.pages", "report"): "what `NetworkReport.to_dict` makes, as its schema says",
    ("workshop.store.sources", "module"): "a module of the package",
}
CALLS = {title: (thing, partial(examples, title)) for title, thing in THINGS.items()}
CALLS |= {title: (thing, partial(dict, named)) for title, (thing, named) in MORE.items()}
CALLS = {title: call for title, call in CALLS.items() if title not in LEFT_OUT}
ODD = [0, -1, 1, 2, 0.5, 1e300, 1e-300, -1e9, np.inf, np.nan]
KINDS = ["c16", "b1", "i1", "f2", "g", "U9", "M8[D]", "O", "S9"]
DRAWS = 2


def same(array):
    """Yield the array as others would hold it."""
    frozen = array.copy()
    frozen.flags.writeable = False
    apart = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    apart[..., ::2] = array
    yield "read only", frozen
    yield "by columns", np.asfortranarray(array)
    yield "strided", apart[..., ::2]
    yield "backwards", array[..., ::-1].copy()[..., ::-1]
    yield "other bytes", array.astype(array.dtype.newbyteorder())
    if array.dtype.kind == "f":
        yield "objects", array.astype(object)
    if array.dtype != np.float32:  # which torch's functions take from NumPy only
        yield "lists", array.tolist()


def near(value, rng):
    """Return something that is nearly the value."""
    if isinstance(value, np.ndarray) and value.size and value.ndim:
        return near_array(value, rng)
    if isinstance(value, bool):
        options = not value, np.bool_(value), int(value), str(value), None
    elif isinstance(value, (int, float)):
        options = [-value, value + 1, value - 1, 0, value / 2, 3 * value, 1e-300, 1e300, -1e300]
        options += [10**30, np.nan, np.inf, np.float32(value), np.int8(1), np.array(value), 1j]
        options += [str(value), [value], np.array([value]), True, None]
    elif isinstance(value, str):
        options = "", value.upper(), value + "x", value.encode(), None, 0, [value], "\0"
    elif isinstance(value, (list, tuple)):
        inner = [near(part, rng) for part in value]
        whole = type(value)(*inner) if hasattr(value, "_fields") else type(value)(inner)
        options = [inner[:1], [*value, *value], [], whole, None, dict(enumerate(value))]
        options += [[*value][:-1], set(map(str, value))]
    elif isinstance(value, dict):
        key = [*value][rng.integers(len(value))] if value else "x"
        less = {k: v for k, v in value.items() if k != key}
        options = {}, {**value, key: near(value.get(key), rng)}, {**value, 1: 1}, [*value], less
    else:
        kind = None if callable(value) else type(value)
        options = None, 0, "x", object(), np.ones(2), kind, [], np.nan, -1
    return options[rng.integers(len(options))]


def near_array(array, rng):
    """Return an array with odd numbers, of another shape or of another kind."""
    turn = rng.integers(8)
    if turn < 3:
        odd, few = array.copy(), rng.integers(1, 1 + array.size)
        with np.errstate(over="ignore"):
            odd.flat[rng.permutation(array.size)[:few]] = array.dtype.type(
                rng.choice(ODD) if array.dtype.kind in "fc" else rng.integers(2)
            )
        return odd
    if turn == 3:
        return np.take(array, rng.integers(0, len(array), rng.integers(4)), axis=0)
    if turn == 4:
        return array[..., : rng.integers(array.shape[-1])]
    if turn == 5:
        return array[None] if rng.integers(2) else array[..., None]
    if turn == 6:
        return [array.reshape(-1), array.T, array[0]][rng.integers(3)]
    with warnings.catch_warnings(action="ignore"):
        return array.astype(rng.choice(KINDS))


def attempts(title, valid):
    """Yield arguments: name, what is special, value, and whether it is right."""
    rng = np.random.default_rng([*title.encode()])
    for name, value in valid.items():
        if {(title, name), (title.rpartition(".")[0], name)} & {*UNTRIED}:
            continue
        if isinstance(value, np.ndarray) and value.size and value.ndim:
            held = [*same(value)]
            case, other = held[rng.integers(len(held))]
            yield name, case, other, True
        for _ in range(DRAWS):
            other = near(value, rng)
            yield name, checks.shown(other), other, False


def inside(value):
    """Return what must not change."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes() if value.dtype != object else repr(value)
    if isinstance(value, torch.Tensor):
        return inside(value.detach().numpy())
    if isinstance(value, (list, tuple)):
        return [inside(part) for part in value]
    return [(k, inside(v)) for k, v in value.items()] if isinstance(value, dict) else None


@pytest.mark.parametrize("title", CALLS)
def test_near_what_is_right_there_is_an_answer_or_a_name(title):
    thing, made = CALLS[title]
    faults, valid = [], made()
    for name, case, value, right in attempts(title, valid):
        named = {**made(), name: value}
        before = inside(named)
        try:
            list_of(thing(**named))
        except (ValueError, TypeError) as error:
            names = "|".join([*valid, PASSED_ON.get(name, name)])
            if right or not re.search(rf"\b({names})\b", str(error)):
                faults.append(f"{name} {case}: {type(error).__name__} {error}")
        except Exception as error:
            faults.append(f"{name} {case}: {error!r}")
        plt.close("all")
        if inside(named) != before:
            faults.append(f"{name} {case}: changed")
    assert not faults, "\n".join(faults)


def test_no_function_is_left_out():
    functions = {
        f"{module.removeprefix('emt.')}.{name}"
        for module, names in public().items()
        for name in names
        if inspect.isfunction(getattr(__import__(module, fromlist=["x"]), name))
    }
    assert functions - {*CALLS} == {*LEFT_OUT}
