"""Elman networks against a loop over units, torch, and counting by hand."""

import inspect
import tracemalloc
from dataclasses import replace
from math import tanh

import numpy as np
import pytest
import torch
from conftest import arrays, straight
from scipy import stats

from emt import (
    Network,
    Task,
    accuracy,
    accuracy_around,
    compose_copy,
    constructed,
    continuation,
    correct_bits,
    from_torch,
    random_bits,
    repeat_copy,
    run,
    running_sums,
    to_torch,
    with_silence,
)
from emt.beyond.lifetime import accuracy_curve
from emt.network import EVALUATION_SEED, continued, last_state, silent_states, states
from emt.scoring import Proportion, _targets, accuracy_by_variable, accuracy_on, counted
from emt.tasks import Trials


def identity(x):
    return x


def unbiased(w: Network) -> Network:
    return Network(w.W_hh, w.W_uh, w.W_r)


def unit_by_unit(w: Network, u: np.ndarray) -> np.ndarray:
    b = np.zeros(w.hidden) if w.b is None else w.b
    h, history = [0.0] * w.hidden, []
    for inputs in u:
        h = [
            tanh(
                sum(w.W_hh[i, j] * h[j] for j in range(w.hidden))
                + sum(w.W_uh[i, k] * inputs[k] for k in range(w.kappa))
                + b[i]
            )
            for i in range(w.hidden)
        ]
        history.append(h)
    return np.array(history)


def test_shapes_are_checked_in_tests():
    assert inspect.unwrap(run) is not run


@pytest.mark.parametrize("strip", [identity, unbiased], ids=["bias", "no bias"])
def test_states_are_equation_6_unit_by_unit(noise, strip):
    w = strip(noise)
    u = np.random.default_rng(0).normal(size=(2, 5, 3))
    h, y = run(w, u)
    for n in range(2):
        expected = unit_by_unit(w, u[n])
        np.testing.assert_allclose(h[n], expected, atol=1e-12)
        np.testing.assert_allclose(y[n], [w.W_r @ h_t for h_t in expected], atol=1e-12)
    np.testing.assert_array_equal(np.stack(list(states(w, u)), axis=1), h)


def test_the_linear_network_superposes_its_inputs(noise):
    w = unbiased(noise)
    u = np.random.default_rng(0).normal(size=(6, 3))
    h, _ = run(straight(w), u)
    for t in range(1, 7):
        paths = [np.linalg.matrix_power(w.W_hh, t - k) @ w.W_uh @ u[k - 1] for k in range(1, t + 1)]
        np.testing.assert_allclose(h[t - 1], sum(paths), atol=1e-10)


def test_batch_axes_are_free(noise):
    u = np.random.default_rng(0).normal(size=(2, 3, 4, 3))
    h, y = run(noise, u)
    assert h.shape == (2, 3, 4, 7) and y.shape == (2, 3, 4, 3)
    np.testing.assert_allclose(h[1, 2], run(noise, u[1, 2])[0], atol=1e-14)


@pytest.mark.parametrize("strip", [identity, unbiased], ids=["bias", "no bias"])
def test_torch_computes_the_same(noise, strip):
    w = strip(noise)
    u = np.random.default_rng(0).normal(size=(4, 6, 3))
    rnn, readout = to_torch(w)
    with torch.no_grad():
        h, _ = rnn(torch.tensor(u))
        y = readout(h)
    np.testing.assert_allclose(run(w, u)[0], h.numpy(), atol=1e-12)
    np.testing.assert_allclose(run(w, u)[1], y.numpy(), atol=1e-12)


@pytest.mark.parametrize("strip", [identity, unbiased], ids=["bias", "no bias"])
def test_torch_and_back_is_exact(noise, strip):
    w = strip(noise)
    back = from_torch(*to_torch(w))
    for name, value in vars(w).items():
        np.testing.assert_array_equal(getattr(back, name), value)
    assert (back.b is None) == (w.b is None)


def test_torchs_two_biases_are_added():
    torch_state = torch.get_rng_state()
    rnn = torch.nn.RNN(3, 7, batch_first=True)
    readout = torch.nn.Linear(7, 3, bias=False)
    u = torch.randn(2, 5, 3)
    torch.set_rng_state(torch_state)
    with torch.no_grad():
        y = readout(rnn(u)[0]).numpy()
    np.testing.assert_allclose(run(from_torch(rnn, readout), u.double().numpy())[1], y, atol=1e-6)


