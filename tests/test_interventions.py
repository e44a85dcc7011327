"""Edits of memories and of weights, against dense algebra on contents in a full basis."""

from functools import partial

import numpy as np
import pytest
from conftest import BASES, known_network, straight
from hypothesis import assume, given
from hypothesis import strategies as st

from emt import (
    Network,
    Task,
    VariableMemories,
    compose_copy,
    constructed,
    continuation,
    corrected,
    repeat_copy,
    selection,
)
from emt.beyond.interventions import (
    REST,
    copy,
    erase,
    interchange,
    read,
    replace_block,
    replace_rest,
    surgery,
    write,
)
from emt.network import silent_states

DOSES = (0.0, 0.5, 1.0, 2.0)
sizes = {
    "s": st.integers(1, 4),
    "kappa": st.integers(1, 3),
    "spare": st.integers(0, 4),
    "seed": st.integers(0, 999),
    "basis": st.sampled_from(BASES),
}
partly = {**sizes, "missing": st.floats(0, 0.7)}
batches = {"batch": st.sampled_from([(), (1,), (5,), (2, 3), (2, 1, 3), (0,)])}


def labels(s, kappa):
    return np.array([(k, c) for k in range(1, s + 1) for c in range(1, kappa + 1)])


def memories_of(net):
    return VariableMemories(net.Psi, net.Psi_dual, labels(net.task.s, net.task.kappa))


def shuffled(memories, seed, missing=0.0):
    """Put memories in another order; some lose components, but none the first."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(memories.labels))
    held = memories.labels[order]
    order = order[(held[:, 1] == 1) | (rng.random(len(order)) >= missing)]
    return VariableMemories(
        memories.Psi[:, order], memories.Psi_dual[order], memories.labels[order]
    )


def some_memories(s=3, kappa=2, spare=3, basis="oblique", seed=0, missing=0.0):
    return shuffled(memories_of(known_network(s, kappa, spare, basis, seed)), seed, missing)


def locked(*arrays):
    for x in arrays:
        x.setflags(write=False)
    return arrays if len(arrays) > 1 else arrays[0]


def some_states(memories, batch=(5,), seed=0):
    """Return states that may not be written to, any more than the memories."""
    locked(memories.Psi, memories.Psi_dual, memories.labels)
    rng = np.random.default_rng(seed + 1000)
    return locked(rng.normal(size=(*batch, len(memories.Psi))))


def full_basis(memories):
    """Return the memories' vectors and an orthonormal basis of what their covectors ignore."""
    n = len(memories.Psi_dual)
    N = np.linalg.svd(memories.Psi_dual)[2][n:].T
    assert abs(memories.Psi_dual @ N).max(initial=0) < 1e-10
    return np.hstack([memories.Psi, N])


def opened(memories, h):
    """Return contents by (memory, component), and the coordinates in the rest."""
    c = h @ np.linalg.inv(full_basis(memories)).T
    names = [tuple(label) for label in memories.labels.tolist()]
    return {name: c[..., i] for i, name in enumerate(names)}, c[..., len(names) :]


def closed(memories, held, rest):
    inside = [held[tuple(label)] for label in memories.labels.tolist()]
    c = np.concatenate([np.stack(inside, axis=-1), rest], axis=-1)
    return c @ full_basis(memories).T


def components_of(held, memory):
    """Return the names of the components of a memory, in the memories' order."""
    return [name for name in held if name[0] == memory]


def shared(held, a, b):
    return [c for k, c in held if k == a and (b, c) in held]


# Edits of states, in the full basis


@given(**partly, **batches)
def test_read_and_write_go_by_name(s, kappa, spare, seed, basis, missing, batch):
    memories = some_memories(s, kappa, spare, basis, seed, missing)
    h = some_states(memories, batch, seed)
    for k in range(1, s + 1):
        held, rest = opened(memories, h)
        names = components_of(held, k)
        stacked = np.stack([held[name] for name in names], axis=-1)
        np.testing.assert_allclose(read(memories, h, k), stacked, atol=1e-9)
        for shape in (batch, ()):
            value = locked(np.random.default_rng(k).normal(size=(*shape, len(names))))
            new = held | {n: value[..., i] + 0 * held[n] for i, n in enumerate(names)}
            got = write(memories, h, k, value)
            np.testing.assert_allclose(got, closed(memories, new, rest), atol=1e-9)
            np.testing.assert_allclose(
                read(memories, got, k), np.broadcast_to(value, stacked.shape), atol=1e-9
            )


