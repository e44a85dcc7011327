"""Fits of the impulse response, against recursions, matrix powers and differentiation."""

import numpy as np
import pytest
from conftest import straight
from numpy.linalg import eig, eigvals, matrix_power, norm

from emt import (
    Network,
    Task,
    accuracy_around,
    compose_copy,
    constructed,
    driven,
    random_bits,
    repeat_copy,
    run,
    running_sums,
    selection,
    with_silence,
)
from emt.beyond.fitting import (
    gram,
    identify,
    linear_accuracy,
    propagated,
    pulled_back,
    rescaled,
    weak_directions,
    without_spare_modes,
)
from emt.impulse import impulse_response, task_response
from emt.network import EVALUATION_SEED
from emt.training.recipes import before_fitting

NAMES = "W_hh", "W_uh", "W_r"
ROUNDING = 1e-13


def random_task(s, kappa, seed=0, size=0.4):
    return Task(s, kappa, size * np.random.default_rng(seed).normal(size=(s, kappa, kappa)))


def random_weights(H, kappa, seed=0, radius=0.9):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(H, H))
    W *= radius / abs(eigvals(W)).max()
    return Network(W, rng.normal(size=(H, kappa)), rng.normal(size=(kappa, H)))


TURN = selection(3, np.array([3, 3]), np.array([2, 1]), np.array([1, -1]))
TASKS = {
    "repeat copy": repeat_copy(3, 2),
    "one component": repeat_copy(4, 1),
    "one vector": repeat_copy(1, 3),
    "compose copy": compose_copy(3),
    "any F": random_task(3, 3),
    "a quarter turn": TURN,
    "a sign": selection(2, np.array([2, 2]), sign=np.array([1, -1])),
}
# Tasks in which every mode lives for ever.
LASTING = {name: task for name, task in TASKS.items() if abs(np.linalg.det(task.F[0])) > 0.999}


def three(w):
    return [getattr(w, name) for name in NAMES]


def response(W_hh, W_uh, W_r, steps):
    return np.stack([W_r @ matrix_power(W_hh, m) @ W_uh for m in range(1, steps + 1)])


def derivative(w, steps):
    """Differentiate the response by every weight, by complex steps: exact to rounding."""
    columns = []
    for name in NAMES:
        for place in np.ndindex(getattr(w, name).shape):
            arrays = {n: getattr(w, n).astype(complex) for n in NAMES}
            arrays[name][place] += 1e-30j
            columns.append(response(**arrays, steps=steps).imag.ravel() / 1e-30)
    return np.stack(columns, axis=1)


def near(known, task, size=1e-3, seed=0, spare=4, radius=0.7):
    """Return weights near to those of the task, in an oblique basis, with decaying modes."""
    w = known(task=task, seed=seed, spare=spare, radius=radius).network
    rng = np.random.default_rng(seed + 100)
    return Network(*(x + size * rng.normal(size=x.shape) for x in three(w)))


def far_off(task, w, steps=500):
    """Return the largest error of the response, fitted steps and all later ones."""
    return abs(response(*three(w), steps) - task_response(task, steps)).max()


def by_eigenvectors(W, modes):
    """Return the projector onto the largest modes, and their eigenvalues."""
    values, V = eig(W)
    kept = np.argsort(-abs(values))[:modes]
    return (V[:, kept] @ np.linalg.inv(V)[kept]).real, values[kept]


# What is wanted


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_wanted_response_is_the_recursions_and_the_constructed_networks(task):
    R = [np.zeros((task.kappa, task.kappa))] * (task.s - 1) + [np.eye(task.kappa)]
    for _ in range(11):
        R.append(sum(F_k @ R_k for F_k, R_k in zip(task.F, R[-task.s :], strict=True)))
    got = task_response(task, 11)
    np.testing.assert_allclose(got, R[task.s :], atol=1e-12)
    net = constructed(task, np.eye(task.s * task.kappa))
    np.testing.assert_allclose(got, impulse_response(net, 11), atol=1e-12)
    np.testing.assert_array_equal(task_response(task, 4), got[:4])


# Derivatives


