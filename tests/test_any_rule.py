"""The memories of a network that follows any linear rule f, on networks that are known."""

from fractions import Fraction

import jaxtyping
import numpy as np
import pytest
from conftest import BASES, known_network
from hypothesis import given
from hypothesis import strategies as st
from numpy.linalg import matrix_power

from emt import Network, Task, as_printed, continuation, corrected, repeat_copy
from emt.algorithm1 import forward_blocks, read_covectors, read_write_product, unobservable
from emt.beyond.bases import fitted
from emt.impulse import minimal_realisation
from emt.linear_network import constructed
from emt.spectrum import compare
from emt.tasks import compose_copy, selection, variables

NAN = float("nan")


def distance(a, b):
    assert a.shape == b.shape
    return abs(a - b).max(initial=0.0)


def random_rule(s, kappa, seed):
    """Every variable is read; the largest mode has modulus 1."""
    rng = np.random.default_rng(seed)
    F = 0.4 * rng.normal(size=(s, kappa, kappa)) / np.sqrt(kappa)
    F[0] = np.linalg.qr(rng.normal(size=(kappa, kappa)))[0]
    largest = abs(np.linalg.eigvals(Task(s, kappa, F).Phi)).max()
    return Task(s, kappa, F / largest ** np.arange(s, 0, -1)[:, None, None])


def signed_selection(s, kappa, seed):
    """Every component is read once, perhaps elsewhere, later and with its sign turned."""
    rng = np.random.default_rng(seed)
    delay = rng.integers(1, s + 1, kappa)
    delay[rng.integers(kappa)] = s
    return selection(s, delay, rng.permutation(kappa) + 1, rng.choice([-1, 1], kappa))


RULES = {
    "random": random_rule,
    "repeat copy": lambda s, kappa, seed: repeat_copy(s, kappa),
    "compose copy": lambda s, kappa, seed: compose_copy(kappa),
    "selection": signed_selection,
    "selection, s too large": lambda s, kappa, seed: longer(signed_selection(s, kappa, seed)),
}


def longer(task):
    """Return the same rule with one older vector that it does not read."""
    F = np.concatenate([np.zeros((1, task.kappa, task.kappa)), task.F])
    return Task(task.s + 1, task.kappa, F)


def least_mode(task):
    """Return the smallest modulus that is not zero but for rounding."""
    modes = abs(np.linalg.eigvals(task.Phi))
    return modes[modes > 0.02].min()


def between(known, task, spare, basis, seed):
    """Return a network whose spare modes decay faster than its memories, and a threshold."""
    least = least_mode(task)
    return known(spare=spare, basis=basis, seed=seed, task=task, radius=least / 2), 0.75 * least


def steps_of_theory(task, steps):
    """Return what is read in memory s, at each step, from a unit in each of the contents."""
    n, s, kappa = task.s * task.kappa, task.s, task.kappa
    start = np.eye(n).reshape(n, s, kappa)
    y = np.concatenate([start[:, -1:], continuation(task, start, steps - 1)], axis=1)
    return np.moveaxis(y, 0, -1)


def alive_by_hand(task):
    """Put a unit in each of the contents and see whether it ever leaves all memories."""
    s, kappa = task.s, task.kappa
    alive = []
    for start in np.eye(s * kappa):
        memory = list(start.reshape(s, kappa))
        for _ in range(s * kappa + 3):
            new = sum(abs(F_k) @ v for F_k, v in zip(task.F, memory, strict=True))
            memory = [*memory[1:], new]
        alive.append(any(v.any() for v in memory))
    return np.array(alive)


def lasting_vectors(task, Psi):
    """Return the live memories with what they leave in dead ones: those that come back."""
    live, Phi = alive_by_hand(task), task.Phi
    later = matrix_power(Phi, len(Phi))[:, live]
    return Psi @ later @ np.linalg.inv(later[live])


def bend(w, size=2e-3):
    """Return a network that follows its rule only nearly."""
    rng = np.random.default_rng(5)
    return Network(*(a + size * rng.normal(size=a.shape) for a in (w.W_hh, w.W_uh, w.W_r)))


