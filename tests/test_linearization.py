"""Fixed points, Jacobians and linear networks, against differences, closed forms and simulation."""

import numpy as np
import pytest
from scipy import optimize

from emt import IDENTITY, TANH, Network, constructed, linearization, repeat_copy, run, with_silence
from emt.linearization import (
    explained,
    fixed_points,
    jacobian,
    linear_at,
    order,
    placed,
    remainder,
    resting,
    slopes,
    slow_points,
    speed,
    speed_gradient,
    step,
)

RNG = np.random.default_rng(3)


def unit(g, b=0.0) -> Network:
    """Return one unit, ``h = tanh(g h + b)``."""
    return Network(np.array([[g]]), np.eye(1), np.eye(1), np.array([b]))


def at(h, seed=0) -> Network:
    """Return a network with a bias that has the fixed point h."""
    n = len(h)
    W_hh = np.random.default_rng(seed).normal(size=(n, n))
    return Network(W_hh, RNG.normal(size=(n, 2)), RNG.normal(size=(2, n)), np.arctanh(h) - W_hh @ h)


H_STAR = np.array([0.7, -0.2, 0.4, -0.85, 0.1])
BIASED = at(H_STAR)
STARTS = np.linspace(-1, 1, 21)[:, None]


def numerical(f, h, d=1e-6):
    """Return the derivative of f at h, a row a result, by central differences."""
    return np.transpose([(f(h + d * e) - f(h - d * e)) / (2 * d) for e in np.eye(len(h))])


def test_a_step_is_the_network_s_own_without_input(noise):
    u = RNG.normal(size=(4, 3))
    h, _ = run(noise, with_silence(u, 1))
    np.testing.assert_allclose(step(noise, h[3]), h[4], rtol=1e-13)
    np.testing.assert_allclose(step(noise, h)[2], step(noise, h[2]), rtol=1e-13)


def test_slopes_are_taken_at_the_preactivation(noise):
    h = 0.5 * RNG.normal(size=noise.hidden)
    x = noise.W_hh @ h + noise.b
    np.testing.assert_allclose(slopes(noise, h), np.cosh(x) ** -2, rtol=1e-12)


@pytest.mark.parametrize("scale", [0.0, 0.3, 2.0])
def test_the_jacobian_and_the_gradient_are_derivatives(noise, scale):
    h = scale * RNG.normal(size=noise.hidden)
    np.testing.assert_allclose(
        jacobian(noise, h), numerical(lambda x: step(noise, x), h), atol=1e-8
    )
    gradient = numerical(lambda x: speed(noise, x), h)
    np.testing.assert_allclose(speed_gradient(noise, h), gradient, atol=1e-7)


def test_speed_is_half_the_square_of_a_step(noise):
    h = RNG.normal(size=(3, noise.hidden))
    moved = np.tanh(h @ noise.W_hh.T + noise.b) - h
    np.testing.assert_allclose(2 * speed(noise, h), [m @ m for m in moved], rtol=1e-12)


@pytest.mark.parametrize("g, count", [(0.3, 1), (0.9, 1), (1.1, 3), (1.5, 3), (4.0, 3), (-3.0, 1)])
def test_one_unit_has_one_fixed_point_up_to_gain_1_and_three_above(g, count):
    found = fixed_points(unit(g), STARTS)
    assert len(found.points) == count
    assert found.found.sum() == found.starts == len(STARTS)
    size = optimize.brentq(lambda a: np.tanh(g * a) - a, 1e-3, 1) if count == 3 else 0.0
    expected = [0.0, -size, size][:count]
    np.testing.assert_allclose(sorted(found.points[:, 0]), sorted(expected), atol=1e-12)
    slope = g * (1 - found.points[:, 0] ** 2)
    np.testing.assert_allclose(found.radius, abs(slope), rtol=1e-9)
    np.testing.assert_array_equal(found.unstable, abs(slope) > 1)
    assert found.points[0, 0] == pytest.approx(0, abs=1e-12)  # nearest to the origin first


def test_a_bias_moves_the_fixed_point_and_can_remove_two():
    (h,) = fixed_points(unit(0.5, 0.3), STARTS).points[:, 0]
    assert h == pytest.approx(
        optimize.brentq(lambda a: np.tanh(0.5 * a + 0.3) - a, -1, 1), abs=1e-12
    )
    assert len(fixed_points(unit(1.5, 0.05), STARTS).points) == 3
    assert len(fixed_points(unit(1.5, 0.5), STARTS).points) == 1


