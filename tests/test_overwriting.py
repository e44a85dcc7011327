"""The network that overwrites, against direct recursions; the index, against both mechanisms."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import bent, straight

from emt import (
    Network,
    Task,
    TrainingConfig,
    compose_copy,
    constructed,
    continuation,
    driven,
    random_bits,
    repeat_copy,
    run,
    selection,
    train,
    untrained,
    with_silence,
)
from emt.beyond.overwriting import (
    Sizes,
    answers,
    change_by_stored,
    guaranteed,
    least_write,
    margin,
    overwrite_index,
    overwriting_network,
)
from emt.scoring import accuracy_around
from emt.training.recipes import Stage, three_stages, to_overwrite


def permuted(s, kappa, seed) -> Task:
    """Draw a signed selection that reads every component once."""
    rng = np.random.default_rng(seed)
    delay, component = rng.integers(1, s + 1, kappa), rng.permutation(kappa) + 1
    return selection(s, delay, component, rng.choice([-1, 1], kappa))


def majority(s=5, kappa=3, seed=0) -> Task:
    """Draw a rule: each component the sign of three signed earlier bits."""
    rng, F = np.random.default_rng(seed), np.zeros((s, kappa, kappa))
    for c in range(kappa):
        for place in rng.choice(s * kappa, 3, replace=False):
            F[place // kappa, c, place % kappa] = rng.choice([-1.0, 1.0])
    return Task(s, kappa, F, threshold=True)


def linear(task, seed=0) -> Network:
    n = task.s * task.kappa
    return constructed(task, np.random.default_rng(seed).normal(size=(n + 9, n)) / np.sqrt(n))


SELECTIONS = [repeat_copy(4, 3), compose_copy(5), *(permuted(6, 4, seed) for seed in range(4))]
TASKS = [*SELECTIONS, *(majority(seed=seed) for seed in range(4))]


@pytest.mark.parametrize("extra", [0, 1, 7, 40])
@pytest.mark.parametrize("task", TASKS)
def test_it_answers_from_the_last_s_inputs_however_many_there_were(task, extra):
    rng = np.random.default_rng(extra)
    g, c = (2.0, 4.0) if not task.threshold else (2.0, 8.0)
    assert guaranteed(task, g, c)
    u = rng.choice([-1.0, 1.0], size=(50, task.s + extra, task.kappa))
    _, y = run(overwriting_network(task, g, c), with_silence(u, 60))
    expected = continuation(task, u[:, -task.s :], 60)
    np.testing.assert_array_equal(np.sign(y[:, task.s + extra :]), expected)
    # A rule that is none of its own is not followed.
    other = continuation(permuted(task.s, task.kappa, 99), u[:, -task.s :], 60)
    assert (np.sign(y[:, task.s + extra :]) == other).mean() < 0.9


@pytest.mark.usefixtures("_no_shape_hook")  # which takes longer than the steps
@pytest.mark.parametrize("task", [compose_copy(4), permuted(5, 3, 1), majority()])
def test_a_hundred_thousand_steps_without_an_error(task):
    weights = overwriting_network(task, 2.0, 8.0)
    assert accuracy_around(weights, task, 100_000, sequences=4).value == 1.0
    # With so small a gain the contents are zero by then. (With 0.99 float64 keeps the sign: its
    # smallest number times 0.99 is itself.)
    faint = overwriting_network(task, 0.4, 8.0)
    assert accuracy_around(faint, task, 100_000, sequences=4).value < 0.9


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("g", "c"), [(1.5, 2.0), (2.0, 4.0), (2.0, 8.0), (3.0, 12.0)])
def test_sizes_lie_in_the_guaranteed_interval(task, g, c):
    sizes = guaranteed(task, g, c)
    if sizes is None:
        assert task.threshold and c < 8  # for a selection c > g is enough
        return
    u = np.random.default_rng(1).choice([-1.0, 1.0], size=(300, 5 * task.s, task.kappa))
    h, _ = run(overwriting_network(task, g, c), with_silence(u, 40))
    full = abs(h[:, task.s - 1 :])
    assert sizes.least - 1e-12 <= full.min() and full.max() <= sizes.most + 1e-12


@pytest.mark.parametrize("g", [1.05, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("delay", [1, 2, 5])
def test_the_least_write_is_where_errors_begin(g, delay):
    task, least = selection(5, np.array([delay])), least_write(g, delay)
    first = np.ones((400 * delay, 1))
    over = np.concatenate([first, -np.ones((5, 1))])

    def errors(c):
        h, _ = run(overwriting_network(task, g, c), over)
        return int((h[len(first) :, -1] > 0).sum())

    assert errors(1.001 * least) == 0 < errors(0.999 * least)


@pytest.mark.parametrize("g", [1.3, 2.0])
def test_just_above_the_least_write_no_sequence_errs(g):
    task = selection(3, np.array([1, 1]), np.array([2, 1]), np.array([1, -1]))
    u = np.random.default_rng(0).choice([-1.0, 1.0], size=(500, 60, 2))
    c = 1.0001 * least_write(g, 1)
    assert guaranteed(task, g, c) and guaranteed(task, g, 0.999 * c) is None
    _, y = run(overwriting_network(task, g, c), with_silence(u, 50))
    np.testing.assert_array_equal(np.sign(y[:, 60:]), continuation(task, u[:, -3:], 50))


def test_a_gain_of_one_or_less_guarantees_nothing_and_bits_fade():
    task = repeat_copy(3, 2)
    assert guaranteed(task, 1.0, 5.0) is guaranteed(task, 0.7, 5.0) is None and guaranteed(
        task, 1.001, 5.0
    )
    u = random_bits(task, 5, np.random.default_rng(0))
    h, _ = run(overwriting_network(task, 1.0, 5.0), with_silence(u, 3000))
    np.testing.assert_allclose(abs(h[:, -1]), np.sqrt(3 / (2 * 3000)), rtol=0.01)


def test_a_rule_that_turns_what_is_written_has_an_index_above_1():
    def cubic(x):
        return x - x**3

    task, weights = repeat_copy(1, 1), Network(np.eye(1), 1.2 * np.eye(1), -np.eye(1))
    stored = cubic(1.2)
    over = [cubic(sign * stored + 1.2) for sign in (1, -1)]
    expected = 1 - (over[0] - over[1]) / (2 * cubic(stored))
    got = overwrite_index(bent(weights, cubic), task, wait=0)
    assert abs(got - expected) < 1e-12 and expected > 1


def test_margins_by_hand():
    F = np.zeros((1, 2, 2))
    F[0] = [[3.0, 1.0], [0.0, 0.5]]
    assert margin(Task(1, 2, F)) == margin(Task(1, 2, F[:, ::-1])) == (0.5, 4.0)
    assert margin(repeat_copy(3, 2)) == (1.0, 1.0)
    assert margin(majority()) == (1.0, 3.0)
    assert margin(Task(16, 1, np.ones((16, 1, 1)))) == (0.0, 16.0)
    F = np.zeros((2, 1, 1))
    F[:, 0, 0] = 1.0, -1.0
    assert margin(Task(2, 1, F)) == (0.0, 2.0)
    assert guaranteed(Task(2, 1, F, threshold=True), 2.0, 9.0) is None
    F[:, 0, 0] = 2.0, 0.5
    assert margin(Task(2, 1, F)) == (1.5, 2.5)


@pytest.mark.parametrize("task", SELECTIONS)
def test_the_index_is_0_for_adding_and_1_for_overwriting(task):
    assert abs(overwrite_index(straight(linear(task)), task)) < 1e-9
    assert abs(overwrite_index(overwriting_network(task, 2.0, 4.0), task) - 1) < 1e-3
    # The same W_hh adds when what is written is small: the spectrum does not decide.
    small = overwriting_network(task, 1.0001, 4.0)
    small = Network(small.W_hh, 1e-3 * small.W_uh, small.W_r)
    assert abs(overwrite_index(small, task)) < 1e-3
    assert overwrite_index(overwriting_network(task, 1.0001, 4.0), task) > 0.9


def test_the_index_of_a_unit_by_hand():
    g, c, task = 1.5, 2.0, repeat_copy(1, 1)
    stored = np.tanh(c)
    kept, written = np.tanh(g * stored), [np.tanh(c + s * g * stored) for s in (1, -1)]
    expected = 1 - (written[0] - written[1]) / (2 * kept)
    assert abs(overwrite_index(overwriting_network(task, g, c), task, wait=0) - expected) < 1e-12


@pytest.mark.parametrize("scale", [1.0, 100.0, 1000.0])
@pytest.mark.parametrize("initial", ["torch", "orthogonal"])
def test_a_network_that_keeps_nothing_overwrites_nothing(scale, initial):
    # Its units are so far in saturation that no trace of what was there is left, of anything.
    for task in (repeat_copy(4, 3), compose_copy(4)):
        for seed in range(4):
            config = TrainingConfig(hidden=32, seed=seed, initialisation=initial)
            start = untrained(task, config)
            start = replace(start, W_uh=scale * start.W_uh)
            with pytest.raises(ValueError, match="network must hold what is to be written over"):
                overwrite_index(start, task)


def test_the_index_does_not_depend_on_the_basis_or_the_scale_of_a_linear_network():
    task = compose_copy(4)
    for scale in (1e-3, 1e3):
        weights = linear(task, 3)
        scaled = Network(weights.W_hh, scale * weights.W_uh, weights.W_r)
        assert abs(overwrite_index(straight(scaled), task)) < 1e-9


SIZES = np.array([0.5, 1.0, 2.0])


@pytest.mark.parametrize("task", SELECTIONS)
def test_what_a_linear_network_adds_does_not_depend_on_what_was_stored(task):
    got = change_by_stored(straight(linear(task)), task, SIZES)
    np.testing.assert_allclose(got.change, 1, atol=1e-9)
    # What is stored is that of the driven recursion: f adds up in some rules already.
    assert got.stored.shape == (6,) and (np.diff(got.stored) >= 0).all()


def test_what_was_stored_is_what_was_written_if_nothing_was_there():
    task = repeat_copy(4, 3)
    got = change_by_stored(straight(linear(task)), task, SIZES)
    np.testing.assert_allclose(got.stored, [-2, -1, -0.5, 0.5, 1, 2], atol=1e-9)


@pytest.mark.parametrize("task", SELECTIONS)
def test_what_an_overwriting_network_adds_is_what_is_missing(task):
    weights = overwriting_network(task, 3.0, 8.0)
    got = change_by_stored(weights, task, np.array([1.0, 2.0]))
    np.testing.assert_allclose(got.change, 1 - got.stored, atol=0.02)
    assert np.ptp(got.change) > 1.9


def test_the_change_by_hand():
    task, rng = selection(2, np.array([2, 1]), np.array([2, 1]), np.array([1, -1])), np.random
    weights = Network(*(rng.default_rng(0).normal(size=n) for n in ((5, 5), (5, 2), (2, 5))))
    got = change_by_stored(weights, task, np.array([0.7]), sequences=40, seed=3)
    draw = rng.default_rng(3)
    u, bits = random_bits(task, 40, draw), draw.choice([-1.0, 1.0], size=(40, 1, 2))
    kinds = {True: [], False: []}
    for x, (b,) in zip(u, bits, strict=True):
        brought = x[0, 1], -x[1, 0]
        silent, over = (
            run(weights, np.vstack([0.7 * x, v, np.zeros((2, 2))]))[1] for v in (0 * b, b)
        )
        # Component 2 is read into 1 two steps later, component 1 turned into 2 one step later.
        for c, (step, reader, sign) in enumerate([(3, 1, -1), (4, 0, 1)]):
            one, other = (sign * b[c] * y[step, reader] for y in (silent, over))
            kinds[b[c] == brought[c]].append((one, other - one))
    expected = sorted(tuple(np.mean(kind, axis=0)) for kind in kinds.values())
    np.testing.assert_allclose(np.transpose(got), expected, atol=1e-12)


def test_the_index_is_blind_to_what_becomes_of_the_new_bit():
    # A write that is itself forgotten: only the other two measures see it.
    task = repeat_copy(4, 3)
    forgetful = overwriting_network(task, 0.01, 4.0)
    assert overwrite_index(forgetful, task) == pytest.approx(1, abs=0.01)
    assert abs(change_by_stored(forgetful, task, SIZES).change).max() < 0.01


@pytest.mark.parametrize("silence", [0, 3])
@pytest.mark.parametrize("task", SELECTIONS)
def test_linear_networks_answer_by_the_total_and_overwriting_ones_by_the_last(task, silence):
    added = answers(straight(linear(task)), task, 3, silence, steps=20)
    replaced = answers(overwriting_network(task, 2.0, 4.0), task, 3, silence, steps=20)
    assert added.total == 1.0 > 0.9 > added.last
    assert replaced.last == 1.0 > 0.9 > replaced.total


def test_repeat_copy_gives_the_sign_of_a_sum_of_three():
    task = repeat_copy(8, 4)
    got = answers(straight(linear(task)), task, sequences=2000, steps=8)
    assert abs(got.last - 0.75) < 0.01
    once = answers(straight(linear(task)), task, rounds=1)
    assert once == (1.0, 1.0)


def test_answers_are_scored_against_the_rules_on_the_inputs_given():
    task = permuted(4, 3, 0)
    got = answers(overwriting_network(task, 2.0, 4.0), task, 2, 5, steps=9, sequences=7, seed=3)
    rng = np.random.default_rng(3)
    first, second = random_bits(task, 7, rng), random_bits(task, 7, rng)
    u = np.concatenate([with_silence(first, 5), with_silence(second, 9)], axis=1)
    y = np.sign(run(overwriting_network(task, 2.0, 4.0), u)[1][:, -9:])
    total = np.sign(driven(task, u)[:, -9:])
    assert got.last == (y == continuation(task, second, 9)).mean()
    assert got.total == (y == total)[total != 0].mean()


def test_an_overwriting_network_depends_on_the_size_of_its_inputs_and_a_linear_one_does_not():
    task = compose_copy(5)
    weights = overwriting_network(task, 2.0, 4.0)
    assert answers(weights, task, 1, scale=10.0).last == 1.0
    assert answers(weights, task, 1, scale=0.01, steps=20).last < 0.9
    for a in (1e-3, 10.0):
        got = answers(straight(linear(task)), task, 3, scale=a, steps=20)
        assert got.total == 1.0 > 0.9 > got.last


def test_the_recipe_scales_with_the_cycle_and_the_rate():
    got = to_overwrite(5, 40, 3, 1e-2, updates=70, most_inputs=15)
    stages = Stage(10, 300, 1e-2), Stage(30, 300, 6e-3), Stage(100, 70, 2e-3)
    assert got == TrainingConfig(
        hidden=40,
        seed=3,
        initialisation="permutation",
        write_scale=1.0,
        stages=stages,
        batch=64,
        most_inputs=15,
    )
    assert to_overwrite() == to_overwrite(8, 128, 0, 5e-3, 2400, None)


def test_a_small_network_learns_to_overwrite_by_it_and_to_add_without_it():
    task = compose_copy(3)
    loud = train(task, to_overwrite(3, 24, updates=300), progress=False).network
    quiet = train(task, TrainingConfig(hidden=24, stages=three_stages(3)), progress=False).network
    assert overwrite_index(loud, task) > 0.5 > 0.1 > abs(overwrite_index(quiet, task))


def test_sizes_are_two_numbers():
    assert Sizes(0.1, 0.2)._asdict() == {"least": 0.1, "most": 0.2}
