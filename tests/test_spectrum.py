"""Eigenvalues and their matching against polynomials, brute force and built spectra."""

from itertools import permutations

import numpy as np
import pytest

from emt import IDENTITY, Network, Task, compose_copy, constructed, repeat_copy
from emt.spectrum import characteristic, compare, eigenvalues, roots_of_unity


def rotations(*eigenvalues):
    """Return a real matrix with these eigenvalues and their conjugates; real ones enter once."""
    blocks = [
        np.array([[z.real, -z.imag], [z.imag, z.real]]) if z.imag else np.array([[z.real]])
        for z in map(complex, eigenvalues)
    ]
    W, at = np.zeros((sum(map(len, blocks)),) * 2), 0
    for block in blocks:
        W[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    B = np.eye(len(W)) + 0.1 * np.random.default_rng(0).normal(size=W.shape)
    return B @ W @ np.linalg.inv(B)


def linear(W):
    """Return a linear network with these recurrent weights."""
    return Network(W, np.ones((len(W), 1)), np.ones((1, len(W))), activation=IDENTITY)


def sorted_by_angle(z):
    return z[np.lexsort((abs(z), np.round(np.angle(z), 6)))]


@pytest.mark.parametrize("s, kappa", [(1, 1), (1, 3), (4, 2), (5, 3)])
def test_roots_of_unity_are_the_spectrum_of_phi(s, kappa):
    roots = roots_of_unity(s, kappa)
    assert roots[0] == 1 and len(roots) == s * kappa
    np.testing.assert_allclose(np.poly(roots).real, np.poly(repeat_copy(s, kappa).Phi), atol=1e-9)
    np.testing.assert_allclose(
        sorted_by_angle(roots[::kappa]), sorted_by_angle(np.roots([1] + [0] * (s - 1) + [-1]) + 0j)
    )


@pytest.mark.parametrize("s, kappa, H", [(3, 2, 9), (6, 1, 6), (2, 3, 8)])
def test_matching_is_the_best_of_all_permutations(s, kappa, H):
    rng = np.random.default_rng(s)
    for _ in range(5):
        W = rng.normal(size=(H, H)) / np.sqrt(H)
        got = compare(linear(W), repeat_copy(s, kappa))
        largest = sorted(np.linalg.eigvals(W), key=abs)[::-1][: s * kappa]
        roots = np.repeat([np.exp(2j * np.pi * k / s) for k in range(s)], kappa)
        best = min(sum(abs(roots - order)) for order in permutations(largest))
        assert sum(abs(got.theory - got.matched)) == pytest.approx(best)
        np.testing.assert_allclose(sorted(abs(got.matched)), sorted(map(abs, largest)), atol=1e-9)
        np.testing.assert_allclose(np.sort_complex(got.theory), np.sort_complex(roots), atol=1e-12)


def test_errors_gap_and_counts_of_a_built_spectrum():
    tilt = np.exp(1j * np.radians([4.0, 2.0]))
    W = rotations(1.03, -0.97, 1.05j * tilt[0], 0.999, -1.02, 1.01j * tilt[1], 0.6, 0.3j)
    got = compare(linear(W), repeat_copy(4, 2), threshold=0.98)
    np.testing.assert_allclose(np.angle(got.theory) / (np.pi / 2) % 4, [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_allclose(sorted(got.angle_error), [0, 0, 0, 0, 2, 2, 4, 4], atol=1e-6)
    np.testing.assert_allclose(
        [sorted(got.radius_error[k : k + 2]) for k in (0, 2, 4, 6)],
        [[-0.001, 0.03], [0.01, 0.05], [-0.03, 0.02], [0.01, 0.05]],
        atol=1e-9,
    )
    assert got.live == 7
    np.testing.assert_array_equal(got.counts, [2, 2, 1, 2])
    assert got.gap == pytest.approx((0.97, 0.6))
    assert (np.diff(abs(got.eigenvalues)) <= 1e-12).all() and len(got.eigenvalues) == 11


def test_directions_are_those_of_the_rule_by_their_angle():
    """The negative of repeat copy has the third roots of -1, each of them twice."""
    task = Task(3, 2, -repeat_copy(3, 2).F)
    got = compare(constructed(task, np.eye(6)), task)
    np.testing.assert_allclose(got.directions, np.exp(1j * np.pi * np.array([1, 3, 5]) / 3))
    assert got.counts.tolist() == [2, 2, 2]


def test_counts_follow_the_direction():
    quarter = np.exp(2j * np.pi / 5)
    np.testing.assert_array_equal(
        compare(linear(rotations(quarter, 0.5)), repeat_copy(1, 3)).counts, [2]
    )
    np.testing.assert_array_equal(
        compare(linear(rotations(quarter, quarter**2, quarter, 1.0)), repeat_copy(5, 1)).counts,
        [1, 2, 1, 1, 2],
    )


def test_no_gap_is_read_beyond_the_last_eigenvalue():
    assert compare(linear(np.eye(4)), repeat_copy(1, 4)).gap == (1.0, 0.0)


@pytest.mark.parametrize("basis", ["orthonormal", "non-orthonormal", "oblique"])
def test_a_constructed_network_has_the_theorys_spectrum(known, basis):
    got = compare(known(5, 2, 6, basis).network, repeat_copy(5, 2))
    assert got.live == 10 and (got.counts == 2).all()
    assert got.angle_error.max() < 1e-6 and abs(got.radius_error).max() < 1e-9
    assert got.gap == pytest.approx((1.0, 0.7))


def test_the_papers_threshold_is_broken_by_rounding(known):
    W = known(16, 5, 48, "oblique").network.W_hh
    assert 0 < np.count_nonzero(abs(np.linalg.eigvals(W)) >= 1) < 80
    assert compare(linear(W), repeat_copy(16, 5)).live == 80


def test_a_trained_network_has_learned_the_spectrum(trained):
    got = compare(trained.network, repeat_copy(4, 2))
    assert got.live == 8 and (got.counts == 2).all()
    assert got.angle_error.max() < 2
    assert got.gap[0] - got.gap[1] > 0.1


def random_task(s, kappa, seed=0):
    F = np.random.default_rng(seed).normal(size=(s, kappa, kappa)) / np.sqrt(s * kappa)
    return Task(s, kappa, F)


@pytest.mark.parametrize("s, kappa", [(1, 1), (1, 3), (4, 1), (3, 2), (2, 4)])
def test_the_small_determinant_is_the_large_one(s, kappa):
    task, rng = random_task(s, kappa, s), np.random.default_rng(kappa)
    z = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    got = characteristic(task, z)
    Phi, one = task.Phi, np.eye(s * kappa)
    expected = [[np.linalg.det(point * one - Phi) for point in row] for row in z]
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("s, kappa", [(1, 1), (1, 3), (4, 1), (3, 2), (2, 4)])
def test_eigenvalues_are_its_roots_largest_first(s, kappa):
    task = random_task(s, kappa, s)
    values = eigenvalues(task)
    assert values.shape == (s * kappa,) and (np.diff(abs(values)) <= 1e-12).all()
    np.testing.assert_allclose(characteristic(task, values), 0, atol=1e-9)
    circle = 3 * np.exp(2j * np.pi * np.arange(s * kappa + 1) / (s * kappa + 1))
    expected = np.prod(circle[:, None] - values, axis=1)  # every root, as often as it is one
    np.testing.assert_allclose(characteristic(task, circle), expected, rtol=1e-9)


@pytest.mark.parametrize("s, kappa", [(1, 2), (3, 1), (4, 2), (5, 3)])
def test_eigenvalues_of_repeat_copy_are_the_roots_of_unity(s, kappa):
    for values in (eigenvalues(repeat_copy(s, kappa)), roots_of_unity(s, kappa)):
        angles = np.sort(np.angle(values * np.exp(0.1j)))
        expected = np.repeat([2 * np.pi * k / s + 0.1 for k in range(s)], kappa)
        expected = np.sort(np.angle(np.exp(1j * expected)))
        np.testing.assert_allclose(angles, expected, atol=1e-7)
        np.testing.assert_allclose(abs(values), 1, atol=1e-7)


@pytest.mark.parametrize("kappa", [2, 3, 4])
def test_compose_copy_has_the_roots_of_every_delay_and_otherwise_zero(kappa):
    z = np.random.default_rng(0).normal(size=5) + 1j
    zeros = kappa**2 - kappa * (kappa + 1) // 2
    expected = z**zeros * np.prod([z**d - 1 for d in range(1, kappa + 1)], axis=0)
    np.testing.assert_allclose(characteristic(compose_copy(kappa), z), expected, rtol=1e-9)
    alive = eigenvalues(compose_copy(kappa))
    assert np.count_nonzero(abs(alive) > 0.5) == kappa * (kappa + 1) // 2
