"""The memory model against sums over units, matrix exponentials, an explicit integrator, limits."""

from math import exp, log, sqrt, tanh

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm, hadamard

from emt.basis import dual
from emt.gsemm import (
    GSEMM,
    State,
    at_rest,
    conditioning,
    conjugated,
    effective_interactions,
    elman_step,
    euler_step,
    flow,
    memory_step,
    overlaps,
    recurrent_weights,
    reduced_flow,
    retrieved,
    simulate,
    simulate_reduced,
)
from emt.network import ACTIVATIONS, IDENTITY

EPS = np.finfo(float).eps
INVERTIBLE = [name for name, sigma in ACTIVATIONS.items() if sigma.inverse]
LITERAL = {
    "tanh": tanh,
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "leaky ReLU": lambda x: x if x > 0 else 0.1 * x,
    "ReLU": lambda x: x if x > 0 else 0.0,
    "identity": lambda x: x,
    "softplus": lambda x: log(1 + exp(x)),
}
LINEAR = {"sigma_f": lambda x: 1.0 * x, "sigma_h": lambda x: 1.0 * x}
TIMES = np.array([0.5, 0.6, 1.7, 4.0])


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def random_model(seed=0, N_f=5, N_h=3, **options) -> GSEMM:
    """Draw a model in which no number is 1, none equals another and Xi_dagger is no inverse."""
    r = np.random.default_rng(seed)
    shapes = (N_f, N_h), (N_h, N_f), (N_h, N_h)
    Xi, Xi_dagger, Phi_prime = (0.7 * r.normal(size=shape) for shape in shapes)
    numbers = {"alpha_s": 0.7, "alpha_c": 0.6, "T_f": 1.3, "T_h": 0.4, "T_d": 0.9}
    return GSEMM(Xi, Xi_dagger, Phi_prime, **numbers | {"sigma_h": np.sin} | options)


def random_state(seed=9, N_f=5, N_h=3) -> State:
    return State(normal(seed, N_f), normal(seed + 1, N_h), normal(seed + 2, N_f))


def unit_by_unit(m: GSEMM, y: np.ndarray) -> np.ndarray:
    """Equation 1 with every sum written out."""
    N_f, N_h = m.Xi.shape
    V_f, V_h, V_d = y[:N_f], y[N_f : N_f + N_h], y[N_f + N_h :]
    f, g = [m.sigma_f(v) for v in V_f], [m.sigma_h(v) for v in V_h]
    features, memories = range(N_f), range(N_h)
    d_f, d_h, d_d = [], [], []
    for i in features:
        d_f.append((sqrt(m.alpha_s) * sum(m.Xi[i, k] * g[k] for k in memories) - V_f[i]) / m.T_f)
        d_d.append((f[i] - V_d[i]) / m.T_d)
    for mu in memories:
        within = sqrt(m.alpha_s) * sum(m.Xi_dagger[mu, j] * f[j] for j in features)
        between = m.alpha_c * sum(
            m.Phi_prime[nu, mu] * m.Xi_dagger[nu, j] * V_d[j] for nu in memories for j in features
        )
        d_h.append((within + between - V_h[mu]) / m.T_h)
    return np.array(d_f + d_h + d_d)


def literal_weights(m: GSEMM) -> np.ndarray:
    N_f, N_h = m.Xi.shape
    W = np.zeros((N_f, N_f))
    for i, mu, nu, j in np.ndindex(N_f, N_h, N_h, N_f):
        Phi = m.alpha_s * (mu == nu) + sqrt(m.alpha_s) * m.alpha_c * m.Phi_prime[nu, mu]
        W[i, j] += m.Xi[i, mu] * Phi * m.Xi_dagger[nu, j]
    return W


def block_matrix(m: GSEMM) -> np.ndarray:
    """Equation 1 as one matrix, where both activations are the identity."""
    N = 2 * m.Xi.shape[0] + m.Xi.shape[1]
    return np.column_stack([unit_by_unit(m, e) for e in np.eye(N)])