rules = {
    "rule": st.sampled_from(list(RULES)),
    "s": st.integers(1, 4),
    "kappa": st.integers(1, 3),
    "spare": st.integers(0, 4),
    "seed": st.integers(0, 999),
}
bases = {"basis": st.sampled_from(BASES)}


# The corrected form


@given(**rules, **bases, alpha=st.sampled_from([0.0, 0.5, 1.0]))
def test_corrected_recovers_the_memories_of_any_rule(
    known, rule, s, kappa, spare, seed, basis, alpha
):
    task = RULES[rule](s, kappa, seed)
    net, threshold = between(known, task, spare, basis, seed)
    live = alive_by_hand(task)
    got = corrected(net.network, task, alpha, threshold)
    assert distance(got.Psi, lasting_vectors(task, net.Psi)) < 1e-9
    assert distance(got.Psi_dual, net.Psi_dual[live]) < 1e-9
    labels = [(k + 1, i + 1) for k in range(task.s) for i in range(task.kappa)]
    np.testing.assert_array_equal(got.labels, np.array(labels)[live])
    Phi = got.Psi_dual @ net.network.W_hh @ got.Psi
    assert distance(Phi, task.Phi[np.ix_(live, live)]) < 1e-8


@given(**rules, **bases)
def test_the_product_is_the_identity_for_any_rule(known, rule, s, kappa, spare, seed, basis):
    task = RULES[rule](s, kappa, seed)
    net, threshold = between(known, task, spare, basis, seed)
    got = read_write_product(net.network, task, threshold)
    assert distance(got, np.eye(alive_by_hand(task).sum())) < 1e-9


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("basis", BASES)
def test_all_modes_kept_by_a_small_threshold(known, rule, basis):
    task = RULES[rule](3, 2, 1)
    net = known(spare=0, basis=basis, task=task)
    got = corrected(net.network, task, threshold=1e-2)
    assert distance(got.Psi, lasting_vectors(task, net.Psi)) < 1e-9
    assert distance(got.Psi_dual, net.Psi_dual[alive_by_hand(task)]) < 1e-9


def test_dead_components_are_not_orthogonal_to_the_live_ones_and_yet_left_out(known):
    task = compose_copy(3)
    net = known(task=task, radius=0.5)
    got, live = corrected(net.network, task), alive_by_hand(task)
    assert got.Psi.shape == (13, 6)
    assert distance(got.Psi, net.Psi[:, live]) > 0.1
    left = net.Psi_dual @ got.Psi - np.eye(9)[:, live]
    assert distance(left[live], np.zeros((6, 6))) < 1e-9
    # component 3 is read one step later and copied into memory 2 all the same
    assert left[5, 5] == pytest.approx(1)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_repeat_copy_is_what_no_rule_means(known, trained, alpha):
    near = trained.network, bend(known(4, 2).network)
    for w in near:
        task = repeat_copy(4, 2)
        plain, ruled = corrected(w, 4, alpha, 0.9), corrected(w, task, alpha, 0.9)
        assert distance(plain.Psi, ruled.Psi) < 1e-9
        assert distance(plain.Psi_dual, ruled.Psi_dual) < 1e-8
        np.testing.assert_array_equal(plain.labels, ruled.labels)
        assert distance(forward_blocks(w, 4), forward_blocks(w, task)) < 1e-12
        assert distance(read_covectors(w, 4), read_covectors(w, task)) < 1e-12
        product = read_write_product(w, 4, 0.9)
        assert distance(product, read_write_product(w, task, 0.9)) < 1e-10


@pytest.mark.parametrize("rule", RULES)
def test_alpha_moves_from_read_to_write_for_any_rule(known, rule):
    task = RULES[rule](3, 3, 4)
    live = alive_by_hand(task)
    net, threshold = between(known, task, 4, "oblique", 0)
    w = bend(net.network)
    values, V = np.linalg.eig(w.W_hh)
    P = (V @ np.diag(abs(values) > threshold) @ np.linalg.inv(V)).real
    write = P @ forward_blocks(w, task)[:, live]
    read = read_covectors(w, task)[live] @ P
    G = read @ write
    assert distance(read_write_product(w, task, threshold), G) < 1e-9
    assert 1e-4 < distance(G, np.eye(len(G))) < 0.7
    ends = [corrected(w, task, alpha, threshold) for alpha in (1.0, 0.0)]
    assert distance(ends[0].Psi, write) < 1e-9
    assert distance(ends[1].Psi_dual, read) < 1e-8
    half = corrected(w, task, 0.5, threshold)
    root = ends[1].Psi_dual @ half.Psi
    assert distance(root @ root, G) < 1e-9
    for memories in (*ends, half):
        assert distance(memories.Psi_dual @ memories.Psi, np.eye(len(G))) < 1e-9
        assert distance(P @ memories.Psi, memories.Psi) < 1e-9
        assert distance(memories.Psi_dual @ P, memories.Psi_dual) < 1e-8


