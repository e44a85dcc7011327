"""Which rules linear networks follow: algebra, the solved rule and simulation must agree."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import BASES, known_network, straight
from hypothesis import given
from hypothesis import strategies as st

from emt import (
    IDENTITY,
    Network,
    Task,
    compose_copy,
    constructed,
    continuation,
    driven,
    repeat_copy,
    run,
    running_sums,
    selection,
    with_silence,
)
from emt.impulse import minimal_realisation
from emt.linear_network import (
    coefficients,
    criterion,
    innovations,
    simulation_defect,
    toeplitz_defect,
)
from emt.spectrum import eigenvalues

sizes = {"s": st.integers(1, 4), "kappa": st.integers(1, 3), "seed": st.integers(0, 999)}


def identity(x):
    return x


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def random_task(s, kappa, seed) -> Task:
    return Task(s, kappa, normal(seed, s, kappa, kappa) / np.sqrt(s * kappa))


# Rules that satisfy the criterion, and near misses. `K` projects obliquely, `rest` is I - K.


def oldest_only(F, K):
    return np.concatenate([F[:1], 0 * F[1:]])


def blind_to_their_own_images(F, K):
    rest = np.eye(len(K)) - K
    return np.concatenate([F[:1] @ K, rest @ F[1:] @ K])


def generic(F, K):
    return F


def only_the_oldest_sees_the_others(F, K):
    rest = np.eye(len(K)) - K
    return np.concatenate([F[:1], rest @ F[1:] @ K])


def images_instead_of_kernels(F, K):
    rest = np.eye(len(K)) - K
    return np.concatenate([K @ F[:1], K @ F[1:] @ rest])  # F_j F_i = 0 instead


def almost_blind(F, K):
    return blind_to_their_own_images(F, K) + 1e-4 * F


FOLLOWED = (oldest_only, blind_to_their_own_images)
NOT_FOLLOWED = (
    generic,
    only_the_oldest_sees_the_others,
    images_instead_of_kernels,
    almost_blind,
)
CASES = range(15)


def built_task(build, seed) -> Task:
    rng = np.random.default_rng(seed)
    s, kappa = int(rng.integers(3, 5)), int(rng.integers(2, 5))
    B = np.eye(kappa) + 0.5 * np.triu(rng.normal(size=(kappa, kappa)), 1)
    B = np.linalg.qr(rng.normal(size=(kappa, kappa)))[0] @ B
    K = B @ np.diag(np.arange(kappa) < rng.integers(1, kappa)) @ np.linalg.inv(B)
    return Task(s, kappa, build(rng.normal(size=(s, kappa, kappa)) / np.sqrt(s * kappa), K))


def largest_product(task, first=1):
    """Return the largest entry of F_i F_j over j >= 2 and i >= `first`, counted from 1."""
    F, n = task.F, range(task.kappa)
    products = [
        abs(sum(F[i][a, b] * F[j][b, c] for b in n))
        for i in range(first - 1, task.s)
        for j in range(1, task.s)
        for a in n
        for c in n
    ]
    return max(products, default=0.0)


def solved(task, steps) -> list[list[np.ndarray]]:
    """D[t-1][k-1], t = 1 ... s + steps: x(t) = sum_k D u(k), by substitution."""
    s, kappa = task.s, task.kappa
    D = [[np.eye(kappa) * (t == k) for k in range(s)] for t in range(s)]
    for t in range(s, s + steps):
        D.append([sum(task.F[i] @ D[t - s + i][k] for i in range(s)) for k in range(s)])
    return D


def unexplained_by_age(task) -> float:
    """How far any answer by age alone, t - k, must be from the solved rule; a long way on."""
    D, of_age = solved(task, 3 * task.s + 2), {}
    for t in range(task.s, len(D)):
        for k in range(task.s):
            of_age.setdefault(t - k, []).append(D[t][k])
    return max(abs(np.ptp(answers, axis=0)).max() / 2 for answers in of_age.values())


def simulated_defect(known, task, seed) -> float:
    """Distance of the constructed network's outputs from Eq. (5), over a basis of the inputs."""
    weights = known(task=task, spare=2, seed=seed).network
    u = np.eye(task.s * task.kappa).reshape(-1, task.s, task.kappa)
    _, y = run(straight(weights), with_silence(u, 2 * task.s + 3))
    return abs(y[:, task.s :] - continuation(task, u, 2 * task.s + 3)).max()