def exact_linear(matrix: np.ndarray, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    return np.column_stack([expm(matrix * (t - times[0])) @ start for t in times])


def explicit(derivative, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    span = times[0], times[-1]
    options = {"method": "DOP853", "t_eval": times, "rtol": 1e-12, "atol": 1e-12}
    return solve_ivp(lambda t, y: derivative(y), span, start, **options).y


def slope(errors, factor=10.0) -> float:
    """Order of convergence, from two errors whose small parameters differ by `factor`."""
    return np.log(errors[0] / errors[1]) / np.log(factor)


def cycle(N: int) -> np.ndarray:
    """Interactions that lead from each memory to the next; unlike their transpose for N > 2."""
    return np.roll(np.eye(N), 1, axis=1)


# The continuous model.


@pytest.mark.parametrize("seed", range(5))
def test_flow_is_equation_1_unit_by_unit(seed):
    m, state = random_model(seed), random_state(seed)
    got = np.concatenate(flow(m, state))
    np.testing.assert_allclose(got, unit_by_unit(m, np.concatenate(state)), atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_simulation_agrees_with_an_explicit_method(seed):
    m, state = random_model(seed), random_state(seed)
    expected = explicit(lambda y: unit_by_unit(m, y), np.concatenate(state), TIMES)
    got = simulate(m, state, TIMES, 1e-10)
    np.testing.assert_allclose(np.concatenate(got), expected, atol=1e-7)
    for part, begin in zip(got, state, strict=True):
        np.testing.assert_array_equal(part[:, 0], begin)


@pytest.mark.parametrize("accuracy, low, high", [(1e-3, 1e-5, 1e-2), (1e-11, 0, 1e-8)])
def test_linear_model_is_a_matrix_exponential_as_exactly_as_asked(accuracy, low, high):
    m, state = random_model(**LINEAR), random_state()
    expected = exact_linear(block_matrix(m), np.concatenate(state), TIMES)
    error = abs(np.concatenate(simulate(m, state, TIMES, accuracy)) - expected).max()
    assert low < error < high


def test_a_stiff_model_takes_few_evaluations():
    calls = []

    def counted(x):
        calls.append(1)
        return 1.0 * x

    m, state = random_model(T_h=1e-4, T_d=1e-4, **LINEAR | {"sigma_f": counted}), random_state()
    got = np.concatenate(simulate(m, state, TIMES))
    assert len(calls) < 3000  # an explicit method needs a time step of about 1e-4
    expected = exact_linear(block_matrix(m), np.concatenate(state), TIMES)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_the_printed_model_is_the_default():
    Xi, Phi_prime, V = normal(1, 4, 2), normal(2, 2, 2), normal(3, 4)
    m = GSEMM(Xi, dual(Xi), Phi_prime)
    expected = Xi @ (np.eye(2) + Phi_prime.T) @ np.linalg.pinv(Xi) @ np.tanh(V)
    np.testing.assert_allclose(euler_step(m, V, 1.0), expected, atol=1e-12)
    assert 0 < m.T_h < m.T_f and 0 < m.T_d < m.T_f


# Its reduction.


@pytest.mark.parametrize("seed", range(3))
def test_at_rest_only_the_features_move(seed):
    m, V_f = random_model(seed), normal(seed, 5)
    state = at_rest(m, V_f)
    np.testing.assert_array_equal(state.V_f, V_f)
    derivative = unit_by_unit(m, np.concatenate(state))
    np.testing.assert_allclose(derivative[5:], 0, atol=1e-12)
    np.testing.assert_allclose(reduced_flow(m, V_f), derivative[:5], atol=1e-12)
    along = np.column_stack([V_f, 2 * V_f, -V_f])  # a last axis of times
    for part, alone in zip(at_rest(m, along), at_rest(m, 2 * V_f), strict=True):
        np.testing.assert_allclose(part[:, 1], alone, atol=1e-12)
    np.testing.assert_allclose(reduced_flow(m, along)[:, 0], derivative[:5], atol=1e-12)


@pytest.mark.parametrize("fast, slow", [((1, 0), 1e-3), ((0, 1), 1e-3), ((1, 2), 1e-3)])
@pytest.mark.parametrize("seed", range(2))
def test_the_reduced_flow_is_the_limit_with_an_error_of_first_order(seed, fast, slow):
    V, times = normal(seed, 5), np.array([0.0, 0.8, 2.0])
    errors = []
    for T in (slow, slow / 10):
        T_h, T_d = (max(1e-9, T * weight) for weight in fast)
        m = random_model(seed, T_h=T_h, T_d=T_d)
        full = simulate(m, at_rest(m, V), times, 1e-11).V_f
        errors.append(abs(full - simulate_reduced(m, V, times, 1e-11)).max())
    assert 0.9 < slope(errors) < 1.1
    assert errors[1] > 1e-7


def test_the_reduced_flow_integrates_the_reduced_weights():
    m, V = random_model(3, sigma_h=IDENTITY.function), normal(3, 5)
    W = literal_weights(m)
    expected = explicit(lambda v: (W @ np.tanh(v) - v) / m.T_f, V, TIMES)
    np.testing.assert_allclose(simulate_reduced(m, V, TIMES, 1e-10), expected, atol=1e-7)
    linear = random_model(3, sigma_f=IDENTITY.function, sigma_h=IDENTITY.function)
    exact = exact_linear((W - np.eye(5)) / m.T_f, V, TIMES)
    np.testing.assert_allclose(simulate_reduced(linear, V, TIMES, 1e-11), exact, atol=1e-8)
    coarse = abs(simulate_reduced(linear, V, TIMES, 1e-3) - exact).max()
    assert 1e-5 < coarse < 1e-2


# Its discretisation.


def test_effective_interactions_of_a_hand_worked_case():
    Phi_prime = np.array([[0.0, 1.0], [2.0, 5.0]])
    m = GSEMM(np.eye(2), np.eye(2), Phi_prime, alpha_s=4.0, alpha_c=3.0)
    np.testing.assert_array_equal(effective_interactions(m), [[4, 12], [6, 34]])


@pytest.mark.parametrize("seed", range(3))
def test_recurrent_weights_are_the_sum_over_memories(seed):
    m = random_model(seed)
    np.testing.assert_allclose(recurrent_weights(m), literal_weights(m), atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_one_euler_step_is_the_map_if_sigma_h_is_the_identity(seed):
    V = normal(seed, 5)
    m = random_model(seed, sigma_h=IDENTITY.function)
    W = recurrent_weights(m)
    np.testing.assert_allclose(euler_step(m, V, m.T_f), W @ np.tanh(V), atol=1e-12)
    np.testing.assert_allclose(euler_step(m, V, m.T_f), memory_step(W, V), atol=1e-12)
    step = memory_step(W, V, np.tanh, m.T_f)
    np.testing.assert_allclose(euler_step(m, V, 1.0), step, atol=1e-12)


def test_sigma_h_may_not_be_dropped():
    """From Eq. (17) to Eq. (18) the paper drops it."""
    Xi = np.sign(normal(0, 8, 3))
    sigmas = np.tanh, IDENTITY.function
    kept, dropped = (GSEMM(Xi, dual(Xi), cycle(3), sigma_h=sigma) for sigma in sigmas)
    V = other = normal(1, 8)
    apart = []
    for _ in range(10):
        V_h = (np.eye(3) + cycle(3).T) @ dual(Xi) @ np.tanh(V)
        V, other = euler_step(kept, V, 1.0), euler_step(dropped, other, 1.0)
        np.testing.assert_allclose(V, Xi @ np.tanh(V_h), atol=1e-12)
        apart.append(abs(V - other).max())
    assert max(apart) > 0.3


def test_small_euler_steps_converge_to_the_flow_at_first_order():
    m, start = random_model(2), normal(2, 5)
    end = simulate_reduced(m, start, np.array([0.0, 2.0]), 1e-11)[:, -1]
    errors = []
    for steps in (200, 2000):
        V = start
        for _ in range(steps):
            V = euler_step(m, V, 2.0 / steps)
        errors.append(abs(V - end).max())
    assert 0.9 < slope(errors) < 1.1


@pytest.mark.parametrize("N", [3, 4])
def test_a_cycle_keeps_everything_in_the_map_and_only_the_mean_in_the_flow(N):
    Xi, contents = normal(0, 6, N), normal(1, N)
    m = GSEMM(Xi, dual(Xi), cycle(N) - np.eye(N), sigma_f=IDENTITY.function)
    V, W = Xi @ contents, recurrent_weights(m)
    for t in range(1, 2 * N + 2):
        V = memory_step(W, V, IDENTITY.function)
        np.testing.assert_allclose(dual(Xi) @ V, np.roll(contents, t), atol=1e-9)
    late = simulate_reduced(m, Xi @ contents, np.array([0.0, 60.0]), 1e-10)[:, -1]
    np.testing.assert_allclose(dual(Xi) @ late, contents.mean(), atol=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_transposed_synapses_do_only_for_orthonormal_memories(seed):
    general = normal(seed, 6, 3)
    orthonormal = np.linalg.qr(general)[0]
    unit = general / np.linalg.norm(general, axis=0)
    for Xi, agree in ((orthonormal, True), (1.5 * orthonormal, False), (unit, False)):
        W, W_hebbian = (
            recurrent_weights(GSEMM(Xi, synapses, normal(seed + 7, 3, 3)))
            for synapses in (dual(Xi), Xi.T)
        )
        assert (abs(W - W_hebbian).max() < 1e-12) == agree
        assert agree or abs(W - W_hebbian).max() > 0.05


# The change of variable.


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_what_their_names_say(name):
    sigma, x = ACTIVATIONS[name], np.linspace(-4, 4, 82)  # which leaves out 0
    expected = [LITERAL[name](v) for v in x]
    np.testing.assert_allclose(sigma.function(x), expected, rtol=1e-13)
    step = 1e-5
    slopes = [(LITERAL[name](v + step) - LITERAL[name](v - step)) / (2 * step) for v in x]
    np.testing.assert_allclose(sigma.derivative(x), slopes, atol=1e-9)


@pytest.mark.parametrize("name", INVERTIBLE)
def test_inverses_return_both_ways(name):
    sigma, x = ACTIVATIONS[name], np.linspace(-4, 4, 81)
    np.testing.assert_allclose(sigma.inverse(sigma.function(x)), x, atol=1e-12)
    low, high = {"tanh": (-1, 1), "sigmoid": (0, 1), "leaky ReLU": (-5, 5)}.get(name, (0, 5))
    y = np.linspace(low, high, 83)[1:-1]
    np.testing.assert_allclose(sigma.function(sigma.inverse(y)), y, atol=1e-14)


def test_all_activations_but_one_have_an_inverse():
    assert set(ACTIVATIONS) - set(INVERTIBLE) == {"ReLU"}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_both_steps_unit_by_unit(name):
    sigma, N = LITERAL[name], 4
    W, V = normal(0, N, N), normal(1, N)
    summed = [sum(W[i, j] * sigma(V[j]) for j in range(N)) for i in range(N)]
    halfway = [v + (x - v) / 2.5 for v, x in zip(V, summed, strict=True)]
    out = [sigma(sum(W[i, j] * V[j] for j in range(N))) for i in range(N)]
    function = ACTIVATIONS[name].function
    np.testing.assert_allclose(memory_step(W, V, function), summed, atol=1e-13)
    np.testing.assert_allclose(memory_step(W, V, function, 2.5), halfway, atol=1e-13)
    np.testing.assert_allclose(elman_step(W, V, function), out, atol=1e-13)


def test_both_steps_take_tanh_by_default():
    W, V = normal(0, 4, 4), normal(1, 4)
    np.testing.assert_array_equal(memory_step(W, V), memory_step(W, V, np.tanh, 1.0))
    np.testing.assert_array_equal(elman_step(W, V), np.tanh(W @ V))


def scaled(N, seed, name, largest):
    """Draw W and V for which the largest entry of ``W sigma(V)`` is `largest`."""
    W, V = normal(seed, N, N), normal(seed + 1, N)
    V[0] = abs(V[0])  # or ReLU may leave nothing
    x = W @ ACTIVATIONS[name].function(V)
    W *= largest / abs(x).max()
    return W, V, W @ ACTIVATIONS[name].function(V)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(st.integers(1, 6), st.integers(0, 999), st.floats(0.1, 30))
def test_semiconjugacy_holds_for_every_activation_at_any_norm(name, N, seed, largest):
    sigma = ACTIVATIONS[name].function
    W, V, _ = scaled(N, seed, name, largest)
    there, around = sigma(memory_step(W, V, sigma)), elman_step(W, sigma(V), sigma)
    np.testing.assert_allclose(there, around, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", INVERTIBLE)
@given(st.integers(1, 6), st.integers(0, 999), st.floats(0.1, 4))
def test_conjugacy_is_exact_where_the_inverse_is_well_conditioned(name, N, seed, largest):
    W, V, _ = scaled(N, seed, name, largest)
    expected = memory_step(W, V, ACTIVATIONS[name].function)
    np.testing.assert_allclose(conjugated(W, V, ACTIVATIONS[name]), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", INVERTIBLE)
def test_conjugacy_needs_no_bound_on_the_norm(name):
    sigma = ACTIVATIONS[name]
    W, V = 3 * np.linalg.qr(normal(0, 5, 5))[0], 0.3 * normal(1, 5)
    assert np.linalg.norm(W, 2) > 2.9
    expected = W @ sigma.function(V)
    assert abs(expected).max() < 4
    np.testing.assert_allclose(conjugated(W, V, sigma), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("largest", [8.0, 12.0, 16.0])
@pytest.mark.parametrize("name", INVERTIBLE)
def test_beyond_that_the_conditioning_is_what_is_lost(name, largest):
    sigma, ratios = ACTIVATIONS[name], []
    for seed in range(30):
        W, V, x = scaled(5, seed, name, largest)
        error = abs(conjugated(W, V, sigma) - memory_step(W, V, sigma.function))
        allowed = EPS * (conditioning(x, sigma) + abs(x) + abs(V) + 1)
        ratios.append((error / allowed).max())
    assert max(ratios) < 4
    assert max(ratios) > 0.05  # so that it is no idle bound


def test_conditioning_in_closed_form():
    x = np.array([[-17.0, -2.0, -0.5], [0.25, 3.0, 18.0]])
    closed = {"tanh": abs(np.sinh(2 * x)) / 2, "sigmoid": 1 + np.exp(x), "leaky ReLU": abs(x)}
    for name, expected in closed.items():
        np.testing.assert_allclose(conditioning(x, ACTIVATIONS[name]), expected, rtol=1e-12)


def test_at_norm_1_a_tanh_network_forgets():
    """The paper asks for a norm of at most 1."""
    sign = np.array([1.0, -1.0, 1.0, 1.0])
    permuted = np.roll(np.eye(4), 1, axis=0) * sign
    turned = np.linalg.qr(normal(0, 4, 4))[0]
    assert np.linalg.norm(permuted, 2) == pytest.approx(1)
    h = {"permuted": np.array([0.7, -1.0, 0.9, 2.0]), "turned": np.ones(4), "stronger": np.ones(4)}
    within = {200: 0.06, 2000: 0.01}
    for t in range(1, 2001):
        h["permuted"] = elman_step(permuted, h["permuted"])
        h["turned"] = elman_step(turned, h["turned"])
        h["stronger"] = elman_step(1.2 * permuted, h["stronger"])
        if t in within:
            np.testing.assert_allclose(abs(h["permuted"]), np.sqrt(3 / (2 * t)), rtol=within[t])
    assert 0 < abs(h["turned"]).max() < 0.05
    kept = abs(h["stronger"])
    np.testing.assert_allclose(kept, np.tanh(1.2 * kept), atol=1e-12)
    assert kept.min() > 0.6


# Retrieval.


def test_overlaps_of_hand_worked_vectors():
    Xi = np.array([[3.0, 0.0], [4.0, 2.0]])
    V_f = np.array([[0.1, 0.0, 0.0], [0.0, -5.0, 0.0]])
    expected = np.array([[0.6, -0.8, 0.0], [0.0, -1.0, 0.0]])
    np.testing.assert_allclose(overlaps(Xi, V_f), expected, atol=1e-15)
    np.testing.assert_allclose(overlaps(Xi, V_f[:, 1]), expected[:, 1], atol=1e-15)


def test_overlaps_are_cosines():
    Xi, V_f = normal(0, 6, 3), normal(1, 6, 4)
    for mu, t in np.ndindex(3, 4):
        lengths = np.sqrt((Xi[:, mu] ** 2).sum() * (V_f[:, t] ** 2).sum())
        cosine = sum(Xi[i, mu] * V_f[i, t] for i in range(6)) / lengths
        assert overlaps(Xi, V_f)[mu, t] == pytest.approx(cosine)


LEADS = np.array(
    [
        [0.9, 0.8, 0.2, 0.1, 0.1, 0.95],
        [0.1, 0.3, 0.6, 0.7, 0.2, 0.0],
        [0.0, 0.0, 0.1, 0.2, 0.4, 0.1],
    ]
)


@pytest.mark.parametrize(
    "least, order, plateaus",
    [
        (0.0, [0, 1, 2, 0], [0.9, 0.7, 0.4, 0.95]),
        (0.4, [0, 1, 0], [0.9, 0.7, 0.95]),
        (0.65, [0, 1, 0], [0.9, 0.7, 0.95]),
        (0.7, [0, 0], [0.9, 0.95]),
        (1.0, [], []),
    ],
)
def test_who_leads_and_how_high(least, order, plateaus):
    assert retrieved(LEADS, least) == (order, plateaus)


def test_who_leads_by_default_and_at_the_edges():
    assert retrieved(LEADS) == retrieved(LEADS, 0.0)
    assert retrieved(-LEADS[1:, :5]) == ([], [])
    assert retrieved(np.zeros((2, 0))) == ([], [])
    assert retrieved(np.array([[0.5]])) == ([0], [0.5])


def correlated(seed, N_f=40, N_h=5):
    """Draw patterns of which about half of the entries are common to all; unit length."""
    r = np.random.default_rng(seed)
    own, common = r.choice([-1.0, 1.0], size=(N_f, N_h)), r.choice([-1.0, 1.0], size=(N_f, 1))
    return np.where(r.random((N_f, 1)) < 0.5, common, own) / np.sqrt(N_f)


ORDER = [0, 2, 4, 1, 3]


def recalled(Xi, Xi_dagger) -> list[int]:
    """Start a model at memory 0 and say which memories it goes through; the way is `ORDER`."""
    N_f, N_h = Xi.shape
    Phi_prime = np.zeros((N_h, N_h))
    for here, there in zip(ORDER, ORDER[1:] + ORDER[:1], strict=True):
        Phi_prime[here, there] = 1
    numbers = {"alpha_c": 1.2, "T_d": 5.0, "sigma_f": lambda x: np.tanh(3 * x)}
    m = GSEMM(Xi, Xi_dagger, Phi_prime, **numbers)
    start = State(np.sqrt(N_f) * Xi[:, 0], np.zeros(N_h), np.zeros(N_f))
    V_f = simulate(m, start, np.linspace(0, 45, 181), 1e-5).V_f
    return retrieved(overlaps(Xi, V_f), 0.9)[0]


@pytest.mark.parametrize("seed", range(3))
def test_correlated_memories_are_recalled_in_order_by_pseudoinverse_synapses_only(seed):
    Xi = correlated(seed)
    assert abs(Xi.T @ Xi - np.eye(5)).max() > 0.3
    assert recalled(Xi, dual(Xi))[:5] == ORDER
    assert recalled(Xi, Xi.T)[:5] != ORDER


def test_orthonormal_memories_are_recalled_in_order_by_hebbian_synapses_too():
    Xi = hadamard(32)[:, 1:6] / np.sqrt(32)
    assert recalled(Xi, Xi.T)[:5] == ORDER


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_invertible_matrix_is_a_change_of_variable_too(name):
    sigma, rng = ACTIVATIONS[name].function, np.random.default_rng(3)
    W, h = rng.normal(size=(6, 6)), rng.normal(size=6)
    V = W @ h
    for _ in range(5):
        h, V = elman_step(W, h, sigma), memory_step(W, V, sigma)
        np.testing.assert_allclose(W @ h, V, atol=1e-9 * abs(V).max())


def test_a_singular_matrix_under_relu_is_conjugate_to_nothing():
    W, relu = np.array([[-1.0, 0.0], [1.0, 0.0]]), ACTIVATIONS["ReLU"].function
    for x in np.random.default_rng(4).normal(size=(50, 2)):
        assert not memory_step(W, memory_step(W, x, relu), relu).any()
    assert elman_step(W, elman_step(W, np.array([-1.0, 0.0]), relu), relu).any()