@pytest.mark.parametrize("rule", RULES)
def test_the_smallest_network_has_the_lasting_memories_alone(known, rule):
    task = RULES[rule](3, 3, 2)
    live = alive_by_hand(task)
    w = minimal_realisation(known(task=task).network)
    if rule in ("compose copy", "selection, s too large"):
        assert w.hidden < task.s * task.kappa
    for alpha in (0.0, 0.5, 1.0):
        got = corrected(w, task, alpha, 0.5 * least_mode(task))
        assert distance(got.Psi_dual @ got.Psi, np.eye(live.sum())) < 1e-9
        Phi = got.Psi_dual @ w.W_hh @ got.Psi
        assert distance(Phi, task.Phi[np.ix_(live, live)]) < 1e-8
        assert distance(w.W_r @ got.Psi, np.eye(9 if task.s == 3 else 12)[-3:, live]) < 1e-9


@pytest.mark.parametrize("s, kappa", [(1, 1), (1, 3), (3, 1)])
def test_one_memory_and_one_component(known, s, kappa):
    task = random_rule(s, kappa, 3)
    net, threshold = between(known, task, 2, "oblique", 1)
    for alpha in (0.0, 0.5, 1.0):
        got = corrected(net.network, task, alpha, threshold)
        assert distance(got.Psi, net.Psi) < 1e-9
        assert distance(got.Psi_dual, net.Psi_dual) < 1e-9
    if s == 1:
        assert distance(forward_blocks(net.network, task), net.network.W_uh) == 0
        assert distance(read_covectors(net.network, task), net.network.W_r) < 1e-12
    if (s, kappa) == (1, 1):
        eigenvalue = got.Psi_dual @ net.network.W_hh @ got.Psi
        assert eigenvalue[0, 0] == pytest.approx(task.F[0, 0, 0])


def test_a_rule_that_reads_nothing_has_no_lasting_memories(known):
    task = Task(2, 2, np.zeros((2, 2, 2)))
    assert not task.persistent.any()
    got = corrected(known(task=task).network, task, threshold=0.9)
    assert got.Psi.shape == (8, 0) and got.labels.shape == (0, 2)


# Writing


@given(**rules, **bases)
def test_forward_blocks_are_the_memories_dead_ones_too(known, rule, s, kappa, spare, seed, basis):
    task = RULES[rule](s, kappa, seed)
    net = known(spare=spare, basis=basis, seed=seed, task=task)
    got = forward_blocks(net.network, task)
    assert distance(got, net.Psi) < 1e-9
    oldest, newest = got[:, : task.kappa], got[:, -task.kappa :]
    assert distance(net.network.W_hh @ oldest, newest @ task.F[0]) < 1e-9


def test_forward_blocks_of_any_matrix_in_closed_form(noise):
    F = np.random.default_rng(0).normal(size=(4, 3, 3))
    blocks = []
    for k in (1, 2, 3, 4):
        expected = matrix_power(noise.W_hh, 4 - k) @ noise.W_uh
        for j in range(k + 1, 5):
            expected -= matrix_power(noise.W_hh, j - k - 1) @ noise.W_uh @ F[j - 1]
        blocks.append(expected)
    assert distance(forward_blocks(noise, Task(4, 3, F)), np.hstack(blocks)) < 1e-10
    F[0] = 0  # how the oldest is read does not enter
    assert distance(forward_blocks(noise, Task(4, 3, F)), np.hstack(blocks)) < 1e-10


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_oldest_memory_closes_the_loop(known, alpha):
    task = random_rule(3, 2, 8)
    net, threshold = between(known, task, 3, "oblique", 2)
    Psi = corrected(net.network, task, alpha, threshold).Psi
    assert distance(net.network.W_hh @ Psi[:, :2], Psi[:, 4:] @ task.F[0]) < 1e-9
    w = bend(net.network)
    Psi = corrected(w, task, alpha, threshold).Psi
    closing = w.W_hh @ Psi[:, :2] - Psi[:, 4:] @ task.F[0]
    assert 1e-4 < abs(closing).max() < 0.2