@pytest.mark.parametrize("M, kappa, H", [(1, 1, 1), (5, 2, 6), (4, 3, 2), (9, 1, 4)])
def test_derivatives_are_those_of_the_response(M, kappa, H):
    w = random_weights(H, kappa)
    p, J = propagated(w, M), derivative(w, M)
    for m in range(M + 1):
        np.testing.assert_allclose(p.reads[m], w.W_r @ matrix_power(w.W_hh, m), atol=1e-12)
        np.testing.assert_allclose(p.writes[m], matrix_power(w.W_hh, m) @ w.W_uh, atol=1e-12)
    assert len(p.reads) == len(p.writes) == M + 1
    np.testing.assert_allclose(gram(p), J @ J.T, atol=1e-13 * norm(J) ** 2)
    x = np.random.default_rng(1).normal(size=(M, kappa, kappa))
    back = pulled_back(p, x)
    assert [b.shape for b in back] == [value.shape for value in three(w)]
    flat = np.concatenate([b.ravel() for b in back])
    np.testing.assert_allclose(flat, J.T @ x.ravel(), atol=1e-12 * norm(J))
    # The two agree with each other, whatever J is: x J J^T x = |J^T x|^2.
    assert x.ravel() @ gram(p) @ x.ravel() == pytest.approx(flat @ flat)


# Scales


@pytest.mark.parametrize("scale", [None, 1e-6, 1, 30.0])
def test_rescaled_answers_as_before_when_linear(noise, scale):
    w = Network(noise.W_hh, noise.W_uh, 5 * noise.W_r)
    got = rescaled(w, scale)
    u = np.random.default_rng(0).normal(size=(4, 9, 3))
    _, y = run(straight(w), u)
    np.testing.assert_allclose(run(straight(got), u)[1], y, atol=1e-13 * abs(y).max())
    np.testing.assert_array_equal(got.W_hh, w.W_hh)
    columns = (got.W_uh**2).sum(axis=0)
    if scale is None:
        assert norm(got.W_uh) == pytest.approx(norm(got.W_r))
    else:
        assert np.sqrt(columns.mean()) == pytest.approx(scale)
    ratio = got.W_uh / w.W_uh
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-12)
    assert ratio[0, 0] > 0 and got.b is None


def test_a_smaller_write_scale_is_more_linear(noise):
    w, u = Network(*three(noise)), np.random.default_rng(0).normal(size=(4, 9, 3))
    _, linear = run(straight(w), u)
    wide, narrow = (abs(run(rescaled(w, c), u)[1] - linear).max() for c in (1e-3, 1e-4))
    assert narrow == pytest.approx(wide / 100, rel=0.01)


W = random_weights(5, 2)
BIASED = Network(*three(W), np.ones(5))


@pytest.mark.parametrize(
    "w, scale, message",
    [
        (BIASED, None, "network must have no bias"),
        (Network(W.W_hh, 0 * W.W_uh, W.W_r), None, "W_uh and W_r must not be zero"),
        (Network(W.W_hh, W.W_uh, 0 * W.W_r), 1.0, "W_uh and W_r must not be zero"),
        (W, 0, "write_scale must be .* not 0"),
        (W, -1.0, "write_scale must be .* not -1.0"),
        (W, float("nan"), "write_scale must be .* not nan"),
        (W, float("inf"), "write_scale must be .* not inf"),
    ],
)
def test_what_cannot_be_rescaled(w, scale, message):
    with pytest.raises(ValueError, match=message):
        rescaled(w, scale)


# Spare modes


@pytest.mark.parametrize("modes", [1, 3, 6, 9])
def test_without_spare_modes_keeps_the_largest_as_they_were(modes):
    values = np.linspace(1.1, 0.3, 10) * np.where(np.arange(10) % 3, 1, -1)
    T = np.random.default_rng(3).normal(size=(10, 10)) + 3 * np.eye(10)
    w = Network(T @ np.diag(values) @ np.linalg.inv(T), T[:, :2] + T[:, 8:], T.T[:2] + T.T[8:])
    got = without_spare_modes(w, modes)
    left = sorted(eigvals(got.W_hh).real, key=abs, reverse=True)
    np.testing.assert_allclose(left[:modes], values[:modes], atol=1e-10)
    np.testing.assert_allclose(left[modes:], 0, atol=1e-10)
    P, _ = by_eigenvectors(w.W_hh, modes)
    for name, expected in zip(NAMES, (P @ w.W_hh, P @ w.W_uh, w.W_r @ P), strict=True):
        np.testing.assert_allclose(getattr(got, name), expected, atol=1e-9)
    kept = [w.W_r @ P @ matrix_power(w.W_hh, m) @ P @ w.W_uh for m in range(1, 8)]
    np.testing.assert_allclose(impulse_response(got, 7), kept, atol=1e-9)
    assert abs(impulse_response(w, 7) - kept).max() > 1e-2


