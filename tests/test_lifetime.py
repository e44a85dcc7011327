"""Lifetimes against simulated networks, quadrature, other minimisers and hand-made curves."""

from functools import partial
from itertools import islice, product

import numpy as np
import pytest
from conftest import bent
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import block_diag, expm
from scipy.optimize import brentq, minimize_scalar
from scipy.special import erf

import emt
from emt import Network, VariableMemories, repeat_copy, with_silence
from emt.beyond.lifetime import (
    FaultVariances,
    accuracy_curve,
    accuracy_of,
    activity,
    faults,
    last_step,
    longest_lifetime,
    noisy,
    saturation,
    stretch,
)
from emt.network import EVALUATION_SEED, IDENTITY, run, silent_states
from emt.spectrum import compare, roots_of_unity

NAN, INF = float("nan"), float("inf")
TINY = 1e-9
small = st.floats(1e-4, 0.1)
counts = st.integers(1, 20)


def bits(shape, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=shape)


def bare(s=3, kappa=2, hidden=10, q=0.01, times=(1.0, 7.0, 20.0), **options):
    """Return the faults of a network whose spectrum is perfect."""
    roots = roots_of_unity(s, kappa)
    return faults(roots, roots, np.array(times), s, hidden, q, **options)


def orthonormal(n, hidden, q, seed=0):
    """Return orthogonal vectors, and covectors, with which bits make an activity of q."""
    Q = np.linalg.qr(np.random.default_rng(seed).normal(size=(hidden, hidden)))[0][:, :n]
    scale = np.sqrt(hidden * q / n)
    return scale * Q, Q.T / scale


def network(task, Psi, Psi_dual, Phi=None, gain=1.0):
    Phi = task.Phi if Phi is None else Phi
    w = Network(Psi @ Phi @ Psi_dual, Psi[:, -task.kappa :], Psi_dual[-task.kappa :])
    return Network(gain * w.W_hh, w.W_uh, w.W_r)


def drifted(weights, task, Psi, Psi_dual, times, activation, sequences, seed=5):
    """Yield what contents hold at each time: the part of the right one, and variance over it.

    The bits start in the memories, and theory moves them on by `Phi`.
    """
    c = bits((sequences, len(Psi_dual)), seed)
    walk = silent_states(bent(weights, activation), c @ Psi.T)
    for t, h in enumerate(islice(walk, max(times)), start=1):
        c = c @ task.Phi.T
        if t in times:
            right = (h @ Psi_dual.T) * c
            yield right.mean(), (right**2).mean() / right.mean() ** 2 - 1


# Running in silence