# Reading


@given(**rules, **bases)
def test_read_covectors_are_those_of_what_is_read(known, rule, s, kappa, spare, seed, basis):
    task = RULES[rule](s, kappa, seed)
    net = known(spare=spare, basis=basis, seed=seed, task=task)
    got = read_covectors(net.network, task)
    live = alive_by_hand(task)  # of these rules, the dead components are never read
    assert distance(got[live], net.Psi_dual[live]) < 1e-9
    assert distance(got[~live], np.zeros_like(got[~live])) < 1e-9


@pytest.mark.parametrize("task", [random_rule(3, 3, 0), longer(compose_copy(3))])
def test_read_covectors_of_any_matrix_are_the_least_squares_ones(noise, task):
    s, n = task.s, task.s * 3
    T = steps_of_theory(task, s).reshape(n, n)
    reads = np.vstack([noise.W_r @ matrix_power(noise.W_hh, m) for m in range(s)])
    got = read_covectors(noise, task)
    assert distance(got, np.linalg.pinv(T, rcond=1e-10) @ reads) < 1e-10


def test_what_is_read_once_and_then_lost_has_a_covector_and_is_dead(known):
    # component 2 is component 1 of one step before, and is read by nothing
    task = selection(2, np.array([2, 1]), np.array([1, 1]))
    assert task.persistent.tolist() == [True, False, True, False]
    net = known(task=task)
    got = read_covectors(net.network, task)
    assert distance(got[[0, 2, 3]], net.Psi_dual[[0, 2, 3]]) < 1e-9
    assert distance(got[1], np.zeros(8)) < 1e-9
    memories = corrected(net.network, task, 0.0, 0.9)
    assert distance(memories.Psi_dual, net.Psi_dual[[0, 2]]) < 1e-9
    expected = net.Psi[:, [0, 2]] + net.Psi[:, [3, 1]]
    assert distance(memories.Psi, expected) < 1e-9


# What no output shows


def deficient(s, kappa, seed):
    """Read the oldest vector by one direction less than it has."""
    rng = np.random.default_rng(seed)
    F = 0.5 * rng.normal(size=(s, kappa, kappa))
    F[0] = F[0] @ (np.eye(kappa) - np.full((kappa, kappa), 1 / kappa))
    return Task(s, kappa, F)


@pytest.mark.parametrize("make", [*RULES.values(), deficient])
@pytest.mark.parametrize("s, kappa", [(1, 2), (3, 3), (4, 2), (2, 1)])
def test_unobservable_contents_are_exactly_those_that_no_output_shows(known, make, s, kappa):
    task = make(s, kappa, 1)
    n = task.s * task.kappa
    got = unobservable(task)
    assert distance(got.T @ got, np.eye(got.shape[1])) < 1e-12
    net = known(task=task)
    h, shown = net.Psi @ got, net.Psi @ np.random.default_rng(0).normal(size=n)
    for _ in range(3 * n):
        assert distance(net.network.W_r @ h, np.zeros((task.kappa, got.shape[1]))) < 1e-8
        h = net.network.W_hh @ h
    assert abs(net.network.W_r @ shown).max() > 1e-3
    Phi = task.Phi
    long = np.vstack([matrix_power(Phi, m)[-task.kappa :] for m in range(3 * n)])
    assert got.shape == (n, n - np.linalg.matrix_rank(long, tol=1e-8))
    assert distance(read_covectors(net.network, task).T @ got, 0 * h) < 1e-9


@pytest.mark.parametrize("kappa", [1, 2, 3, 5])
def test_compose_copy_needs_half_of_its_contents(kappa):
    task = compose_copy(kappa)
    assert unobservable(task).shape[1] == kappa * (kappa - 1) // 2
    assert task.persistent.sum() == kappa * (kappa + 1) // 2
    seen = np.linalg.norm(unobservable(task), axis=1) < 1e-12
    np.testing.assert_array_equal(seen, task.persistent)


