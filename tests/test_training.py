"""Training against an independent implementation, and what it promises about bits and states."""

import math

import numpy as np
import pytest
import torch

from emt import (
    Stage,
    Task,
    TrainingConfig,
    accuracy,
    continuation,
    random_bits,
    repeat_copy,
    train,
    untrained,
    with_silence,
)
from emt.training import _schedule, three_stages

TASK = repeat_copy(2, 2)
TINY = TrainingConfig(hidden=6, batch=8, warmup=2, stages=(Stage(3, 6, 1e-2), Stage(5, 4, 4e-3)))


def raw(training) -> bytes:
    w = training.weights
    return b"".join(x.tobytes() for x in (w.W_hh, w.W_uh, w.W_r, training.loss))


def tiny(**changes) -> TrainingConfig:
    return TrainingConfig(**{**vars(TINY), **changes})


def second_implementation(task, config):
    """Float64, torch.nn.RNN, Adam written out: weights and losses."""
    start, a = untrained(task, config), config.write_scale
    rnn = torch.nn.RNN(task.kappa, config.hidden, bias=False, batch_first=True, dtype=torch.float64)
    x = [start.W_hh, start.W_uh / a, start.W_r * a]
    m, v = ([np.zeros_like(p) for p in x] for _ in range(2))
    rng, losses, n = np.random.default_rng([config.seed, 1]), [], 0
    for horizon, steps, peak in config.stages:
        for k in range(steps):
            u = random_bits(task, config.batch, rng)
            targets = torch.tensor(continuation(task, u, horizon))
            W_r = torch.tensor(x[2] / a, requires_grad=True)
            rnn.weight_hh_l0 = torch.nn.Parameter(torch.tensor(x[0]))
            rnn.weight_ih_l0 = torch.nn.Parameter(torch.tensor(x[1] * a))
            h, _ = rnn(torch.tensor(with_silence(u, horizon)))
            loss = ((h[:, task.s :] @ W_r.T - targets) ** 2).mean()
            loss.backward()
            losses.append(loss.item())
            g = [rnn.weight_hh_l0.grad.numpy(), rnn.weight_ih_l0.grad.numpy() * a]
            g.append(W_r.grad.numpy() / a)
            size = math.sqrt(sum((p**2).sum() for p in g))
            g = [p * min(1.0, config.clip / size) for p in g]
            n += 1
            rate = peak * min(1, (k + 1) / config.warmup) * math.cos(math.pi * k / steps / 2) ** 2
            for i in range(3):
                m[i] = 0.9 * m[i] + 0.1 * g[i]
                v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2
                step = (m[i] / (1 - 0.9**n)) / (np.sqrt(v[i] / (1 - 0.999**n)) + 1e-8)
                x[i] = x[i] - rate * step
    return (x[0], x[1] * a, x[2] / a), losses


@pytest.mark.parametrize(
    "changes",
    [{}, {"clip": 0.05}, {"write_scale": 0.5, "seed": 3}, {"initialisation": "torch"}],
    ids=str,
)
@pytest.mark.parametrize("turned", [False, True], ids=["repeat copy", "another f"])
def test_updates_are_those_of_a_second_implementation(changes, turned):
    F = np.array([[[0, 1], [-1, 0]], [[0.5, 0], [0, 0.3]]]) if turned else TASK.F
    task, config = Task(2, 2, F), tiny(**changes)
    got = train(task, config, progress=False)
    expected, losses = second_implementation(task, config)
    np.testing.assert_allclose(got.loss, losses, rtol=2e-3)
    start = untrained(task, config)
    for name, value in zip(("W_hh", "W_uh", "W_r"), expected, strict=True):
        moved = getattr(start, name) - value
        error = np.linalg.norm(getattr(got.weights, name) - value)
        assert 0 < error < 0.02 * np.linalg.norm(moved)


def test_a_small_network_learns_the_task(trained):
    loss = trained.training.loss
    assert len(loss) == 300
    assert loss[:10].mean() > 0.9 and loss[-10:].mean() < 0.05
    assert loss[100:150].mean() < 0.1 * loss[:20].mean()
    assert accuracy(trained.weights, trained.task, 1, 24, 512).value == 1
    assert accuracy(untrained(trained.task, trained.config), trained.task, 1, 24, 512).value < 0.6