def test_all_modes_are_the_network_itself(noise):
    assert without_spare_modes(noise, noise.hidden) is noise
    assert without_spare_modes(Network(np.eye(5), W.W_uh, W.W_r), 5).hidden == 5


@pytest.mark.parametrize(
    "values, modes, message",
    [
        ([3, 2, 1], 0, "modes must be .* at least 1, not 0"),
        ([3, 2, 1], -1, "modes must be .* not -1"),
        ([3, 2, 1], True, "modes must be .* not True"),
        ([3, 2, 1], 4, "hidden must be .* at least 4, not 3"),
        ([3, 2, -2], 2, "eigenvalues 2 and 3 have the same modulus, 2:"),
        ([0.5, 0.5, 0.1], 1, "eigenvalues 1 and 2 have the same modulus, 0.5:"),
    ],
)
def test_modes_that_cannot_be_kept(values, modes, message):
    w = Network(np.diag(np.array(values, float)), np.ones((3, 1)), np.ones((1, 3)))
    with pytest.raises(ValueError, match=message):
        without_spare_modes(w, modes)


# The fit


def test_a_pair_of_the_start_is_kept_whole():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    W_hh = np.kron(np.diag([1.0, 0.9]), turn)
    start = Network(W_hh, np.eye(4)[:, [0]], np.ones((1, 4)))
    kept = [identify(repeat_copy(n, 1), start, iterations=1).path[0].W_hh for n in (1, 2, 3, 4)]
    assert [np.linalg.matrix_rank(W) for W in kept] == [2, 2, 4, 4]


@pytest.mark.parametrize("size", [1e-3, 1e-2])
@pytest.mark.parametrize("task", LASTING.values(), ids=LASTING)
def test_a_fit_converges_quadratically_and_holds_for_ever(known, task, size):
    start = near(known, task, size)
    path, residual, converged = fit = identify(task, start, progress=False)
    assert residual[0] > 0.3 * size and far_off(task, start) > 30 * size
    # Measured: at most 4 times the square of the residual before.
    assert (residual[1:] < np.maximum(20 * residual[:-1] ** 2, ROUNDING)).all()
    assert residual[-1] < ROUNDING and far_off(task, fit.network) < 1e-11 and converged
    values = eigvals(fit.network.W_hh)
    modulus = np.sort(abs(values))[::-1]
    n, roots = task.s * task.kappa, eigvals(constructed(task, np.eye(task.s * task.kappa)).W_hh)
    np.testing.assert_allclose(modulus[:n], 1, atol=1e-12)
    np.testing.assert_allclose(modulus[n:], 0, atol=1e-12)
    assert abs(values[abs(values) > 0.5][:, None] - roots).min(axis=1).max() < 1e-12
    assert fit.network is path[-1] and len(path) == len(residual)
    for w, error in zip(path, residual, strict=True):
        off = response(*three(w), 2 * task.s) - task_response(task, 2 * task.s)
        assert np.sqrt((off**2).mean()) == pytest.approx(error, rel=1e-3, abs=1e-15)
        assert norm(w.W_uh) == pytest.approx(norm(w.W_r))
        assert np.linalg.matrix_rank(w.W_hh, tol=1e-9) == n


def test_eigenvalues_of_a_fit_are_roots_of_unity(known):
    fit = identify(TASKS["repeat copy"], near(known, TASKS["repeat copy"]), progress=False)
    values = eigvals(fit.network.W_hh)
    values = values[abs(values) > 0.5]
    np.testing.assert_allclose(values**3, 1, atol=1e-12)
    assert np.bincount(np.rint(np.angle(values) * 3 / (2 * np.pi)).astype(int) % 3).tolist() == [
        2,
        2,
        2,
    ]


