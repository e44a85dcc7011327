"""The constructed linear network against the paper's sums and the recursion that it computes."""

import numpy as np
import pytest
from conftest import BASES, straight
from hypothesis import given
from hypothesis import strategies as st

from emt import Task, constructed, continuation, driven, repeat_copy, run, with_silence
from emt.linear_network import program, repeat_copy_state, run_by_line

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
    np.testing.assert_array_equal(repeat_copy(s, kappa).Phi, shift + wrap)


@given(**sizes)
def test_f_is_the_last_block_row_of_phi(s, kappa, seed):
    task = random_task(s, kappa, seed)
    v = np.random.default_rng(seed + 1).normal(size=(s, kappa))
    moved = (task.Phi @ v.ravel()).reshape(s, kappa)
    np.testing.assert_array_equal(moved[:-1], v[1:])
    np.testing.assert_allclose(moved[-1], np.einsum("kij,kj->i", task.F, v), atol=1e-12)


@given(**network)
def test_the_constructed_network_repeats_exactly(known, s, kappa, spare, basis, seed):
    net = known(s, kappa, spare, basis, seed)
    u = np.random.default_rng(seed).normal(size=(2, s, kappa))
    _, y = run(straight(net.network), with_silence(u, 3 * s + 1))
    np.testing.assert_allclose(y[:, s:], np.tile(u, (1, 4, 1))[:, : 3 * s + 1], atol=1e-8)


@given(**network)
def test_memory_k_holds_variable_k_after_the_inputs(known, s, kappa, spare, basis, seed):
    net = known(s, kappa, spare, basis, seed)
    u = np.random.default_rng(seed).normal(size=(s, kappa))
    h, _ = run(straight(net.network), u)
    np.testing.assert_allclose(h[-1], net.Psi @ u.ravel(), atol=1e-9)


@given(**sizes)
def test_plain_inputs_are_continued_where_only_the_oldest_is_read(known, s, kappa, seed):
    task = random_task(s, kappa, seed, oldest_only=True)
    u = np.random.default_rng(seed).normal(size=(s, kappa))
    _, y = run(straight(known(task=task, spare=2).network), with_silence(u, 7))
    np.testing.assert_allclose(y[s:], continuation(task, u, 7), atol=1e-9)


@pytest.mark.parametrize("s, kappa", [(2, 1), (3, 2), (4, 2)])
def test_otherwise_it_computes_the_driven_recursion_instead(known, s, kappa):
    task = random_task(s, kappa, seed=3)
    u = np.random.default_rng(4).normal(size=(s, kappa))
    v = [np.zeros(kappa)] * s
    for t in range(s + 8):
        f = sum(task.F[k] @ v[len(v) - s + k] for k in range(s))
        v.append(f + (u[t] if t < s else 0))
    _, y = run(straight(known(task=task).network), with_silence(u, 8))
    np.testing.assert_allclose(y, v[s:], atol=1e-9)
    assert abs(y[s:] - continuation(task, u, 8)).max() > 0.01


def test_weights_are_equations_9_to_11(known):
    net = known(spare=0, task=random_task(3, 2, seed=5))
    w = constructed(net.task, net.Psi)
    columns, rows = net.Psi.T, np.linalg.inv(net.Psi)
    Phi = net.task.Phi
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


@given(steps=st.integers(1, 14), **network)
def test_the_constructed_network_is_the_driven_rule_for_any_inputs(
    known, s, kappa, spare, basis, seed, steps
):
    rng = np.random.default_rng(seed)
    task = Task(s, kappa, rng.normal(size=(s, kappa, kappa)) / np.sqrt(s * kappa))
    net, u = known(s, kappa, spare, basis, seed, task), rng.normal(size=(2, steps, kappa))
    h, y = run(straight(net.network), u)
    v = driven(task, u)
    np.testing.assert_allclose(y, v, atol=1e-8 * max(1, abs(v).max()))
    for k in range(1, min(s, steps) + 1):
        memory = net.Psi_dual[(s - k) * kappa : (s - k + 1) * kappa]
        np.testing.assert_allclose(h[..., -1, :] @ memory.T, v[..., -k, :], atol=1e-8)


