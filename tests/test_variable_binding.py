"""The constructed linear network against the paper's sums and the recursion that it computes."""

import numpy as np
import pytest
from conftest import BASES
from hypothesis import given
from hypothesis import strategies as st

from emt import Task, constructed, continuation, interactions, repeat_copy, run, with_silence

sizes = {"s": st.integers(1, 4), "kappa": st.integers(1, 3), "seed": st.integers(0, 999)}
network = {**sizes, "spare": st.integers(0, 4), "basis": st.sampled_from(BASES)}


def identity(x):
    return x


def random_task(s, kappa, seed, oldest_only=False):
    F = np.random.default_rng(seed).normal(size=(s, kappa, kappa)) / (s * kappa)
    if oldest_only:
        F[1:] = 0
    return Task(s, kappa, F)


@given(st.integers(1, 4), st.integers(1, 3))
def test_phi_of_repeat_copy_is_equation_12(s, kappa):
    n, e = s * kappa, np.eye(s * kappa)
    shift = sum((np.outer(e[mu], e[mu + kappa]) for mu in range(n - kappa)), np.zeros((n, n)))
    wrap = sum(np.outer(e[n - kappa + i], e[i]) for i in range(kappa))
    np.testing.assert_array_equal(interactions(repeat_copy(s, kappa)), shift + wrap)


@given(**sizes)
def test_f_is_the_last_block_row_of_phi(s, kappa, seed):
    task = random_task(s, kappa, seed)
    v = np.random.default_rng(seed + 1).normal(size=(s, kappa))
    moved = (interactions(task) @ v.ravel()).reshape(s, kappa)
    np.testing.assert_array_equal(moved[:-1], v[1:])
    np.testing.assert_allclose(moved[-1], np.einsum("kij,kj->i", task.F, v), atol=1e-12)


@given(**network)
def test_the_constructed_network_repeats_exactly(known, s, kappa, spare, basis, seed):
    net = known(s, kappa, spare, basis, seed)
    u = np.random.default_rng(seed).normal(size=(2, s, kappa))
    _, y = run(net.weights, with_silence(u, 3 * s + 1), identity)
    np.testing.assert_allclose(y[:, s:], np.tile(u, (1, 4, 1))[:, : 3 * s + 1], atol=1e-8)


@given(**network)
def test_memory_k_holds_variable_k_after_the_inputs(known, s, kappa, spare, basis, seed):
    net = known(s, kappa, spare, basis, seed)
    u = np.random.default_rng(seed).normal(size=(s, kappa))
    h, _ = run(net.weights, u, identity)
    np.testing.assert_allclose(h[-1], net.Psi @ u.ravel(), atol=1e-9)


@given(**sizes)
def test_plain_inputs_are_continued_where_only_the_oldest_is_read(known, s, kappa, seed):
    task = random_task(s, kappa, seed, oldest_only=True)
    u = np.random.default_rng(seed).normal(size=(s, kappa))
    _, y = run(known(task=task, spare=2).weights, with_silence(u, 7), identity)
    np.testing.assert_allclose(y[s:], continuation(task, u, 7), atol=1e-9)


@pytest.mark.parametrize("s, kappa", [(2, 1), (3, 2), (4, 2)])
def test_otherwise_it_computes_the_driven_recursion_instead(known, s, kappa):
    task = random_task(s, kappa, seed=3)
    u = np.random.default_rng(4).normal(size=(s, kappa))
    v = [np.zeros(kappa)] * s
    for t in range(s + 8):
        f = sum(task.F[k] @ v[len(v) - s + k] for k in range(s))
        v.append(f + (u[t] if t < s else 0))
    _, y = run(known(task=task).weights, with_silence(u, 8), identity)
    np.testing.assert_allclose(y, v[s:], atol=1e-9)
    assert abs(y[s:] - continuation(task, u, 8)).max() > 0.01


def test_weights_are_equations_9_to_11(known):
    net = known(spare=0, task=random_task(3, 2, seed=5))
    w = constructed(net.task, net.Psi)
    columns, rows = net.Psi.T, np.linalg.inv(net.Psi)
    Phi = interactions(net.task)
    expected = sum(
        Phi[a, b] * np.outer(columns[a], rows[b]) for a in range(6) for b in range(6) if Phi[a, b]
    )
    np.testing.assert_allclose(w.W_hh, expected, atol=1e-12)
    np.testing.assert_array_equal(w.W_uh, net.Psi[:, 4:])
    np.testing.assert_allclose(w.W_r, rows[4:], atol=1e-12)
    assert w.b is None


def test_covectors_by_default_lie_in_the_span(known):
    net = known(spare=3)
    w = constructed(net.task, net.Psi)
    np.testing.assert_allclose(w.W_r, np.linalg.pinv(net.Psi)[-2:], atol=1e-10)
    assert abs(constructed(net.task, net.Psi, net.Psi_dual).W_r - w.W_r).max() > 0.01
