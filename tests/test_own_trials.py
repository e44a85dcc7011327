"""Somebody's own trials, cell, point and rule: against the same network in the paper's form."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from conftest import known_network, straight
from scipy.optimize import fsolve

import emt
from emt import IDENTITY, Network, Task, impulse, repeat_copy, selection
from emt.beyond.bases import fitted, in_flight, sized
from emt.beyond.faithfulness import dose_response, erased, scored
from emt.beyond.lifetime import accuracy_curve, activity
from emt.gated import GRU
from emt.loading.modules import on_arrays
from emt.loading.operating import operating_point
from emt.loading.stepping import Cell
from emt.network import begun, continued, last_state, sample_states, under_input
from emt.scoring import accuracy_on, centred
from emt.tasks import Trials, compose_copy, continuation, random_bits

S, KAPPA, T = 3, 2, 12
TASK = repeat_copy(S, KAPPA)
PLAIN = straight(known_network(S, KAPPA, 4).network)
BITS = random_bits(TASK, 20, np.random.default_rng(0))
BITS = np.concatenate([BITS, -BITS])
SAID = np.concatenate([BITS, continuation(TASK, BITS, T)], axis=1)[:, :T]  # from the cue on


class Somebody(NamedTuple):
    """A network trained with the trials that another laboratory makes."""

    network: Network
    trials: Trials


@pytest.fixture(scope="module")
def somebody() -> Somebody:
    """Give `PLAIN` 0/1 bits, a flag, a delimiter, a gap and a cue that stays on.

    Its inputs are the bits, the flag that they are on, a delimiter in the first step of a gap as
    long as the memories, and the cue; an output above one half is a 1, and half the trials are
    shorter. The cue's effect is undone by the bias, and that of the bias by the others.
    """
    rng = np.random.default_rng(1)
    v, W = rng.normal(size=PLAIN.hidden), PLAIN.W_uh
    flag = -W.sum(axis=1) + v
    W_uh = np.column_stack([2 * W, flag, v, v])
    network = Network(PLAIN.W_hh, W_uh, 0.5 * PLAIN.W_r, b=-v, c=np.full(KAPPA, 0.5))
    network = replace(network, activation=PLAIN.activation)
    sequences, total = len(BITS), 2 * S + T
    u, y = np.zeros((sequences, total, KAPPA + 3)), np.zeros((sequences, total, KAPPA))
    u[:, :S, :KAPPA], u[:, :S, KAPPA] = (BITS + 1) / 2, 1
    u[:, S, KAPPA + 1] = 1
    u[:, S + 1 :, KAPPA + 2] = 1
    y[:, 2 * S :] = (SAID + 1) / 2
    mask = np.zeros((sequences, total), bool)
    mask[:, 2 * S :] = True
    mask[::2, -4:] = False
    return Somebody(network, Trials(u, y, mask, decision=0.5, middle=0.5))


@pytest.fixture(scope="module")
def held(somebody):
    """Return that network counted from its cue, and its task."""
    network, trials = centred(*somebody)
    return network, replace(TASK, trials=trials)


def test_a_centred_network_does_what_it_did(somebody, held):
    network, task = held
    assert accuracy_on(*somebody).value == accuracy_on(network, task.trials).value == 1
    np.testing.assert_allclose(
        emt.run(*somebody._replace(trials=somebody.trials.inputs))[0],
        emt.run(network, task.trials.inputs)[0],
    )
    wrong = replace(somebody.trials, targets=1 - somebody.trials.targets)
    assert accuracy_on(somebody.network, wrong).value == 0


def test_the_output_phase_begins_where_it_does(held):
    h, x = begun(*held)
    np.testing.assert_array_equal(x, BITS)
    gap = continued(PLAIN, last_state(PLAIN, BITS), S)[0]
    np.testing.assert_allclose(h, gap[:, -1], atol=1e-12)


def memories(network, task):
    """Read them by the data channels, in the size that the states have."""
    data = network.channels(range(KAPPA))
    return sized(network, task, emt.corrected(data, task))


SAME = {
    "activity": lambda n, t: activity(n, t, 1, 5),
    "accuracy": lambda n, t: emt.accuracy(n, t),
    "curve": lambda n, t: accuracy_curve(n, t, np.array([1.0, 4.0])),
    "visited": lambda n, t: in_flight(n, t).h,
    "held": lambda n, t: in_flight(n, t).held,
    "fitted": lambda n, t: fitted(n, t).Psi,
    "sized": lambda n, t: memories(n, t).Psi,
    "scored": lambda n, t: np.array(scored(n, t, memories(n, t), step=7)[:4]),
    "doses": lambda n, t: dose_response(n, t, memories(n, t), np.array([0.5, 1.0])),
    "erased": lambda n, t: erased(n, t, memories(n, t)).size,
}


@pytest.mark.parametrize("name", SAME)
def test_what_draws_inputs_takes_ones_own(name, held):
    measure = SAME[name]
    # The same bits in the paper's form: a gap of s steps leaves repeat copy where it was.
    plain = Trials(
        np.concatenate([BITS, np.zeros((len(BITS), T, KAPPA))], axis=1),
        np.concatenate([0 * BITS, SAID], axis=1),
        np.broadcast_to(np.arange(S + T) >= S, (len(BITS), S + T)),
    )
    found, wanted = measure(*held), measure(PLAIN, replace(TASK, trials=plain))
    for a, b in zip(np.atleast_1d(found), np.atleast_1d(wanted), strict=True):
        np.testing.assert_allclose(
            np.asarray(a, float) if np.ndim(a) or np.isscalar(a) else np.array(tuple(a), float),
            np.asarray(b, float) if np.ndim(b) or np.isscalar(b) else np.array(tuple(b), float),
            atol=1e-8,
        )


def test_random_bits_are_trials_too():
    u = random_bits(TASK, 64, np.random.default_rng(5))
    x = np.concatenate([u, continuation(TASK, u, T)], axis=1)
    inputs = np.concatenate([u, np.zeros((64, T, KAPPA))], axis=1)
    mask = np.broadcast_to(np.arange(S + T) >= S, (64, S + T))
    own = replace(TASK, trials=Trials(inputs, np.roll(x, S, axis=1), mask))
    noisy = replace(PLAIN, W_hh=PLAIN.W_hh + 0.05, activation=emt.TANH)
    drawn = emt.accuracy(noisy, TASK, 1, T, 64, seed=5)
    assert drawn == emt.accuracy(noisy, own, 1, T, 999, seed=6)
    assert 0.5 < drawn.value < 1
    found, wanted = sample_states(noisy, own, T), sample_states(noisy, TASK, T, 64, seed=5)
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(wanted, axis=0))


# A cell that is known by its step


def test_a_cell_by_its_step_is_the_network(noise):
    cell = Cell(lambda u, h: noise.step(h, u), noise.W_r, noise.inputs, noise.c, noise.h0)
    u = np.random.default_rng(0).normal(size=(4, 9, noise.inputs))
    for found, wanted in zip(emt.run(cell, u), emt.run(noise, u), strict=True):
        np.testing.assert_array_equal(found, wanted)
    rest = operating_point(noise, replace(repeat_copy(2, noise.outputs))).h
    found, wanted = emt.linear_at(cell, rest), emt.linear_at(noise, rest)
    for part in ("W_hh", "W_uh", "W_r"):
        np.testing.assert_allclose(getattr(found, part), getattr(wanted, part), atol=1e-8)


def test_a_cell_reads_the_memories_of_its_network():
    cell = Cell(lambda u, h: PLAIN.step(h, u), PLAIN.W_r, KAPPA)
    found, wanted = emt.corrected(cell, TASK, at=np.zeros(10)), emt.corrected(PLAIN, TASK)
    np.testing.assert_allclose(found.Psi, wanted.Psi, atol=1e-6)
    assert emt.accuracy(cell, TASK).value == 1


def test_a_function_of_tensors_is_one_of_arrays():
    torch.manual_seed(0)
    cell = torch.nn.GRUCell(2, 5).double()
    stepped = Cell(on_arrays(cell), np.ones((1, 5)), 2)
    u = np.random.default_rng(0).normal(size=(3, 8, 2))
    np.testing.assert_allclose(
        emt.run(stepped, u)[0], emt.run(emt.from_torch(cell), u)[0], atol=1e-12
    )


# Where it is linear


@pytest.mark.parametrize("kind", ["GRU", "Elman"])
def test_the_point_is_where_the_states_go(kind):
    rng = np.random.default_rng(3)
    if kind == "GRU":
        shapes = {"W_hh": (18, 6), "W_uh": (18, 2), "W_r": (2, 6), "b_hh": (18,), "b_uh": (18,)}
        network = GRU(**{name: 0.3 * rng.normal(size=shape) for name, shape in shapes.items()})
    else:
        W = {"W_hh": (6, 6), "W_uh": (6, 2), "W_r": (2, 6), "b": (6,)}
        network = Network(**{name: 0.3 * rng.normal(size=shape) for name, shape in W.items()})
    point = operating_point(network, repeat_copy(3, 2))
    root = fsolve(lambda h: network.step(h) - h, np.zeros(6))
    np.testing.assert_allclose(point.h, root, atol=1e-7)
    assert point.residual < 1e-10 and point.others == 0 and 0 < point.explained < 1
    assert "no other found" in str(point)


def test_the_point_says_whether_the_network_is_linear_so_far():
    rng = np.random.default_rng(0)
    task = selection(2, [2, 2], sign=[-1, -1])  # of which 1 is no eigenvalue
    ring = known_network(task=task, spare=2).network
    offset = 0.1 * rng.normal(size=ring.hidden)
    moved = replace(ring, b=offset - ring.W_hh @ offset, activation=IDENTITY)
    point = operating_point(moved, task)
    np.testing.assert_allclose(point.h, offset, atol=1e-10)
    assert point.explained > 1 - 1e-12 and "holds as far" in str(point)
    small, large = (
        operating_point(replace(ring, W_uh=size * ring.W_uh, activation=emt.TANH), task)
        for size in (0.01, 1.0)
    )
    assert small.explained > 0.999 > 0.99 > large.explained
    assert "does not hold as far" in str(large)
    h = continued(moved, begun(moved, task).h, 4)[0].reshape(-1, ring.hidden)
    away = np.sqrt(((h - offset) ** 2).sum() / (h**2).sum())
    np.testing.assert_allclose(point.away, away, rtol=1e-10)


@pytest.mark.parametrize("activation", ["identity", "ReLU"])
def test_of_a_continuum_of_points_the_nearest_is_taken(activation):
    """The bits are 0 and 1: half way between lies one of the fixed points of a register."""
    task = repeat_copy(4, 2)
    W = straight(known_network(4, 2, 6, seed=3).network)
    h0 = np.full(W.hidden, 30.0 if activation == "ReLU" else 0.0)
    moved = Network(W.W_hh, W.W_uh, W.W_r, h0 - W.W_hh @ h0, -W.W_r @ h0, h0)
    network = replace(moved, activation=emt.network.ACTIVATIONS[activation])
    bits = np.random.default_rng(0).integers(0, 2, (60, 4, 2)).astype(float)
    u, y = np.pad(bits, ((0, 0), (0, 8), (0, 0))), np.tile(bits, (1, 3, 1))
    mask = np.broadcast_to(np.arange(12) >= 4, (60, 12))
    network, trials = centred(network, Trials(u, y, mask, 0.5, 0.5))
    own = replace(task, trials=trials)
    memories = emt.corrected(network, own, at=operating_point(network, own).h)
    assert emt.accuracy(network, own).value == 1
    assert scored(network, own, memories, step=5).decoded == 1


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_a_constant_input_is_part_of_a_gated_cell(kind):
    torch.manual_seed(0)
    cell = emt.from_torch(getattr(torch.nn, kind)(3, 4))
    rng = np.random.default_rng(0)
    u0, y0, u = rng.normal(size=3), rng.normal(size=cell.outputs), rng.normal(size=(5, 7, 3))
    under = under_input(cell, u0, y0)
    (h, y), (h0, read) = emt.run(under, u), emt.run(cell, u + u0)
    np.testing.assert_allclose(h, h0)
    np.testing.assert_allclose(y, read - y0)
    np.testing.assert_array_equal(under.step(h[:, 0]), cell.step(h[:, 0], u0 + np.zeros((5, 1))))


# Which rule


RULES = {
    "repeat copy": repeat_copy(4, 2),
    "repeat copy of one component": repeat_copy(5, 1),
    "compose copy": compose_copy(3),
    "signs and orders": selection(4, [4, 3], [2, 1], [1, -1]),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_that_lasts_is_inferred(name):
    task = RULES[name]
    found = impulse.infer_rule(known_network(task=task, radius=0.4).network)
    assert found.verdict == "rule", found
    assert found.s == task.s and "leaves" in found.evidence
    np.testing.assert_allclose(found.candidates[0].F, task.F, atol=0.02)


def test_what_is_no_one_rule_is_not_decided():
    delay = np.eye(6, k=2)
    register = Network(delay, np.eye(6)[:, 4:], np.eye(6)[:2], activation=IDENTITY)
    line = impulse.infer_rule(register)
    assert line[:3] == ("delay line", 3, ()) and "after 3 steps" in line.evidence
    fading = known_network(4, 2, spare=0).network
    fading = impulse.infer_rule(replace(fading, W_hh=0.9 * fading.W_hh))
    assert fading.verdict == "ambiguous" and fading.s is None
    assert "0 of its 8 modes last" in fading.evidence
    short = impulse.infer_rule(known_network(4, 2).network, most=2)
    assert short[:3] == ("nothing", None, ()) and "up to 2 memories" in short.evidence
    rng = np.random.default_rng(0)
    for W_hh in rng.normal(size=(5, 30, 30)) / np.sqrt(30):
        random = Network(W_hh, rng.normal(size=(30, 2)), rng.normal(size=(2, 30)))
        assert impulse.infer_rule(random).verdict in ("ambiguous", "nothing")


@pytest.mark.parametrize("noise", [0, 1e-8, 3e-8])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_delay_line_is_one_in_the_precision_that_it_has(dtype, noise):
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(10, 10)))[0][:, :6]
    arrays = Q @ np.eye(6, k=2) @ Q.T, 0.001 * Q[:, -2:], Q[:, :2].T / 0.001
    line = Network(*((x * (1 + noise * rng.normal(size=x.shape))).astype(dtype) for x in arrays))
    assert impulse.infer_rule(line)[:2] == ("delay line", 3)
    with pytest.raises(ValueError, match="ends after 3 steps: a delay line"):
        impulse.estimate_rule(impulse.impulse_response(line, 30))


@pytest.mark.parametrize("fading", [0.1, 0.5, 0.9])
def test_what_fades_is_no_delay_line(fading):
    plain = known_network(3, 2, spare=0).network
    response = impulse.impulse_response(replace(plain, W_hh=fading * plain.W_hh), 60)
    assert impulse.delay_line(response) is None


def test_rounding_follows_no_rule():
    network = known_network(3, 3, seed=4).network
    for channels in (([0], [2]), ([1], [0])):
        found = impulse.infer_rule(network.channels(*channels))
        assert found[:3] == ("nothing", None, ()) and found.evidence == "No output hears any input."


def test_outputs_that_follow_others_are_not_decided():
    F = np.zeros((3, 2, 2))
    F[0, :, 0] = 1  # the second component says what the first does
    found = impulse.infer_rule(known_network(task=Task(3, 2, F)).network)
    assert found.verdict == "ambiguous" and "1 outputs follow the others" in found.evidence


def test_any_matrix_follows_some_rule():
    rng = np.random.default_rng(0)
    orthogonal = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    found = impulse.infer_rule(
        Network(orthogonal, rng.normal(size=(30, 3)), rng.normal(size=(3, 30)))
    )
    assert found.verdict == "ambiguous" and found.candidates[0].s == 10
    assert "any matrix of 30 units follows some rule so long" in found.evidence
    exact = impulse.infer_rule(known_network(task=repeat_copy(10, 3), spare=0).network)
    assert exact.verdict == "rule" and exact.s == 10


# What is refused


def changed(held, **parts):
    network, task = held
    return network, replace(task, trials=replace(task.trials, **parts))


def test_trials_that_do_not_fit_are_refused(somebody, held):
    network, task = held
    trials = task.trials
    cases = {
        r"inputs must have shape .*2\), not \(40, 18, 5\)": lambda: begun(PLAIN, task),
        "decision of 0 in the output phase": lambda: begun(
            somebody.network, replace(TASK, trials=somebody.trials)
        ),
        "targets must follow the rule": lambda: begun(
            *changed(held, targets=trials.targets * np.where(np.arange(18) == 11, -1, 1)[:, None])
        ),
        "mask must begin with s = 3 scored": lambda: begun(
            *changed(held, mask=trials.mask & (np.arange(18) != 7))
        ),
        r"must have one constant input .* \[0\] change": lambda: centred(
            network, replace(trials, inputs=trials.inputs + np.eye(5)[0] * np.arange(18)[:, None])
        ),
        "task must have no trials": lambda: random_bits(task, 3, np.random.default_rng(0)),
    }
    for message, call in cases.items():
        with pytest.raises(ValueError, match=message):
            call()