@given(T=st.integers(1, 11), **network)
def test_the_closed_form_of_repeat_copy_is_the_recursion(known, s, kappa, spare, basis, seed, T):
    net = known(s, kappa, spare, basis, seed)
    u = np.random.default_rng(seed).normal(size=(T, kappa))
    h, _ = run(straight(net.network), with_silence(u, 2 * s + 2))
    for t in range(1, T + 2 * s + 3):
        got = repeat_copy_state(net.Psi, u, s, t)
        np.testing.assert_allclose(got, h[t - 1], atol=1e-8)


def test_equation_34_with_its_index_corrected_term_by_term(known):
    s, kappa, T, net = 3, 2, 5, known(3, 2)
    u = np.random.default_rng(1).normal(size=(T, kappa))
    for t in range(1, 12):
        h = np.zeros(len(net.Psi))
        for mu in range(1, min(t, T) + 1):
            for i in range(1, kappa + 1):
                column = ((mu - t - 1) % s) * kappa + i  # from 1
                h += u[mu - 1, i - 1] * net.Psi[:, column - 1]
        np.testing.assert_allclose(repeat_copy_state(net.Psi, u, s, t), h, atol=1e-12)


# Line by line.

HAND = Task(2, 1, np.array([[[2.0]], [[3.0]]]))
HAND_LINES = (
    [[0, 0], [1, 3], [13, 2 + 39], [141, 26 + 423]],
    [[0, 1], [1, 13], [13, 141], [141, 449]],
    [[1], [13], [141], [449]],
)


def test_program_and_trace_of_a_hand_worked_case():
    u = np.array([[1.0], [10.0], [100.0], [0.0]])
    for lines in (program(HAND, u), run_by_line(constructed(HAND, np.eye(2)), np.eye(2), u)):
        for got, expected in zip(lines, HAND_LINES, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_program_of_two_components_by_hand():
    F = np.array([[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [2.0, 0.0]]])
    lines = program(Task(2, 2, F), np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(lines.composed, [[0, 0, 0, 0], [1, 2, 0, 2], [3, 6, 2, 6]])
    np.testing.assert_array_equal(lines.written, [[0, 0, 1, 2], [1, 2, 3, 6], [3, 6, 2, 6]])
    np.testing.assert_array_equal(lines.read, [[1, 2], [3, 6], [2, 6]])


@given(steps=st.integers(1, 9), **network)
def test_program_and_network_agree_line_by_line(known, s, kappa, spare, basis, seed, steps):
    task = random_task(s, kappa, seed)
    net = known(s, kappa, spare, basis, seed, task)
    u = np.random.default_rng(seed).normal(size=(steps, kappa))
    lines = program(task, u)
    for a, b in zip(lines, run_by_line(straight(net.network), net.Psi_dual, u), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-8)
    n = s * kappa
    write = np.hstack([np.zeros((steps, n - kappa)), u])
    np.testing.assert_allclose(lines.written - lines.composed, write, atol=1e-12)
    np.testing.assert_array_equal(lines.read, lines.written[:, n - kappa :])
    np.testing.assert_allclose(lines.read, driven(task, u), atol=1e-9)
    Phi = task.Phi
    np.testing.assert_allclose(lines.composed[1:], lines.written[:-1] @ Phi.T, atol=1e-9)
    np.testing.assert_array_equal(lines.composed[0], 0)


def test_trace_reads_any_network_and_any_covectors(noise):
    """Nothing in it may rest on the network being a constructed one."""
    weights = straight(type(noise)(noise.W_hh, noise.W_uh, noise.W_r))
    covectors = np.random.default_rng(0).normal(size=(4, weights.hidden))
    u = np.random.default_rng(1).normal(size=(5, weights.kappa))
    lines, h = run_by_line(weights, covectors, u), np.zeros(weights.hidden)
    for t in range(5):
        h = weights.W_hh @ h
        np.testing.assert_allclose(lines.composed[t], covectors @ h, atol=1e-12)
        h = h + weights.W_uh @ u[t]
        np.testing.assert_allclose(lines.written[t], covectors @ h, atol=1e-12)
        np.testing.assert_allclose(lines.read[t], weights.W_r @ h, atol=1e-12)