def test_weights_are_independent_float64_and_frozen(noise):
    single = Network(*(value.astype(np.float32) for value in arrays(noise).values()))
    assert {value.dtype for value in arrays(single).values()} == {np.dtype("float64")}
    assert (single.hidden, single.kappa) == (7, 3)
    with pytest.raises(AttributeError):
        single.W_hh = 0


def by_hand(w, task, first, last, sequences, seed):
    u = random_bits(task, sequences, np.random.default_rng(seed))
    _, y = run(w, with_silence(u, last))
    target = continuation(task, u, last)
    return [
        sum(
            y[n, task.s + step - 1, i] * target[n, step - 1, i] > 0
            for n in range(sequences)
            for i in range(task.kappa)
        )
        for step in range(first, last + 1)
    ]


@pytest.mark.parametrize("first, last", [(1, 1), (1, 9), (4, 9)])
def test_correct_bits_are_counted_step_by_step(noise, first, last):
    task = repeat_copy(4, 3)
    expected = by_hand(noise, task, first, last, 50, 11)
    np.testing.assert_array_equal(correct_bits(noise, task, first, last, 50, 11), expected)
    total = accuracy(noise, task, first, last, 50, 11)
    assert total == (sum(expected), 50 * 3 * (last - first + 1))
    assert total.value == sum(expected) / total.bits
    assert 0 < total.value < 1


def mixing_task(s, kappa, seed=0, **options):
    """Return a task that reads all s vectors and neither grows nor dies."""
    F = np.random.default_rng(seed).normal(size=(s, kappa, kappa))
    Phi = np.eye(s * kappa, k=kappa)
    Phi[-kappa:] = np.concatenate(F, axis=1)
    radius = abs(np.linalg.eigvals(Phi)).max()
    return Task(s, kappa, F * radius ** np.arange(-s, 0.0)[:, None, None], **options)


SIGNS = Task(3, 2, running_sums(3, 2).F, threshold=True)
RULES = {
    "repeat copy": repeat_copy(4, 3),
    "compose copy": compose_copy(3),
    "signs": SIGNS,
    "any F": mixing_task(3, 3),
}


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize("first, last", [(1, 6), (4094, 4099), (4097, 4101), (8190, 8196)])
@pytest.mark.parametrize("task", RULES.values(), ids=RULES)
def test_correct_bits_far_away_are_those_of_a_whole_run(task, first, last):
    # Copying with another period is exact, linear, and right half of the time.
    w = constructed(repeat_copy(5, task.kappa), np.eye(5 * task.kappa))
    expected = by_hand(straight(w), task, first, last, 20, 3)
    got = correct_bits(straight(w), task, first, last, 20, 3)
    np.testing.assert_array_equal(got, expected)
    assert 0 < sum(expected) < 20 * len(got) * task.kappa


@pytest.mark.parametrize("strip", [identity, unbiased], ids=["bias", "no bias"])
@pytest.mark.parametrize("task", RULES.values(), ids=RULES)
def test_correct_bits_keep_the_bias_in_silence(noise, task, strip):
    w = strip(noise)
    w = Network(w.W_hh / 3, w.W_uh[:, : task.kappa], w.W_r[: task.kappa], w.b)
    expected = by_hand(w, task, 2, 30, 20, 3)
    np.testing.assert_array_equal(correct_bits(w, task, 2, 30, 20, 3), expected)


@pytest.mark.parametrize("chunk", [1, 3, 4, 7, 12, 4096])
@pytest.mark.parametrize("first, last", [(1, 1), (1, 9), (8, 9), (12, 12), (13, 20), (49, 60)])
@pytest.mark.parametrize("task", RULES.values(), ids=RULES)
def test_targets_are_the_same_in_any_chunks(task, first, last, chunk):
    u = random_bits(task, 5, np.random.default_rng(0))
    got = _targets(task, u, first, last, chunk)
    np.testing.assert_array_equal(got, continuation(task, u, last)[:, first - 1 :])


@pytest.mark.parametrize("first, last", [(1, 3), (4097, 4103), (8201, 8203)])
def test_more_inputs_than_targets_are_held(first, last):
    task, one = repeat_copy(4100, 1), np.ones((1, 1))
    got = correct_bits(Network(one, one, one), task, first, last, 40)
    # |h| < 1, so the sign is, and stays, that of the last input; the inputs come back in order.
    u = random_bits(task, 40, np.random.default_rng(EVALUATION_SEED))[..., 0]
    again = np.arange(first - 1, last) % 4100
    np.testing.assert_array_equal(got, (u[:, again] == u[:, -1:]).sum(axis=0))