@given(**partly, **batches)
def test_erase_leaves_zero_and_all_else(s, kappa, spare, seed, basis, missing, batch):
    memories = some_memories(s, kappa, spare, basis, seed, missing)
    h = some_states(memories, batch, seed)
    held, rest = opened(memories, h)
    for k in range(1, s + 1):
        new = held | {name: 0 * held[name] for name in components_of(held, k)}
        got = erase(memories, h, k)
        np.testing.assert_allclose(got, closed(memories, new, rest), atol=1e-9)
        np.testing.assert_allclose(read(memories, got, k), 0, atol=1e-9)
        np.testing.assert_allclose(erase(memories, got, k), got, atol=1e-9)


@given(**partly, **batches)
def test_copy_takes_the_components_that_both_have(s, kappa, spare, seed, basis, missing, batch):
    memories = some_memories(s, kappa, spare, basis, seed, missing)
    h = some_states(memories, batch, seed)
    held, rest = opened(memories, h)
    for a in range(1, s + 1):
        for b in range(1, s + 1):
            new = held | {(b, c): held[a, c] for c in shared(held, a, b)}
            got = copy(memories, h, a, b)
            np.testing.assert_allclose(got, closed(memories, new, rest), atol=1e-9)


@given(**partly, **batches, dose=st.sampled_from([*DOSES, -0.3]))
def test_swap_exchanges_a_part(s, kappa, spare, seed, basis, missing, batch, dose):
    memories = some_memories(s, kappa, spare, basis, seed, missing)
    h = some_states(memories, batch, seed)
    held, rest = opened(memories, h)
    for a in range(1, s + 1):
        for b in range(1, s + 1):
            both = shared(held, a, b)
            new = held | {(a, c): (1 - dose) * held[a, c] + dose * held[b, c] for c in both}
            new |= {(b, c): (1 - dose) * held[b, c] + dose * held[a, c] for c in both}
            if a == b:
                new = held
            got = interchange(memories, h, a, b, dose)
            np.testing.assert_allclose(got, closed(memories, new, rest), atol=1e-9)


@given(**partly, **batches)
def test_replace_rest_keeps_the_memories(s, kappa, spare, seed, basis, missing, batch):
    memories = some_memories(s, kappa, spare, basis, seed, missing)
    h, other = (some_states(memories, batch, seed + i) for i in range(2))
    held, rest = opened(memories, h)
    alone = replace_rest(memories, h)
    np.testing.assert_allclose(alone, closed(memories, held, 0 * rest), atol=1e-9)
    np.testing.assert_allclose(replace_rest(memories, alone), alone, atol=1e-9)
    np.testing.assert_allclose(replace_rest(memories, h, h), h, atol=1e-9)
    got = replace_rest(memories, h, other)
    expected = closed(memories, held, opened(memories, other)[1])
    np.testing.assert_allclose(got, expected, atol=1e-9)


@pytest.mark.parametrize("basis", BASES)
def test_swaps_have_their_own_algebra(basis):
    memories = some_memories(basis=basis, missing=0.5, seed=3)
    h = some_states(memories)
    once = interchange(memories, h, 1, 3)
    np.testing.assert_allclose(interchange(memories, once, 1, 3), h, atol=1e-12)
    np.testing.assert_allclose(interchange(memories, h, 3, 1), once, atol=1e-12)
    np.testing.assert_array_equal(interchange(memories, h, 1, 3, 0.0), h)
    np.testing.assert_array_equal(interchange(memories, h, 1, 3, 1), once)
    np.testing.assert_allclose(interchange(memories, h, 1, 3, 2.0), 2 * once - h, atol=1e-12)
    half = interchange(memories, h, 1, 3, 0.5)
    np.testing.assert_allclose(half, (h + once) / 2, atol=1e-12)
    np.testing.assert_allclose(half, interchange(memories, half, 1, 3), atol=1e-12)
    assert abs(once - h).max() > 0.1


def test_an_edit_of_many_states_is_that_of_each():
    memories = some_memories(missing=0.4)
    h = some_states(memories, (2, 4))
    for edit in (
        partial(read, memory=2),
        partial(erase, memory=2),
        partial(copy, source=1, target=3),
        partial(interchange, first=1, second=3, dose=0.3),
        replace_rest,
    ):
        got = edit(memories, h)
        assert got.shape[:2] == (2, 4)
        for i, j in np.ndindex(2, 4):
            np.testing.assert_allclose(got[i, j], edit(memories, h[i, j]), atol=1e-12)


# What the linear network says after an edit


def said(weights, h, steps):
    later = silent_states(straight(weights), h)
    return np.stack([next(later) @ weights.W_r.T for _ in range(steps)], axis=-2)