def test_fixed_points_are_reached_by_simulation_where_they_are_stable():
    weights = Network(0.6 * BIASED.W_hh / 2, BIASED.W_uh, BIASED.W_r, BIASED.b)
    found = fixed_points(weights, RNG.normal(size=(10, 5)))
    h = RNG.normal(size=5)
    for _ in range(2000):
        h = step(weights, h)
    apart = np.linalg.norm(found.points - h, axis=1)
    assert found.radius[apart.argmin()] < 1 and not found.unstable[apart.argmin()]
    assert apart.min() < 1e-10
    assert found.residuals.max() < 1e-12


def test_radius_and_unstable_modes_are_those_of_the_derivative():
    found = fixed_points(BIASED, np.vstack([H_STAR, RNG.normal(size=(20, 5))]))
    for h, radius, unstable in zip(found.points, found.radius, found.unstable, strict=True):
        moduli = abs(np.linalg.eigvals(numerical(lambda x: step(BIASED, x), h)))
        assert radius == pytest.approx(moduli.max(), rel=1e-6)
        assert unstable == np.count_nonzero(moduli > 1)
    assert np.linalg.norm(found.points - H_STAR, axis=1).min() < 1e-10


def test_starts_that_end_nowhere_are_left_out():
    turning = Network(3 * np.eye(2)[::-1] * [1, -1], np.eye(2), np.eye(2), np.array([0.1, 0.3]))
    starts = RNG.normal(size=(20, 2))
    found = fixed_points(turning, starts)
    assert found.starts == 20 and found.found.sum() <= 20
    nothing = fixed_points(BIASED, RNG.normal(size=(4, 5)), tolerance=0.0)
    assert len(nothing.points) == len(nothing.radius) == nothing.found.sum() <= 4


def test_duplicates_are_merged_and_only_they():
    apart = 2 * optimize.brentq(lambda a: np.tanh(1.1 * a) - a, 1e-3, 1)
    assert len(fixed_points(unit(1.1), STARTS, apart=0.4 * apart).points) == 3
    assert len(fixed_points(unit(1.1), STARTS, apart=0.6 * apart).points) == 1


def test_slow_points_are_the_fixed_points_where_there_are_any():
    found = slow_points(BIASED, H_STAR + 0.05 * RNG.normal(size=(6, 5)))
    np.testing.assert_allclose(found.points, np.tile(H_STAR, (6, 1)), atol=1e-6)
    np.testing.assert_allclose(found.speeds, 0, atol=1e-13)
    np.testing.assert_array_equal(found.speeds, speed(BIASED, found.points))


def test_a_slow_point_need_not_be_a_fixed_point():
    ghost = unit(1.5, 0.25)  # past the bias at which two fixed points meet, 0.2075
    points, (q,) = slow_points(ghost, np.array([[-0.5]]))
    best = optimize.minimize_scalar(lambda h: speed(ghost, np.array([h])), (-0.9, -0.6, -0.2))
    assert q == pytest.approx(best.fun, rel=1e-6) and q > 1e-5
    assert points[0, 0] == pytest.approx(best.x, abs=1e-5)
    assert len(fixed_points(ghost, STARTS).points) == 1


def test_the_linearised_network_is_the_network_for_small_inputs():
    u = np.random.default_rng(0).normal(size=(6, 2))

    def error(size):
        inputs, h = size * u, H_STAR
        for u_t in inputs:
            h = np.tanh(BIASED.W_hh @ h + BIASED.W_uh @ u_t + BIASED.b)
        return np.linalg.norm(run(linear_at(BIASED, H_STAR), inputs)[0][-1] - (h - H_STAR))

    sizes = np.array([1e-4, 1e-5])
    assert error(1e-5) < 1e-6
    assert order(sizes, np.array([error(d) for d in sizes])) == pytest.approx(2, abs=0.05)


def test_at_the_origin_without_bias_linearised_changes_nothing(known):
    network = known().network
    same = linear_at(network, np.zeros(network.hidden))
    for name in ("W_hh", "W_uh", "W_r"):
        np.testing.assert_array_equal(getattr(same, name), getattr(network, name))
    assert same.b is None


def test_placed_undoes_linearised(known):
    network, h = known().network, RNG.uniform(-0.8, 0.8, size=10)
    moved = placed(network, h)
    np.testing.assert_allclose(step(moved, h), h, atol=1e-14)
    assert abs(moved.W_hh - network.W_hh).max() > 0.1
    back = linear_at(moved, h)
    for name in ("W_hh", "W_uh", "W_r"):
        np.testing.assert_allclose(getattr(back, name), getattr(network, name), atol=1e-12)