def test_a_direction_is_seen_from_the_tolerance_on():
    F = np.zeros((2, 2, 2))
    F[0] = np.diag([1.0, 1e-6])
    assert unobservable(Task(2, 2, F)).shape == (4, 0)
    got = unobservable(Task(2, 2, F), tolerance=1e-5)
    assert distance(abs(got), np.eye(4)[:, 1:2]) < 1e-9
    F[0, 1, 1] = 1e-10
    assert unobservable(Task(2, 2, F)).shape == (4, 1)
    assert unobservable(Task(2, 2, F), tolerance=1e-12).shape == (4, 0)


# What lasts


@given(
    s=st.integers(1, 5),
    kappa=st.integers(1, 4),
    seed=st.integers(0, 9999),
    density=st.sampled_from([0.0, 0.05, 0.15, 0.3]),
)
def test_what_lasts_is_what_never_leaves_the_state(s, kappa, seed, density):
    rng = np.random.default_rng(seed)
    F = rng.normal(size=(s, kappa, kappa)) * (rng.random((s, kappa, kappa)) < density)
    task = Task(s, kappa, F)
    got = task.persistent
    assert got.shape == (s * kappa,) and got.dtype == bool
    np.testing.assert_array_equal(got, alive_by_hand(task))


@given(s=st.integers(1, 5), kappa=st.integers(1, 5), seed=st.integers(0, 999))
def test_a_selection_keeps_each_component_until_it_is_read(s, kappa, seed):
    rng = np.random.default_rng(seed)
    delay, component = rng.integers(1, s + 1, kappa), rng.permutation(kappa) + 1
    live = selection(s, delay, component, rng.choice([-1, 1], kappa)).persistent.reshape(s, kappa)
    assert live.sum() == delay.sum()
    for d, c in zip(delay, component, strict=True):
        assert live[:, c - 1].tolist() == [False] * (s - d) + [True] * d


def test_all_lasts_where_every_oldest_component_is_read():
    assert repeat_copy(3, 2).persistent.tolist() == [True] * 6
    assert random_rule(4, 3, 0).persistent.all()
    assert longer(repeat_copy(2, 2)).persistent.tolist() == [False] * 2 + [True] * 4


def test_a_long_way_round_still_lasts():
    # a loop of one component through the oldest vector; all others only feed each other on
    kappa = 5
    F = np.zeros((2, kappa, kappa))
    F[1] = np.eye(kappa, k=-1)
    assert not Task(2, kappa, F).persistent.any()
    F[0, 0, kappa - 1] = 1.0
    live = Task(2, kappa, F).persistent.reshape(2, kappa)
    assert live[1].all() and live[0].tolist() == [False] * (kappa - 1) + [True]


def by_exact_fractions(task):
    """Return which components ``Phi^n`` keeps, and its rank, in exact arithmetic."""
    Phi = np.array([[Fraction(x) for x in row] for row in task.Phi.tolist()], dtype=object)
    power = Phi
    for _ in range(task.n - 1):
        power = power @ Phi
    rows, rank = power.copy(), 0
    for column in range(task.n):
        pivots = [i for i in range(rank, task.n) if rows[i, column] != 0]
        if pivots:
            rows[[rank, pivots[0]]] = rows[[pivots[0], rank]]
            for i in range(rank + 1, task.n):
                rows[i] = rows[i] - rows[rank] * (rows[i, column] / rows[rank, column])
            rank += 1
    return (power != 0).any(axis=0).tolist(), rank


CANCELLING = {
    "means": [[0.5, 0.5], [0.5, 0.5]],
    "nilpotent": [[1, -1], [1, -1]],
    "of rank one": [[1, 2], [0.5, 1]],
    "twice the same": [[1, 1], [0, 0]],
    "one fades": [[1, 0], [0, 0.5]],
    "one fades fast": [[1, 0], [0, 2.0**-20]],
    "one column": [[1, 0], [1, 0]],
}


