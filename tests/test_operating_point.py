"""A network answers for itself: its own activation, its own resting point, its own task."""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from conftest import BASES, straight

import emt
from emt import IDENTITY, TANH, Network, TrainingConfig, corrected, repeat_copy, selection
from emt.algorithm1 import as_printed, contents, read_write_product
from emt.beyond.bases import fitted
from emt.beyond.faithfulness import scored
from emt.beyond.fitting import identify, linear_accuracy
from emt.beyond.interventions import interchange, replace_block, surgery
from emt.evidence import open_network
from emt.impulse import impulse_response, minimal_realisation
from emt.linear_network import constructed
from emt.linearization import fixed_points, jacobian, linear, linear_at, placed, slopes, speed, step
from emt.network import (
    ACTIVATIONS,
    RELU,
    Recurrent,
    continued,
    last_state,
    run,
    sample_states,
    under_input,
)
from emt.spectrum import compare, eigenvalues
from emt.tasks import random_bits, with_silence
from emt.training.recipes import LEARNABLE, Stage

RNG = np.random.default_rng(0)
SHAPES = {"W_hh": (6, 6), "W_uh": (6, 2), "W_r": (3, 6), "b": (6,), "c": (3,), "h0": (6,)}


def some(seed=0, **options) -> Network:
    """Draw a network in which everything there can be differs from its default."""
    rng = np.random.default_rng(seed)
    arrays = {name: 0.4 * rng.normal(size=shape) for name, shape in SHAPES.items()}
    return Network(**{**arrays, "leak": rng.uniform(0.2, 0.9, 6), **options})


def by_hand(n: Network, u) -> tuple[np.ndarray, np.ndarray]:
    """Run a network unit by unit, from its equation."""
    h, states, outputs = n.h0, [], []

    def f(x):
        return n.activation.function(np.atleast_1d(x)).reshape(np.shape(x))

    for u_t in u:
        new = []
        for i in range(n.hidden):
            heard = [f(h[j]) if n.rates else h[j] for j in range(n.hidden)]
            x = sum(w * v for w, v in zip(n.W_hh[i], heard, strict=True))
            x += sum(w * v for w, v in zip(n.W_uh[i], u_t, strict=True)) + n.b[i]
            new.append((1 - n.leak[i]) * h[i] + n.leak[i] * (x if n.rates else f(x)))
        h = np.array(new)
        states.append(h)
        outputs.append(n.W_r @ (f(h) if n.rates else h) + n.c)
    return np.array(states), np.array(outputs)


