"""Alignments and probes: gradients by differences, subspaces in closed form, loops by hand."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import straight
from scipy.linalg import subspace_angles

from emt import Network, corrected, repeat_copy, selection, untrained
from emt.beyond import alignment
from emt.beyond.alignment import aligned, decoded, interchanged, probe, reread
from emt.network import ACTIVATIONS, EVALUATION_SEED
from emt.tasks import random_bits

RNG = np.random.default_rng(0)


def noisy(H=9, kappa=2, **parts):
    rng = np.random.default_rng(3)
    shapes = (H, H), (H, kappa), (kappa, H)
    return Network(
        *(s * rng.normal(size=n) for s, n in zip((0.4, 0.7, 0.7), shapes, strict=True)), **parts
    )


def flight(w, task, sequences, seed=EVALUATION_SEED):
    """Return states in mid-cycle and what is said from then on, one sequence at a time."""
    states, held = [], []
    for u in random_bits(task, sequences, np.random.default_rng(seed)):
        x, h = list(u), w.start()
        for v in u:
            h = w.step(h, v)
        for _ in range(task.s // 2 + 1):
            h = w.step(h)
            x.append(sum(F @ v for F, v in zip(task.F, x[-task.s :], strict=True)))
        states.append(h)
        held.append(x[-task.s :])
    return np.array(states), np.array(held)


def follow(task, x, steps):
    x = list(x)
    for _ in range(steps):
        x.append(sum(F @ v for F, v in zip(task.F, x[-task.s :], strict=True)))
    return np.array(x[task.s :])


def by_hand(w, task, memory, basis, pairs):
    """Return cause and isolate, one pair and one step at a time."""
    h, held = flight(w, task, 2 * pairs)
    P = basis @ np.linalg.solve(basis.T @ basis, basis.T)
    turned, stayed = [], []
    for n in range(pairs):
        mixed = held[n].copy()
        mixed[memory - 1] = held[pairs + n][memory - 1]
        said, wanted = follow(task, held[n], 2 * task.s), follow(task, mixed, 2 * task.s)
        state = h[n] - P @ h[n] + P @ h[pairs + n]
        for a, b in zip(said, wanted, strict=True):
            state = w.step(state)
            right = np.sign(w.read(state)) == np.sign(b)
            turned += right[a != b].tolist()
            stayed += right[a == b].tolist()
    return np.mean(turned), np.mean(stayed)


@pytest.mark.parametrize("memory", [1, 3])
@pytest.mark.parametrize("d", [1, 4, 9])
@pytest.mark.parametrize("task", [repeat_copy(3, 2), selection(3, [2, 3], [2, 1], [1, -1])])
def test_scores_are_those_of_the_loop(task, d, memory):
    w, basis = noisy(), np.random.default_rng(d).normal(size=(9, d))
    got = interchanged(w, task, memory, basis, pairs=40)
    np.testing.assert_allclose(got[1:], by_hand(w, task, memory, basis, 40), atol=1e-12)
    np.testing.assert_allclose(got.basis.T @ got.basis, np.eye(d), atol=1e-12)
    assert subspace_angles(got.basis, basis).max() < 1e-7


@pytest.mark.parametrize(
    "w",
    [
        noisy(),
        noisy(b=RNG.normal(size=9), c=np.ones(2), h0=np.ones(9)),
        noisy(leak=RNG.uniform(0.2, 1, 9)),
        noisy(leak=0.5, rates=True, activation=ACTIVATIONS["softplus"]),
        noisy(rates=True),
    ],
    ids=["plain", "biases", "leak", "leaky rates", "rates"],
)
def test_the_gradient_is_that_of_differences(w):
    runs = alignment._pairs(w, repeat_copy(3, 2), 2, 3, 5, 0)
    A = np.random.default_rng(1).normal(size=(9, 3))  # neither orthogonal nor of norm 1
    value, slope = alignment._cost(w, *runs, A)
    found = np.zeros_like(A)
    for place in np.ndindex(A.shape):
        moved = np.zeros_like(A)
        moved[place] = 1e-5
        ends = [alignment._cost(w, *runs, A + sign * moved)[0] for sign in (1, -1)]
        found[place] = (ends[0] - ends[1]) / 2e-5
    assert value > 0 and abs(slope).max() > 1e-3
    np.testing.assert_allclose(slope, found, atol=1e-8 * value + 1e-8)
    np.testing.assert_allclose(alignment._cost(w, *runs, A @ RNG.normal(size=(3, 3)))[0], value)


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_cost_is_the_error_where_the_memory_is_heard_and_elsewhere(shuffled):
    w, task, A = noisy(), repeat_copy(3, 2), np.random.default_rng(1).normal(size=(9, 3))
    runs = alignment._pairs(w, task, 2, 3, 5, 0, shuffled)
    h, held = flight(w, task, 10, 0)
    P, heard, elsewhere = A @ np.linalg.pinv(A), [], []
    for n in range(5):
        state, wanted = h[n] + P @ (h[5 + n] - h[n]), held[n].copy()
        wanted[1] = held[5 + (n - shuffled) % 5, 1]
        for step in range(3):
            state = w.step(state)
            error = (w.read(state) - wanted[step]) ** 2
            (heard if step == 1 else elsewhere).extend(error)
    value, _ = alignment._cost(w, *runs, A)
    np.testing.assert_allclose(value, np.mean(heard) + np.mean(elsewhere))


@pytest.mark.parametrize("memory", [1, 2, 4])
def test_orthonormal_memories_are_found_exactly(known, memory):
    """Without spare units there is one subspace that answers: its vectors, and its covectors."""
    net = known(4, 2, spare=0, basis="orthonormal", seed=memory)
    found = aligned(straight(net.network), net.task, memory, 2, pairs=64)
    columns = slice(2 * memory - 2, 2 * memory)
    assert found[1:] == (1, 1)
    assert subspace_angles(found.basis, net.Psi[:, columns]).max() < 1e-4
    assert subspace_angles(found.basis, net.Psi_dual[columns].T).max() < 1e-4


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_where_vectors_and_covectors_differ_it_is_the_best_of_all_angles(known, seed):
    """Two memories of one bit in two units: every subspace is an angle."""
    net = known(2, 1, spare=0, basis="oblique", seed=seed)
    w = straight(net.network)
    runs = alignment._pairs(w, net.task, 1, 2, 64, alignment.TRAINING_SEED)
    angles = np.linspace(0, np.pi, 20_001)
    lines = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    cost = [alignment._cost(w, *runs, line[:, None])[0] for line in lines[::20]]
    near = np.argmin(cost) * 20
    around = range(max(near - 20, 0), min(near + 21, len(lines)))
    best = min(around, key=lambda i: alignment._cost(w, *runs, lines[i][:, None])[0])
    found = aligned(w, net.task, 1, 1, pairs=64).basis[:, 0]
    assert abs(found @ lines[best]) > 1 - 1e-6
    others = net.Psi[:, 0] / np.linalg.norm(net.Psi[:, 0]), net.Psi_dual[0]
    assert all(abs(found @ v) / np.linalg.norm(v) < 1 - 1e-4 for v in others)


def test_a_trained_network_is_aligned_and_its_controls_are_not(trained):
    w, task, memory = trained.network, trained.task, 2
    found = aligned(w, task, memory, 2)
    assert found[1:] == (1, 1)
    start = reread(untrained(task, trained.config), task)
    random, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 2)))
    vectors = corrected(w, task).Psi[:, 2:4]
    least = [np.cos(subspace_angles(vectors, basis)).min() for basis in (found.basis, random)]
    assert least[0] > 0.75 and least[1] < 0.5
    controls = [
        aligned(w, task, memory, 2, shuffled=True).cause,
        aligned(start, task, memory, 2).isolate,
        interchanged(w, task, memory, random).cause,
    ]
    assert max(controls) < 0.9
    again = aligned(w, task, memory, 2)
    np.testing.assert_array_equal(again.basis, found.basis)
    np.testing.assert_allclose(found[1:], interchanged(w, task, memory, found.basis)[1:])


def test_a_probe_is_the_solution_of_the_normal_equations():
    w, task = noisy(b=0.3 * np.ones(9)), repeat_copy(3, 2)
    h, held = flight(w, task, 400)
    x = np.hstack([h, np.ones((400, 1))])
    fit, new = x[:200], x[200:]
    solved = np.linalg.solve(fit.T @ fit, fit.T @ held[:200, 1])
    got = probe(w, task, 2, sequences=400)
    np.testing.assert_allclose(got.covectors, solved[:-1].T, atol=1e-8)
    assert got.accuracy == (np.sign(new @ solved) == held[200:, 1]).mean()
    assert 0.4 < probe(w, task, 2, sequences=400, shuffled=True).accuracy < 0.6


def test_a_probe_reads_what_is_used_and_what_is_not(trained, known):
    task = trained.task
    for w in (trained.network, untrained(task, trained.config)):
        assert probe(w, task, 2).accuracy > 0.99
        assert 0.45 < probe(w, task, 2, shuffled=True).accuracy < 0.55
    net = known(3, 2, spare=0)  # no other direction: it is the memory's covectors
    got = probe(straight(net.network), net.task, 2)
    np.testing.assert_allclose(got.covectors, net.Psi_dual[2:4], atol=1e-8)


def test_a_decoder_leaves_out_what_does_not_vary():
    bits = RNG.choice([-1.0, 1.0], (100, 2))
    h = np.hstack([2 * bits, 1e-15 * RNG.normal(size=(100, 3)) + 5])
    got = decoded(h, bits)
    assert got.accuracy == 1
    np.testing.assert_allclose(got.covectors, np.eye(2, 5) / 2, atol=1e-9)


def test_read_weights_are_found_again(known):
    net = known(3, 2, spare=0)
    for w in (straight(net.network), replace(straight(net.network), c=np.ones(2))):
        deaf = replace(w, W_r=np.ones((2, 6)))
        again = reread(deaf, net.task)
        np.testing.assert_allclose(again.W_r, net.network.W_r, atol=1e-8)
        assert again.c is None


def test_read_weights_of_rates_read_rates():
    w, task = noisy(rates=True), repeat_copy(3, 2)
    h, x = [], []
    for u in random_bits(task, 300, np.random.default_rng(alignment.TRAINING_SEED)):
        state = w.start()
        for v in u:
            state = w.step(state, v)
        for v in u:
            state = w.step(state)
            h.append(np.tanh(state))
            x.append(v)
    wanted = np.linalg.lstsq(np.array(h), np.array(x))[0].T
    np.testing.assert_allclose(reread(w, task, 300).W_r, wanted, atol=1e-8)