@pytest.mark.parametrize("s", [1, 2, 4])
@pytest.mark.parametrize("name", CANCELLING)
def test_what_lasts_is_what_the_numbers_leave(name, s):
    F = np.zeros((s, 2, 2))
    F[0] = CANCELLING[name]
    cases = [F, -F, F[:, ::-1, ::-1]]
    if s > 1:
        cases.append(F + np.eye(2) * np.array([0, *[0.25] * (s - 1)])[:, None, None])
    for F in cases:
        task = Task(s, 2, F)
        kept, rank = by_exact_fractions(task)
        assert task.persistent.tolist() == kept
        assert task.modes == rank
        if sum(kept) == rank:
            np.testing.assert_array_equal(variables(task), kept)
            continue
        net = known_network(task=task, radius=0.3).network
        for call in (corrected, read_write_product, fitted):
            with pytest.raises(ValueError, match="task must keep single components"):
                call(net, task)
        assert len(compare(net, task).theory) == rank


@given(seed=st.integers(0, 99), s=st.integers(1, 4), kappa=st.integers(2, 3))
def test_how_many_modes_last_does_not_depend_on_the_basis(seed, s, kappa):
    rng = np.random.default_rng(seed)
    task = selection(s, rng.integers(1, s + 1, kappa), rng.integers(1, kappa + 1, kappa))
    M = np.eye(kappa) + 0.4 * rng.normal(size=(kappa, kappa)) / np.sqrt(kappa)
    mixed = Task(s, kappa, M @ task.F @ np.linalg.inv(M))
    assert mixed.modes == task.modes <= task.persistent.sum()


# The trap: right vectors, covectors by pseudoinverse


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_oblique_removal_has_the_right_vectors_and_other_covectors(known, basis, alpha):
    net = known(basis=basis, spare=5)
    w, star = net.network, "dual" if basis == "oblique" else "transpose"
    values, V = np.linalg.eig(w.W_hh)
    P = (V @ np.diag(abs(values) > 0.99) @ np.linalg.inv(V)).real
    got = as_printed(w, 3, alpha, star, removal="oblique")
    box = as_printed(w, 3, alpha, star, removal="none")
    assert distance(got.Psi, P @ box.Psi) < 1e-9
    assert distance(got.Psi_dual, np.linalg.pinv(P @ box.Psi)) < 1e-9
    again = np.linalg.lstsq(got.Psi, w.W_hh @ got.Psi)[0]
    assert distance(got.Psi @ again, w.W_hh @ got.Psi) < 1e-9  # the span is invariant
    np.testing.assert_allclose(abs(np.linalg.eigvals(again)), 1, atol=1e-8)
    labels = [(k, i) for k in (1, 2, 3) for i in (1, 2)]
    np.testing.assert_array_equal(got.labels, labels)


@given(s=st.integers(1, 4), kappa=st.integers(1, 3), seed=st.integers(0, 99), **bases)
def test_oblique_removal_agrees_with_the_corrected_vectors_only(known, s, kappa, seed, basis):
    net = known(s, kappa, 3, basis, seed)
    got, right = as_printed(net.network, s, removal="oblique"), corrected(net.network, s)
    assert distance(got.Psi, right.Psi) < 1e-9
    oblique = basis == "oblique"
    assert (distance(got.Psi_dual, right.Psi_dual) > 1e-5) == oblique
    assert (distance(got.Psi_dual, net.Psi_dual) > 1e-5) == oblique


def test_oblique_removal_follows_the_threshold(known):
    w = known(radius=0.7).network
    got, loose = (as_printed(w, 3, removal="oblique", threshold=t) for t in (0.99, 0.01))
    assert distance(got.Psi, loose.Psi) < 1e-9  # exact memories have no short-lived part
    bent = bend(w, 0.02)
    got, loose = (as_printed(bent, 3, removal="oblique", threshold=t) for t in (0.9, 1e-6))
    box = as_printed(bent, 3, removal="none")
    assert distance(loose.Psi, box.Psi) < 1e-9 < 1e-4 < distance(got.Psi, box.Psi)
    with pytest.raises(ValueError, match=r"threshold = 1\.5 leaves 0 .* s \* kappa = 6 are needed"):
        as_printed(w, 3, removal="oblique", threshold=1.5)


# Bad input


