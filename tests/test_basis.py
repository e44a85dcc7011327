"""Duals, projectors and invariant subspaces against dense algebra."""

import inspect
from unittest.mock import MagicMock

import jaxtyping
import numpy as np
import pytest
from conftest import BASES
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg
from scipy.stats import special_ortho_group

from emt import basis
from emt.basis import (
    LIVE,
    between,
    complement,
    components,
    dual,
    invariant_subspaces,
    operator,
    orthogonal_projector,
    spectral_projector,
    vector,
)

networks = {
    "s": st.integers(1, 4),
    "kappa": st.integers(1, 3),
    "spare": st.integers(0, 5),
    "basis": st.sampled_from(BASES),
    "seed": st.integers(0, 999),
}


def columns(H, n, seed=0):
    return np.random.default_rng(seed).normal(size=(H, n))


def contour_projector(W, radius=LIVE - 0.1, points=600):
    """I minus the integral of the resolvent around the modes inside the circle."""
    z = radius * np.exp(2j * np.pi * (np.arange(points) + 0.5) / points)
    resolvents = np.linalg.inv(z[:, None, None] * np.eye(len(W)) - W)
    return np.eye(len(W)) - (z[:, None, None] * resolvents).mean(axis=0).real


def eigenvector_projector(W, threshold=LIVE):
    values, V = np.linalg.eig(W)
    return (V @ np.diag(abs(values) > threshold) @ np.linalg.inv(V)).real


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 99))
def test_dual_is_the_normal_equations(n, spare, seed):
    V = columns(n + spare, n, seed)
    expected = np.linalg.inv(V.T @ V) @ V.T
    np.testing.assert_allclose(dual(V), expected, atol=1e-9 * abs(expected).max() ** 2)


@given(**networks)
def test_spectral_projector_is_psi_psi_dual(known, s, kappa, spare, basis, seed):
    net = known(s, kappa, spare, basis, seed)
    W, expected = net.network.W_hh, net.Psi @ net.Psi_dual
    P = spectral_projector(W)
    np.testing.assert_allclose(P, expected, atol=1e-9)
    np.testing.assert_allclose(contour_projector(W), expected, atol=1e-8)
    np.testing.assert_allclose(P @ W, W @ P, atol=1e-9)
    oblique = basis == "oblique" and spare > 0
    assert (abs(P - P.T).max() > 1e-6) == oblique


@pytest.mark.parametrize("threshold, rank", [(0.0, 4), (0.6, 3), (1.5, 1), (4.0, 0)])
def test_threshold_decides_what_lives(threshold, rank):
    B = columns(4, 4)
    W = B @ np.diag([0.5, -1.0, 3.0, 1.0]) @ np.linalg.inv(B)
    P = spectral_projector(W, threshold)
    assert np.trace(P) == pytest.approx(rank)
    np.testing.assert_allclose(P, eigenvector_projector(W, threshold), atol=1e-9)


@given(**networks)
def test_invariant_subspaces_are_invariant_and_span_the_memories(
    known, s, kappa, spare, basis, seed
):
    net = known(s, kappa, spare, basis, seed)
    W, n = net.network.W_hh, s * kappa
    right, left = invariant_subspaces(W)
    for Q, matrix, memories in ((right, W, net.Psi), (left.T, W.T, net.Psi_dual.T)):
        assert Q.shape == (len(W), n)
        np.testing.assert_allclose(Q.T @ Q, np.eye(n), atol=1e-10)
        np.testing.assert_allclose(matrix @ Q, Q @ (Q.T @ matrix @ Q), atol=1e-9)
        np.testing.assert_allclose(Q @ (Q.T @ memories), memories, atol=1e-9)


def large(H, n, outside, seed=0):
    """Return a matrix with n modes of modulus 1 in an oblique basis, and the moduli `outside`."""
    rng = np.random.default_rng(seed)
    B = np.linalg.qr(rng.normal(size=(H, H)))[0] @ (np.eye(H) + 0.3 * columns(H, H) / np.sqrt(H))
    inside = linalg.block_diag(
        *(special_ortho_group.rvs(2, random_state=rng) for _ in range(n // 2))
    )
    return B @ linalg.block_diag(inside, np.diag(outside)) @ np.linalg.inv(B)


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("threshold", [None, LIVE, 0.8])
@pytest.mark.parametrize(
    "outside, iterated",
    [
        (np.linspace(-0.7, 0.7, 506), True),
        (np.append(np.linspace(-0.7, 0.7, 505), 0.993), False),
        (np.append(np.linspace(-0.7, 0.7, 505), 0.9), True),
        (np.full(506, 0.97), False),
        (np.full(506, 1.0), False),
        (np.zeros(506), True),
    ],
    ids=["gap", "one more", "one near", "slow", "all", "none"],
)
def test_a_large_matrix_has_the_subspaces_of_its_schur_form(
    carried, outside, iterated, threshold, monkeypatch
):
    W, schur = large(512, 6, outside), MagicMock(side_effect=linalg.schur)
    above = np.count_nonzero(abs(outside) > (threshold or LIVE))
    monkeypatch.setattr(basis.linalg, "schur", schur)
    near = (W @ columns(512, 2), columns(3, 512)) if carried else ()
    found = invariant_subspaces(W, threshold, 6, *near)
    whole = any(len(call.args[0]) == 512 for call in schur.call_args_list)
    assert whole == (not iterated or above > 0)
    monkeypatch.setitem(inspect.unwrap(invariant_subspaces).__globals__, "LARGE", 513)
    for got, expected in zip(found, invariant_subspaces(W, threshold, 6), strict=True):
        assert got.shape == expected.shape
        got, expected = (x if len(x) == 512 else x.T for x in (got, expected))
        np.testing.assert_allclose(got @ got.T, expected @ expected.T, atol=1e-9)


def test_defective_modes_have_a_projector_too():
    jordan = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0.5, 1], [0, 0, 0, 0.5]])
    B = columns(4, 4)
    expected = B @ np.diag([1, 1, 0, 0]) @ np.linalg.inv(B)
    P = spectral_projector(B @ jordan @ np.linalg.inv(B), threshold=0.8)
    np.testing.assert_allclose(P, expected, atol=1e-9)


