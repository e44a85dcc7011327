"""Which rule does a network follow? On responses whose rule is known, and by second routes."""

import re
from dataclasses import replace

import jaxtyping
import numpy as np
import pytest
from conftest import BASES
from hypothesis import given
from hypothesis import strategies as st
from numpy.linalg import matrix_power
from test_any_rule import RULES, alive_by_hand, distance, longer, random_rule

from emt import IDENTITY, Network, Task, repeat_copy, untrained
from emt.impulse import (
    Rule,
    delay_line,
    estimate_rule,
    hankel,
    impulse_response,
    infer_rule,
    minimal_realisation,
    prediction_error,
)
from emt.linear_network import constructed
from emt.tasks import compose_copy, running_sums, selection

NAN, INF = float("nan"), float("inf")
EXACT = 1e-6  # a tolerance for responses without noise

rules = {
    "rule": st.sampled_from([name for name in RULES if name != "selection, s too large"]),
    "s": st.integers(1, 4),
    "kappa": st.integers(1, 3),
    "spare": st.integers(0, 4),
    "seed": st.integers(0, 999),
    "basis": st.sampled_from(BASES),
}


def live_labels(task):
    """Return (memory, component) of what lasts, from the newest, as they are taken in."""
    live = alive_by_hand(task).reshape(task.s, task.kappa)
    return [(k + 1, c + 1) for k in reversed(range(task.s)) for c in np.flatnonzero(live[k])]


def with_first(weights, steps):
    """Return ``W_r W_hh^(m-1) W_uh``, m = 1 ... steps, power by power."""
    powers = (matrix_power(weights.W_hh, m) for m in range(steps))
    return np.stack([weights.W_r @ power @ weights.W_uh for power in powers])


def scalar(values):
    return np.array(values, float)[:, None, None]


def predicted_by_hand(H, lags, terms):
    """Fit ``H(t)`` by the components (lag, c) in `terms`, one equation at a time."""
    steps, inputs = H.shape[::2]
    rows, right = [], []
    for t in range(max(lags), steps):
        for j in range(inputs):
            rows.append([H[t - lag, c - 1, j] for lag, c in terms])
            right.append(H[t, :, j])
    rows, right = np.array(rows), np.array(right)
    fit = np.linalg.solve(rows.T @ rows, rows.T @ right)
    return fit.T, np.sqrt(((right - rows @ fit) ** 2).sum() / (right**2).sum())


# The rule of an exact network


@given(**rules)
def test_the_rule_of_a_known_network_is_found(known, rule, s, kappa, spare, seed, basis):
    task = RULES[rule](s, kappa, seed)
    net = known(spare=spare, basis=basis, seed=seed, task=task)
    response = impulse_response(net.network, 3 * task.s + 6)
    for tolerance in (EXACT, 1e-4):
        got = estimate_rule(response, tolerance)
        assert got.s == task.s
        assert distance(got.F, task.F) < 1e-8
        assert [tuple(read) for read in got.reads] == live_labels(task)
        assert 0 <= got.error < 1e-9


@given(**rules)
def test_the_smallest_network_follows_the_same_rule(known, rule, s, kappa, spare, seed, basis):
    task = RULES[rule](s, kappa, seed)
    net = known(spare=spare, basis=basis, seed=seed, task=task)
    small = minimal_realisation(net.network)
    got = estimate_rule(impulse_response(small, 3 * task.s + 3), EXACT)
    assert got.s == task.s
    assert distance(got.F, task.F) < 1e-8
    assert len(got.reads) == got.indices.sum() == small.hidden


