"""Scores of a basis, against loops by hand and networks whose scores are known."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from conftest import BASES, known_network, straight

from emt import (
    Network,
    Task,
    TrainingConfig,
    VariableMemories,
    compose_copy,
    corrected,
    random_bits,
    repeat_copy,
    selection,
    untrained,
)
from emt.beyond import bases
from emt.beyond import faithfulness as ff
from emt.beyond.bases import (
    BASELINES,
    baseline,
    eigenbasis,
    fitted,
    in_flight,
    labelled,
    principal_basis,
    random_basis,
    sized,
)
from emt.beyond.faithfulness import Faithfulness, dose_response, erased, scored
from emt.beyond.overwriting import overwriting_network
from emt.linearization import placed
from emt.network import EVALUATION_SEED, IDENTITY
from emt.scoring import centred
from emt.tasks import Trials

DOSES = np.array([0.0, 0.25, 0.5, 1.0, 2.0])


def labels(s, kappa):
    return np.array([(k, c) for k in range(1, s + 1) for c in range(1, kappa + 1)])


def small(net, size=1e-6):
    """Return the network at an activity at which tanh is linear, and its memories."""
    w, task = net.network, net.task
    memories = net.Psi * size, net.Psi_dual / size
    weights = Network(w.W_hh, w.W_uh * size, w.W_r / size)
    return weights, VariableMemories(*memories, labels(task.s, task.kappa))


def arranged(memories, order):
    return VariableMemories(
        memories.Psi[:, order], memories.Psi_dual[order], memories.labels[order]
    )


def renamed(memories, by):
    """Return the memories under the names of those `by` columns further on."""
    return VariableMemories(memories.Psi, memories.Psi_dual, np.roll(memories.labels, by, axis=0))


def random_memories(H, s, kappa, seed=0):
    """Return oblique directions in another order than that of their labels."""
    rng = np.random.default_rng(seed)
    n = s * kappa
    B = np.eye(H) + 0.5 * rng.normal(size=(H, H)) / np.sqrt(H)
    order = rng.permutation(n)
    return VariableMemories(B[:, :n], np.linalg.inv(B)[:n], labels(s, kappa)[order])


def projector(vectors):
    return vectors @ np.linalg.pinv(vectors)


# By hand


def step(w, h, x=0.0):
    b = 0.0 if w.b is None else w.b
    return np.tanh(h @ w.W_hh.T + x @ w.W_uh.T + b if np.ndim(x) else h @ w.W_hh.T + b)


def outputs(w, h, steps):
    result = []
    for _ in range(steps):
        h = step(w, h)
        result.append(h @ w.W_r.T)
    return np.stack(result, axis=1)


def follow(task, held, steps):
    """Return what memories say later; contents are (sequences, memory, component)."""
    memories, result = [held[:, k] for k in range(task.s)], []
    for _ in range(steps):
        new = sum(x @ F.T for x, F in zip(memories, task.F, strict=True))
        new = np.sign(new) if task.threshold else new
        memories = [*memories[1:], new]
        result.append(new)
    return np.stack(result, axis=1)


def flight(w, task, sequences=64, seed=EVALUATION_SEED):
    """Return (time, sequence, H) states and (time, sequence, memory, component) contents."""
    u = random_bits(task, sequences, np.random.default_rng(seed))
    x = np.concatenate([u, follow(task, u, task.s)], axis=1)
    h = np.zeros((sequences, w.hidden))
    for t in range(task.s):
        h = step(w, h, u[:, t])
    states, contents = [], []
    for t in range(task.s):
        h = step(w, h)
        states.append(h)
        contents.append(x[:, t + 1 : t + 1 + task.s])
    return np.stack(states), np.stack(contents)


def exchanged(memories, h, a, b, dose=1.0):
    """Return states with a part of two memories exchanged, component by component."""
    column = {tuple(name): i for i, name in enumerate(memories.labels.tolist())}
    result = h.copy()
    for k, c in column:
        if k == a and (b, c) in column:
            i, j = column[a, c], column[b, c]
            held_i, held_j = h @ memories.Psi_dual[i], h @ memories.Psi_dual[j]
            result += np.outer(dose * (held_j - held_i), memories.Psi[:, i])
            result += np.outer(dose * (held_i - held_j), memories.Psi[:, j])
    return result


def swapped_contents(held, a, b):
    held = held.copy()
    held[:, [a - 1, b - 1]] = held[:, [b - 1, a - 1]]
    return held


def by_hand(w, task, memories, first=1000, sequences=64, seed=EVALUATION_SEED):
    s = task.s
    h, held = flight(w, task, sequences, seed)
    decoded = [
        np.sign(h @ covector) == held[:, :, k - 1, c - 1]
        for (k, c), covector in zip(memories.labels, memories.Psi_dual, strict=True)
    ]
    h, held = h[s // 2], held[s // 2]
    said = follow(task, held, 2 * s)
    turned, stayed = [], []
    for k in range(1, s + 1):
        other = s + 1 - k
        if k < other:
            wanted = follow(task, swapped_contents(held, k, other), 2 * s)
            right = np.sign(outputs(w, exchanged(memories, h, k, other), 2 * s)) == wanted
            turned += right[wanted != said].tolist()
            stayed += right[wanted == said].tolist()
    inside = h @ (memories.Psi @ memories.Psi_dual).T
    Phi = np.zeros((len(memories.labels),) * 2)
    for i, (k, c) in enumerate(memories.labels):
        for j, (m, d) in enumerate(memories.labels):
            Phi[i, j] = task.F[m - 1, c - 1, d - 1] if k == s else (m, d) == (k + 1, c)
    cut = Network(memories.Psi @ Phi @ memories.Psi_dual, w.W_uh, w.W_r, w.b)
    u = random_bits(task, sequences, np.random.default_rng(EVALUATION_SEED))
    state = np.zeros((sequences, w.hidden))
    for t in range(s):
        state = step(cut, state, u[:, t])
    late = outputs(cut, state, first + 2 * s - 1)[:, first - 1 :]
    wanted = follow(task, u, first + 2 * s - 1)[:, first - 1 :]
    return Faithfulness(
        decoded=np.mean(decoded),
        efficacy=np.mean(turned),
        specificity=np.mean(stayed),
        sufficiency=np.mean(np.sign(outputs(w, inside, 2 * s)) == said),
        necessity=np.mean(np.sign(outputs(w, h - inside, 2 * s)) == said),
        surgery=np.mean(np.sign(late) == wanted),
    )


def dose_by_hand(w, task, memories, doses, sequences=64, seed=EVALUATION_SEED):
    s = task.s
    h, held = (x[s // 2] for x in flight(w, task, sequences, seed))
    said = follow(task, held, 2 * s)
    change = said - follow(task, swapped_contents(held, 1, s), 2 * s)
    strength = [
        (change * outputs(w, exchanged(memories, h, 1, s, dose), 2 * s)).sum()
        for dose in (0.0, *doses)
    ]
    return np.array(strength[1:]) / strength[0]


def noisy(task, H=9, seed=0):
    """Return a network of random weights that forgets nothing at once."""
    rng = np.random.default_rng(seed)
    shapes = (H, H), (H, task.kappa), (task.kappa, H)
    scales = 1.3 / np.sqrt(H), 0.7, 0.7
    return Network(*(a * rng.normal(size=n) for a, n in zip(scales, shapes, strict=True)))


RULES = {
    "repeat copy, s = 2": repeat_copy(2, 2),
    "repeat copy, s = 3": repeat_copy(3, 2),
    "repeat copy, s = 4": repeat_copy(4, 1),
    "signs and exchanges": selection(3, np.array([3, 3]), np.array([2, 1]), np.array([1, -1])),
    "signs taken": Task(3, 2, np.random.default_rng(3).normal(size=(3, 2, 2)), threshold=True),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("seed", [0, 1])
def test_states_in_flight_are_those_of_the_loop(rule, seed):
    task = RULES[rule]
    w = noisy(task)
    got = in_flight(w, task, 5, seed)
    h, held = flight(w, task, 5, seed)
    np.testing.assert_allclose(got.h, h, atol=1e-12)
    np.testing.assert_array_equal(got.held, held)
    default = in_flight(w, task)
    np.testing.assert_allclose(default.h, flight(w, task)[0], atol=1e-12)
    np.testing.assert_array_equal(default.held, flight(w, task)[1])


def test_a_network_that_adds_holds_what_f_has_added(known):
    net = known(task=compose_copy(3))
    h, held = in_flight(straight(net.network), net.task, 5)
    np.testing.assert_allclose(h @ net.Psi_dual.T, held.reshape(*h.shape[:2], -1), atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("first, sequences", [(1, 7), (6, 64)])
def test_scores_are_those_of_the_loop(rule, first, sequences):
    task = RULES[rule]
    w, memories = noisy(task), random_memories(9, task.s, task.kappa)
    got = scored(w, task, memories, first, sequences)
    np.testing.assert_allclose(got, by_hand(w, task, memories, first, sequences), atol=1e-12)
    assert len(set(got)) > 3
    # The inputs of surgery are others'; those of all else are given.
    got = scored(w, task, memories, first, sequences, seed=5)
    expected = by_hand(w, task, memories, first, sequences, seed=5)
    np.testing.assert_allclose(got[:-1], expected[:-1], atol=1e-12)
    doses = [0.3, 1.0, -0.5]
    for seed in (EVALUATION_SEED, 5):
        got = dose_response(w, task, memories, np.array(doses), sequences, seed)
        expected = dose_by_hand(w, task, memories, doses, sequences, seed)
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_defaults_are_those_of_the_loop(trained):
    w, task = trained.network, trained.task
    for memories in (corrected(w, 4), random_memories(16, 4, 2)):
        np.testing.assert_allclose(
            scored(w, task, memories), by_hand(w, task, memories), atol=1e-12
        )
        np.testing.assert_allclose(
            dose_response(w, task, memories, DOSES),
            dose_by_hand(w, task, memories, DOSES),
            atol=1e-9,
        )


# Networks whose scores are known


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("s", [2, 3, 4])
def test_constructed_memories_get_full_marks(known, basis, s):
    net = known(s, 2, basis=basis)
    w, memories = small(net)
    score = scored(w, net.task, memories)
    assert score[:4] == (1, 1, 1, 1) and score.surgery == 1
    # What is dropped is nothing but rounding: `necessity` says nothing here, see the next tests.
    got = dose_response(w, net.task, memories, DOSES)
    np.testing.assert_allclose(got, 1 - 2 * DOSES, atol=1e-8)


@pytest.mark.parametrize("task", [RULES["signs and exchanges"], repeat_copy(5, 1)])
def test_other_rules_on_bits_get_full_marks_too(known, task):
    net = known(task=task)
    w, memories = small(net)
    memories = arranged(memories, np.random.default_rng(0).permutation(len(memories.labels)))
    score = scored(w, task, memories, step=7)
    assert score[:4] == (1, 1, 1, 1) and score.surgery == 1
    got = dose_response(w, task, memories, DOSES)
    np.testing.assert_allclose(got, 1 - 2 * DOSES, atol=1e-8)


def test_nothing_is_dropped_where_memories_hold_all_to_the_last_bit():
    I = np.eye(8, 6)  # noqa: E741
    W_hh = np.zeros((8, 8))
    W_hh[:6, :6] = np.roll(np.eye(6), 2, axis=1)
    size = 2.0**-20
    w = Network(W_hh, size * I[:, 4:], I[:, 4:].T / size)
    memories = VariableMemories(size * I, I.T / size, labels(3, 2))
    assert scored(w, repeat_copy(3, 2), memories) == (1, 1, 1, 1, 0, 1)


@pytest.mark.parametrize("basis", BASES)
def test_a_rest_that_knows_nothing_is_right_about_half_of_the_bits(known, basis):
    net = known(3, 2, spare=1, basis=basis, radius=1.0)
    w, memories = small(net)
    projected = np.eye(7) - net.Psi @ net.Psi_dual
    values, vectors = np.linalg.eig(projected.T)
    covector = vectors[:, np.argmax(values.real)].real
    vector = projected @ covector
    vector /= covector @ vector
    # The rest says yes, always, and too low to be heard beside the memories.
    W_hh = net.Psi @ net.Psi_dual @ w.W_hh + np.outer(vector, covector)
    loud = Network(W_hh, w.W_uh, w.W_r + 1e4 * covector, h0=1e-6 * vector)
    score = scored(loud, net.task, memories)
    assert score[:4] == (1, 1, 1, 1) and score.surgery == 1
    _, held = flight(loud, net.task)
    assert score.necessity == (follow(net.task, held[1], 6) > 0).mean()
    assert 0.4 < score.necessity < 0.6


def test_a_second_copy_of_the_memories_keeps_the_outputs_without_the_first(known):
    net = known(3, 2)
    w, memories = small(net)
    none = np.zeros_like(w.W_hh)
    twice = Network(
        np.block([[w.W_hh, none], [none, w.W_hh]]),
        np.vstack([w.W_uh, w.W_uh]),
        np.hstack([w.W_r, w.W_r]),
    )
    Psi = np.vstack([memories.Psi, 0 * memories.Psi])
    dual = np.hstack([memories.Psi_dual, 0 * memories.Psi_dual])
    first = VariableMemories(Psi, dual, memories.labels)
    score = scored(twice, net.task, first)
    assert (score.decoded, score.specificity, score.sufficiency, score.necessity) == (1, 1, 1, 1)
    # The other copy says the opposite just as loudly.
    response = dose_response(twice, net.task, first, DOSES)
    np.testing.assert_allclose(response, 1 - DOSES, atol=1e-8)


@pytest.mark.parametrize("s, kappa", [(3, 2), (4, 2), (5, 1)])
def test_wrong_names_score_low(known, s, kappa):
    net = known(s, kappa, spare=2)
    w, memories = small(net)
    for by in range(1, s):
        score = scored(w, net.task, renamed(memories, by * kappa))
        assert score.sufficiency == 1
        assert 0.35 < score.decoded < 0.65
        assert score.efficacy < 0.6 and score.specificity < 0.9
    # Memory k called k+1: the swap of the outer pair moves what is k = s and s-1, not 1 and s.
    response = dose_response(w, net.task, renamed(memories, kappa), DOSES)
    assert (response[1:] > 1 - 2 * DOSES[1:] + 0.1).all()


def test_an_untrained_network_scores_one_half():
    task = repeat_copy(4, 2)
    scores = []
    for seed in range(6):
        w = untrained(task, TrainingConfig(hidden=24, seed=seed))
        scores.append(scored(w, task, random_memories(24, 4, 2, seed)))
    mean = np.mean(scores, axis=0)
    assert (abs(mean - 0.5) < 0.06).all(), mean
    assert (abs(np.array(scores) - 0.5) < 0.2).all()


def test_learned_memories_are_used(trained):
    w, task = trained.network, trained.task
    memories = corrected(w, 4)
    score = scored(w, task, memories)
    assert min(score[:4]) > 0.97 and score.surgery > 0.9
    assert 0.3 < score.necessity < 0.7
    response = dose_response(w, task, memories, DOSES)
    assert (np.diff(response) < 0).all()
    np.testing.assert_allclose(response[:4], 1 - 2 * DOSES[:4], atol=0.05)
    wrong = scored(w, task, renamed(memories, 2))
    assert wrong.decoded < 0.65 and wrong.efficacy < 0.5


def test_no_other_basis_explains_a_trained_network_as_well(trained):
    w, task = trained.network, trained.task
    ours = scored(w, task, corrected(w, 4))
    for kind in BASELINES:
        theirs = scored(w, task, baseline(w, task, kind))
        assert theirs.decoded < 0.9 * ours.decoded
        assert theirs.efficacy < 0.9 * ours.efficacy
        assert theirs.surgery < ours.surgery


# Contents that are no bits, and memories that lack components


def test_contents_that_are_no_bits_are_decoded_by_their_sign(known):
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    task = Task(3, 2, np.stack([turn, 0 * turn, 0 * turn]))
    net = known(task=task)
    w, memories = small(net)
    assert scored(w, task, memories, step=2).decoded == 1


def test_contents_that_are_no_bits_count_by_their_size_in_the_dose_response():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    task = Task(3, 2, np.stack([turn, 0 * turn, 0 * turn]))
    w, memories = noisy(task), random_memories(9, 3, 2)
    np.testing.assert_allclose(
        dose_response(w, task, memories, DOSES),
        dose_by_hand(w, task, memories, DOSES),
        rtol=1e-9,
    )
    net = known_network(task=task)
    w = small(net)[0]
    response = dose_response(w, task, corrected(w, task, threshold=0.9), DOSES)
    np.testing.assert_allclose(response, 1 - 2 * DOSES, atol=1e-6)


def test_a_swap_is_scored_for_the_components_that_both_memories_have(monkeypatch):
    task = compose_copy(4)
    net = known_network(task=task)
    w = small(net)[0]
    memories = corrected(w, task, threshold=0.9)
    bits = random_bits(task, 64, np.random.default_rng(0))
    x = np.concatenate([bits, follow(task, bits, 4)], axis=1)
    held = np.stack([x[:, t : t + 4] for t in range(1, 5)])
    # No linear network follows this rule from its inputs: it adds f to them. Start it right.
    h = held.reshape(4, 64, 16) @ (1e-6 * net.Psi).T
    monkeypatch.setattr(ff, "in_flight", lambda *_: bases.Held(h, held))
    score = scored(w, task, memories, step=1)
    assert score[:4] == (1, 1, 1, 1)
    response = dose_response(w, task, memories, DOSES)
    np.testing.assert_allclose(response, 1 - 2 * DOSES, atol=1e-6)


def selecting():
    """Return a selection with dead components, its network and its memories."""
    task = selection(4, np.array([1, 3, 2]), np.array([2, 3, 1]), np.array([-1, 1, -1]))
    net = known_network(task=task, spare=2)
    w, memories = small(net)
    live = task.persistent
    lasts = VariableMemories(memories.Psi[:, live], memories.Psi_dual[live], labels(4, 3)[live])
    return w, task, lasts


def started_right(monkeypatch, task, memories):
    """Let the states in flight be what the theory says, which no linear network comes to."""
    live = task.persistent

    def flight_by_theory(weights, task, sequences=64, seed=EVALUATION_SEED):
        bits = random_bits(task, sequences, np.random.default_rng(seed))
        x = np.concatenate([bits, follow(task, bits, task.s)], axis=1)
        held = np.stack([x[:, t : t + task.s] for t in range(1, task.s + 1)])
        return bases.Held(held.reshape(task.s, sequences, -1)[..., live] @ memories.Psi.T, held)

    for module in (ff, bases):
        monkeypatch.setattr(module, "in_flight", flight_by_theory)


def test_memories_without_lasting_components_are_passed_over(monkeypatch):
    w, task, memories = selecting()
    assert len(memories.labels) == 6 and set(memories.labels[:, 0]) == {2, 3, 4}
    started_right(monkeypatch, task, memories)
    assert scored(w, task, memories, step=1)[:4] == (1, 1, 1, 1)
    response = dose_response(w, task, memories, DOSES)
    np.testing.assert_allclose(response, 1 - 2 * DOSES, atol=1e-6)


def test_other_bases_have_the_lasting_components_only(monkeypatch):
    w, task, memories = selecting()
    started_right(monkeypatch, task, memories)
    order = np.random.default_rng(0).permutation(6)
    got = labelled(w, task, -3 * memories.Psi[:, order], -memories.Psi_dual[order] / 3)
    np.testing.assert_allclose(got.Psi, memories.Psi, rtol=1e-9)
    np.testing.assert_array_equal(got.labels, memories.labels)
    for kind in BASELINES:
        other = baseline(w, task, kind)
        assert other.Psi.shape == (w.hidden, 6)
        np.testing.assert_array_equal(other.labels, memories.labels)
    # Principal components span what varies, so an edit of them all keeps everything.
    assert scored(w, task, baseline(w, task, BASELINES[1]), step=1).sufficiency == 1


def test_fitted_memories_are_those_that_states_were_made_of(monkeypatch):
    w, task, memories = selecting()
    orthogonal = VariableMemories(memories.Psi, np.linalg.pinv(memories.Psi), memories.labels)
    started_right(monkeypatch, task, memories)
    got = fitted(w, task)
    np.testing.assert_allclose(got.Psi, orthogonal.Psi, rtol=1e-6, atol=1e-14)
    np.testing.assert_allclose(got.Psi_dual @ got.Psi, np.eye(6), atol=1e-9)
    np.testing.assert_array_equal(got.labels, memories.labels)


def test_fitted_memories_of_a_learned_network_are_near_those_of_its_weights(trained):
    w, task = trained.network, trained.task
    got, found = fitted(w, task), corrected(w, task.s)
    assert np.linalg.norm(got.Psi - found.Psi) < 0.3 * np.linalg.norm(found.Psi)
    assert np.linalg.norm(np.roll(got.Psi, 2, axis=1) - found.Psi) > np.linalg.norm(found.Psi)
    h, held = flight(w, task, 512, EVALUATION_SEED + 1)
    rest = (h - held.reshape(*h.shape[:2], -1) @ got.Psi.T).reshape(-1, w.hidden)
    assert abs(held.reshape(len(rest), -1).T @ rest).max() < 1e-9 * abs(h).sum()


def test_memories_are_sized_by_what_they_hold(known, monkeypatch):
    w, task, memories = selecting()
    started_right(monkeypatch, task, memories)
    factors = np.random.default_rng(0).uniform(0.1, 10, size=6)
    grown = VariableMemories(
        memories.Psi * factors, memories.Psi_dual / factors[:, None], memories.labels
    )
    got = sized(w, task, grown)
    np.testing.assert_allclose(got.Psi, memories.Psi, rtol=1e-9)
    np.testing.assert_allclose(got.Psi_dual, memories.Psi_dual, rtol=1e-9)
    np.testing.assert_array_equal(got.labels, memories.labels)


def test_sizes_bring_the_theorys_copying_out_where_the_gain_is_above_one():
    task = compose_copy(4)
    w = overwriting_network(task, 1.5, 4.0)
    found = corrected(w, task)
    off = {}
    for name, m in {"found": found, "sized": sized(w, task, found)}.items():
        Phi = m.Psi_dual @ w.W_hh @ m.Psi
        held = [tuple(x) for x in m.labels.tolist()]
        every = [tuple(x) for x in labels(4, 4).tolist()]
        where = [every.index(x) for x in held]
        theory = task.Phi[np.ix_(where, where)]
        off[name] = np.linalg.norm(Phi - 1.5 * theory) / np.linalg.norm(theory)
    assert off["sized"] < 0.4 < off["found"]


@pytest.mark.parametrize("wait", [3, 8])
def test_a_linear_network_answers_to_a_dose_for_ever(known, wait):
    net = known(4, 2)
    w, memories = small(net)
    got = dose_response(w, net.task, memories, DOSES, wait=wait)
    np.testing.assert_allclose(got, 1 - 2 * DOSES, atol=1e-8)


def test_a_network_that_overwrites_takes_a_dose_for_all_or_nothing():
    task = repeat_copy(4, 2)
    w = overwriting_network(task, 2.0, 4.0)
    memories = VariableMemories(np.eye(8), np.eye(8), labels(4, 2))
    doses = np.array([0.1, 0.4, 0.6, 0.9])
    soon, late = (dose_response(w, task, memories, doses, wait=n) for n in (0, 40))
    np.testing.assert_allclose(late, [1, 1, -1, -1], atol=1e-6)
    assert (abs(soon) < 0.99).any()


@pytest.mark.parametrize("wait", [0, 3, 30])
def test_what_was_erased_is_not_heard_of_a_linear_network(known, monkeypatch, wait):
    net = known(4, 2)
    w, memories = small(net)
    assert erased(w, net.task, memories, wait=wait).size < 1e-5
    w, task, memories = selecting()
    started_right(monkeypatch, task, memories)
    assert erased(w, task, memories, wait=wait).size < 1e-5


def test_what_was_erased_comes_back_where_small_remainders_grow():
    task = repeat_copy(4, 2)
    bits = overwriting_network(task, 2.0, 4.0)
    memories = VariableMemories(np.eye(8), np.eye(8) + 1e-7 * np.eye(8, k=-2), labels(4, 2))
    soon, late = (erased(bits, task, memories, wait=n) for n in (0, 80))
    assert soon.size < 0.1 and late.size > 0.99
    # What comes back is the other memory's bit, which is no more than chance.
    assert 0.3 < late.agreement < 0.7
    left = VariableMemories(np.eye(8), (1 - 1e-7) * np.eye(8), labels(4, 2))
    assert erased(bits, task, left, wait=80) == pytest.approx((1, 1))


@pytest.mark.parametrize("wait", [0, 5])
def test_how_loud_the_erased_are_by_hand(wait):
    task = repeat_copy(3, 2)
    w, memories = noisy(task), random_memories(9, 3, 2)
    h = flight(w, task, 7, 4)[0][1]
    where = memories.labels[:, 0] == 3
    gone = h - h @ memories.Psi_dual[where].T @ memories.Psi[:, where].T
    heard = []
    for state in gone:
        for t in range(wait + 6):
            state = step(w, state)
            if t >= wait:
                heard.append((t % 3, w.W_r @ state))
    # Steps 1, 2, 3 after the edit bring memories 1, 2, 3 ... to the output.
    silent = np.array([y for t, y in heard if t == 2])
    others = np.mean([abs(y) for t, y in heard if t != 2])
    got = erased(w, task, memories, 7, 4, wait)
    assert got.size == pytest.approx(abs(silent).mean() / others, rel=1e-9)
    bits = np.repeat(flight(w, task, 7, 4)[1][1][:, 2], len(silent) // 7, axis=0)
    assert got.agreement == pytest.approx((np.sign(silent) == bits).mean())


# Other bases


@pytest.mark.parametrize("basis", BASES)
def test_labelled_recovers_names_signs_and_scales(known, basis):
    net = known(4, 2, basis=basis)
    w, memories = small(net)
    rng = np.random.default_rng(0)
    for _ in range(3):
        order = rng.permutation(8)
        scale = rng.choice([-1.0, 1.0], 8) * rng.uniform(0.01, 100.0, 8)
        Psi, dual = memories.Psi[:, order] * scale, memories.Psi_dual[order] / scale[:, None]
        for x in (Psi, dual, w.W_hh, w.W_uh, w.W_r):
            x.setflags(write=False)
        got = labelled(w, net.task, Psi, dual)
        np.testing.assert_allclose(got.Psi, memories.Psi, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(got.Psi_dual, memories.Psi_dual, rtol=1e-6, atol=1e-3)
        np.testing.assert_array_equal(got.labels, labels(4, 2))


@pytest.mark.parametrize("s, kappa", [(2, 2), (4, 1), (1, 3)])
@pytest.mark.parametrize("seed", range(5))
def test_labelled_takes_the_best_of_all_orders(s, kappa, seed):
    task = repeat_copy(s, kappa)
    w, n = noisy(task, 6, seed), s * kappa
    memories = random_memories(6, s, kappa, seed)
    Psi, dual = memories.Psi, memories.Psi_dual
    h, held = flight(w, task, 256, EVALUATION_SEED + 1)
    read, held = (h @ dual.T).reshape(-1, n), held.reshape(-1, n)
    size = np.sqrt(np.mean(read**2, axis=0))
    alike = np.array(
        [[np.mean(held[:, i] * read[:, j]) / size[j] for j in range(n)] for i in range(n)]
    )
    best = max(permutations(range(n)), key=lambda p: sum(abs(alike[range(n), p])))
    got = labelled(w, task, Psi, dual)
    for i, j in enumerate(best):
        scale = np.sign(alike[i, j]) * size[j]
        np.testing.assert_allclose(got.Psi[:, i], Psi[:, j] * scale, rtol=1e-9)
        np.testing.assert_allclose(got.Psi_dual[i], dual[j] / scale, rtol=1e-9)
    np.testing.assert_array_equal(got.labels, labels(s, kappa))
    # So what is read has the size and the sign of what is held.
    now = (h @ got.Psi_dual.T).reshape(-1, n)
    np.testing.assert_allclose(np.mean(now**2, axis=0), 1)
    assert (np.mean(now * held, axis=0) >= 0).all()


def test_labels_are_learned_from_the_inputs_that_are_asked_for(trained):
    w, task = trained.network, trained.task
    pair = random_basis(16, 8, np.random.default_rng(0))
    default = labelled(w, task, *pair)
    for sequences, seed, same in (
        (256, EVALUATION_SEED + 1, True),
        (256, EVALUATION_SEED, False),
        (64, EVALUATION_SEED + 1, False),
    ):
        got = labelled(w, task, *pair, sequences, seed)
        assert (abs(got.Psi - default.Psi).max() == 0) == same


def test_random_directions_score_near_chance(known):
    net = known(6, 4, spare=40, basis="orthonormal")
    w, memories = small(net)
    other = labelled(w, net.task, *random_basis(64, 24, np.random.default_rng(1)))
    score = scored(w, net.task, other, step=5)
    assert 0.5 < score.decoded < 0.72
    assert score.efficacy < 0.3
    assert score.surgery < 0.85
    assert scored(w, net.task, memories, step=5).decoded == 1


def test_random_directions_are_orthonormal_and_without_preference():
    total = np.zeros((5, 5))
    for seed in range(400):
        Psi, dual = random_basis(5, 3, np.random.default_rng(seed))
        assert Psi.shape == (5, 3)
        np.testing.assert_array_equal(dual, Psi.T)
        np.testing.assert_allclose(dual @ Psi, np.eye(3), atol=1e-12)
        total += Psi @ dual / 400
    np.testing.assert_allclose(total, 3 / 5 * np.eye(5), atol=0.06)
    again, other = (random_basis(5, 3, np.random.default_rng(seed))[0] for seed in (399, 0))
    np.testing.assert_array_equal(again, Psi)
    assert abs(other - Psi).max() > 0.1
    Psi, dual = random_basis(3, 3, np.random.default_rng(0))
    np.testing.assert_allclose(Psi @ dual, np.eye(3), atol=1e-12)


@pytest.mark.parametrize("shape", [(50, 5), (4, 10, 5), (6, 5)])
@pytest.mark.parametrize("n", [1, 3, 5])
def test_principal_components_are_eigenvectors_of_the_covariance(shape, n):
    rng = np.random.default_rng(0)
    h = 10 * rng.normal(size=5) + rng.normal(size=shape) * [1, 5, 2, 0.3, 3]
    h.setflags(write=False)
    values, vectors = np.linalg.eigh(np.cov(h.reshape(-1, 5).T))
    assert (np.diff(values) > 0).all()
    Psi, dual = principal_basis(h, n)
    assert Psi.shape == (5, n)
    np.testing.assert_array_equal(dual, Psi.T)
    np.testing.assert_allclose(dual @ Psi, np.eye(n), atol=1e-12)
    for i in range(n):
        expected = vectors[:, -1 - i]
        np.testing.assert_allclose(Psi[:, i] * np.sign(Psi[:, i] @ expected), expected, atol=1e-9)


def with_modes(*modes, seed=0):
    """Return a matrix with these eigenvalues, complex ones with their conjugates."""
    blocks = [
        np.array([[z.real, -z.imag], [z.imag, z.real]]) if np.imag(z) else np.array([[z]])
        for z in modes
    ]
    H = sum(map(len, blocks))
    D, i = np.zeros((H, H)), 0
    for block in blocks:
        D[i : i + len(block), i : i + len(block)] = block
        i += len(block)
    V = np.random.default_rng(seed).normal(size=(H, H))
    return V @ D @ np.linalg.inv(V), V


@pytest.mark.parametrize(
    "n, kept", [(1, [5]), (3, [5, 0, 1]), (4, [5, 0, 1, 4]), (6, [5, 0, 1, 4, 2, 3]), (7, range(7))]
)
def test_eigenbasis_spans_the_largest_modes(n, kept):
    W, V = with_modes(0.6 + 0.6j, 0.1 + 0.5j, -0.7, 1.0, 0.2)
    Psi, dual = eigenbasis(W, n)
    P = V[:, kept] @ np.linalg.inv(V)[kept]
    np.testing.assert_allclose(dual @ Psi, np.eye(n), atol=1e-9)
    np.testing.assert_allclose(Psi @ dual, P, atol=1e-8)


def test_eigenbasis_holds_real_and_imaginary_parts():
    W, _ = with_modes(0.3, 0.2 + 0.9j, -0.6 + 0.1j, -1.2)
    Psi, dual = eigenbasis(W, 6)
    expected = [-1.2, 0.2 + 0.9j, 0.2 - 0.9j, -0.6 + 0.1j, -0.6 - 0.1j, 0.3]
    for i in (0, 5):
        np.testing.assert_allclose(W @ Psi[:, i], expected[i] * Psi[:, i], atol=1e-9)
        np.testing.assert_allclose(dual[i] @ W, expected[i] * dual[i], atol=1e-9)
    for i in (1, 3):
        z = Psi[:, i] + 1j * Psi[:, i + 1]
        values = (W @ z) / z
        np.testing.assert_allclose(values, values[0], atol=1e-8)
        assert min(abs(values[0] - expected[j]) for j in (i, i + 1)) < 1e-8
        np.testing.assert_allclose(np.linalg.norm(z), 1)


def test_eigenbasis_may_part_a_pair():
    W, V = with_modes(0.6 + 0.6j, 0.3, 1.0)
    Psi, dual = eigenbasis(W, 2)
    np.testing.assert_allclose(dual @ Psi, np.eye(2), atol=1e-10)
    np.testing.assert_allclose(Psi, eigenbasis(W, 3)[0][:, :2])
    np.testing.assert_allclose(dual, eigenbasis(W, 3)[1][:2])
    # The second lies in the plane of the pair, and its covector sees nothing outside.
    np.testing.assert_allclose(projector(V[:, :2]) @ Psi[:, 1], Psi[:, 1], atol=1e-10)
    np.testing.assert_allclose(dual[1] @ V[:, 2:], 0, atol=1e-10)


def test_the_covectors_of_eigenvectors_are_those_of_the_matrix_not_of_the_span(known):
    net = known()
    Psi, dual = eigenbasis(net.network.W_hh, 6)
    np.testing.assert_allclose(Psi @ dual, net.Psi @ net.Psi_dual, atol=1e-8)
    assert abs(dual - np.linalg.pinv(Psi)).max() > 0.01


@pytest.mark.parametrize("kind", BASELINES)
def test_rivals_are_other_bases_under_the_best_names(trained, kind):
    w, task = trained.network, trained.task
    got = baseline(w, task, kind)
    np.testing.assert_array_equal(got.labels, labels(4, 2))
    np.testing.assert_allclose(got.Psi_dual @ got.Psi, np.eye(8), atol=1e-9)
    again = labelled(w, task, got.Psi, got.Psi_dual)
    np.testing.assert_allclose(again.Psi, got.Psi, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(baseline(w, task, kind, seed=0).Psi, got.Psi)
    moved = abs(baseline(w, task, kind, seed=1).Psi - got.Psi).max()
    span = got.Psi @ got.Psi_dual
    if kind == "random directions":
        assert moved > 0.01
        np.testing.assert_allclose(span, span.T, atol=1e-9)
        return
    assert moved == 0
    if kind == "principal components":
        h = flight(w, task)[0].reshape(-1, 16)
        values, vectors = np.linalg.eigh(np.cov(h.T))
        expected = vectors[:, -8:] @ vectors[:, -8:].T
    else:
        values, vectors = np.linalg.eig(w.W_hh)
        kept = np.argsort(-abs(values))[:8]
        expected = (vectors[:, kept] @ np.linalg.inv(vectors)[kept]).real
    np.testing.assert_allclose(span, expected, atol=1e-7)


def test_rivals_of_constructed_memories_recover_them_or_not(known):
    net = known(3, 2, basis="orthonormal")
    w, memories = small(net)
    # The spare modes are silent: principal components find the span, and turn within it.
    found = baseline(w, net.task, "principal components")
    np.testing.assert_allclose(found.Psi @ found.Psi_dual, net.Psi @ net.Psi.T, atol=1e-9)
    assert abs(found.Psi - memories.Psi).max() > 0.01 * abs(memories.Psi).max()


# Bad input


NET = known_network(3, 2, 4)
TASK = NET.task
W, ALL = small(NET)
RANDOM = np.random.default_rng(0)


def one_memory():
    net = known_network(1, 2)
    w, memories = small(net)
    return w, net.task, memories


@pytest.mark.usefixtures("_no_shape_hook")
def test_the_valid_neighbours_pass():
    assert random_basis(np.int64(2), 2, RANDOM)[0].shape == (2, 2)
    assert principal_basis(RANDOM.normal(size=(5, 4)), 4)[0].shape == (4, 4)
    assert eigenbasis(np.eye(3), 3)[0].shape == (3, 3)
    assert dose_response(W, TASK, ALL, []).shape == (0,)
    assert dose_response(W, TASK, ALL, [1, 2]).shape == (2,)
    w, task, memories = one_memory()
    assert labelled(w, task, memories.Psi, memories.Psi_dual).labels.tolist() == [[1, 1], [1, 2]]


# What a network holds by its own mechanism


ADDED = {
    "compose copy": compose_copy(4),
    "signs, orders, delays": selection(
        4, np.array([4, 2, 3]), np.array([2, 3, 1]), np.array([1, -1, 1])
    ),
    "a permutation": selection(3, np.array([1, 3, 2]), np.array([2, 3, 1])),
    "repeat copy": repeat_copy(4, 3),
}


@pytest.mark.parametrize("rule", ADDED)
def test_an_exact_linear_network_gets_full_marks_for_what_it_adds(known, rule):
    task = ADDED[rule]
    w = straight(known(task=task, radius=0.4).network)
    memories = corrected(w, task)
    live, (h, held) = task.persistent, in_flight(w, task)
    u = random_bits(task, 64, np.random.default_rng(EVALUATION_SEED))
    v = np.zeros((64, 3 * task.s, task.kappa))  # v(t) = u(t) + f(v), one step at a time
    v[:, task.s : 2 * task.s] = u
    for t in range(task.s, 3 * task.s):
        v[:, t] += sum(v[:, t - task.s + k] @ task.F[k].T for k in range(task.s))
    for n in range(task.s):
        now = v[:, task.s + n + 1 : 2 * task.s + n + 1]
        np.testing.assert_allclose(held[n], now, atol=1e-12)
        got = h[n] @ memories.Psi_dual.T
        np.testing.assert_allclose(got, now.reshape(64, -1)[:, live], atol=1e-9)
    for basis in (memories, fitted(w, task)):
        score = scored(w, task, basis, step=7)
        assert score[:4] == (1, 1, 1, 1) and score.surgery == 1


def test_a_network_that_overwrites_holds_its_last_inputs():
    task = compose_copy(4)
    w = overwriting_network(task, 2.0, 4.0)
    live = task.persistent
    memories = VariableMemories(np.eye(16)[:, live], np.eye(16)[live], task.labels[live])
    u = random_bits(task, 64, np.random.default_rng(EVALUATION_SEED))
    _, held = in_flight(w, task)
    np.testing.assert_array_equal(held[0][:, :-1], u[:, 1:])
    assert scored(w, task, memories, step=7)[:4] == (1, 1, 1, 1)


def test_contents_of_0_and_1_are_decoded_half_way(known):
    task, w = repeat_copy(4, 2), known(4, 2, 6).network
    w = Network(w.W_hh, 0.01 * w.W_uh, 100 * w.W_r)  # tanh, at rest at 0
    bits = np.random.default_rng(0).integers(0, 2, (60, 4, 2)).astype(float)
    u, y = np.pad(bits, ((0, 0), (0, 8), (0, 0))), np.tile(bits, (1, 3, 1))
    mask = np.broadcast_to(np.arange(12) >= 4, (60, 12))
    network, trials = centred(w, Trials(u, y, mask, decision=0.5, middle=0.5))
    score = scored(network, replace(task, trials=trials), corrected(w, task), step=5)
    assert score[:4] == (1, 1, 1, 1) and score.surgery == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_fitted_memories_bear_surgery_where_writes_excite_what_fades(known, seed):
    net = known(4, 3, 8, seed=seed)
    rest = np.eye(20) - net.Psi @ net.Psi_dual
    write = net.network.W_uh + rest @ np.random.default_rng(seed).normal(size=(20, 3))
    w = straight(replace(net.network, W_uh=write))
    got = fitted(w, net.task)
    assert np.linalg.norm(got.Psi_dual @ rest) < 1e-9  # nor do what fades, which vectors still hold
    assert scored(w, net.task, got).surgery == 1


def test_fitted_memories_of_a_learned_network_bear_surgery(trained):
    assert (
        scored(trained.network, trained.task, fitted(trained.network, trained.task)).surgery > 0.95
    )


def moved(w, h):
    """Return the network that does around h what `w` does around the origin, and starts there."""
    there = placed(w, h, activation=IDENTITY)
    return replace(there, h0=h, c=-w.W_r @ h)


@pytest.mark.parametrize("task", [repeat_copy(4, 2), repeat_copy(3, 3)])
def test_around_another_point_everything_is_as_around_the_origin(task):
    w = known_network(task=task, spare=5).network
    rng = np.random.default_rng(3)
    W_uh, W_r = (x + 0.1 * rng.normal(size=x.shape) for x in (w.W_uh, w.W_r))
    w = replace(w, activation=IDENTITY, W_uh=W_uh, W_r=W_r)  # so that the rest has a say
    h = rng.normal(size=w.hidden)
    there = moved(w, h)
    pairs = [
        (corrected(w, task, threshold=0.9), corrected(there, task, threshold=0.9, at=h)),
        (fitted(w, task), fitted(there, task, at=h)),
        *((baseline(w, task, k), baseline(there, task, k, at=h)) for k in BASELINES[:2]),
    ]
    for here, other in pairs:
        np.testing.assert_allclose(other.Psi, here.Psi, atol=1e-6)
        np.testing.assert_allclose(
            scored(there, task, other, step=1), scored(w, task, here, step=1), atol=1e-9
        )
    assert np.isnan(scored(there, task, replace(pairs[0][1], at=None), step=1).surgery)
    with pytest.raises(ValueError, match="rest at the origin"):
        baseline(there, task, "eigenvectors")


def test_halfway_lies_between_a_yes_and_a_no_of_no_sign():
    read = np.array([[[5.0]], [[7.0]], [[1.0]], [[3.0]]])
    wanted = np.array([[[1.0]], [[1.0]], [[0.0]], [[0.0]]])
    np.testing.assert_allclose(ff._halfway(read, wanted), [4.0])
