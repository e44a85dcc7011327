"""The checks themselves: what is a number, what fits, and what a guarded function does."""

import inspect
import os
import pickle
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import bent
from jaxtyping import Float

import emt
from emt import algorithm1, checks, impulse, network, spectrum, tasks

pytestmark = pytest.mark.usefixtures("_no_shape_hook")


@pytest.mark.parametrize(
    "value",
    [
        [1, 2],
        (1.0, 2.0),
        range(1, 3),
        np.array([1, 2], np.uint8),
        np.array([1, 2], np.float16),
        [Fraction(1), 2],
        np.array([1, 2.0], object),
        pd.Series([1, 2]),
        pd.Series([1, 2], dtype="Int64"),
        torch.tensor([1.0, 2.0]),
        [np.float32(1), np.int8(2)],
    ],
    ids=lambda value: type(value).__name__,
)
def test_real_numbers_of_any_make_are_taken(value):
    got = checks.array("x", value, 2)
    assert got.dtype == np.float64 and got.tolist() == [1.0, 2.0]


def test_a_float64_array_is_not_copied():
    x = np.ones(3)
    assert checks.array("x", x, 3) is x


@pytest.mark.parametrize("value", [[1e400, 1], [np.longdouble("1e4000"), 1], [-np.inf, 1]])
def test_what_overflows_is_not_finite(value):
    with pytest.raises(ValueError, match=r"x must be finite, but holds -?inf"):
        checks.array("x", value, 2)


def test_products_of_three_numbers_are_finite():
    assert checks.array("x", [1e100, -1e100], 2).prod() * 1e100 == -1e300
    with pytest.raises(ValueError, match="x must be of numbers up to 1e100, not 1"):
        checks.array("x", [0.0, -1.1e100], 2)


def test_a_class_is_not_one_of_its_own():
    with pytest.raises(ValueError, match="network must be a Recurrent, not <class"):
        emt.accuracy(emt.Network, tasks.repeat_copy(3, 2))


def test_what_draws_has_its_shapes_checked_by_their_letters():
    def rows(x: Float[np.ndarray, "n m"], lines: Mapping[str, Float[np.ndarray, " m"]], n: int = 1):
        return x.shape

    module = {"__name__": rows.__module__, "rows": rows}
    checks.guard(module, shapes=True)
    rows, x = module["rows"], np.ones((2, 3))
    assert rows(x, {"a": np.ones(3)}) == rows(x, lines={}, n=2) == (2, 3)
    for lines, axes in ((np.ones(2), "2,"), (x, "2, 3")):
        wrong = rf"lines must have shape \(m\) beside the others', not \({axes}\)"
        with pytest.raises(ValueError, match=wrong):
            rows(x, {"a": np.ones(3), "b": lines})


def test_long_values_are_cut_in_messages():
    for value in (10**5000, "x" * 1000, [0] * 1000, np.ones((50, 50), bool)):
        with pytest.raises(ValueError, match="x must be a whole number") as caught:
            checks.integer("x", value)
        assert len(str(caught.value)) < 200


def test_integers_end_where_sizes_end():
    assert checks.integer("n", 2**63 - 1) == 2**63 - 1
    for value in (2**63, 10**400, -(10**400)):
        with pytest.raises(ValueError, match="n must be a whole number of 63 bits"):
            checks.integer("n", value, least=None)
    assert checks.real("x", Fraction(1, 2)) == 0.5 and checks.real("x", 10**300) == 1e300
    for value in (10**400, -(10**400), Fraction(10**400)):
        with pytest.raises(ValueError, match="x must be a finite number"):
            checks.real("x", value)


def test_truth_values_are_truth_values():
    assert checks.boolean("x", np.bool_(True)) is True and checks.boolean("x", False) is False
    task = emt.Task(1, 1, [[[1.0]]], threshold=np.bool_(True))
    assert task.threshold is True
    for value in ("no", "", 0, 1, None, np.ones(1, bool), np.array(True)):
        with pytest.raises(ValueError, match="threshold must be True or False"):
            emt.Task(1, 1, [[[1.0]]], threshold=value)