def edits_of_contents(s):
    """Return edits of states, and the same of contents (sequence, memory, component)."""
    one = np.arange(s) == 1
    order = np.arange(s)
    order[[0, -1]] = s - 1, 0
    last = np.where(np.arange(s) == s - 1, 0, np.arange(s))
    return (
        (partial(write, memory=2, value=np.array([3.0, -4.0])), lambda c: write_second(c, 3, -4)),
        (partial(erase, memory=2), lambda c: c * ~one[:, None]),
        (partial(copy, source=1, target=s), lambda c: c[:, last]),
        (partial(interchange, first=1, second=s), lambda c: c[:, order]),
        (partial(interchange, first=1, second=s, dose=0.5), lambda c: (c + c[:, order]) / 2),
        (partial(interchange, first=1, second=s, dose=2.0), lambda c: 2 * c[:, order] - c),
        (replace_rest, lambda c: c),
    )


def write_second(c, *value):
    c = c.copy()
    c[:, 1] = value
    return c


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("rule", ["repeat copy", "turned", "any"])
def test_later_outputs_are_the_continuation_of_edited_contents(known, basis, rule):
    F = np.random.default_rng(4).normal(size=(3, 2, 2)) / 3
    only = selection(3, np.array([3, 3]), np.array([2, 1]), np.array([1, -1]))
    task = {"repeat copy": repeat_copy(3, 2), "turned": only, "any": Task(3, 2, F)}[rule]
    net = known(task=task, basis=basis)
    order = [2, 3, 0, 1, 4, 5]
    memories = VariableMemories(net.Psi[:, order], net.Psi_dual[order], labels(3, 2)[order])
    rng = np.random.default_rng(0)
    held = rng.normal(size=(6, 3, 2))
    rest = rng.normal(size=(6, 10))
    rest -= rest @ net.Psi_dual.T @ net.Psi.T
    h = held.reshape(6, 6) @ net.Psi.T + rest
    for edit, same in edits_of_contents(3):
        got = said(net.network, edit(memories, h), 9)
        np.testing.assert_allclose(got, continuation(task, same(held), 9), atol=1e-9)


@pytest.mark.parametrize("kappa", [3, 4])
def test_later_outputs_follow_where_some_components_are_missing(known, kappa):
    task = compose_copy(kappa)
    net = known(task=task)
    memories = corrected(net.network, task, threshold=0.9)
    assert [sum(memories.labels[:, 0] == k) for k in range(1, kappa + 1)] == list(
        range(1, kappa + 1)
    )
    held = np.random.default_rng(0).normal(size=(6, kappa, kappa))
    h = locked(held.reshape(6, -1) @ net.Psi.T)
    for a in range(1, kappa + 1):
        np.testing.assert_allclose(read(memories, h, a), held[:, a - 1, :a], atol=1e-6)
        blank = held.copy()
        blank[:, a - 1, :a] = 0
        got = said(net.network, erase(memories, h, a), 2 * kappa)
        np.testing.assert_allclose(got, continuation(task, blank, 2 * kappa), atol=1e-6)
        for b in range(1, kappa + 1):
            copied, swapped, both = held.copy(), held.copy(), min(a, b)
            copied[:, b - 1, :both] = held[:, a - 1, :both]
            swapped[:, [a - 1, b - 1], :both] = held[:, [b - 1, a - 1], :both]
            for new, expected in (
                (copy(memories, h, a, b), copied),
                (interchange(memories, h, a, b), swapped),
            ):
                got = said(net.network, new, 2 * kappa)
                np.testing.assert_allclose(got, continuation(task, expected, 2 * kappa), atol=1e-6)


# Edits of weights


def some_network(H, kappa=2, seed=0):
    rng = np.random.default_rng(seed)
    return Network(*(rng.normal(size=n) for n in ((H, H), (H, kappa), (kappa, H))))


def same_but_for_W_hh(a, b):
    return all(getattr(a, name) is getattr(b, name) for name in ("W_uh", "W_r", "b"))


@given(**partly, to=st.integers(0, 4), source=st.integers(0, 4))
def test_a_block_is_replaced_in_the_full_basis(s, kappa, spare, seed, basis, missing, to, source):
    assume(max(to, source) <= s)
    memories = some_memories(s, kappa, spare, basis, seed, missing)
    n, H = len(memories.labels), len(memories.Psi)
    w = some_network(H, seed=seed)
    locked(w.W_hh)
    B = full_basis(memories)
    dual = np.linalg.inv(B)
    inside = [np.flatnonzero(memories.labels[:, 0] == k) for k in range(1, s + 1)]
    rows, columns = ([np.arange(n, H), *inside][k] for k in (to, source))
    size = (H if to == REST else len(rows), H if source == REST else len(columns))
    block = locked(np.random.default_rng(seed).normal(size=size))
    # A block of the rest is a matrix in the standard basis: take its part in the rest.
    small = block if to != REST else dual[rows] @ block
    small = small if source != REST else small @ B[:, columns]
    M = dual @ w.W_hh @ B
    M[np.ix_(rows, columns)] = small
    got = replace_block(w, memories, to, source, block)
    np.testing.assert_allclose(got.W_hh, B @ M @ dual, atol=1e-8)
    assert same_but_for_W_hh(got, w)