def test_a_step_is_that_of_damped_least_squares(known):
    task = TASKS["repeat copy"]
    start = rescaled(without_spare_modes(near(known, task, 1e-2), 6))
    J = derivative(start, 6)
    misses = (task_response(task, 6) - response(*three(start), 6)).ravel()
    damping = 1e-6 * (J**2).sum() / len(J)
    augmented = np.vstack([J, np.sqrt(damping) * np.eye(J.shape[1])])
    step = np.linalg.lstsq(augmented, np.append(misses, np.zeros(J.shape[1])))[0]
    parts = np.split(step, np.cumsum([start.W_hh.size, start.W_uh.size]))
    moved = [w + d.reshape(w.shape) for w, d in zip(three(start), parts, strict=True)]
    expected = rescaled(without_spare_modes(Network(*moved), 6))
    path, *_ = identify(task, start, iterations=1, progress=False)
    assert len(path) == 2
    size = max(norm(a - b) for a, b in zip(three(path[0]), three(expected), strict=True))
    for got, want in zip(three(path[1]), three(expected), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-7 * size)


@pytest.mark.parametrize("s, kappa", [(3, 2), (2, 2), (4, 1)])
def test_2s_impulses_say_all_and_fewer_do_not(known, s, kappa):
    task = repeat_copy(s, kappa)
    start = near(known, task, 1e-2)
    for impulses in (s, 2 * s - 1, 2 * s, 2 * s + 3):
        w, residual = (fit := identify(task, start, impulses, progress=False)).network, fit.residual
        assert residual[-1] < ROUNDING
        assert abs(response(*three(w), impulses) - task_response(task, impulses)).max() < 1e-12
        assert (far_off(task, w) < 1e-11) if impulses >= 2 * s else (far_off(task, w) > 0.1)
    defaults = identify(task, start, 2 * s, s * kappa, progress=False)
    np.testing.assert_array_equal(
        identify(task, start, progress=False).network.W_hh, defaults.network.W_hh
    )


def test_compose_copy_is_fitted_with_the_modes_that_its_answers_have(known):
    task = TASKS["compose copy"]
    start = near(known, task)
    path, residual, _ = identify(task, start, modes=1 + 2 + 3, progress=False)
    by_default = identify(task, start, progress=False)
    np.testing.assert_array_equal(by_default.residual, residual)
    assert by_default.converged
    assert (residual[1:] < np.maximum(20 * residual[:-1] ** 2, ROUNDING)).all()
    assert residual[-1] < ROUNDING and far_off(task, path[-1]) < 1e-11


@pytest.mark.parametrize(
    "task", [compose_copy(5), selection(4, np.array([1, 4, 2]), np.array([2, 3, 1]))]
)
def test_a_rule_with_dead_components_is_fitted_by_default(known, task):
    fit = identify(task, near(known, task), progress=False)
    assert fit.converged and far_off(task, fit.network) < 1e-11


def test_a_fit_says_whether_it_has_arrived(known):
    task = TASKS["repeat copy"]
    start = near(known, task, 1e-2)
    for tolerance, iterations in ((1e-3, 30), (1e-14, 30), (0.0, 30)):
        fit = identify(task, start, tolerance=tolerance, iterations=iterations, progress=False)
        assert fit.converged
    assert not identify(task, start, iterations=1, progress=False).converged
    lost = identify(task, random_weights(8, 2, 4, 6.0), modes=8, iterations=5, progress=False)
    assert not lost.converged and lost.residual[-1] > 1e-3


@pytest.mark.parametrize("seed, spare, size", [(2, 4, 0.1), (3, 0, 0.1), (1, 0, 0.3), (10, 0, 0.3)])
def test_steps_that_gain_nothing_are_not_kept(known, seed, spare, size):
    task = TASKS["repeat copy"]
    start = near(known, task, size, seed, spare)
    attempts = [identify(task, start, iterations=n, progress=False) for n in (1, 2, 3, 4, 200)]
    assert len(attempts[3].path) < 5
    for fit in attempts:
        assert (np.diff(fit.residual) < 0).all() and len(fit.path) == len(fit.residual)
        np.testing.assert_array_equal(fit.residual, attempts[-1].residual[: len(fit.path)])
    assert attempts[-1].residual[-1] < ROUNDING


def test_spare_modes_stay_if_asked(known):
    task = TASKS["repeat copy"]
    start = near(known, task)
    spare = sorted(abs(eigvals(start.W_hh)))[:4]
    path, residual, _ = identify(task, start, modes=10, progress=False)
    np.testing.assert_array_equal(path[0].W_hh, start.W_hh)
    assert residual[-1] < ROUNDING
    np.testing.assert_allclose(sorted(abs(eigvals(path[-1].W_hh)))[:4], spare, atol=0.05)
    # 2s impulses do not determine as many modes: the answers to come are only nearly right.
    assert 1e-9 < far_off(task, path[-1]) < far_off(task, start) / 30