TASK = emt.repeat_copy(3, 2)
W = emt.constructed(TASK, np.eye(6))
ROOM = {
    "s and kappa": (lambda: emt.repeat_copy(10**6, 10**4), "s = 1000000, kappa = 10000 must fit"),
    "s": (lambda: emt.running_sums(10**12, 2), "s = 1000000000000"),
    "kappa": (lambda: emt.compose_copy(10**9), "kappa must be small enough"),
    "roots": (lambda: spectrum.roots_of_unity(10**12, 2), "s must be small enough"),
    "beyond dimensions": (lambda: emt.repeat_copy(10**18, 10**3), "s = 10{18}"),
    "sequences": (lambda: emt.random_bits(TASK, 10**12, np.random.default_rng(0)), "sequences = "),
    "silence": (lambda: emt.with_silence(np.ones((3, 2)), 10**12), "steps = "),
    "continuation": (
        lambda: emt.continuation(TASK, np.ones((3, 2)), 10**12),
        "steps must be small enough",
    ),
    "bitmap": (lambda: emt.bitmap("1", 10**12), "s = "),
    "rows of it": (lambda: emt.bitmap("1", 4, 10**13), "kappa = "),
    "impulses": (lambda: impulse.impulse_response(W, 10**12), "steps must be small enough"),
    "last": (lambda: emt.correct_bits(W, TASK, last=10**12), "last must be small enough"),
    "step": (lambda: emt.accuracy_around(W, TASK, 10**12), "step must be small enough"),
    "continued": (lambda: network.continued(W, np.ones(6), 10**12), "steps must be small enough"),
    "hidden": (lambda: emt.untrained(TASK, emt.TrainingConfig(hidden=10**7)), "must fit in memory"),
    "hidden torch": (
        lambda: emt.untrained(TASK, emt.TrainingConfig(hidden=10**10, initialisation="torch")),
        "must fit in memory",
    ),
}


@pytest.mark.parametrize("name", ROOM)
def test_what_does_not_fit_in_memory_is_refused(name):
    call, message = ROOM[name]
    with pytest.raises(ValueError, match=message.replace("10{18}", str(10**18))):
        call()


def test_what_fits_is_decided_by_this_machine():
    checks.fits("n", 1000, 1000)
    with pytest.raises(ValueError, match="n must be small enough to fit in memory: 2 x 100"):
        checks.fits("n", 2, 10**12)


def test_guarded_functions_are_themselves_elsewhere():
    for function in (tasks.repeat_copy, network.run, algorithm1.READINGS["corrected"]):
        assert pickle.loads(pickle.dumps(function)) is function
    assert list(inspect.signature(tasks.repeat_copy).parameters) == ["s", "kappa"]
    assert "Eq. (12)" in tasks.repeat_copy.__doc__
    with pytest.raises(TypeError, match="positional argument"):
        tasks.repeat_copy(1, 2, 3)
    with pytest.raises(TypeError, match="unexpected keyword"):
        tasks.repeat_copy(1, kapa=2)


def test_only_a_lack_of_memory_is_reworded():
    def broken(h):
        raise RuntimeError("of another kind")

    with pytest.raises(RuntimeError, match="of another kind"):
        network.run(bent(W, broken), np.ones((3, 2)))


def test_a_generator_refuses_at_once():
    with pytest.raises(ValueError, match="network must be a Recurrent, not 'x'"):
        network.states("x", np.ones((3, 2)))


def test_an_array_that_the_machine_cannot_hold_is_named():
    numbers = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8
    checks.fits("n", numbers)
    with pytest.raises(ValueError, match=rf"n must be small enough .*: {numbers + 1} numbers"):
        checks.fits("n", numbers + 1)


@pytest.mark.parametrize("value", ["x", None, 10**400])
def test_a_field_that_is_no_number_is_named(value):
    with pytest.raises(ValueError, match="rate must be a number, not"):
        checks._number("rate", value)
