"""Tasks against direct recursion and hand-drawn pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emt import Task, bitmap, continuation, random_bits, repeat_copy, with_silence
from emt.tasks import GLYPHS

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


def test_repeat_copy_repeats_the_inputs():
    x = np.arange(1.0, 7.0).reshape(3, 2)
    np.testing.assert_array_equal(continuation(repeat_copy(3, 2), x, 7), np.tile(x, (3, 1))[:7])


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