def test_a_target_without_a_sign_does_not_count():
    """The sum of two signs is 0 half the time; the exact network says it, but for rounding."""
    mixed = np.array([[[1.0, 1.0], [1.0, -1.0]]]) / 2**0.5
    task = Task(2, 2, np.concatenate([mixed, 0 * mixed]))
    exact = straight(
        constructed(task, np.linalg.qr(np.random.default_rng(0).normal(size=(8, 4)))[0])
    )
    u = random_bits(task, 500, np.random.default_rng(3))
    targets = continuation(task, u, 9)
    has_sign = abs(targets) > 1e-12
    assert 0.5 < has_sign.mean() < 0.9 and (targets[~has_sign] != 0).any()
    found = accuracy(exact, task, 1, 9, 500, 3)
    assert found == (np.count_nonzero(has_sign),) * 2
    assert accuracy_curve(exact, task, np.array([1.0, 3.0]), sequences=500, seed=3).min() == 1
    assert accuracy(replace(exact, W_r=-exact.W_r), task, 1, 9, 500, 3).correct == 0


def test_accuracy_by_variable_says_where_a_network_fails():
    task = repeat_copy(4, 3)
    w = straight(constructed(task, np.eye(12)))
    rows = w.W_r.copy()
    rows[1] = 0  # the second component is never said
    got = accuracy_by_variable(replace(w, W_r=rows), task, 1, 40, 64)
    np.testing.assert_array_equal(got, np.tile([1.0, 0.0, 1.0], (4, 1)))
    cut = w.W_hh.copy()
    cut[:, 3:6] = 0  # what memory 2 holds is lost at the first step: it should be said second
    got = accuracy_by_variable(replace(w, W_hh=cut), task, 3, 4, 64)
    assert np.isnan(got[:2]).all() and not np.isnan(got[2:]).any()
    whole = accuracy_by_variable(w, task, 2, 9, 64)
    np.testing.assert_array_equal(whole, 1)
    counts = counted(replace(w, W_r=rows), task, 1, 8, 64)
    np.testing.assert_array_equal(counts.bits, 64)
    assert counts.right.sum() / counts.bits.sum() == pytest.approx(2 / 3)


@pytest.mark.usefixtures("_no_shape_hook")
def test_far_steps_need_no_memory_for_those_before():
    w, task = constructed(repeat_copy(2, 4), np.eye(8)), repeat_copy(2, 4)
    peaks = []
    for first in (4_000, 24_000):
        tracemalloc.start()
        counts = correct_bits(straight(w), task, first, first, 64)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert counts == [64 * 4]
    assert peaks[1] < 2 * peaks[0]


def test_accuracy_tells_right_from_wrong_and_from_nothing(known):
    task, w = known().task, straight(known().network)
    size = {"last": 40, "sequences": 30}
    assert accuracy(w, task, **size).value == 1
    assert accuracy(replace(w, W_r=-w.W_r), task, **size).value == 0
    assert accuracy(replace(w, W_r=0 * w.W_r), task, **size).value == 0


def test_accuracy_around_scores_two_periods_from_the_step_on(noise):
    task = repeat_copy(4, 3)
    got = accuracy_around(noise, task, 5)
    assert got.bits == 64 * 8 * 3
    assert got.correct == sum(by_hand(noise, task, 5, 12, 64, 20_230_701))
    few = accuracy_around(noise, task, 5, sequences=9)
    assert few == (sum(by_hand(noise, task, 5, 12, 9, 20_230_701)), 9 * 8 * 3)
    linear = accuracy_around(straight(noise), task, 5, 9)
    assert linear.correct == sum(by_hand(straight(noise), task, 5, 12, 9, 20_230_701))


def test_evaluation_sequences_are_fixed_unless_asked(noise):
    task = repeat_copy(4, 3)
    assert accuracy(noise, task, last=9, sequences=99) == accuracy(
        noise, task, last=9, sequences=99
    )
    a, b = (correct_bits(noise, task, last=9, sequences=99, seed=seed) for seed in (1, 2))
    assert (a != b).any()