@pytest.mark.parametrize("sigma", [np.tanh, IDENTITY.function, np.sin, partial(np.maximum, 0.1)])
@pytest.mark.parametrize("bias", [True, False])
def test_silence_is_a_run_without_input(noise, sigma, bias):
    w = Network(noise.W_hh, noise.W_uh, noise.W_r, noise.b if bias else None)
    u = bits((2, 5, 4, 3))
    w = bent(w, sigma)
    h = run(w, with_silence(u, 9))[0]
    before = h[..., 3, :].copy()
    got = np.stack(list(islice(silent_states(w, before), 9)), axis=-2)
    np.testing.assert_allclose(got, h[..., 4:, :], rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(before, h[..., 3, :])
    alone = list(islice(silent_states(w, before[1, 2]), 9))
    np.testing.assert_allclose(alone, h[1, 2, 4:], rtol=1e-12, atol=1e-13)


def test_silence_has_tanh_and_no_end(noise):
    walk = silent_states(noise, np.zeros(7))
    np.testing.assert_allclose(next(walk), np.tanh(noise.b))
    assert len(list(islice(walk, 500))) == 500


# Activity


@pytest.mark.parametrize("first, last", [(1, 1), (1, 6), (4, 6), (3, 3)])
def test_activity_is_that_of_a_recursion_by_hand(noise, first, last):
    task, u = repeat_copy(4, 3), bits((20, 4, 3), seed=3)
    squares = []
    for sequence in u:
        h = np.zeros(7)
        for t in range(1, 4 + last + 1):
            push = noise.W_uh @ sequence[t - 1] if t <= 4 else 0.0
            h = np.tanh(noise.W_hh @ h + push + noise.b)
            if t >= 4 + first:
                squares.extend(h**2)
    assert activity(noise, task, first, last, 20, 3) == pytest.approx(np.mean(squares))


def test_activity_of_256_sequences_of_the_usual_seed(noise):
    task = repeat_copy(4, 3)
    got = activity(noise, task, 2, 9)
    assert got == activity(noise, task, 2, 9, 256, EVALUATION_SEED)
    assert got != activity(noise, task, 2, 9, 256, 1) and isinstance(got, float)


def test_activity_of_orthonormal_memories_is_what_they_were_scaled_to():
    task, q = repeat_copy(5, 2), 1e-8
    w = network(task, *orthonormal(10, 17, q))
    assert activity(w, task, 3, 40) == pytest.approx(q, rel=1e-6)


# Faults of the spectrum


def turned(s, kappa, angle, growth, seed=0):
    """Return `Phi` with its modes turned and scaled, its modes, and the roots they belong to.

    Each root's eigenspace has a random basis. Sizes of the changes are random, too.
    """
    rng, shift = np.random.default_rng(seed), np.eye(s, k=1) + np.eye(s, k=1 - s)
    Phi, modes, roots = np.zeros((s * kappa, s * kappa), complex), [], []
    for k in range(s // 2 + 1):
        root = np.exp(2j * np.pi * k / s)
        f = root ** np.arange(s) / np.sqrt(s)
        np.testing.assert_allclose(shift @ f, root * f, atol=TINY)
        if 2 * k % s:
            U = np.linalg.qr(rng.normal(size=(kappa, kappa, 2)) @ [1, 1j])[0]
            change = growth * rng.normal(size=kappa) + 1j * angle * rng.normal(size=kappa)
            block = U @ np.diag(root * np.exp(change)) @ U.conj().T
            Phi += 2 * np.kron(np.outer(f, f.conj()), block).real
            change = np.concatenate([change, change.conj()])
            roots += [root] * kappa + [root.conj()] * kappa
        else:
            V = np.linalg.qr(rng.normal(size=(kappa, kappa)))[0]
            pairs = [(growth * a, angle * b) for a, b in rng.normal(size=(kappa // 2, 2))]
            turns = [np.array([[a, -b], [b, a]]) for a, b in pairs]
            left = [np.array([[growth * rng.normal()]])] * (kappa % 2)
            block = root.real * V @ expm(block_diag(*turns, *left)) @ V.T
            Phi += np.kron(np.outer(f, f.conj()), block)
            change = [z for a, b in pairs for z in (a + 1j * b, a - 1j * b)]
            change = np.concatenate([change, *left], axis=None)
            roots += [root] * kappa
        modes.append(change)
    np.testing.assert_allclose(Phi.imag, 0, atol=TINY)
    roots = np.array(roots)
    return Phi.real, roots * np.exp(np.concatenate(modes)), roots


def powers(Phi, s, times):
    """Return what t steps leave of each bit, and of others: exact means over all bits."""
    n = len(Phi)
    for t in times:
        moved = np.linalg.matrix_power(Phi, t) @ np.linalg.matrix_power(
            repeat_copy(s, n // s).Phi, -t
        )
        right = np.trace(moved) / n
        yield ((moved**2).sum() / n - right**2) / right**2 if right > 0 else INF


TURNS = [(4, 3), (5, 2), (1, 4), (2, 5), (7, 1)]


@pytest.mark.parametrize("s, kappa", TURNS)
def test_a_dense_network_scatters_as_its_spectrum_says(s, kappa):
    times = np.array([1, 2, 10, 41, 90])
    for name, angle, growth in (
        ("turning", 0.01, 0.0),
        ("growing", 0.0, 0.01),
        ("spectrum", 0.01, 0.01),
    ):
        Phi, modes, roots = turned(s, kappa, angle, growth)
        np.testing.assert_allclose(  # the modes are those of the network
            np.poly(modes).real, np.poly(Phi), atol=1e-9
        )
        got = faults(modes, roots, times * 1.0, s, 2 * len(modes), 0.01)
        expected = list(powers(Phi, s, times))
        np.testing.assert_allclose(getattr(got, name), expected, rtol=1e-8, atol=1e-12)
        others = {"turning", "growing"} - {name} if name != "spectrum" else ()
        for other in others:
            np.testing.assert_allclose(getattr(got, other), 0, atol=1e-12)
        if name != "spectrum":
            np.testing.assert_allclose(got.spectrum, getattr(got, name), atol=1e-12)


@pytest.mark.parametrize("s, kappa", [(4, 3), (2, 5)])
def test_both_parts_of_a_spectrum_are_told_apart(s, kappa):
    times = np.array([3, 20, 60])
    _, modes, roots = turned(s, kappa, 0.01, 0.01)
    both = faults(modes, roots, times * 1.0, s, 2 * s * kappa, 0.01)
    only = turned(s, kappa, 0.01, 0.0)[0], turned(s, kappa, 0.0, 0.01)[0]
    np.testing.assert_allclose(both.turning, list(powers(only[0], s, times)), rtol=1e-7)
    np.testing.assert_allclose(both.growing, list(powers(only[1], s, times)), rtol=1e-7)
    assert (both.spectrum > np.maximum(both.turning, both.growing)).all()


def test_signal_and_interference_of_a_run_are_those_of_the_modes():
    s, kappa, hidden, times = 6, 4, 40, [6, 20, 45]
    Phi, modes, roots = turned(s, kappa, 0.02, 0.004, seed=2)
    task, pair = repeat_copy(s, kappa), orthonormal(s * kappa, hidden, 0.01)
    w = network(task, *pair, Phi)
    got = np.array(list(drifted(w, task, *pair, times, IDENTITY.function, sequences=2000)))
    signal = [((modes / roots) ** t).real.mean() for t in times]
    np.testing.assert_allclose(got[:, 0], signal, rtol=0.01)
    predicted = faults(modes, roots, np.array(times, float), s, hidden, 0.01)
    np.testing.assert_allclose(got[:, 1], predicted.spectrum, rtol=0.03)
    np.testing.assert_allclose(  # and these are what `compare` finds
        np.sort_complex(np.round(compare(w, repeat_copy(s, kappa)).matched, 9)),
        np.sort_complex(np.round(modes, 9)),
        atol=1e-8,
    )


@given(st.floats(-1.5, 1.5), st.floats(-3.0, 3.0), st.floats(0.5, 90.0))
def test_four_modes_scatter_by_tangents(x, y, t):
    change = np.array([y + 1j * x, y - 1j * x, -y + 1j * x, -y - 1j * x])
    root = np.array([1, 1, 1, 1], complex)
    got = faults(np.exp(change / t), root, np.array([t]), 1, 4, 0.01)
    np.testing.assert_allclose(got.turning, np.tan(x) ** 2, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(got.growing, np.tanh(y) ** 2, rtol=1e-9, atol=1e-12)
    both = (1 + np.tanh(y) ** 2) / np.cos(x) ** 2 - 1
    np.testing.assert_allclose(got.spectrum, both, rtol=1e-9, atol=1e-12)


def test_from_a_quarter_turn_on_nothing_is_left():
    roots = np.array([1, 1, -1, -1], complex)
    modes = roots * np.exp(0.01j * np.array([1, -1, 1, -1]))
    got = faults(modes, roots, np.array([100.0, 157.0, 158.0, 200.0, 470.0, 472.0]), 2, 8, 0.01)
    assert got.turning[1] > 1e5 and not got.growing.any()
    np.testing.assert_array_equal(np.isinf(got.turning), [False, False, True, True, True, False])
    np.testing.assert_array_equal(got.spectrum, got.turning)
    np.testing.assert_array_equal(accuracy_of(got.total)[2:5], 0.5)


def test_what_turns_together_is_lost_as_well():
    roots = roots_of_unity(3, 2)
    got = faults(roots * np.exp(0.01j), roots, np.array([50.0, 120.0]), 3, 8, 0.01)
    np.testing.assert_allclose(got.turning, np.tan([0.5, 1.2]) ** 2)
    np.testing.assert_allclose(got.spectrum, got.turning)


def test_a_half_turn_of_all_leaves_nothing():
    got = faults(-np.ones(2, complex), np.ones(2, complex), np.array([1.0, 2.0]), 1, 2, 0.01)
    np.testing.assert_allclose(got.turning, [INF, 0], atol=1e-12)


def test_a_perfect_spectrum_has_no_fault_however_large_its_modulus():
    roots = roots_of_unity(5, 3)
    for modulus in (1.0, 0.9, 1.5):
        got = faults(modulus * roots, roots, np.array([1.0, 100.0, 4000.0]), 5, 20, 0.01)
        for part in (got.turning, got.growing, got.spectrum):
            np.testing.assert_allclose(part, 0, atol=1e-9)


def test_rounding_makes_no_variance_negative():
    _, modes, roots = turned(5, 3, 1e-9, 1e-9)
    for part in faults(modes, roots, np.arange(500.0), 5, 20, 0.01):
        assert (part >= 0).all()


@pytest.mark.parametrize("x", [30.0, 300.0, 400.0, 1000.0, 1e5])
def test_modes_far_apart_have_finite_faults(x):
    change = np.array([0.5, -0.5])
    got = faults(np.exp(change) + 0j, np.ones(2, complex), np.array([2 * x]), 1, 2, 0.01)
    np.testing.assert_allclose([got.growing, got.spectrum], 1)


# Faults of tanh and of noise


def test_tanh_adds_two_thirds_of_the_cube_to_a_line():
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights /= weights.sum()
    for q in (1e-4, 4e-4):
        x = np.sqrt(q) * nodes
        slope = weights @ (x * np.tanh(x)) / q
        added = weights @ (np.tanh(x) - slope * x) ** 2
        assert bare(1, 4, 4, q, [1.0]).mixing == pytest.approx(added / q, rel=10 * q)
        assert added == pytest.approx(2 / 3 * q**3, rel=10 * q)


def test_as_a_sample_of_gaussian_preactivations_says_too():
    q, x = 0.01, np.random.default_rng(0).normal(size=400_000)
    x *= 0.1 / x.std()
    y = np.tanh(x)
    added = np.polynomial.Polynomial.fit(x, y, 1, full=True)[1][0][0] / len(x)
    assert bare(1, 4, 4, q, [1.0]).mixing == pytest.approx(added / q, rel=0.1)  # 8 q is due


@pytest.fixture(scope="module")
def mixed():
    """Return variance found and predicted in tanh networks at rest at the activity q."""

    def measure(s, kappa, hidden, q, times, seed=0):
        n, task = s * kappa, repeat_copy(s, kappa)
        pair = orthonormal(n, hidden, q, seed)
        w = network(task, *pair, gain=1 + q)
        found = np.array(list(drifted(w, task, *pair, times, np.tanh, 40)))
        np.testing.assert_allclose(found[:, 0], 1, atol=0.01)  # 1 + q makes up for tanh
        return found[:, 1], bare(s, kappa, hidden, q, np.array(times, float)).mixing

    return measure


@pytest.mark.parametrize(
    "s, kappa, hidden, q",
    [(8, 16, 128, 0.001), (8, 16, 256, 0.002), (16, 8, 128, 0.001), (4, 32, 256, 0.001)],
)
def test_mixing_grows_coherently_in_a_tanh_network(mixed, s, kappa, hidden, q):
    found, predicted = mixed(s, kappa, hidden, q, [s, 2 * s, 4 * s, 8 * s])
    assert ((found > 0.84 * predicted) & (found < 1.1 * predicted)).all(), found / predicted
    np.testing.assert_allclose(found[1:] / found[:-1], 4, rtol=0.04)  # a line would double
    np.testing.assert_allclose(predicted[1:] / predicted[:-1], 4)


def test_mixing_follows_activity_share_and_cycle(mixed):
    times = [16, 32]
    base, predicted = mixed(8, 16, 128, 0.001, times)
    for options, factor in (
        ((8, 16, 128, 0.002), 4),
        ((8, 16, 256, 0.001), 1 / 2),
        ((16, 8, 128, 0.001), 1 / 2),
    ):
        found, expected = mixed(*options, times)
        np.testing.assert_allclose(found / base, factor, rtol=0.1)
        np.testing.assert_allclose(expected / predicted, factor)


def heard(weights, task, Psi, Psi_dual, eta, times, sequences):
    """Return the variance of contents in a linear network with noise."""
    rng = np.random.default_rng(9)
    sigma = lambda x: x + eta * rng.normal(size=x.shape)  # noqa: E731
    return [v for _, v in drifted(weights, task, Psi, Psi_dual, times, sigma, sequences)]


@pytest.mark.parametrize("s, kappa, hidden, q", [(3, 2, 6, 1.0), (4, 3, 30, 0.01), (1, 5, 8, 0.2)])
def test_noise_adds_up_in_orthonormal_memories(s, kappa, hidden, q):
    eta, times, task = 0.2 * np.sqrt(q), [1, 5, 24], repeat_copy(s, kappa)
    pair = orthonormal(s * kappa, hidden, q)
    got = heard(network(task, *pair), task, *pair, eta, times, 3000)
    expected = bare(s, kappa, hidden, q, np.array(times, float), noise=eta).noise
    np.testing.assert_allclose(got, expected, rtol=0.05)
    np.testing.assert_allclose(expected, np.array(times) * s * kappa / hidden * eta**2 / q)


def test_noise_adds_up_in_oblique_memories_by_their_stretch(known):
    s, kappa = 3, 2
    net = known(s, kappa, 5, "oblique", seed=4)
    q, hidden = (net.Psi**2).sum() / 11, 11
    c, times = stretch(net.Psi_dual, q), [3, 12, 30]
    assert c > 1.5
    got = heard(net.network, net.task, net.Psi, net.Psi_dual, 0.05, times, 5000)
    expected = bare(s, kappa, hidden, q, np.array(times, float), noise=0.05, stretch=c).noise
    np.testing.assert_allclose(got, expected, rtol=0.05)


@given(small, small, st.floats(1e-9, 9.0), st.floats(1.0, 1e4))
def test_terms_are_powers_and_add_up(q, eta, c, t):
    _, modes, roots = turned(3, 2, 1e-6, 1e-6)
    at = partial(faults, modes, roots, s=3, hidden=12)
    one, two = at(np.array([t]), activity=q, noise=eta, stretch=c), np.array([2 * t])
    far = at(two, activity=q, noise=eta, stretch=c)
    np.testing.assert_allclose(far.noise, 2 * one.noise)
    np.testing.assert_allclose(far.mixing, 4 * one.mixing)
    loud = at(np.array([t]), activity=3 * q, noise=2 * eta, stretch=c)
    np.testing.assert_allclose(loud.noise, 4 / 3 * one.noise)
    np.testing.assert_allclose(loud.mixing, 9 * one.mixing)
    np.testing.assert_array_equal(loud.spectrum, one.spectrum)
    np.testing.assert_allclose(one.noise, c * at(np.array([t]), activity=q, noise=eta).noise)
    np.testing.assert_allclose(one.total, one.spectrum + one.mixing + one.noise)
    assert not at(two, activity=q).noise.any()


def test_total_counts_the_spectrum_once():
    assert FaultVariances(*(np.array([v]) for v in (1.0, 2.0, 4.0, 8.0, 16.0))).total == [28.0]


def test_nothing_is_wrong_at_the_input():
    _, modes, roots = turned(4, 3, 0.1, 0.1)
    for part in faults(modes, roots, np.zeros(2), 4, 20, 0.1, 0.1, 2.0):
        np.testing.assert_allclose(part, np.zeros(2), atol=1e-12)


# From variance to accuracy


@given(st.floats(1e-3, 1e6))
def test_accuracy_is_an_error_function(v):
    np.testing.assert_allclose(accuracy_of(np.array([v])), (1 + erf((2 * v) ** -0.5)) / 2)


def test_accuracy_is_that_of_a_sample():
    disturbance = np.random.default_rng(0).normal(size=100_000)
    for v in (0.1, 0.6, 4.0):
        found = np.mean(np.sign(1 + np.sqrt(v) * disturbance) == 1)
        np.testing.assert_allclose(accuracy_of(np.array([v])), found, atol=0.005)


def test_accuracy_without_and_with_endless_disturbance():
    np.testing.assert_array_equal(accuracy_of(np.array([0.0, INF])), [1, 0.5])
    falling = accuracy_of(np.array([0.0, 0.1, 1.0, 10.0, 1e9, INF]))
    assert (np.diff(falling) < 0).all()


# The last step


def test_the_last_step_lies_on_a_line_over_the_logarithm():
    steps = np.array([1.0, 10.0, 1000.0])
    assert last_step(steps, np.array([1.0, 0.95, 0.85])) == pytest.approx(100)
    assert last_step(steps, np.array([1.0, 0.8, 0.7]), 0.9) == pytest.approx(10**0.5)
    assert last_step(steps, np.array([1.0, 0.8, 0.7]), 0.75) == pytest.approx(100)
    assert last_step(steps, np.array([1.0, 0.95, 0.75]), 0.8) == pytest.approx(10**2.5)
    assert last_step(steps, np.array([1.0, 0.5, 0.1]), 0.3) == pytest.approx(100)
    assert isinstance(last_step(steps, np.array([1.0, 0.8, 0.7])), float)


@pytest.mark.parametrize(
    "accuracy, expected",
    [
        ([1.0, 0.95, 0.91], 300.0),
        ([1.0, 0.95, 0.9], 300.0),
        ([0.9, 0.9, 0.9], 300.0),
        ([0.8, 0.7, 0.6], 0.0),
        ([0.8, 0.95, 0.8], 0.0),
        ([0.9, 0.5, 0.95], 3.0),
        ([1.0, 0.8, 1.0], 3 * 10**0.5),
        ([1.0, 0.9, 0.5], 30.0),
    ],
)
def test_edges_of_the_last_step(accuracy, expected):
    got = last_step(np.array([3.0, 30.0, 300.0]), np.array(accuracy))
    assert got == pytest.approx(expected) and isinstance(got, float)


def test_one_step_is_the_last_or_none_is():
    for accuracy, expected in ((0.1, 0), (0.9, 7), (0.99, 7)):
        assert last_step(np.array([7.0]), np.array([accuracy])) == expected


def test_a_network_that_never_met_the_bar_has_no_lifetime():
    task, steps = repeat_copy(4, 3), np.array([2.0, 8.0, 32.0])
    start = emt.untrained(task, emt.TrainingConfig(hidden=16))
    assert last_step(steps, accuracy_curve(start, task, steps)) == 0


@given(st.lists(st.floats(0.5, 1.0), min_size=2, max_size=9, unique=True), st.floats(0.51, 0.99))
def test_the_last_step_inverts_a_falling_curve(values, bar):
    accuracy = np.sort(values)[::-1]
    steps = 1.5 * 3.0 ** np.arange(len(values)) ** 1.2
    expected = np.exp(np.interp(bar, accuracy[::-1], np.log(steps[::-1])))
    assert last_step(steps, accuracy, bar) == pytest.approx(expected * (accuracy[0] >= bar))


# Curves of accuracy


def test_a_curve_is_accuracy_in_windows(noise):
    task, steps = emt.running_sums(4, 3, 0.5), np.array([1.0, 2.0, 5.0, 6.0, 40.0])
    got = accuracy_curve(noise, task, steps, sequences=30, seed=8)
    expected = [emt.accuracy(noise, task, n, n + 7, 30, 8).value for n in (1, 2, 5, 6, 40)]
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert len(set(expected)) > 3
    whole = accuracy_curve(noise, task, steps)
    np.testing.assert_array_equal(whole, accuracy_curve(noise, task, steps, 0.0, 64))
    around = [emt.accuracy_around(noise, task, n).value for n in (1, 2, 5, 6, 40)]
    np.testing.assert_allclose(whole, around, rtol=1e-12)


def still(kappa=1):
    """Return a network that neither hears nor remembers: its outputs are its noise."""
    return Network(np.zeros((kappa, kappa)), np.zeros((kappa, kappa)), np.eye(kappa))


def test_noise_is_that_of_its_seed():
    task, steps = repeat_copy(1, 1), np.arange(1.0, 40.0)
    curve = partial(accuracy_curve, still(), task, steps, 0.1, 1)
    one, again, other = curve(1), curve(1), curve(2)
    np.testing.assert_array_equal(one, again)
    assert set(one) == {0.0, 0.5, 1.0}  # there is noise, and new noise at every step
    assert (one != other).any() and (one != 1 - other).any()  # whatever the bit


def test_huge_noise_leaves_chance():
    task = repeat_copy(4, 3)
    w = network(task, *orthonormal(12, 20, 1e-6))
    steps = np.array([1.0, 20.0, 50.0])
    np.testing.assert_array_equal(accuracy_curve(w, task, steps), 1)
    np.testing.assert_allclose(accuracy_curve(w, task, steps, 1e3, 500), 0.5, atol=0.02)


@pytest.mark.parametrize(
    "angle, growth, eta", [(0.006, 0.0, 0.0), (0.0, 0.006, 3e-4), (0.0, 0.0, 4e-4)]
)
def test_a_curve_is_what_the_faults_predict(angle, growth, eta):
    s, kappa, hidden, q = 6, 4, 48, 1e-5
    Phi, modes, roots = turned(s, kappa, angle, growth, seed=1)
    task, pair = repeat_copy(s, kappa), orthonormal(s * kappa, hidden, q)
    w, steps = network(task, *pair, Phi), np.array([1.0, 25.0, 50.0, 100.0, 150.0])
    at = (steps[:, None] + np.arange(2 * s) + s).ravel()  # output step n is time s + n
    each = accuracy_of(faults(modes, roots, at, s, hidden, q, eta).total)
    expected = each.reshape(-1, 2 * s).mean(axis=1)
    got = accuracy_curve(w, task, steps, eta, sequences=400)
    np.testing.assert_allclose(got, expected, atol=0.015)
    assert expected[-1] < 0.9 < 0.99 < expected[0]


def shaken(noise, rng):
    """Return the activation of a noisy tanh network."""
    return noisy(Network(np.eye(1), np.eye(1), np.eye(1)), noise, rng).activation.function


@pytest.mark.parametrize("level", [0.0, 0.3, 2.0])
def test_noise_has_its_moments_around_tanh(level):
    sigma = shaken(level, np.random.default_rng(0))
    x = np.array([-3.0, -0.5, 0.0, 0.7])
    draws = np.array([sigma(x) for _ in range(20_000)]) - np.tanh(x)
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=0.03 * level + TINY)
    covariance = level**2 * np.eye(4)  # of units, one independent of the other
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.03 * level**2 + TINY)
    after = (draws[1:] * draws[:-1]).mean(axis=0)  # of steps
    np.testing.assert_allclose(after, 0, atol=0.03 * level**2 + TINY)
    fourth = (draws**4).mean()  # 3 of a Gaussian
    np.testing.assert_allclose(fourth, 3 * level**4, rtol=0.03, atol=TINY)


def test_no_noise_is_tanh_and_shape_is_kept():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_array_equal(shaken(0.0, np.random.default_rng(0))(x), np.tanh(x))
    one, again = (shaken(0.5, np.random.default_rng(3))(x) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.shape == x.shape and len(set((one - np.tanh(x)).ravel().round(9))) == x.size


# The best activity


def disturbance(q, t, noise, s, c, share=(2, 5)):
    """Return mixing and noise together, as `faults` has them."""
    n, hidden = share
    roots = np.ones(s * n, complex)
    got = faults(roots, roots, np.array([t]), s, s * hidden, q, noise, c)
    assert not got.spectrum.any()
    return got.total[0]


def lifetime_at(q, noise, s, c, bar, share):
    """Return when accuracy falls to `bar` at the activity q."""

    def above(log_t):
        variance = disturbance(q, np.exp(log_t), noise, s, c, share)
        return accuracy_of(np.array([variance]))[0] - bar

    return np.exp(brentq(above, -30, 60, xtol=1e-13))


@pytest.mark.parametrize(
    "noise, s, share, bar, c",
    [
        (0.001, 16, (5, 8), 0.9, 1.0),
        (0.01, 3, (1, 1), 0.6, 2.5),
        (0.03, 1, (1, 7), 0.99, 0.7),
    ],
)
def test_the_longest_lifetime_is_a_maximum(noise, s, share, bar, c):
    n, hidden = share
    t, q = longest_lifetime(noise, s, n / hidden, bar, c)
    found = minimize_scalar(
        lambda x: -np.log(lifetime_at(np.exp(x), noise, s, c, bar, share)),
        bounds=(np.log(q) - 3, np.log(q) + 2),
        method="bounded",
        options={"xatol": 1e-6},
    )
    assert np.exp(-found.fun) == pytest.approx(t, rel=1e-6)
    assert found.x == pytest.approx(np.log(q), abs=1e-3)
    assert lifetime_at(q, noise, s, c, bar, share) == pytest.approx(t)
    assert isinstance(t, float) and isinstance(q, float)


@given(small, counts, st.floats(0.01, 1.0), st.floats(0.55, 0.999), st.floats(0.5, 9.0))
def test_laws_of_the_longest_lifetime(noise, s, share, bar, c):
    t, q = longest_lifetime(noise, s, share, bar, c)
    # q^3 = (3/4) c s eta^2 / t, the minimum of mixing and noise together
    assert q**3 == pytest.approx(0.75 * c * s * noise**2 / t)
    total = 3 / 2 * share * c * noise**2 * t / q
    np.testing.assert_allclose(accuracy_of(np.array([total])), bar)
    assert longest_lifetime(2 * noise, s, share, bar, c) == pytest.approx((t / 2, 2 * q))
    assert longest_lifetime(noise, 16 * s, share, bar, c) == pytest.approx((2 * t, 2 * q))
    assert longest_lifetime(noise, s, share, bar, 4 * c) == pytest.approx((t / 2, 2 * q))
    assert longest_lifetime(noise, s, share, 0.5 + (bar - 0.5) / 2, c)[0] > t
    assert longest_lifetime(noise, s, share) == longest_lifetime(noise, s, share, 0.9, 1.0)


# Saturation and stretch


def memories(hidden=9, n=4, seed=0, scale=1.0):
    """Return oblique memories with spare covectors: Psi_dual is not in the span of Psi."""
    B = np.random.default_rng(seed).normal(size=(hidden, hidden))
    dual = np.linalg.inv(B)[:n] / scale
    return VariableMemories(scale * B[:, :n], dual, np.ones((n, 2), int))


@pytest.mark.parametrize("scale", [0.02, 0.2])
def test_saturation_of_gaussian_contents_is_known(scale):
    m = memories(scale=scale)
    c = np.random.default_rng(1).normal(size=(200_000, 4))
    gaussian, found = saturation(m, c @ m.Psi.T)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    variance = (m.Psi**2).sum(axis=1)
    squares = np.tanh(np.sqrt(variance)[:, None] * nodes) ** 2 @ weights / weights.sum()
    share = [sum(m.Psi[i, j] * m.Psi_dual[j, i] for j in range(4)) / 4 for i in range(9)]
    # For Gaussian x, E[c (x - tanh x)] = E[c x] E[1 - tanh' x], and 1 - tanh' = tanh^2.
    assert found == pytest.approx(share @ squares / squares.mean(), rel=0.05)
    assert gaussian == pytest.approx(share @ variance / squares.mean(), rel=0.02)
    if scale < 0.1:
        assert gaussian == pytest.approx(found, rel=0.05)
    else:
        assert abs(gaussian / found - 1) > 0.1  # first order no longer does


def test_saturation_of_all_bits_is_a_sum_over_them():
    m = memories(scale=1e-3)
    c = np.array(list(product([-1.0, 1.0], repeat=4)))
    x = c @ m.Psi.T
    q = (x**2).mean()
    parts = [m.Psi_dual[j] @ (c[:, j, None] * x**3 / 3).mean(axis=0) for j in range(4)]
    gaussian, found = saturation(m, x)
    assert found == pytest.approx(np.mean(parts) / q, rel=1e-4)
    as_gaussian = [m.Psi_dual[j] @ (m.Psi[:, j] * (x**2).mean(axis=0)) for j in range(4)]
    assert gaussian == pytest.approx(np.mean(as_gaussian) / q, rel=1e-4)
    assert abs(found / gaussian - 1) > 0.2  # bits are not Gaussian


def test_saturation_of_whatever_states_by_loops():
    m, x = memories(), np.random.default_rng(2).exponential(0.5, size=(30, 9))
    q = np.mean([np.tanh(v) ** 2 for v in x.ravel()])
    shares = [np.mean([m.Psi[i, j] * m.Psi_dual[j, i] for j in range(4)]) for i in range(9)]
    gaussian = sum(share * np.mean([row[i] ** 2 for row in x]) for i, share in enumerate(shares))
    held = [[m.Psi_dual[j] @ row for j in range(4)] for row in x]
    lost = [[m.Psi_dual[j] @ (row - np.tanh(row)) for j in range(4)] for row in x]
    regression = np.vdot(held, lost) / np.vdot(held, held)
    assert saturation(m, x) == pytest.approx((gaussian / q, regression / q))
    assert saturation(m, x.reshape(2, 5, 3, 9)) == pytest.approx(saturation(m, x))
    assert all(isinstance(v, float) for v in saturation(m, x))


def test_saturation_of_one_unit_is_its_cube():
    m = VariableMemories(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 2), int))
    gaussian, found = saturation(m, np.array([[0.01], [-0.01]]))
    assert found == pytest.approx(1 / 3, rel=1e-3) and gaussian == pytest.approx(1, rel=1e-3)


def test_saturation_is_what_keeps_a_tanh_network_going():
    task, q = repeat_copy(8, 16), 0.01
    Psi, dual = orthonormal(128, 128, q)
    w = network(task, Psi, dual, gain=1 + q)
    walk = silent_states(w, bits((30, 128)) @ Psi.T)
    m = VariableMemories(Psi, dual, np.ones((128, 2), int))
    for rest, round_states in ((1, True), (1500, False)):
        late = np.array(list(islice(walk, rest - 1, rest + 7)))
        gaussian, found = saturation(m, np.arctanh(late))
        at_rest = q / (late**2).mean()  # |lambda| - 1 over activity
        assert gaussian == pytest.approx(1, rel=0.03)
        assert found == pytest.approx(at_rest, rel=0.03)
        assert (found > 0.9) == round_states  # tanh makes them flat


@pytest.mark.parametrize("n, hidden, q", [(6, 6, 0.1), (4, 9, 1e-3)])
def test_stretch_of_orthogonal_memories_is_one(n, hidden, q):
    Psi, dual = orthonormal(n, hidden, q)
    held = (bits((20_000, n)) @ Psi.T) ** 2
    assert stretch(dual, q) == pytest.approx(1)
    assert stretch(dual, float(held.mean())) == pytest.approx(1, rel=0.03)  # all activity is held
    assert stretch(dual, 3 * q) == pytest.approx(3)  # two thirds of it are not
    assert stretch(2 * dual, q) == pytest.approx(4)


@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 99))
def test_oblique_memories_are_stretched(n, spare, seed):
    m = memories(n + spare, n, seed)
    q = (m.Psi**2).sum() / (n + spare)  # of bits in these memories
    found = stretch(m.Psi_dual, q)
    assert found >= 1 - 1e-9
    norms = np.linalg.norm(m.Psi, axis=0), np.linalg.norm(m.Psi_dual, axis=1)
    assert found == pytest.approx(np.mean(norms[0] ** 2) * np.mean(norms[1] ** 2))
    assert isinstance(found, float)


# Bad input


TASK, ROOTS, AT = repeat_copy(3, 2), roots_of_unity(3, 2), np.array([1.0, 5.0])
NET = Network(0.1 * np.eye(7), np.ones((7, 2)), np.ones((2, 7)))
STEPS = np.array([1.0, 2.0, 9.0])
curve = partial(accuracy_curve, NET, TASK)
RNG = np.random.default_rng(0)


def wrong(modes=ROOTS, roots=ROOTS, times=AT, s=3, hidden=8, activity=0.1, **options):
    return lambda: faults(modes, roots, times, s, hidden, activity, **options)


@pytest.mark.usefixtures("_no_shape_hook")
def test_the_valid_neighbours_pass():
    assert longest_lifetime(0.1, np.int64(1), 1.0)[0] > 0
    assert np.isfinite(wrong(hidden=6, stretch=0.0, times=np.array([0.0, 2.0]))().total).all()
    assert activity(NET, TASK, np.int64(3), 3, 1) > 0
    assert last_step(STEPS.tolist(), [1.0, 0.95, 0.7]) > 2
    assert curve(np.array([1, 5])).shape == (2,)
    assert shaken(0, RNG)(np.zeros(2)).tolist() == [0, 0]