def verdicts(known, task, seed) -> np.ndarray:
    return np.array(
        [
            criterion(task),
            toeplitz_defect(task),
            simulated_defect(known, task, seed),
            unexplained_by_age(task),
        ]
    )


@pytest.mark.parametrize("build", FOLLOWED)
def test_theorem_these_rules_are_followed(known, build):
    for seed in CASES:
        task = built_task(build, seed)
        assert (verdicts(known, task, seed) < 1e-9).all(), seed
        if build is blind_to_their_own_images:  # F_j need not vanish, nor F_j F_1
            assert abs(task.F[1:]).max() > 1e-3 and abs(task.F[1:] @ task.F[0]).max() > 1e-3


@pytest.mark.parametrize("build", NOT_FOLLOWED)
def test_theorem_these_rules_are_not(known, build):
    for seed in CASES:
        values = verdicts(known, built_task(build, seed), seed)
        assert (values > 1e-7).all(), (seed, values)
        assert build is not almost_blind or (values < 1e-2).all(), (seed, values)


def test_theorem_the_near_misses_are_near():
    for seed in CASES:
        task = built_task(only_the_oldest_sees_the_others, seed)
        assert largest_product(task, first=2) < 1e-12 < criterion(task)
        task = built_task(images_instead_of_kernels, seed)
        assert largest_product(Task(task.s, task.kappa, task.F.mT)) < 1e-12 < criterion(task)


@pytest.mark.parametrize("kappa", [1, 3])
def test_theorem_one_memory_follows_every_rule(known, kappa):
    task = random_task(1, kappa, seed=kappa)
    assert criterion(task) == toeplitz_defect(task) == unexplained_by_age(task) == 0
    assert simulated_defect(known, task, 0) < 1e-12


def test_repeat_copy_is_followed_and_compose_copy_is_not(known):
    assert (verdicts(known, repeat_copy(4, 3), 0) < 1e-9).all()
    assert (verdicts(known, compose_copy(3), 0) > 0.4).all()
    assert (verdicts(known, running_sums(3, 2), 0) > 0.4).all()


@given(**sizes)
def test_criterion_is_the_largest_of_all_products(s, kappa, seed):
    task = random_task(s, kappa, seed)
    assert criterion(task) == pytest.approx(largest_product(task), rel=1e-12)


@given(steps=st.integers(1, 7), threshold=st.booleans(), **sizes)
def test_coefficients_are_the_rule_solved(s, kappa, seed, steps, threshold):
    task = random_task(s, kappa, seed)
    got = coefficients(Task(s, kappa, task.F, threshold), steps)
    assert got.shape == (steps, s, kappa, kappa)
    np.testing.assert_allclose(got, solved(task, steps)[s:], atol=1e-12)
    u = normal(seed + 1, s, kappa)
    expected = continuation(task, u, steps)
    np.testing.assert_allclose(np.einsum("mkij,kj->mi", got, u), expected, atol=1e-12)


@given(**sizes)
def test_toeplitz_defect_is_the_largest_step_along_a_diagonal(s, kappa, seed):
    task = random_task(s, kappa, seed)
    D = solved(task, s + 1)
    steps = [abs(D[t + 1][k + 1] - D[t][k]).max() for t in range(s, 2 * s) for k in range(s - 1)]
    assert toeplitz_defect(task) == pytest.approx(max(steps, default=0.0), rel=1e-12)


# Innovations.


@given(**sizes, basis=st.sampled_from(BASES))
def test_fed_innovations_the_network_holds_the_inputs_whatever_f(known, s, kappa, seed, basis):
    task, x = random_task(s, kappa, seed), normal(seed + 1, 2, 3, s, kappa)
    net = known(task=task, basis=basis, seed=seed)
    h, y = run(straight(net.network), with_silence(innovations(task, x), 2 * s + 3))
    held = x.reshape(2, 3, -1) @ net.Psi.T
    np.testing.assert_allclose(h[..., s - 1, :], held, atol=1e-9)
    np.testing.assert_allclose(y[..., :s, :], x, atol=1e-9)
    np.testing.assert_allclose(y[..., s:, :], continuation(task, x, 2 * s + 3), atol=1e-8)