@pytest.mark.parametrize("h, wanted", [(H_STAR, 2), (np.zeros(5), 3)], ids=["biased", "origin"])
def test_the_remainder_is_of_second_order_and_at_the_origin_of_third(h, wanted):
    weights = at(h)
    sizes = np.geomspace(1e-3, 1e-2, 5)
    left_out = remainder(weights, h, RNG.normal(size=(4, 5)), sizes)
    for column in left_out.T:
        assert order(sizes, column) == pytest.approx(wanted, abs=0.1)


def test_the_remainder_is_that_of_taylor():
    direction, d = np.array([3.0, 0, 0, 4.0, 0]), 1e-4
    e = direction / 5
    second = -H_STAR * (1 - H_STAR**2) * (BIASED.W_hh @ e) ** 2  # g''/2 = -g (1 - g^2)
    (value,) = remainder(BIASED, H_STAR, direction[None], np.array([d]))[0]
    assert value == pytest.approx(d**2 * np.linalg.norm(second), rel=1e-2)


def test_order_is_the_power():
    sizes = np.array([0.1, 0.2, 0.7])
    assert order(sizes, 5 * sizes**2.5) == pytest.approx(2.5)


def test_the_error_says_how_far_h_is_from_resting():
    moved = np.linalg.norm(step(BIASED, H_STAR + 0.1) - H_STAR - 0.1)
    with pytest.raises(ValueError, match=f"moves it by {moved:.1e}"):
        resting(BIASED, H_STAR + 0.1)
    assert resting(BIASED, H_STAR) is not None


@pytest.mark.parametrize("h", [0.0, 0.5, 100.0])
def test_far_from_the_origin_rest_is_relative(h):
    network = Network(np.zeros((2, 2)), np.eye(2), np.eye(2), np.array([0, h]), activation=IDENTITY)
    allowed = 1e-9 * max(1, h)
    assert resting(network, np.array([0, h + 0.9 * allowed])) is not None
    with pytest.raises(ValueError, match="h must be a fixed point"):
        resting(network, np.array([0, h + 1.1 * allowed]))


def test_the_root_finder_is_given_the_derivative(noise, monkeypatch):
    h = RNG.normal(size=(1, noise.hidden))

    def root(moved, h, jac, **_):
        np.testing.assert_allclose(jac(h), numerical(moved, h), atol=1e-8)
        return optimize.OptimizeResult(x=np.zeros_like(h))

    monkeypatch.setattr(optimize, "root", root)
    assert fixed_points(noise, h).starts == 1


def test_a_repeat_copy_network_at_rest_elsewhere_still_repeats():
    task = repeat_copy(3, 2)
    network = constructed(task, np.linalg.qr(RNG.normal(size=(9, 6)))[0])
    h = RNG.uniform(-0.6, 0.6, size=9)
    u = 1e-6 * RNG.normal(size=(3, 2))
    state, said = h, []
    moved = placed(network, h)
    for u_t in with_silence(u, 6):
        state = np.tanh(moved.W_hh @ state + moved.W_uh @ u_t + moved.b)
        said.append(moved.W_r @ (state - h))
    np.testing.assert_allclose(said[3:], [*u, *u], atol=1e-10)


def test_a_search_that_ends_nowhere_reached_nothing(monkeypatch):
    network = Network(0.5 * np.eye(3), np.ones((3, 1)), np.ones((1, 3)))
    ends = iter([np.full(3, np.nan), np.zeros(3), np.full(3, np.inf)])
    monkeypatch.setattr(linearization, "_end", lambda *_: next(ends))
    found = fixed_points(network, np.ones((3, 3)))
    np.testing.assert_array_equal(found.points, np.zeros((1, 3)))
    assert (found.found.tolist(), found.starts) == ([1], 3)


def test_a_linear_network_is_explained_and_a_bent_one_in_part():
    rng = np.random.default_rng(0)
    W, h = rng.normal(size=(4, 4)) / 2, np.zeros(4)
    straight, bent = (
        Network(W, np.ones((4, 1)), np.ones((1, 4)), activation=a) for a in (IDENTITY, TANH)
    )
    visited = rng.normal(size=(50, 4))
    assert explained(straight, visited, h) == pytest.approx(1, abs=1e-14)
    after = np.tanh(visited @ W.T)
    part = 1 - ((after - visited @ W.T) ** 2).sum() / (after**2).sum()
    assert explained(bent, visited, h) == pytest.approx(part, abs=1e-12) and part < 0.99
    still = Network(np.zeros((4, 4)), np.ones((4, 1)), np.ones((1, 4)))
    assert explained(still, visited, h) == 1