@pytest.mark.parametrize("correct, bits", [(0, 20), (13, 20), (20, 20)])
def test_interval_is_clopper_and_pearsons(correct, bits):
    low = stats.beta.ppf(0.025, correct, bits - correct + 1) if correct else 0.0
    high = stats.beta.ppf(0.975, correct + 1, bits - correct) if correct < bits else 1.0
    assert Proportion(correct, bits).interval == pytest.approx((low, high))


def test_a_run_continues_from_a_state(noise):
    u = np.zeros((2, 9, 3))
    u[:, :4] = np.random.default_rng(3).normal(size=(2, 4, 3))
    h, y = run(noise, u)
    later, said = continued(noise, h[:, 3], 5)
    np.testing.assert_allclose(later, h[:, 4:], atol=1e-14)
    np.testing.assert_allclose(said, y[:, 4:], atol=1e-14)
    once, _ = continued(straight(noise), h[0, 3], 1)
    np.testing.assert_allclose(once, [noise.W_hh @ h[0, 3] + noise.b], atol=1e-14)
    with pytest.raises(ValueError, match="steps must be"):
        continued(noise, h[0, 3], 0)
    with pytest.raises(ValueError, match=r"h must have shape"):
        next(silent_states(noise, np.ones(6)))


def test_the_last_state_is_that_of_the_run(noise):
    u = np.random.default_rng(3).normal(size=(4, 7, noise.kappa))
    for network in (noise, straight(noise)):
        whole = run(network, u)[0][:, -1]
        np.testing.assert_array_equal(last_state(network, u), whole)
    with pytest.raises(ValueError, match="the number of steps of u"):
        last_state(noise, u[:, :0])


def trials(task, cue=False, bits=False):
    """Return trials of repeat copy, with a delimiter's channel or with bits 0 and 1 if asked."""
    u = np.random.default_rng(0).choice([-1.0, 1.0], (30, task.s, task.kappa))
    late = with_silence(u, 9)
    targets = np.concatenate([0 * u, continuation(task, u, 9)], axis=1)
    mask = np.broadcast_to(np.arange(late.shape[1]) >= task.s, late.shape[:2])
    if bits:
        targets = (targets > 0).astype(float)
    if cue:
        late = np.concatenate([late, np.ones((*late.shape[:2], 1))], axis=2)
    return Trials(late, targets, mask, middle=0.5 if bits else 0.0)


@pytest.mark.parametrize("bits", [False, True])
def test_own_trials_are_scored_where_their_mask_says(known, bits):
    net = known(3, 2, 4)
    right = straight(net.network)
    own = trials(net.task, bits=bits)
    assert accuracy_on(right, own) == (30 * 9 * 2, 30 * 9 * 2)
    assert accuracy_on(replace(right, W_r=-right.W_r), own).value == 0
    assert accuracy_on(right, replace(own, mask=None)).value < 1
    shifted = replace(right, c=np.full(2, 0.5))
    assert accuracy_on(shifted, replace(own, decision=0.5)).value == 1
    early = replace(own, mask=np.roll(own.mask, 0, axis=1) & (np.arange(12) < 6))
    assert accuracy_on(right, early).bits == 30 * 3 * 2


def test_channels_name_data_and_cues(known):
    net = known(3, 2, 4)
    w = straight(net.network)
    spare = np.random.default_rng(1).normal(size=(w.hidden, 1))
    spare -= net.Psi @ (net.Psi_dual @ spare)  # the delimiter writes beside the memories
    cued = replace(w, W_uh=np.hstack([w.W_uh, spare]))
    assert accuracy_on(cued, trials(net.task, cue=True)).value == 1
    data = cued.channels([0, 1])
    np.testing.assert_array_equal(data.W_uh, w.W_uh)
    assert accuracy_on(data, trials(net.task)).value == 1
    one = replace(cued, c=np.array([1.0, 2.0])).channels([1], [1])
    assert one.inputs == one.outputs == 1 and one.c.tolist() == [2.0]
    with pytest.raises(ValueError, match=r"inputs must be whole numbers in range\(0, 3\), not 3"):
        cued.channels([3])


@pytest.mark.parametrize("how", [run, last_state])
def test_a_run_without_steps_is_refused_whatever_the_number_of_inputs(how, noise):
    with pytest.raises(ValueError, match="the number of steps of u"):
        how(noise, np.zeros((0, noise.kappa)))