@given(**sizes)
def test_innovations_are_what_f_does_not_predict(s, kappa, seed):
    task, x = random_task(s, kappa, seed), normal(seed + 1, s, kappa)
    expected = [
        x[t - 1] - sum(task.F[s + 1 - i - 1] @ x[t - i - 1] for i in range(1, t))
        for t in range(1, s + 1)
    ]
    before = x.copy()
    np.testing.assert_allclose(innovations(task, x), expected, atol=1e-12)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(driven(task, innovations(task, x)), x, atol=1e-12)


# The smallest network.


def impulse_response(w: Network, steps: int) -> list[np.ndarray]:
    return [w.W_r @ np.linalg.matrix_power(w.W_hh, m) @ w.W_uh for m in range(steps)]


def hankel_rank(w: Network) -> int:
    H, response = w.hidden, impulse_response(w, 2 * w.hidden)
    rows = [np.hstack(response[i : i + H]) for i in range(H)]
    return np.linalg.matrix_rank(np.vstack(rows), rtol=1e-9)


def same_response(small: Network, w: Network) -> None:
    steps = 2 * w.hidden + 3
    expected = np.array(impulse_response(w, steps))
    scale = np.maximum(1, abs(expected).max(axis=(1, 2), keepdims=True))
    got = np.array(impulse_response(small, steps))
    np.testing.assert_allclose(got / scale, expected / scale, atol=1e-8)


def random_selection(rng, s, kappa) -> Task:
    delay, sign = rng.integers(1, s + 1, size=kappa), rng.choice([-1, 1], size=kappa)
    return selection(s, delay, rng.permutation(kappa) + 1, sign)


@given(**sizes, spare=st.integers(0, 4), basis=st.sampled_from(BASES), select=st.booleans())
def test_minimal_size_is_the_rank_of_the_hankel_matrix(known, s, kappa, seed, spare, basis, select):
    chosen = random_selection(np.random.default_rng(seed), s, kappa)
    task = chosen if select else random_task(s, kappa, seed)
    weights = known(task=task, spare=spare, basis=basis, seed=seed).network
    small = minimal_realisation(weights)
    assert small.hidden == hankel_rank(weights)
    assert small.b is None
    same_response(small, weights)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("kappa", [1, 2, 3, 4, 6])
def test_compose_copy_needs_less_than_repeat_copy(known, kappa, basis):
    for task, size in (
        (repeat_copy(kappa, kappa), kappa**2),
        (repeat_copy(kappa + 2, kappa), (kappa + 2) * kappa),
        (compose_copy(kappa), kappa * (kappa + 1) // 2),
    ):
        weights = known(task=task, spare=5, basis=basis, seed=kappa).network
        small = minimal_realisation(weights)
        assert small.hidden == size
        same_response(small, weights)


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 999))
def test_a_permuted_selection_needs_the_sum_of_its_delays(s, kappa, seed):
    rng = np.random.default_rng(seed)
    delay, order = rng.integers(1, s + 1, size=kappa), rng.permutation(kappa) + 1
    task = selection(s, delay, order, rng.choice([-1, 1], size=kappa))
    assert minimal_realisation(constructed(task, np.eye(s * kappa))).hidden == delay.sum()
    assert np.count_nonzero(abs(eigenvalues(task)) > 0.5) == delay.sum()


@pytest.mark.parametrize("seed", range(6))
def test_units_without_use_are_dropped(seed):
    """Units that no input reaches but outputs read, and units that inputs reach but nothing reads.

    Behind them, a unit that only unread units feed, and one that only feeds unreached ones.
    """
    rng = np.random.default_rng(seed)
    core, n = Network(*(rng.normal(size=n) for n in ((4, 4), (4, 2), (2, 4)))), 3
    A = 0.6 * rng.normal(size=(4 + 2 * n, 4 + 2 * n))
    A[:4, :4] = core.W_hh
    unreached, unread = slice(4, 4 + n), slice(4 + n, 4 + 2 * n)
    A[unreached, :4] = A[unreached, unread] = 0
    A[:4, unread] = 0
    B, C = np.zeros((10, 2)), np.zeros((2, 10))
    B[:4], C[:, :4] = core.W_uh, core.W_r
    C[:, unreached], B[unread] = rng.normal(size=(2, n)), rng.normal(size=(n, 2))
    T = np.eye(10) + 0.1 * rng.normal(size=(10, 10))
    mixed = Network(T @ A @ np.linalg.inv(T), T @ B, C @ np.linalg.inv(T))
    small = minimal_realisation(mixed)
    assert small.hidden == hankel_rank(core) == 4
    same_response(small, core)


