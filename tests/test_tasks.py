"""Tasks against direct recursion and hand-drawn pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emt import (
    Task,
    bitmap,
    compose_copy,
    continuation,
    driven,
    random_bits,
    repeat_copy,
    running_sums,
    selection,
    with_silence,
)
from emt.tasks import GLYPHS, from_operator

PICTURES = {
    "3141": """
        ###. .#.. #.#. .#..
        ..#. ##.. #.#. ##..
        ###. .#.. ###. .#..
        ..#. .#.. ..#. .#..
        ###. ###. ..#. ###.
    """,
    "EMT7": """
        ###. #.#. ###. ###.
        #... ###. .#.. ..#.
        ##.. ###. .#.. ..#.
        #... #.#. .#.. ..#.
        ###. #.#. .#.. ..#.
    """,
}


def drawn(picture: str) -> np.ndarray:
    rows = [line.replace(" ", "") for line in picture.split("\n") if line.strip()]
    return np.array([[1.0 if pixel == "#" else -1.0 for pixel in row] for row in rows])


def recursion(F, x, steps, threshold=False):
    s, kappa = x.shape
    history = [list(v) for v in x]
    for _ in range(steps):
        new = [
            sum(
                F[k][i][j] * history[len(history) - s + k][j]
                for k in range(s)
                for j in range(kappa)
            )
            for i in range(kappa)
        ]
        history.append([float(np.sign(v)) for v in new] if threshold else new)
    return np.array(history[s:])


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 9), st.booleans(), st.integers(0, 99))
def test_continuation_is_equation_5(s, kappa, steps, threshold, seed):
    rng = np.random.default_rng(seed)
    F = rng.normal(size=(s, kappa, kappa)) * (rng.random(size=(s, 1, 1)) < 0.7)
    x = rng.normal(size=(2, 3, s, kappa))
    got = continuation(Task(s, kappa, F, threshold), x, steps)
    assert got.shape == (2, 3, steps, kappa)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_allclose(got[i, j], recursion(F, x[i, j], steps, threshold), atol=1e-9)


READ = [(), (0,), (5,), (2,), (0, 3), (1, 4), (0, 2, 5), (0, 1, 2), (0, 1, 2, 3, 4, 5)]


@pytest.mark.parametrize("threshold", [False, True])
@pytest.mark.parametrize("read", READ, ids=str)
def test_blocks_are_the_recursion_to_the_bit(read, threshold):
    """In whole numbers; blocks are as long as the shortest delay, which `read` sets."""
    s, kappa, rng = 6, 2, np.random.default_rng(3)
    F = np.zeros((s, kappa, kappa))
    for k in read:
        while not F[k].any():
            F[k] = rng.integers(-1, 2, size=(kappa, kappa))
    x = rng.integers(-3, 4, size=(3, s, kappa)) * 1.0
    delay = s - max(read, default=0)
    for steps in sorted({1, delay - 1, delay, delay + 1, 2 * delay, 2 * delay + 1, 13} - {0}):
        got = continuation(Task(s, kappa, F, threshold), x, steps)
        expected = [recursion(F, sequence, steps, threshold) for sequence in x]
        np.testing.assert_array_equal(got, expected)


def test_repeat_copy_repeats_the_inputs():
    x = np.arange(1.0, 7.0).reshape(3, 2)
    np.testing.assert_array_equal(continuation(repeat_copy(3, 2), x, 7), np.tile(x, (3, 1))[:7])
    assert repeat_copy(3, 2).repeats and not Task(2, 2, np.stack([np.eye(2)] * 2)).repeats


def test_f_acts_on_the_oldest_vector_first():
    oldest, newest = np.eye(1)[None], np.zeros((1, 1, 1))
    alternate = Task(2, 1, np.concatenate([oldest, newest]))
    constant = Task(2, 1, np.concatenate([newest, oldest]))
    x = np.array([[3.0], [5.0]])
    np.testing.assert_array_equal(continuation(alternate, x, 3).ravel(), [3, 5, 3])
    np.testing.assert_array_equal(continuation(constant, x, 3).ravel(), [5, 5, 5])


def test_continuation_leaves_its_input_alone():
    x = np.ones((2, 1))
    continuation(repeat_copy(2, 1), x, 3)[:] = 9
    np.testing.assert_array_equal(x, 1)


def test_random_bits_are_fair_independent_and_reproducible():
    task = repeat_copy(3, 2)
    x = random_bits(task, 4000, np.random.default_rng(1))
    assert x.shape == (4000, 3, 2)
    assert set(np.unique(x)) == {-1.0, 1.0}
    second_moments = np.cov(x.reshape(4000, 6).T, bias=True)
    np.testing.assert_allclose(second_moments, np.eye(6), atol=0.08)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=0.08)
    np.testing.assert_array_equal(x, random_bits(task, 4000, np.random.default_rng(1)))
    assert (x != random_bits(task, 4000, np.random.default_rng(2))).any()


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_silence_follows_the_inputs(steps):
    u = np.random.default_rng(0).normal(size=(2, 3, 5))
    got = with_silence(u, steps)
    np.testing.assert_array_equal(got[:, :3], u)
    np.testing.assert_array_equal(got[:, 3:], np.zeros((2, steps, 5)))


@pytest.mark.parametrize("text", PICTURES)
def test_bitmap_is_the_hand_drawn_picture(text):
    np.testing.assert_array_equal(bitmap(text, 16).T, drawn(PICTURES[text]))


def test_bitmap_fits_its_frame():
    wide = bitmap("A", 7, kappa=6)
    np.testing.assert_array_equal(wide[:4, :5], bitmap("a", 4))
    assert (wide[4:] == -1).all() and (wide[:, 5] == -1).all()


def test_glyphs_are_distinct_and_never_blank():
    pictures = {bitmap(character, 4).tobytes() for character in GLYPHS}
    assert len(pictures) == 36
    assert all((bitmap(c, 4)[:3] == 1).any() and (bitmap(c, 4)[3] == -1).all() for c in GLYPHS)


# Rules, each against a loop over steps and components.


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 999), st.booleans(), st.booleans())
def test_selection_reads_one_earlier_component_each(s, kappa, seed, crossed, signed):
    rng = np.random.default_rng(seed)
    delay = rng.integers(1, s + 1, size=kappa)
    component = rng.integers(1, kappa + 1, size=kappa) if crossed else None
    sign = rng.choice([-1, 1], size=kappa) if signed else None
    task, x = selection(s, delay, component, sign), rng.normal(size=(s, kappa))
    assert (task.s, task.kappa, task.threshold) == (s, kappa, False)
    history = x.tolist()
    for _ in range(2 * s + 1):
        new = []
        for c in range(kappa):
            read = history[-delay[c]][component[c] - 1 if crossed else c]
            new.append(read * sign[c] if signed else read)
        history.append(new)
    np.testing.assert_array_equal(continuation(task, x, 2 * s + 1), history[s:])


def test_selection_of_a_hand_worked_case():
    with pytest.raises(ValueError, match="component must be"):
        selection(3, np.array([3, 1]), np.array([2, 3]))
    task = selection(3, np.array([3, 1]), np.array([2, 2]), np.array([1, -1]))
    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    expected = [[2, -6], [4, 6], [6, -6]]
    np.testing.assert_array_equal(continuation(task, x, 3), expected)


@pytest.mark.parametrize("kappa", [1, 2, 3, 5])
def test_compose_copy_reads_component_j_of_the_jth_oldest(kappa):
    x = np.random.default_rng(kappa).normal(size=(kappa, kappa))
    history = list(x)
    for _ in range(3 * kappa):
        last = history[len(history) - kappa :]
        history.append(np.array([last[j][j] for j in range(kappa)]))
    task = compose_copy(kappa)
    assert (task.s, task.kappa) == (kappa, kappa)
    np.testing.assert_array_equal(continuation(task, x, 3 * kappa), history[kappa:])


@pytest.mark.parametrize("s, kappa, gain", [(1, 1, 2.0), (3, 2, -0.5), (4, 3, 0.25)])
def test_running_sums_add_the_last_s(s, kappa, gain):
    x = np.random.default_rng(s).normal(size=(s, kappa))
    history = list(x)
    for _ in range(7):
        history.append(gain * sum(history[len(history) - s :]))
    np.testing.assert_allclose(continuation(running_sums(s, kappa, gain), x, 7), history[s:])


def test_running_sums_have_no_gain_by_default():
    x = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(continuation(running_sums(3, 2), x, 2), [[6, 9], [12, 17]])


# Driven by its inputs.


def random_rule(s, kappa, rng):
    F = rng.normal(size=(s, kappa, kappa)) / np.sqrt(s * kappa)
    return Task(s, kappa, F * (rng.random(size=(s, 1, 1)) < 0.7))


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 14), st.integers(0, 999))
def test_driven_adds_the_rule_to_its_inputs(s, kappa, T, seed):
    rng = np.random.default_rng(seed)
    task, u = random_rule(s, kappa, rng), rng.normal(size=(2, 3, T, kappa))
    before = u.copy()
    got = driven(task, u)
    assert got.shape == u.shape
    for n, m in np.ndindex(2, 3):
        v = {t: [0.0] * kappa for t in range(1 - s, 1)}
        for t in range(1, T + 1):
            v[t] = [
                u[n, m, t - 1, i]
                + sum(
                    task.F[k - 1, i, j] * v[t - s + k - 1][j]
                    for k in range(1, s + 1)
                    for j in range(kappa)
                )
                for i in range(kappa)
            ]
            np.testing.assert_allclose(got[n, m, t - 1], v[t], atol=1e-9)
    np.testing.assert_array_equal(u, before)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 999))
def test_driven_superposes_and_knows_no_clock(s, kappa, seed):
    rng = np.random.default_rng(seed)
    task, (a, b) = random_rule(s, kappa, rng), rng.normal(size=(2, 11, kappa))
    both = 2 * driven(task, a) - 3 * driven(task, b)
    np.testing.assert_allclose(driven(task, 2 * a - 3 * b), both, atol=1e-9)
    late = driven(task, np.concatenate([np.zeros((4, kappa)), a]))
    np.testing.assert_allclose(late[4:], driven(task, a), atol=1e-12)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 999))
def test_after_its_inputs_driven_is_the_continuation_of_what_it_holds(s, kappa, seed):
    rng = np.random.default_rng(seed)
    task, u = random_rule(s, kappa, rng), rng.normal(size=(s + 2, kappa))
    v = driven(task, with_silence(u, 9))
    np.testing.assert_allclose(v[s + 2 :], continuation(task, v[2 : s + 2], 9), atol=1e-9)


def test_repeat_copy_driven_adds_every_sth_input():
    u = np.arange(1.0, 8.0).reshape(7, 1)
    expected = [1, 2, 3, 1 + 4, 2 + 5, 3 + 6, 1 + 4 + 7]
    np.testing.assert_array_equal(driven(repeat_copy(3, 1), u).ravel(), expected)


@pytest.mark.parametrize("s, kappa", [(1, 1), (3, 2), (2, 4)])
def test_an_operator_is_applied_to_the_row_of_all_vectors(s, kappa):
    rng = np.random.default_rng(s)
    operator, x = rng.normal(size=(s * kappa, kappa)), rng.normal(size=(s, kappa))
    task = from_operator(operator)
    assert (task.s, task.kappa) == (s, kappa)
    np.testing.assert_allclose(continuation(task, x, 1)[0], x.ravel() @ operator, atol=1e-12)