@pytest.mark.parametrize("basis", BASES)
def test_a_block_replaced_by_itself_changes_nothing(known, basis):
    net = known(basis=basis)
    memories = memories_of(net)
    rest = np.eye(10) - net.Psi @ net.Psi_dual
    parts = {REST: (rest, rest)} | {
        k: (net.Psi[:, 2 * k - 2 : 2 * k], net.Psi_dual[2 * k - 2 : 2 * k]) for k in (1, 2, 3)
    }
    for to in parts:
        for source in parts:
            block = parts[to][1] @ net.network.W_hh @ parts[source][0]
            got = replace_block(net.network, memories, to, source, block)
            np.testing.assert_allclose(got.W_hh, net.network.W_hh, atol=1e-10)


@pytest.mark.parametrize("basis", BASES)
def test_a_block_of_the_theory_changes_the_rule(known, basis):
    net, F = known(basis=basis), np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = replace_block(net.network, memories_of(net), 3, 1, F)
    held = np.random.default_rng(0).normal(size=(4, 3, 2))
    got = said(turned, held.reshape(4, 6) @ net.Psi.T, 7)
    task = Task(3, 2, np.stack([F, 0 * F, 0 * F]))
    np.testing.assert_allclose(got, continuation(task, held, 7), atol=1e-9)


@given(**sizes)
def test_surgery_leaves_the_constructed_network(s, kappa, spare, seed, basis):
    net = known_network(s, kappa, spare, basis, seed)
    got = surgery(net.network, shuffled(memories_of(net), seed), net.task)
    expected = constructed(net.task, net.Psi, net.Psi_dual)
    np.testing.assert_allclose(got.W_hh, expected.W_hh, atol=1e-9)
    assert same_but_for_W_hh(got, net.network)


@given(**sizes)
def test_surgery_is_a_sum_over_pairs_of_components(s, kappa, spare, seed, basis):
    rng = np.random.default_rng(seed)
    F = rng.normal(size=(s, kappa, kappa))
    every, oldest = labels(s, kappa), rng.integers(1, s + 1, size=kappa)
    for c in range(kappa):
        F[: oldest[c] - 1, :, c] = 0
    # What nothing reads any longer is no memory.
    alive = np.flatnonzero(every[:, 0] >= oldest[every[:, 1] - 1])
    order = rng.permutation(alive)
    net = known_network(s, kappa, spare, basis, seed)
    memories = VariableMemories(net.Psi[:, order], net.Psi_dual[order], every[order])
    task = Task(s, kappa, F)
    w = some_network(len(memories.Psi), kappa, seed)
    expected = np.zeros_like(w.W_hh)
    for (k, c), vector in zip(memories.labels, memories.Psi.T, strict=True):
        for (j, i), covector in zip(memories.labels, memories.Psi_dual, strict=True):
            moves = float(j == k + 1 and i == c)
            enters = task.F[j - 1, c - 1, i - 1] if k == s else 0.0
            expected += (moves + enters) * np.outer(vector, covector)
    got = surgery(w, memories, task)
    np.testing.assert_allclose(got.W_hh, expected, atol=1e-9)
    assert same_but_for_W_hh(got, w)


def test_surgery_on_compose_copy_keeps_the_outputs(known):
    task = compose_copy(4)
    net = known(task=task)
    memories = corrected(net.network, task, threshold=0.9)
    held = np.random.default_rng(0).normal(size=(5, 4, 4))
    h = held.reshape(5, -1) @ net.Psi.T
    got = said(surgery(net.network, memories, task), h, 9)
    np.testing.assert_allclose(got, continuation(task, held, 9), atol=1e-6)


# Bad input


NET = known_network(3, 2, 4)
W, TASK, ALL = NET.network, NET.task, memories_of(NET)
PARTLY = VariableMemories(
    NET.Psi[:, [0, 3, 4, 5]], NET.Psi_dual[[0, 3, 4, 5]], ALL.labels[[0, 3, 4, 5]]
)
H = np.ones((4, 10))


@pytest.mark.usefixtures("_no_shape_hook")
def test_the_valid_neighbours_pass():
    assert read(PARTLY, [1.0] * 10, np.int64(1)).shape == (1,)
    assert (
        copy(PARTLY, H, 1, 3).shape
        == interchange(PARTLY, H, 2, 3, np.float32(0.5)).shape
        == H.shape
    )
    assert write(ALL, H.tolist(), 1, [1, 2]).shape == H.shape
    assert replace_rest(ALL, H.tolist(), H.tolist()).shape == H.shape
    assert replace_block(W, ALL, REST, REST, np.zeros((10, 10))).hidden == 10