def test_fitting_ends_at_the_tolerance_or_after_the_attempts(known):
    task = TASKS["repeat copy"]
    start = near(known, task, 1e-2)
    whole = identify(task, start, progress=False).residual
    for tolerance in (1.0, 1e-3, 1e-6):
        got = identify(task, start, tolerance=tolerance, progress=False).residual
        assert got[-1] <= tolerance < min(got[:-1], default=np.inf)
        np.testing.assert_array_equal(got, whole[: len(got)])
    exact = identify(task, start, tolerance=float(whole[1]), progress=False).residual
    assert len(exact) == 2
    assert len(identify(task, start, iterations=2, progress=False).path) == 3
    to_the_end = identify(task, start, tolerance=0.0, iterations=60, progress=False).residual
    assert len(whole) <= len(to_the_end) < 40 and to_the_end[-1] < 1e-14


def test_a_fit_is_the_same_bytes_and_changes_no_argument(known):
    task, start = TASKS["repeat copy"], near(known, TASKS["repeat copy"])
    before = [x.tobytes() for x in (task.F, *three(start))]
    fits = [identify(task, start, progress=False) for _ in range(2)]
    assert [x.tobytes() for x in (task.F, *three(start))] == before
    one, two = ([x.tobytes() for w in f.path for x in three(w)] for f in fits)
    assert one == two and fits[0].residual.tobytes() == fits[1].residual.tobytes()


def test_a_trained_network_is_fitted_and_remembers(trained):
    task = trained.task
    fit = identify(task, trained.network, progress=False)
    assert fit.residual[-1] < ROUNDING and far_off(task, fit.network) < 1e-11
    before, after = (
        accuracy_around(rescaled(w, 1e-8), task, 10_000, sequences=16).value
        for w in (trained.network, fit.network)
    )
    assert before < 0.9 and after == 1


NET = constructed(repeat_copy(3, 2), np.eye(6))
SIGNS = Task(3, 2, repeat_copy(3, 2).F, threshold=True)


@pytest.mark.parametrize(
    "task, start, options, message",
    [
        (
            repeat_copy(3, 1),
            NET,
            {},
            "network must have kappa = 1 inputs and outputs as the task, not 2",
        ),
        (SIGNS, NET, {}, "task must be linear"),
        (repeat_copy(3, 2), Network(*three(NET), np.ones(6)), {}, "must have no bias"),
        (repeat_copy(3, 2), W, {}, "hidden must be .* at least 6, not 5"),
        (repeat_copy(3, 2), NET, {"iterations": 0}, "iterations must be .* not 0"),
        (repeat_copy(3, 2), NET, {"impulses": 0}, "impulses must be .* not 0"),
        (repeat_copy(3, 2), NET, {"modes": 0}, "modes must be .* not 0"),
        (repeat_copy(3, 2), NET, {"modes": 7}, "hidden must be .* at least 7, not 6"),
        (repeat_copy(3, 2), NET, {"modes": 3}, "eigenvalues 3 and 4 have the same modulus, 1:"),
        (repeat_copy(3, 2), NET, {"tolerance": -1e-9}, "tolerance must be .* not -1e-09"),
        (repeat_copy(3, 2), NET, {"tolerance": float("nan")}, "tolerance must be .* not nan"),
    ],
)
def test_what_cannot_be_fitted(task, start, options, message):
    with pytest.raises(ValueError, match=message):
        identify(task, start, **options, progress=False)


# Far away


def scored(w, task, step, sequences, seed):
    """Count the right signs of a linear run of all steps against the driven recursion."""
    u = random_bits(task, sequences, np.random.default_rng(seed))
    u = with_silence(u, step + 2 * task.s - 1)
    y, target = run(straight(w), u)[1], driven(task, u)
    right = np.sign(y) == np.sign(target)
    return int(right[:, task.s + step - 1 :].sum())