@pytest.fixture
def no_shape_hook():
    """Silence the hook, whose own errors would come first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


FUNCTIONS = {f.__name__: f for f in (forward_blocks, read_covectors, read_write_product, corrected)}


@pytest.mark.usefixtures("no_shape_hook")
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_rule_that_is_none_or_another_networks_is_named(known, function):
    w = known(3, 2).network
    with pytest.raises(ValueError, match="network must have kappa = 3 inputs"):
        function(w, repeat_copy(3, 3))
    for bad in (1.5, "copy", None, repeat_copy(3, 2).F):
        with pytest.raises(ValueError, match="task must be a Task or int"):
            function(w, bad)
    for s in (0, -1):
        with pytest.raises(ValueError, match=f"task must be a whole number .* not {s}"):
            function(w, s)


def test_another_number_of_modes_is_named_with_the_rules(known):
    compose, full = compose_copy(3), random_rule(3, 2, 0)
    w = known(task=compose, radius=0.7).network
    with pytest.raises(ValueError, match=r"threshold = 1\.1 leaves 0 long-lived modes, not 6 as"):
        corrected(w, compose, threshold=1.1)
    with pytest.raises(ValueError, match=r"leaves 6 long-lived modes, not s \* kappa = 9: the"):
        corrected(w, 3)
    with pytest.raises(ValueError, match=r"leaves 6 long-lived modes, not 3 as the rule has"):
        corrected(w, longer(longer(repeat_copy(1, 3))))
    w = known(task=full).network
    with pytest.raises(ValueError, match=r"leaves 0 long-lived modes, not s \* kappa = 6: the"):
        corrected(w, full, threshold=2.0)


def test_too_few_units_matter_only_where_the_rule_is_not_given(known):
    task = compose_copy(3)
    w = minimal_realisation(known(task=task).network)
    assert w.hidden == 6
    assert corrected(w, task).Psi.shape == (6, 6)
    with pytest.raises(ValueError, match=r"at least s \* kappa = 9 hidden units, not 6"):
        corrected(w, 3)


def test_dependent_memories_are_named(known):
    task = compose_copy(3)
    w = known(task=task, radius=0.5).network
    same = np.repeat(w.W_uh[:, :1], 3, axis=1)
    with pytest.raises(ValueError, match="persistent components of the memories must be linearly"):
        corrected(Network(w.W_hh, same, w.W_r), task)


def test_reading_with_the_wrong_sign_leaves_only_writing(known):
    task = compose_copy(3)
    net = known(task=task, radius=0.5)
    swapped = Network(net.network.W_hh, net.network.W_uh, -net.network.W_r)
    got = corrected(swapped, task)
    assert distance(got.Psi, lasting_vectors(task, net.Psi)) < 1e-9
    with pytest.raises(ValueError, match="only alpha = 0 or 1 is defined"):
        corrected(swapped, task, 0.5)


def test_an_unknown_removal_is_named(known):
    for removal in ("slanted", "", "Oblique"):
        with pytest.raises(ValueError, match="removal must be one of none, orthogonal, oblique"):
            as_printed(known().network, 3, removal=removal)


def test_a_constructed_network_with_given_covectors_is_read_by_them():
    # no spare modes and more units than memories: the rest of the space is kernel
    rng = np.random.default_rng(3)
    task = random_rule(3, 2, 5)
    B = np.linalg.qr(rng.normal(size=(9, 9)))[0] @ (np.eye(9) + 0.1 * rng.normal(size=(9, 9)))
    Psi, Psi_dual = B[:, :6], np.linalg.inv(B)[:6]
    w = constructed(task, Psi, Psi_dual)
    for alpha in (0.0, 0.5, 1.0):
        got = corrected(w, task, alpha, 1e-2)
        assert distance(got.Psi, Psi) < 1e-9
        assert distance(got.Psi_dual, Psi_dual) < 1e-9
    assert distance(got.Psi_dual, np.linalg.pinv(Psi)) > 1e-3


@pytest.mark.usefixtures("no_shape_hook")
@pytest.mark.parametrize("tolerance", [NAN, -1.0, 2.0, True])
def test_a_tolerance_of_what_is_seen_must_be_a_small_part(tolerance):
    with pytest.raises(ValueError, match="tolerance must be"):
        unobservable(compose_copy(2), tolerance)