def test_a_learning_rate_of_zero_changes_nothing():
    config = tiny(stages=(Stage(3, 5, 0.0),))
    got, start = train(TASK, config, progress=False), untrained(TASK, config)
    for name in ("W_hh", "W_uh", "W_r"):
        np.testing.assert_array_equal(getattr(got.weights, name), getattr(start, name))
    assert (got.loss > 0.5).all()


def test_the_same_seed_gives_the_same_bytes():
    first = raw(train(TASK, TINY, progress=False))
    assert raw(train(TASK, TINY, progress=True)) == first
    assert raw(train(TASK, tiny(seed=1), progress=False)) != first


def test_threads_change_nothing_and_are_given_back():
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(raw(train(TASK, tiny(hidden=64, batch=64), progress=False)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert results[0] == results[1]


def test_global_random_states_are_neither_used_nor_touched():
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    try:
        results = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
            start = untrained(TASK, TINY)
            results.append(raw(train(TASK, TINY, progress=False)) + start.W_hh.tobytes())
            assert torch.equal(torch.get_rng_state(), before[0])
            np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
        assert results[0] == results[1]
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def test_nothing_is_printed_off_a_terminal(capfd):
    train(TASK, tiny(stages=(Stage(2, 2, 1e-3),)))
    assert capfd.readouterr() == ("", "")


def test_too_small_a_network_warns_and_trains():
    with pytest.warns(UserWarning, match=r"hidden = 3 is below s \* kappa = 4"):
        got = train(TASK, tiny(hidden=3), progress=False)
    assert got.weights.W_hh.shape == (3, 3)
    assert np.isfinite(got.loss).all() and len(got.loss) == 10
    assert (got.weights.W_hh != untrained(TASK, tiny(hidden=3)).W_hh).any()


def test_orthogonal_start():
    w = untrained(repeat_copy(3, 5), TrainingConfig(hidden=64, write_scale=0.2))
    np.testing.assert_allclose(w.W_hh @ w.W_hh.T, np.eye(64), atol=1e-5)
    np.testing.assert_allclose(np.linalg.svd(w.W_uh)[1], 0.2, rtol=1e-5)
    assert w.W_r.std() == pytest.approx(0.3 / math.sqrt(64) / 0.2, rel=0.15)
    assert abs(w.W_r.mean()) < 0.02 and w.b is None


def test_torchs_start():
    w = untrained(
        repeat_copy(3, 5), TrainingConfig(hidden=64, initialisation="torch", write_scale=0.2)
    )
    for matrix, scale in ((w.W_hh, 1.0), (w.W_uh, 0.2), (w.W_r, 5.0)):
        bound = scale / math.sqrt(64)
        assert 0.95 * bound < abs(matrix).max() <= bound * 1.0001
        assert matrix.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)


def test_the_start_depends_on_the_seed():
    starts = [untrained(TASK, tiny(seed=seed)) for seed in (0, 1, 0)]
    assert (starts[0].W_hh == starts[2].W_hh).all()
    assert all((getattr(starts[0], n) != getattr(starts[1], n)).any() for n in ("W_hh", "W_uh"))


def test_the_schedule_warms_up_and_decays_in_each_stage():
    config = TrainingConfig(stages=(Stage(7, 100, 2.0), Stage(9, 50, 1.0)), warmup=20)
    horizons, rates = zip(*_schedule(config), strict=True)
    assert horizons == (7,) * 100 + (9,) * 50
    rates = np.array(rates)
    for stage, peak, n in ((rates[:100], 2.0, 100), (rates[100:], 1.0, 50)):
        cosine = [peak * (1 + math.cos(math.pi * k / n)) / 2 for k in range(n)]
        np.testing.assert_allclose(stage[19:], cosine[19:])
        np.testing.assert_allclose(stage[:20] / cosine[:20], np.arange(1, 21) / 20)
        assert stage[n // 2] == pytest.approx(peak / 2)
        assert 0 < stage[-1] < 0.002 * peak


def test_no_warm_up_starts_at_the_peak():
    assert next(_schedule(TrainingConfig(warmup=0)))[1] == 5e-3


def test_the_books_schedule():
    assert TrainingConfig().stages == three_stages()
    np.testing.assert_allclose(three_stages(1.0), [(32, 300, 1.0), (64, 300, 0.4), (200, 160, 0.2)])