def test_orthogonal_projector_is_the_normal_equations():
    V = columns(6, 3)
    np.testing.assert_allclose(
        orthogonal_projector(V), V @ np.linalg.inv(V.T @ V) @ V.T, atol=1e-12
    )
    np.testing.assert_array_equal(orthogonal_projector(np.zeros((3, 0))), np.zeros((3, 3)))


@pytest.mark.parametrize("rank, rows", [(2, 2), (2, 4), (5, 5)])
def test_complement_is_what_the_covectors_do_not_see(rank, rows):
    covectors = columns(rows, rank, 1) @ columns(rank, 5, 2)
    N = complement(covectors)
    assert N.shape == (5, 5 - rank)
    np.testing.assert_allclose(covectors @ N, 0, atol=1e-12)
    np.testing.assert_allclose(N.T @ N, np.eye(5 - rank), atol=1e-12)


@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 99))
def test_components_and_vector_are_equation_3_term_by_term(n, spare, seed):
    e, covectors, v = columns(n + spare, n, seed), columns(n, n + spare, seed + 1), columns(2, n)
    expected = [sum(v[b, i] * e[:, i] for i in range(n)) for b in range(2)]
    np.testing.assert_allclose(vector(v, e), expected, atol=1e-12)
    np.testing.assert_allclose(vector(v[1], e), expected[1], atol=1e-12)
    w = columns(2, n + spare, seed + 2)
    brackets = [[sum(covectors[i] * w[b]) for i in range(n)] for b in range(2)]
    np.testing.assert_allclose(components(w, covectors), brackets, atol=1e-12)
    np.testing.assert_allclose(components(w[1], covectors), brackets[1], atol=1e-12)


def test_components_return_and_forget_what_lies_outside():
    e, v = columns(6, 3), np.random.default_rng(1).normal(size=(2, 4, 3))
    np.testing.assert_allclose(components(vector(v, e), dual(e)), v, atol=1e-12)
    outside = complement(dual(e)) @ columns(3, 2)
    np.testing.assert_allclose(components(outside.T, dual(e)), 0, atol=1e-12)


@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 99))
def test_operator_is_equation_4_term_by_term(n, spare, seed):
    H = n + spare
    Phi, xi, xi_dagger = columns(n, n, seed), columns(H, n, seed + 1), columns(n, H, seed + 2)
    expected = np.zeros((H, H))
    for i, mu, nu, j in np.ndindex(H, n, n, H):
        expected[i, j] += xi[i, mu] * Phi[mu, nu] * xi_dagger[nu, j]
    np.testing.assert_allclose(operator(Phi, xi, xi_dagger), expected, atol=1e-12)


def test_operator_carries_memory_nu_to_memory_mu():
    e, Phi = columns(5, 3), np.zeros((3, 3))
    Phi[2, 0] = 4.0
    W = operator(Phi, e, dual(e))
    np.testing.assert_allclose(W @ e, np.outer(4 * e[:, 2], [1, 0, 0]), atol=1e-12)
    values = np.linalg.eigvals(operator(np.diag([1.0, 2.0, 3.0]), e, dual(e)))
    np.testing.assert_allclose(np.sort(abs(values)), [0, 0, 1, 2, 3], atol=1e-9)


TURN = np.array([[0.6, -0.8], [0.8, 0.6]])


@pytest.mark.parametrize(
    "moduli, n, expected",
    [
        ([1.001, 1, 0.8], 2, LIVE),  # n above it
        ([1.001, 1, 0.992, 0.9], 2, np.sqrt(0.992)),  # a spare mode
        ([1.001, 1, 0.992, 0.9], 3, LIVE),
        ([1.001, 1, 0.985, 0.8], 3, np.sqrt(0.985 * 0.8)),  # a slow one
        ([1.001, 1, 0.98], 3, 0.0),  # and no other
        ([1.01, 1, 0.995], 2, LIVE),  # nearer to the next than to one another
        ([1, 0.9995], 1, LIVE),  # hardly parted
        ([1, 0.9, 0.1], 2, LIVE),  # does not last
        ([1, 1], 3, LIVE),
        ([1, 0.5], 0, LIVE),
    ],
)
def test_the_threshold_is_measured_where_live_leaves_another_number(moduli, n, expected):
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=2 * [len(moduli)]))[0]
    assert between(Q @ np.diag(moduli) @ Q.T, n) == pytest.approx(expected, abs=1e-6)


def test_no_threshold_parts_a_pair():
    W = np.kron(np.diag([1.0, 0.5]), TURN)
    assert between(W, 1) == between(W, 2) == between(W, 3) == LIVE


def test_the_tests_check_shapes_by_the_annotations():
    """The hook of conftest: one letter of two lengths."""
    with pytest.raises(jaxtyping.TypeCheckError):
        vector(np.ones(3), np.ones((4, 2)))