@given(**rules)
def test_indices_are_those_of_the_observability_matrix(known, rule, s, kappa, spare, seed, basis):
    task = RULES[rule](s, kappa, seed)
    w = minimal_realisation(known(spare=spare, basis=basis, seed=seed, task=task).network)
    got = estimate_rule(impulse_response(w, 3 * task.s + 3), EXACT)
    back = np.linalg.inv(w.W_hh)
    rows, steps_back, memories = np.zeros((0, w.hidden)), np.zeros(task.kappa, int), []
    for lag in range(1, task.s + 2):
        for c in range(task.kappa):
            longer_rows = np.vstack([rows, w.W_r[c] @ matrix_power(back, lag)])
            if np.linalg.matrix_rank(longer_rows, tol=1e-6) > len(rows):
                rows, steps_back[c] = longer_rows, lag
                memories.append((task.s - lag + 1, c + 1))
    np.testing.assert_array_equal(got.indices, steps_back)
    assert [tuple(read) for read in got.reads] == memories
    # the sorted ones are those of the forward matrix: how much each power adds to its rank
    powers = [w.W_r @ matrix_power(w.W_hh, m) for m in range(task.s + 1)]
    rank = [np.linalg.matrix_rank(np.vstack(powers[: m + 1]), tol=1e-6) for m in range(task.s + 1)]
    added = np.diff([0, *rank])
    assert added.tolist() == [(got.indices > m).sum() for m in range(task.s + 1)]