def test_a_network_of_random_weights_is_its_own_minimal_realisation(noise):
    weights = Network(noise.W_hh, noise.W_uh, noise.W_r)
    small = minimal_realisation(weights)
    assert small.hidden == weights.hidden
    same_response(small, weights)


@pytest.mark.parametrize("faint", ["reached", "read"])
def test_the_tolerance_decides_what_counts(faint):
    """Two units of one scale, one of which the input or the output hardly touches."""
    one, touched = np.ones((2, 1)), np.array([[1.0], [1e-6]])
    B, C = (touched, one) if faint == "reached" else (one, touched)
    weights = Network(np.diag([0.9, -0.7]), 1e3 * B, C.T)
    assert minimal_realisation(weights).hidden == 2
    assert minimal_realisation(weights, 1e-3).hidden == 1
    assert minimal_realisation(weights, 1e-7).hidden == 2
    for outside in (1e-16, 0.11):
        with pytest.raises(ValueError, match="tolerance must be"):
            minimal_realisation(weights, outside)


@pytest.mark.parametrize("matrix", ["W_hh", "W_uh", "W_r"])
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_units_of_measurement_do_not_matter(known, matrix, factor):
    weights = known(task=compose_copy(3), spare=3).network
    scaled = replace(weights, **{matrix: factor * getattr(weights, matrix)})
    assert minimal_realisation(scaled).hidden == 6


def test_a_network_that_only_answers_at_once_needs_its_inputs_only():
    B, C = normal(0, 5, 2), normal(1, 2, 5)
    small = minimal_realisation(Network(np.zeros((5, 5)), B, C))
    assert small.hidden == 2
    np.testing.assert_allclose(small.W_hh, 0, atol=1e-12)
    np.testing.assert_allclose(small.W_r @ small.W_uh, C @ B, atol=1e-12)


@pytest.mark.parametrize("missing", ["input", "output"])
@pytest.mark.parametrize("size", [0.001, 5.0, 1e3, 1e9, 1e12])
@pytest.mark.parametrize("turned", [False, True])
def test_modes_that_no_input_reaches_or_no_output_shows_do_not_matter(size, turned, missing):
    task = repeat_copy(8, 2)
    w = straight(known_network(task=task, spare=0).network)
    n = w.hidden
    W_hh = np.zeros((n + 2, n + 2))
    W_hh[:n, :n], W_hh[n:, n:] = w.W_hh, np.diag([size, -3 * size])
    extra = np.ones((2, 2))
    W_uh = np.vstack([w.W_uh, extra * (missing == "output")])
    W_r = np.hstack([w.W_r, extra * (missing == "input")])
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=W_hh.shape))[0] if turned else np.eye(18)
    whole = Network(Q @ W_hh @ Q.T, Q @ W_uh, W_r @ Q.T, activation=IDENTITY)
    small = minimal_realisation(whole)
    assert small.hidden == n
    # what rounding writes into the turned matrix is in proportion to its size
    atol = 1e-12 + (1e-14 * size if turned else 0)
    np.testing.assert_allclose(response(small, 20), response(w, 20), atol=atol)


@pytest.mark.parametrize("units", [(1e-9, 1e9), (1.0, 1e-12), (1e-150, 1e100)])
def test_the_units_of_inputs_and_outputs_do_not_matter(units):
    w = straight(known_network(4, 2, 5).network)
    units = np.array(units)
    assert minimal_realisation(replace(w, W_uh=w.W_uh * units)).hidden == 8
    assert minimal_realisation(replace(w, W_r=w.W_r * units[:, None])).hidden == 8


def response(w, steps):
    return np.stack([w.W_r @ np.linalg.matrix_power(w.W_hh, m) @ w.W_uh for m in range(1, steps)])


def test_the_network_of_a_rule_with_a_threshold_is_compared_without_it():
    task = replace(compose_copy(3), F=0.4 * compose_copy(3).F, threshold=True)
    assert simulation_defect(task) == pytest.approx(0.4**2)