@pytest.mark.parametrize("rates", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_network_runs_by_its_own_equation(name, rates):
    network, u = some(activation=ACTIVATIONS[name], rates=rates), RNG.normal(size=(7, 2))
    for got, wanted in zip(run(network, u), by_hand(network, u), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)
    later = continued(network, last_state(network, u), 3)[1]
    whole = run(network, np.vstack([u, np.zeros((3, 2))]))[1]
    np.testing.assert_allclose(later, whole[-3:], atol=1e-12)


@pytest.mark.parametrize("leak", [1, np.float32(0.5), [0.5] * 6, np.full(6, 0.5), 0.5])
def test_a_leak_is_a_number_or_one_a_unit(leak):
    network = some(leak=leak)
    assert np.shape(network.leak) == np.shape(leak) and np.all(network.leak == np.asarray(leak))


def test_the_defaults_are_equation_6():
    plain = Network(*(some().__getattribute__(name) for name in ("W_hh", "W_uh", "W_r")))
    h = RNG.normal(size=6)
    for leak in (1.0, np.ones(6)):
        np.testing.assert_array_equal(replace(plain, leak=leak).step(h), np.tanh(plain.W_hh @ h))
    assert plain.activation == TANH and not plain.start(2, 3).any()


@pytest.mark.parametrize(
    "options, part",
    [
        ({"leak": 0.0}, "leak"),
        ({"leak": 1.1}, "leak"),
        ({"leak": np.ones(5)}, "leak must have shape"),
        ({"leak": np.full(6, np.nan)}, "leak"),
        ({"leak": True}, "leak"),
        ({"leak": "1"}, "leak"),
        ({"leak": np.nan}, "leak"),
        ({"leak": np.ones((1, 6))}, "leak must have shape"),
        ({"c": np.ones(2)}, "c must have shape"),
        ({"h0": np.ones(5)}, "h0 must have shape"),
        ({"activation": np.tanh}, "activation"),
        ({"rates": 1}, "rates"),
    ],
)
@pytest.mark.usefixtures("_no_shape_hook")
def test_what_makes_no_network_is_named(options, part):
    with pytest.raises(ValueError, match=part):
        some(**options)


@pytest.mark.parametrize("activation", [TANH, RELU])
def test_networks_of_torch_come_in_and_go_out_whole(activation):
    network = replace(some(activation=activation), leak=1.0, h0=None)
    rnn, readout = emt.to_torch(network)
    u = RNG.normal(size=(3, 9, 2))
    with torch.no_grad():
        said = readout(rnn(torch.tensor(u))[0]).numpy()
    np.testing.assert_allclose(run(network, u)[1], said, atol=1e-12)
    back = emt.from_torch(rnn, readout)
    np.testing.assert_array_equal(run(back, u)[1], run(network, u)[1])
    assert back.activation == activation and back.outputs == 3 != back.inputs
    for other in ({"leak": 0.5}, {"rates": True}, {"activation": IDENTITY}):
        with pytest.raises(ValueError, match="network must have tanh or ReLU"):
            emt.to_torch(replace(network, **other))


def test_an_activation_is_the_same_in_another_process():
    for activation in (IDENTITY, TANH, RELU):
        assert pickle.loads(pickle.dumps(activation)) == activation


def test_fixed_points_under_a_constant_input():
    network, u = replace(some(2), leak=1.0), np.array([0.7, -0.4])
    cued = under_input(network, u)
    (point,) = fixed_points(cued, np.zeros((1, 6))).points
    np.testing.assert_allclose(network.step(point, u), point, atol=1e-12)
    np.testing.assert_allclose(cued.step(point, -u), network.step(point), atol=1e-12)
    assert speed(cued, point) < 1e-24 < 1e-4 < speed(network, point)
    linear_at(cued, point)
    with pytest.raises(ValueError, match="h must be a fixed point"):
        linear_at(network, point)


# The three silent errors


@pytest.mark.parametrize("basis", BASES)
def test_states_of_a_constructed_network_are_linear(known, basis):
    net = known(basis=basis)
    network = constructed(net.task, 2 * net.Psi, net.Psi_dual / 2)
    h = sample_states(network, net.task, steps=6, sequences=8).reshape(8, -1, network.hidden)
    u = with_silence(random_bits(net.task, 8, np.random.default_rng(20_230_701)), 6)
    wanted = np.zeros((8, network.hidden))
    for t in range(u.shape[1]):
        wanted = wanted @ network.W_hh.T + u[:, t] @ network.W_uh.T
        np.testing.assert_allclose(h[:, t], wanted, atol=1e-9)
    assert abs(h - np.tanh(h)).max() > 0.1


def test_a_network_comes_back_with_the_activation_it_was_trained_with(tmp_path):
    task, stages = repeat_copy(2, 1), (Stage(4, 3, 1e-2),)
    for name in LEARNABLE:
        config, activation = (
            TrainingConfig(hidden=4, activation=name, stages=stages),
            ACTIVATIONS[name],
        )
        for _ in range(2):  # trained, then loaded
            found = emt.trained(task, config, progress=False, folder=tmp_path).network
            assert found.activation == activation
        assert emt.untrained(task, config).activation == activation


@pytest.mark.parametrize("rates", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_and_jacobian_are_of_the_networks_own_activation(name, rates):
    network = some(activation=ACTIVATIONS[name], rates=rates)
    h, u, d = RNG.normal(size=6), RNG.normal(size=2), 1e-6
    network = under_input(network, u)
    J = jacobian(network, h)
    for j, e in enumerate(np.eye(6)):
        moved = (step(network, h + d * e) - step(network, h - d * e)) / (2 * d)
        np.testing.assert_allclose(J[:, j], moved, atol=1e-8)


def test_fixed_points_of_a_relu_network_are_its_own():
    W_hh = 0.3 * np.abs(some().W_hh)
    network = Network(W_hh, np.eye(6), np.eye(6), np.ones(6), activation=RELU)
    (point,) = fixed_points(network, np.ones((2, 6))).points
    np.testing.assert_allclose(point, np.linalg.solve(np.eye(6) - W_hh, np.ones(6)), atol=1e-9)
    np.testing.assert_allclose(linear(network, at=point).W_hh, W_hh)


def test_a_bias_is_not_passed_over(known):
    net = known()
    biased = replace(net.network, b=np.full(net.network.hidden, 0.2))
    for call in (
        lambda n: corrected(n, net.task),
        lambda n: as_printed(n, net.task),
        lambda n: read_write_product(n, net.task),
        lambda n: impulse_response(n, 4),
        minimal_realisation,
        linear,
    ):
        call(net.network)
        with pytest.raises(ValueError, match=r"rest at the origin.*give at=, a fixed point"):
            call(biased)
    for other in (RELU, ACTIVATIONS["softplus"], ACTIVATIONS["sigmoid"]):
        with pytest.raises(ValueError, match=r"give at="):
            corrected(replace(net.network, activation=other), net.task)


def test_eigenvalues_are_compared_with_the_tasks_own():
    task = selection(4, [4, 2, 3], [2, 3, 1], sign=[1, -1, 1])
    Psi = np.random.default_rng(1).normal(size=(14, 12))
    network = constructed(task, Psi)
    got = compare(network, task, threshold=0.5)
    assert got.angle_error.max() < 1e-5 and abs(got.radius_error).max() < 1e-6
    assert got.live == got.counts.sum() == len(got.theory)
    assert compare(network, repeat_copy(4, 3)).angle_error.max() > 10
    same = np.sort_complex(np.round(eigenvalues(task)[: len(got.theory)], 8))
    np.testing.assert_allclose(np.sort_complex(np.round(got.theory, 8)), same)


# A network that rests away from 0


def at_a_point(net, seed=3, activation=TANH):
    """Place an exact network at a fixed point far from the origin, with writes that are small."""
    h = np.random.default_rng(seed).uniform(0.2, 0.7, net.network.hidden)
    quiet = replace(net.network, W_uh=1e-3 * net.network.W_uh, W_r=1e3 * net.network.W_r)
    return placed(straight(quiet), h, activation), quiet, h


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus"])
def test_memories_of_a_network_that_rests_elsewhere(known, name):
    net = known(4, 2, 5)
    network, quiet, h = at_a_point(net, activation=ACTIVATIONS[name])
    np.testing.assert_allclose(linear_at(network, h).W_hh, quiet.W_hh, atol=1e-12)
    here, there = corrected(network, net.task, at=h), corrected(quiet, net.task)
    np.testing.assert_allclose(here.Psi, there.Psi, atol=1e-9)
    np.testing.assert_allclose(here.Psi_dual, there.Psi_dual, atol=1e-6)
    np.testing.assert_allclose(
        impulse_response(network, 9, at=h), impulse_response(quiet, 9), atol=1e-9
    )
    u = random_bits(net.task, 5, RNG)
    started = replace(network, h0=h)
    held = contents(here, last_state(started, u))
    np.testing.assert_allclose(held, u.reshape(5, -1), atol=0.02)
    Phi = open_network(network, here, run(started, u)[0].reshape(-1, 13)).Phi_learned
    np.testing.assert_allclose(Phi, net.task.Phi, atol=1e-9)


def test_edits_act_on_deviations_from_the_point(known):
    net = known(4, 2, 5)
    network, _, h = at_a_point(net)
    memories = corrected(network, net.task, at=h)
    started = replace(network, h0=h, c=-network.W_r @ h)
    u = random_bits(net.task, 6, RNG)
    state = last_state(started, u)
    said = continued(started, interchange(memories, state, 1, 3), 8)[1]
    exchanged = u[:, [2, 1, 0, 3]]
    np.testing.assert_allclose(said, np.concatenate([exchanged, exchanged], axis=1), atol=0.05)
    for edited in (
        surgery(started, memories, net.task),
        replace_block(started, memories, 4, 1, np.eye(2)),
    ):
        np.testing.assert_allclose(edited.step(h), h, atol=1e-12)
        np.testing.assert_allclose(continued(edited, state, 4)[1], u, atol=0.05)
    turned = replace_block(started, memories, 4, 1, -np.eye(2))
    np.testing.assert_allclose(turned.step(h), h, atol=1e-12)
    np.testing.assert_allclose(continued(turned, state, 4)[1], -u, atol=0.05)


def test_a_leak_is_part_of_the_linear_network(known):
    """An exact ring that leaks: ``W = (J - (1 - a)) / a`` for the ring's J."""
    net, a = known(3, 2, 4), 0.4
    W_hh = (net.network.W_hh - (1 - a) * np.eye(10)) / a
    network = Network(W_hh, net.network.W_uh / a, net.network.W_r, leak=a)
    here, there = corrected(network, net.task), corrected(net.network, net.task)
    np.testing.assert_allclose(here.Psi, there.Psi, atol=1e-9)
    assert emt.accuracy(straight(network), net.task, sequences=50).value == 1
    edited = surgery(network, here, net.task)
    np.testing.assert_allclose(
        linear(edited).W_hh, net.Psi @ net.task.Phi @ net.Psi_dual, atol=1e-9
    )


@pytest.mark.parametrize(
    "options", [{"leak": 0.5}, {"rates": True}, {"c": np.ones(2)}, {"h0": np.ones(10)}]
)
def test_what_takes_the_matrices_of_equation_6_takes_no_other_network(known, options):
    net = known(3, 2, 4)
    other = replace(net.network, **options)
    assert linear_accuracy(net.network, net.task, 5).value == 1
    for call in (lambda: linear_accuracy(other, net.task, 5), lambda: identify(net.task, other)):
        with pytest.raises(ValueError, match=r"must be that of Eq. \(6\)"):
            call()


# Whatever can step


@dataclass
class Gated:
    """A gated cell: a unit takes a new value as far as its gate is open."""

    ring: Network
    gate: float = 6.0

    hidden = property(lambda self: self.ring.hidden)
    inputs = property(lambda self: self.ring.inputs)
    outputs = property(lambda self: self.ring.outputs)

    def start(self, *batch):
        """Return h(0)."""
        return self.ring.start(*batch)

    def step(self, h, u=None):
        """Return the next state."""
        z = 1 / (1 + np.exp(-self.gate - h))
        return (1 - z) * h + z * self.ring.step(h, u)

    def read(self, h):
        """Return the outputs."""
        return self.ring.read(h)


def test_a_gated_cell_is_run_scored_and_edited(known):
    net = known(4, 2, 4)
    cell, closed = (Gated(straight(net.network), gate) for gate in (25.0, -2.0))
    assert isinstance(cell, Recurrent) and not isinstance("x", Recurrent)
    assert emt.accuracy(cell, net.task, last=8, sequences=64).value == 1
    assert emt.accuracy(closed, net.task, last=8, sequences=64).value < 0.9
    score = scored(cell, net.task, fitted(cell, net.task))
    assert score[:3] == (1, 1, 1) and score.sufficiency == 1 and np.isnan(score.surgery)
    with pytest.raises(ValueError, match="around a fixed point only: give at="):
        corrected(cell, net.task)


def test_slopes_of_a_network_of_rates_are_taken_at_the_state():
    network = some(rates=True)
    h = RNG.normal(size=6)
    np.testing.assert_allclose(slopes(network, h), 1 - np.tanh(h) ** 2)