@pytest.mark.parametrize("step", [1, 2, 7, 200])
@pytest.mark.parametrize("name", ["repeat copy", "compose copy", "a quarter turn", "any F"])
def test_linear_accuracy_is_that_of_a_linear_run(known, name, step):
    task = TASKS[name]
    w = near(known, task, 0.12)
    got = linear_accuracy(w, task, step)
    assert got == (scored(w, task, step, 64, EVALUATION_SEED), 64 * 2 * task.s * task.kappa)
    assert got.bits > got.correct > got.bits / 3
    few = linear_accuracy(w, task, step, 9, seed=5)
    assert few == (scored(w, task, step, 9, 5), 9 * 2 * task.s * task.kappa)
    if not task.F[1:].any():  # no answer begins before the last input
        assert got == accuracy_around(straight(w), task, step)


def test_linear_accuracy_reaches_any_step(known):
    task = TASKS["repeat copy"]
    start = near(known, task, 1e-2)
    fit = identify(task, start, progress=False).network
    assert linear_accuracy(fit, task, 10**9).value == 1
    assert linear_accuracy(start, task, 10**4).value < 0.9
    turned = Network(fit.W_hh, fit.W_uh, -fit.W_r)
    assert linear_accuracy(turned, task, 10**9).value == 0


@pytest.mark.parametrize(
    "w, task",
    [
        (Network(1.5 * NET.W_hh + 0.3, NET.W_uh, NET.W_r), repeat_copy(3, 2)),
        (constructed(running_sums(3, 2), np.eye(6)), running_sums(3, 2)),
    ],
    ids=["the network", "the task itself"],
)
def test_what_has_overflowed_is_wrong(w, task):
    assert linear_accuracy(w, task, 50_000).value == 0


@pytest.mark.parametrize(
    "w, task, numbers, message",
    [
        (
            NET,
            repeat_copy(3, 1),
            (1,),
            "network must have kappa = 1 inputs and outputs as the task, not 2",
        ),
        (NET, repeat_copy(3, 2), (0,), "step must be .* not 0"),
        (NET, repeat_copy(3, 2), (1, 0), "sequences must be .* not 0"),
    ],
)
def test_what_cannot_be_scored(w, task, numbers, message):
    with pytest.raises(ValueError, match=message):
        linear_accuracy(w, task, *numbers)


@pytest.mark.parametrize("growth", [2.0, -2.0])
def test_infinite_outputs_are_wrong(growth):
    one = np.ones((1, 1))
    w = Network(growth * one, one, one)
    assert linear_accuracy(w, repeat_copy(1, 1), 5000).value == 0


def test_a_rule_with_signs_is_refused():
    with pytest.raises(ValueError, match="linear"):
        linear_accuracy(NET, SIGNS, 5)


def test_a_bias_is_refused():
    with pytest.raises(ValueError, match="network must have no bias"):
        linear_accuracy(Network(*three(NET), np.ones(6)), repeat_copy(3, 2), 5)


def test_no_gap_parts_eigenvalues_that_are_all_zero():
    w = Network(np.zeros((3, 3)), np.ones((3, 1)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="eigenvalues 1 and 2 have the same modulus, 0:"):
        without_spare_modes(w, 1)


@pytest.mark.parametrize("seed, size", [(1, 0.1), (4, 0.1), (0, 0.2)])
def test_a_trial_without_gap_is_rejected(known, seed, size):
    task = repeat_copy(3, 2)
    fit = identify(task, near(known, task, size, seed), progress=False)
    assert (np.diff(fit.residual) < 0).all()


def test_a_gram_matrix_that_rounding_made_indefinite_is_damped_more():
    fit = identify(repeat_copy(3, 2), random_weights(8, 2, 4, 6.0), modes=8, progress=False)
    assert (np.diff(fit.residual) < 0).all()


def test_the_training_before_a_fit_writes_softly_in_two_stages():
    config = before_fitting(5, 30, 7)
    assert (config.hidden, config.seed, config.write_scale) == (30, 7, 0.01)
    assert [(stage.horizon, stage.steps) for stage in config.stages] == [(10, 350), (25, 200)]


def test_weak_directions_are_small_singular_values_of_the_jacobian():
    for w, part in (
        (random_weights(6, 2), 1e-6),
        (constructed(repeat_copy(3, 2), np.eye(6)), 1e-6),
    ):
        found = weak_directions(propagated(w, 8), part)
        singular = np.linalg.svd(derivative(w, 8), compute_uv=False)
        singular = np.append(singular, np.zeros(32 - len(singular)))
        assert found == np.count_nonzero(singular**2 < part * singular[0] ** 2)
    assert found > 0