def test_each_component_is_kept_until_it_is_read():
    task = selection(3, np.array([1, 3]), np.array([2, 1]), np.array([1, -1]))
    got = estimate_rule(impulse_response(constructed(task, np.eye(6)), 12))
    assert got.indices.tolist() == [3, 1]  # component 1 is read after three steps
    assert got.reads.tolist() == [[3, 1], [3, 2], [2, 1], [1, 1]]
    np.testing.assert_allclose(got.F[:, 0], [[0, 0], [0, 0], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(got.F[:, 1], [[-1, 0], [0, 0], [0, 0]], atol=1e-12)


def test_fibonacci_numbers_are_the_sum_of_the_last_two():
    numbers = [1, 2]
    while len(numbers) < 12:
        numbers.append(numbers[-2] + numbers[-1])
    got = estimate_rule(scalar(numbers), EXACT)
    assert isinstance(got, Rule)
    np.testing.assert_allclose(got.F, scalar([1, 1]), atol=1e-9)
    assert got.reads.tolist() == [[2, 1], [1, 1]] and got.indices.tolist() == [2]
    rough = estimate_rule(scalar(numbers))  # the numbers nearly grow by the golden ratio
    assert rough.s == 1 and rough.F[0, 0, 0] == pytest.approx((1 + 5**0.5) / 2, abs=0.01)
    assert rough.error == pytest.approx(1 - (1 + 5**0.5) / 4, abs=0.01)  # 2 is not golden


def test_a_rule_is_a_task_and_is_followed_by_its_network():
    task = random_rule(3, 2, 4)
    response = impulse_response(constructed(task, np.eye(6)), 15)
    rule = estimate_rule(response, EXACT)
    assert isinstance(rule.task, Task)
    assert (rule.task.s, rule.task.kappa, rule.task.threshold) == (3, 2, False)
    np.testing.assert_array_equal(rule.task.F, rule.F)
    again = constructed(rule.task, np.eye(6))
    assert distance(impulse_response(again, 15), response) < 1e-8


def test_memories_that_are_never_read_are_not_found():
    task = longer(longer(repeat_copy(2, 2)))
    got = estimate_rule(impulse_response(constructed(task, np.eye(8)), 30))
    assert got.s == 2
    np.testing.assert_allclose(got.F, repeat_copy(2, 2).F, atol=1e-9)


@pytest.mark.parametrize("tolerance", [0.2, 0.9])
@pytest.mark.parametrize("name", ["repeat copy", "compose copy", "selection"])
def test_a_rule_that_only_moves_variables_is_found_at_any_tolerance(known, name, tolerance):
    task = RULES[name](4, 3, 11)
    steps = 1 + 12 * task.s * 2  # whole periods, so that different delays stay orthogonal enough
    got = estimate_rule(impulse_response(known(task=task).network, steps), tolerance)
    assert got.s == task.s
    assert distance(got.F, task.F) < 1e-8


# What the estimate does not depend on


def test_the_scale_and_the_mixing_of_writing_do_not_matter(known):
    task = random_rule(3, 2, 6)
    w = known(task=task).network
    M = np.array([[2.0, 1.0], [0.3, -1.0]])
    rescaled = Network(w.W_hh, 7 * w.W_uh, w.W_r / 30)
    mixed = Network(w.W_hh, w.W_uh @ M, w.W_r)
    tiny = Network(w.W_hh, 1e-6 * w.W_uh, 1e-6 * w.W_r)
    for other in (rescaled, mixed, tiny):
        got = estimate_rule(impulse_response(other, 18), EXACT)
        assert distance(got.F, task.F) < 1e-8
    turned = estimate_rule(impulse_response(Network(w.W_hh, w.W_uh, M @ w.W_r), 18), EXACT)
    assert distance(turned.F, M @ task.F @ np.linalg.inv(M)) < 1e-8


def test_more_steps_of_an_exact_response_change_nothing(known):
    task = random_rule(3, 2, 6)
    w = known(task=task).network
    for steps in (12, 13, 14, 15, 21, 40):
        assert distance(estimate_rule(impulse_response(w, steps), EXACT).F, task.F) < 1e-8


# Error, tolerance and noise


@pytest.mark.parametrize("name", ["random", "compose copy", "selection"])
def test_coefficients_are_those_of_least_squares_and_the_error_that_of_the_worst_step(known, name):
    task = RULES[name](3, 3, 2)
    response = impulse_response(known(task=task).network, 20)
    response = response + 0.03 * np.random.default_rng(0).normal(size=response.shape)
    got = estimate_rule(response, 0.3)
    most, s = 6, got.s
    assert s < most
    terms = [(s - k + 1, c) for k, c in got.reads]
    fit, _ = predicted_by_hand(response, range(1, most + 1), terms)
    F = np.zeros((s, 3, 3))
    for n, (lag, c) in enumerate(terms):
        F[s - lag, :, c - 1] = fit[:, n]
    assert distance(got.F, F) < 1e-9
    parts = []
    for t in range(s, 20):
        missed = response[t] - sum(F[s - lag] @ response[t - lag] for lag in range(1, s + 1))
        loudest = max(np.linalg.norm(response[u]) for u in range(t - s, t + 1))
        parts.append(np.linalg.norm(missed) / loudest)
    assert got.error == pytest.approx(max(parts), rel=1e-9)
    assert 1e-3 < got.error < 0.2


def test_tolerance_is_the_part_of_a_component_that_newer_ones_do_not_predict():
    phi, steps = 0.3, 15  # a damped rotation: two steps decide
    x = [0.9**m * np.cos(phi * m) for m in range(1, steps + 1)]
    newer, older = np.array(x[4:-1]), np.array(x[3:-2])
    part = np.sin(np.arccos(newer @ older / np.linalg.norm(newer) / np.linalg.norm(older)))
    assert 0.1 < part < 0.9
    below = estimate_rule(scalar(x), part - 1e-6)
    assert [below.s - k + 1 for k, _ in below.reads] == [1, 2]
    np.testing.assert_allclose(below.F, scalar([-0.81, 1.8 * np.cos(phi)]), atol=1e-9)
    assert below.error < 1e-12
    # without the step before, none that is older is taken, though it has a larger part of its own
    with pytest.raises(ValueError, match="what is found, of s = 1, misses"):
        estimate_rule(scalar(x), part + 1e-6)
    np.testing.assert_allclose(estimate_rule(scalar(x), 1e-9).F, below.F, atol=1e-9)


@pytest.mark.parametrize("phi, taken", [(0.16, False), (0.25, True)])
def test_a_fifth_counts_as_new_by_default(phi, taken):
    # the part that a cosine has of its own against the step after is about sin(phi)
    x = scalar(np.cos(phi * np.arange(1, 61)))
    if taken:
        np.testing.assert_allclose(estimate_rule(x).F, scalar([-1, 2 * np.cos(phi)]), atol=1e-9)
    else:
        with pytest.raises(ValueError, match="what is found, of s = 1, misses"):
            estimate_rule(x)


def test_components_that_are_nearly_predicted_count_at_a_small_tolerance():
    poles = [1, 0.9, 0.8, 0.7]
    x = sum(np.array(pole) ** np.arange(1, 31) for pole in poles)
    got = estimate_rule(scalar(x), 1e-9)
    assert got.s == 4
    np.testing.assert_allclose(got.F, scalar(-np.poly(poles)[:0:-1]), atol=1e-5)


def test_a_tolerance_of_one_leaves_out_what_shares_anything():
    x = scalar([1, 0] * 6)
    assert estimate_rule(x, 0.999).s == 2
    with pytest.raises(ValueError, match=r"what is found, of s = 1, misses 0\.9"):
        estimate_rule(x + 0.1, 0.999)
    assert estimate_rule(x + 0.1, 0.9).s == 2


@pytest.mark.parametrize("size, bound", [(1e-8, 1e-6), (1e-4, 1e-2), (1e-2, 0.2)])
@pytest.mark.parametrize("name", ["repeat copy", "compose copy", "selection"])
def test_a_little_noise_changes_the_rule_a_little(known, name, size, bound):
    task = RULES[name](3, 2, 3)
    response = impulse_response(known(task=task).network, 24)
    noisy = response + size * np.random.default_rng(1).normal(size=response.shape)
    got = estimate_rule(noisy)
    assert got.s == task.s
    assert [tuple(read) for read in got.reads] == live_labels(task)
    assert 0.01 * size < distance(got.F, task.F) < bound
    assert 0.1 * size < got.error < 10 * size


def test_noise_is_content_for_a_tolerance_below_it(known):
    response = impulse_response(known(3, 2).network, 24)
    noisy = response + 1e-3 * np.random.default_rng(1).normal(size=response.shape)
    assert estimate_rule(noisy).s == 3
    with pytest.raises(ValueError, match="response must be longer"):
        estimate_rule(noisy, 1e-6)


# Modes that grow, fade or lie close together


def close_roots(s, seed):
    """Return the rule of one component whose modes all last, and may lie close together."""
    angles = np.random.default_rng(seed).uniform(0, np.pi, s // 2)
    roots = [*np.exp(1j * angles), *np.exp(-1j * angles), *[1.0] * (s % 2)]
    return Task(s, 1, scalar(-np.poly(roots).real[:0:-1]))


def gains(first, second):
    """Return repeat copy of two components, each multiplied by a number on the way."""
    F = np.zeros((4, 2, 2))
    F[0] = np.diag([first, second])
    return Task(4, 2, F)


UNEVEN = {
    "means of four": running_sums(4, 1, 1 / 4),
    "means of four, three components": running_sums(4, 3, 1 / 4),
    "means of two": running_sums(2, 2, 1 / 2),
    "means of six": running_sums(6, 1, 1 / 6),
    "sums that grow": running_sums(4, 1, 0.3),
    "a leak": Task(3, 1, scalar([0.9, 0, 0.1])),
    "the mean of the two oldest": Task(5, 1, scalar([0.5, 0.5, 0, 0, 0])),
    **{f"close roots {n}": close_roots(*n) for n in [(4, 3), (6, 0), (6, 2), (6, 4), (7, 0)]},
    **{f"gains {pair}": gains(*pair) for pair in [(1, 0.5), (1, 0.9), (1, 1.2), (1, 2.0)]},
}


@pytest.mark.parametrize("spare", [4, 9])
@pytest.mark.parametrize("name", UNEVEN)
def test_where_modes_grow_or_fade_apart_no_other_rule_is_found(known, name, spare):
    task = UNEVEN[name]
    w = known(task=task, spare=spare).network
    for steps in (3 * task.s + 3, 30, 60, 120):
        for tolerance in (0.4, 0.2, 0.05, EXACT):
            try:
                got = estimate_rule(impulse_response(w, steps), tolerance)
            except ValueError as error:
                assert re.search("at every step|must be longer", str(error))
                continue
            assert got.error > 0.05 or (got.s == task.s and distance(got.F, task.F) < 1e-3)
    found = infer_rule(w)
    assert found[:2] == ("rule", task.s), found
    assert distance(found.candidates[0].F, task.F) < 1e-4


@pytest.mark.parametrize("initial", ["normal", "orthogonal"])
def test_random_weights_follow_no_rule(initial):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        for H, kappa in ((20, 1), (30, 2), (30, 3)):
            W = rng.normal(size=(H, H)) / np.sqrt(H)
            W = np.linalg.qr(W)[0] if initial == "orthogonal" else W
            w = Network(W, rng.normal(size=(H, kappa)), rng.normal(size=(kappa, H)))
            assert infer_rule(w).verdict in ("ambiguous", "nothing")


# Too short, zero, without a rule


@pytest.mark.parametrize("s", [1, 2, 4])
def test_a_response_must_be_as_long_as_three_times_one_memory_more(s):
    response = impulse_response(constructed(random_rule(s, 2, 0), np.eye(2 * s)), 3 * s + 3)
    assert estimate_rule(response, EXACT).s == s
    for steps in range(3, 3 * s + 3):
        message = (
            f"response must be longer to show its rule: {steps} steps decide rules of up to "
            f"{steps // 3 - 1} memories"
        )
        with pytest.raises(ValueError, match=message):
            estimate_rule(response[:steps], EXACT)


def test_a_zero_response_has_no_rule():
    with pytest.raises(ValueError, match=r"12 steps .* up to 3 memories, and this one is zero"):
        estimate_rule(np.zeros((12, 2, 2)))


def test_what_is_found_holds_from_the_oldest_tested_step_on(known):
    # component 2 is component 1 of one step before, and is read by nothing: read as older than it
    task = selection(2, np.array([2, 1]), np.array([1, 1]))
    response = impulse_response(known(task=task).network, 12)
    got = estimate_rule(response)
    np.testing.assert_allclose(got.F, [[[0, 1], [1, 0]]], atol=1e-9)
    for m in range(2, 12):
        expected = sum(got.F[-lag] @ response[m - lag] for lag in range(1, got.s + 1))
        assert distance(response[m], expected) < 1e-9


def test_an_impulse_that_is_forgotten_has_no_rule():
    forgets = constructed(Task(2, 2, np.zeros((2, 2, 2))), np.eye(4))
    with pytest.raises(ValueError, match="is zero or needs more"):
        estimate_rule(impulse_response(forgets, 12))


def test_a_network_that_remembers_longer_than_is_tested_has_no_rule():
    rng = np.random.default_rng(0)
    for response in (
        rng.normal(size=(30, 2, 2)),
        impulse_response(constructed(repeat_copy(9, 2), np.eye(18)), 27),
        impulse_response(constructed(compose_copy(5), np.eye(25)), 17),
    ):
        with pytest.raises(ValueError, match="needs more"):
            estimate_rule(response)


def test_a_component_without_response_is_predicted_by_nothing():
    task = Task(2, 2, np.stack([np.diag([1.0, 0.0]), np.zeros((2, 2))]))
    got = estimate_rule(impulse_response(constructed(task, np.eye(4)), 12))
    np.testing.assert_allclose(got.F, task.F, atol=1e-12)
    assert got.indices.tolist() == [2, 0]
    assert got.reads.tolist() == [[2, 1], [1, 1]]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_nor_does_rounding_in_such_a_component_count(known, scale):
    task = Task(2, 2, np.stack([np.diag([1.0, 0.0]), np.zeros((2, 2))]))
    for tolerance in (0.2, 1e-9):
        got = estimate_rule(scale * impulse_response(known(task=task).network, 12), tolerance)
        np.testing.assert_allclose(got.F, task.F, atol=1e-9)
        assert got.indices.tolist() == [2, 0]


def test_a_component_that_is_hardly_heard_counts():
    response = impulse_response(constructed(repeat_copy(2, 2), np.eye(4)), 12)
    for size, heard in ((1e-10, 2), (1e-14, 0)):
        got = estimate_rule(response * [[1.0], [size]])
        assert got.indices.tolist() == [2, heard]
    # what counts is how loud it is, not how much of it is new
    numbers = [1.0, 2.0]
    while len(numbers) < 12:
        numbers.append(numbers[-2] + numbers[-1])
    quiet = np.stack([np.diag([1.0, 1e-13 * number]) for number in numbers])
    assert estimate_rule(quiet, 1e-4).indices.tolist() == [1, 2]


# A learned network


def test_a_trained_network_shows_its_rule_and_its_start_does_not(trained):
    w, F = trained.network, trained.task.F
    for steps in (15, 24, 30, 48):
        got = estimate_rule(impulse_response(w, steps))
        assert got.s == 4 and got.indices.tolist() == [4, 4]
        assert np.linalg.norm(got.F - F) < 0.15 * np.linalg.norm(F)
        assert 1e-4 < got.error < 0.2
    start = impulse_response(untrained(trained.task, trained.config), 30)
    try:
        assert estimate_rule(start).s != 4
    except ValueError as error:
        assert "needs more" in str(error)
    assert prediction_error(impulse_response(w, 30), 4, 4) < 0.15
    assert prediction_error(start, 4, 4) > 0.8


# Chosen lags


@pytest.mark.parametrize("basis", BASES)
def test_repeat_copy_is_predicted_by_multiples_of_s_only(known, basis):
    response = impulse_response(known(3, 2, basis=basis).network, 24)
    for lag in range(1, 13):
        got = prediction_error(response, lag, lag)
        assert isinstance(got, float)
        assert got < 1e-9 if lag % 3 == 0 else got == pytest.approx(1, abs=1e-9)
    for first, last in ((1, 2), (4, 5), (7, 8)):
        assert prediction_error(response, first, last) == pytest.approx(1, abs=1e-9)
    for first, last in ((1, 3), (2, 4), (3, 4), (5, 7), (1, 12)):
        assert prediction_error(response, first, last) < 1e-9


@given(
    first=st.integers(1, 4),
    more=st.integers(0, 3),
    kappa=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_the_error_is_that_of_least_squares_by_hand(first, more, kappa, seed):
    last = first + more
    H = np.random.default_rng(seed).normal(size=(last + 9, kappa, kappa))
    lags = range(first, last + 1)
    terms = [(lag, c) for lag in lags for c in range(1, kappa + 1)]
    _, error = predicted_by_hand(H, lags, terms)
    assert prediction_error(H, first, last) == pytest.approx(error, rel=1e-9)


def test_one_equation_is_enough_and_the_last_step_counts():
    x = scalar([1, 2, 4, 9])
    assert prediction_error(x, 3, 3) == pytest.approx(0, abs=1e-12)
    assert prediction_error(x[:3], 1, 1) == pytest.approx(0, abs=1e-12)
    # 2, 4, 9 by a multiple of 1, 2, 4
    a = (2 + 8 + 36) / 21
    missed = (2 - a) ** 2 + (4 - 2 * a) ** 2 + (9 - 4 * a) ** 2
    assert prediction_error(x, 1, 1) == pytest.approx((missed / 101) ** 0.5)


# Hankel matrices and realisations


@pytest.mark.parametrize("steps", [2, 3, 6, 7])
def test_hankel_blocks_are_the_steps_that_their_places_add_up_to(steps):
    H = np.random.default_rng(0).normal(size=(steps, 2, 2))
    got, half = hankel(H), steps // 2
    assert got.shape == (2 * half, 2 * half)
    for i in range(half):
        for j in range(half):
            for a in range(2):
                for b in range(2):
                    assert got[2 * i + a, 2 * j + b] == H[i + j, a, b]


def test_the_hankel_matrix_is_observing_times_reaching(noise):
    A, B, C = noise.W_hh, noise.W_uh, noise.W_r
    O = np.vstack([C @ matrix_power(A, m) for m in range(4)])  # noqa: E741
    R = np.hstack([matrix_power(A, m) @ B for m in range(1, 5)])
    unbiased = Network(A, B, C)
    assert distance(hankel(impulse_response(unbiased, 8)), O @ R) < 1e-10


def spectrum(W):
    """Return the eigenvalues by modulus and phase, of conjugates the upper one first."""
    values = np.linalg.eigvals(W)
    return values[np.lexsort((-values.imag.round(6), -values.real.round(6)))]


@pytest.mark.filterwarnings("ignore")
@given(**rules)
def test_the_smallest_network_is_that_of_ho_and_kalman(known, rule, s, kappa, spare, seed, basis):
    """By python-control: from the singular vectors of the block Hankel matrix."""
    modelsimp = pytest.importorskip("control.modelsimp")
    task = RULES[rule](s, kappa, seed)
    w = known(spare=spare, basis=basis, seed=seed, task=task).network
    small, half = minimal_realisation(w), task.s + 1
    response = with_first(w, 2 * half)
    # time is the last axis there, and the step of the impulse, of which nothing is read, first
    theirs = np.moveaxis(np.concatenate([np.zeros((1, kappa, kappa)), response]), 0, -1)
    system, singular = modelsimp.eigensys_realization(theirs, small.hidden, m=half, n=half)
    np.testing.assert_allclose(singular, np.linalg.svd(hankel(response))[1], atol=1e-9)
    assert (singular > 1e-10 * singular[0]).sum() == small.hidden
    found = Network(system.A, system.B, system.C)
    assert distance(with_first(found, 20), with_first(small, 20)) < 1e-7
    np.testing.assert_allclose(spectrum(found.W_hh), spectrum(small.W_hh), atol=1e-6)


# Bad input


@pytest.fixture
def no_shape_hook():
    """Silence the hook, whose own errors would come first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


GOOD = impulse_response(constructed(repeat_copy(2, 2), np.eye(4)), 12)
SPOILT, ENDLESS = GOOD.copy(), GOOD.copy()
SPOILT[7, 1, 0], ENDLESS[0, 0, 0] = NAN, INF


@pytest.mark.usefixtures("no_shape_hook")
@pytest.mark.parametrize(
    "first, last, message",
    [
        (3, 2, "last must be a whole number of at least 3, not 2"),
        (0, 2, "first must be a whole number of at least 1, not 0"),
        (-1, 2, "first must be a whole number of at least 1, not -1"),
        (1.0, 2, "first must be a whole number, not 1.0"),
        (1, 2.0, "last must be a whole number, not 2.0"),
        (True, 2, "first must be .* not True"),
        (1, 12, "the number of steps of response must be a whole number of at least 13, not 12"),
    ],
)
def test_lags_out_of_range_are_named(first, last, message):
    with pytest.raises(ValueError, match=message):
        prediction_error(GOOD, first, last)


def test_a_response_that_ends_before_what_is_tested_is_named():
    for call in (
        lambda: prediction_error(np.zeros((12, 2, 2)), 1, 2),
        lambda: prediction_error(scalar([1, 2, 0, 0, 0]), 2, 2),
    ):
        with pytest.raises(ValueError, match="response must not be zero to the end"):
            call()
    with pytest.raises(ValueError, match="it ends after 3 steps: a delay line"):
        estimate_rule(scalar([1, 0.01, 0, 0, 0, 0, 0, 0, 0]))
    assert prediction_error(scalar([1, 2, 0, 0, 0]), 1, 1) == pytest.approx(5**-0.5 * 2)


@pytest.mark.parametrize("s", [1, 2, 5])
def test_a_delay_line_is_known_by_its_end(s):
    shift = Network(np.eye(2 * s, k=2), np.eye(2 * s)[:, -2:], np.eye(2 * s)[:2])
    response = impulse_response(replace(shift, activation=IDENTITY), 4 * s + 6)
    assert delay_line(response) == (s if s > 1 else None)  # which of one vector says it at once
    assert delay_line(GOOD) is None
