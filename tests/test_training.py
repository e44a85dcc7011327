"""Training against an independent implementation, and what it promises about bits and states."""

import math
from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
import training
from threadpoolctl import threadpool_info, threadpool_limits

from emt import (
    Stage,
    Task,
    TrainingConfig,
    accuracy,
    continuation,
    published,
    random_bits,
    repeat_copy,
    run,
    train,
    untrained,
    with_silence,
)
from emt.training import descent, recipes
from emt.training.descent import _rates
from emt.training.recipes import QUICK, three_stages

TASK = repeat_copy(2, 2)
TINY = TrainingConfig(hidden=6, batch=8, warmup=2, stages=(Stage(3, 6, 1e-2), Stage(5, 4, 4e-3)))


def raw(training) -> bytes:
    w = training.network
    return b"".join(x.tobytes() for x in (w.W_hh, w.W_uh, w.W_r, training.loss))


def tiny(**changes) -> TrainingConfig:
    return TrainingConfig(**{**vars(TINY), **changes})


def three(**changes) -> TrainingConfig:
    return tiny(stages=(Stage(3, 5, 1e-2), Stage(5, 4, 4e-3), Stage(4, 3, 4e-3)), **changes)


@pytest.fixture
def horizons(monkeypatch):
    """Return the list to which training appends the horizon of each update."""
    seen, gradient = [], descent.backpropagate

    def noted(*weights_and_data, **how):
        seen.append(len(weights_and_data[4]))
        return gradient(*weights_and_data, **how)

    monkeypatch.setattr(descent, "backpropagate", noted)
    return seen


def second_implementation(task, config):
    """Float64, torch.nn.RNN, Adam written out: weights and losses."""
    start, a = untrained(task, config), config.write_scale
    rnn = torch.nn.RNN(task.kappa, config.hidden, bias=False, batch_first=True, dtype=torch.float64)
    x = [start.W_hh, start.W_uh / a, start.W_r * a]
    m, v = ([np.zeros_like(p) for p in x] for _ in range(2))
    rng, losses = np.random.default_rng([config.seed, 1]), []
    for horizon, steps, peak in config.stages:
        for k in range(steps):
            if len(losses) == config.updates:
                break
            u = random_bits(task, config.batch, rng)
            targets = torch.tensor(continuation(task, u, horizon))
            W_r = torch.tensor(x[2] / a, requires_grad=True)
            rnn.weight_hh_l0 = torch.nn.Parameter(torch.tensor(x[0]))
            rnn.weight_ih_l0 = torch.nn.Parameter(torch.tensor(x[1] * a))
            h, _ = rnn(torch.tensor(with_silence(u, horizon)))
            y = h[:, task.s :] @ W_r.T
            loss = ((y - targets) ** 2).mean()
            loss.backward()
            losses.append(loss.item())
            g = [rnn.weight_hh_l0.grad.numpy(), rnn.weight_ih_l0.grad.numpy() * a]
            g.append(W_r.grad.numpy() / a)
            size = math.sqrt(sum((p**2).sum() for p in g))
            g = [p * min(1.0, config.clip / size) for p in g]
            n = len(losses)
            rate = peak * min(1, (k + 1) / max(1, config.warmup))
            if config.decay == "cosine":
                rate *= math.cos(math.pi * k / steps / 2) ** 2
            for i in range(3):
                m[i] = 0.9 * m[i] + 0.1 * g[i]
                v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2
                step = (m[i] / (1 - 0.9**n)) / (np.sqrt(v[i] / (1 - 0.999**n)) + 1e-8)
                x[i] = x[i] - rate * step
            right = np.mean((y > 0).numpy() == (targets > 0).numpy())
            if config.advance and right >= config.advance and horizon < config.stages[-1].horizon:
                break
    return (x[0], x[1] * a, x[2] / a), losses


RECIPE = {"initialisation": "torch", "write_scale": 1.0, "decay": "none", "warmup": 0}
LEFT_EARLY = {
    **RECIPE,
    "stages": (Stage(3, 9, 5e-2), Stage(4, 9, 5e-2), Stage(5, 4, 1e-2)),
    "advance": 0.75,
}
SECOND_LEFT_EARLY = {
    **LEFT_EARLY,
    "stages": (Stage(3, 2, 5e-2), Stage(4, 9, 5e-2), Stage(5, 4, 1e-2)),
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"clip": 0.05},
        {"write_scale": 0.5, "seed": 3},
        {"initialisation": "torch"},
        RECIPE,
        {"decay": "none", "warmup": 3},
        {"updates": 7},
        LEFT_EARLY,
        SECOND_LEFT_EARLY,
        {**LEFT_EARLY, "decay": "cosine", "warmup": 3, "updates": 11},
    ],
    ids=str,
)
@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("turned", [False, True], ids=["repeat copy", "another f"])
def test_updates_are_those_of_a_second_implementation(changes, device, turned):
    F = np.array([[[0, 1], [-1, 0]], [[0.5, 0], [0, 0.3]]]) if turned else TASK.F
    task, config = Task(2, 2, F), tiny(**changes)
    got = train(task, config, progress=False, device=device)
    expected, losses = second_implementation(task, config)
    np.testing.assert_allclose(got.loss, losses, rtol=2e-3)
    start = untrained(task, config)
    for name, value in zip(("W_hh", "W_uh", "W_r"), expected, strict=True):
        moved = getattr(start, name) - value
        error = np.linalg.norm(getattr(got.network, name) - value)
        assert 0 < error < 0.02 * np.linalg.norm(moved)


def test_a_small_network_learns_the_task(trained):
    loss = trained.training.loss
    assert len(loss) == 300
    assert loss[:10].mean() > 0.9 and loss[-10:].mean() < 0.05
    assert loss[100:150].mean() < 0.1 * loss[:20].mean()
    assert accuracy(trained.network, trained.task, 1, 24, 512).value == 1
    assert accuracy(untrained(trained.task, trained.config), trained.task, 1, 24, 512).value < 0.6


def test_a_learning_rate_of_zero_changes_nothing():
    config = tiny(stages=(Stage(3, 5, 0.0),))
    got, start = train(TASK, config, progress=False), untrained(TASK, config)
    for name in ("W_hh", "W_uh", "W_r"):
        np.testing.assert_array_equal(getattr(got.network, name), getattr(start, name))
    assert (got.loss > 0.5).all()


def test_the_same_seed_gives_the_same_bytes():
    first = raw(train(TASK, TINY, progress=False))
    assert raw(train(TASK, TINY, progress=True)) == first
    assert raw(train(TASK, tiny(seed=1), progress=False)) != first


def threads() -> list[int]:
    return [torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())]


@pytest.mark.parametrize("device", [None, "cpu"])
def test_threads_change_nothing_and_are_given_back(device):
    before, results, inside = torch.get_num_threads(), [], []

    def look(_) -> bool:
        inside.extend(threads())
        return False

    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            with threadpool_limits(number):
                outside = threads()
                got = train(TASK, tiny(hidden=64, batch=64), False, device, look, every=5)
                results.append(raw(got))
                assert threads() == outside and outside[0] == number
    finally:
        torch.set_num_threads(before)
    assert results[0] == results[1]
    assert len(inside) >= 6 and set(inside) == {1}


def test_threads_are_given_back_after_an_interruption():
    def interrupt(_) -> bool:
        raise KeyboardInterrupt

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with threadpool_limits(2):
            outside = threads()
            with pytest.raises(KeyboardInterrupt):
                train(TASK, TINY, False, stop=interrupt, every=1)
            assert threads() == outside and outside[0] == 2
    finally:
        torch.set_num_threads(before)


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


@pytest.mark.parametrize("progress, disable", [(True, None), (False, True)])
def test_the_bar_counts_updates_up_to_the_cap(monkeypatch, progress, disable):
    bar = MagicMock()
    monkeypatch.setattr(descent, "tqdm", bar)
    train(TASK, tiny(updates=7), progress)
    assert bar.call_args.kwargs["total"] == 7 and bar.call_args.kwargs["disable"] is disable
    assert bar.return_value.__enter__.return_value.update.call_count == 7


def test_too_small_a_network_warns_and_trains():
    with pytest.warns(UserWarning, match=r"hidden = 3 is below s \* kappa = 4"):
        got = train(TASK, tiny(hidden=3), progress=False)
    assert got.network.W_hh.shape == (3, 3)
    assert np.isfinite(got.loss).all() and len(got.loss) == 10
    assert (got.network.W_hh != untrained(TASK, tiny(hidden=3)).W_hh).any()


def test_orthogonal_start():
    w = untrained(repeat_copy(3, 5), TrainingConfig(hidden=64, write_scale=0.2))
    np.testing.assert_allclose(w.W_hh @ w.W_hh.T, np.eye(64), atol=1e-5)
    np.testing.assert_allclose(np.linalg.svd(w.W_uh)[1], 0.2, rtol=1e-5)
    assert w.W_r.std() == pytest.approx(0.3 / math.sqrt(64) / 0.2, rel=0.15)
    assert abs(w.W_r.mean()) < 0.02 and w.b is None


@pytest.mark.parametrize("H, kappa", [(64, 5), (16, 16), (33, 3), (5, 2)], ids=str)
@pytest.mark.parametrize("seed", [0, 7, 2**32 + 3])
def test_a_seed_means_what_it_means_to_torch(H, kappa, seed):
    task = repeat_copy(3, kappa)
    shapes = (H, H), (H, kappa), (kappa, H)
    for start in ("torch", "orthogonal", "permutation"):
        draws = torch.Generator().manual_seed(seed)
        expected = [torch.empty(shape) for shape in shapes]
        if start == "torch":
            for x in expected:
                x.uniform_(-(H**-0.5), H**-0.5, generator=draws)
        else:
            if start == "permutation":
                expected[0] = torch.eye(H)[torch.randperm(H, generator=draws)]
            else:
                torch.nn.init.orthogonal_(expected[0], generator=draws)
            torch.nn.init.orthogonal_(expected[1], generator=draws)
            expected[2].normal_(0, 0.3 / math.sqrt(H), generator=draws)
        config = TrainingConfig(hidden=H, seed=seed, initialisation=start, write_scale=1.0)
        w = untrained(task, config)
        drawn_alike = 3 if H * kappa >= 16 else 1  # torch draws fewer than 16 normals one by one
        for got, x in list(zip((w.W_hh, w.W_uh, w.W_r), expected, strict=True))[:drawn_alike]:
            np.testing.assert_allclose(got, x, atol=3e-5)


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
    config = TrainingConfig(warmup=20)
    for peak, n in ((2.0, 100), (1.0, 50)):
        stage = np.array(list(_rates(config, Stage(7, n, peak))))
        cosine = [peak * (1 + math.cos(math.pi * k / n)) / 2 for k in range(n)]
        np.testing.assert_allclose(stage[19:], cosine[19:])
        np.testing.assert_allclose(stage[:20] / cosine[:20], np.arange(1, 21) / 20)
        assert stage[n // 2] == pytest.approx(peak / 2)
        assert 0 < stage[-1] < 0.002 * peak


def test_without_decay_the_rate_stays_once_warm():
    config = TrainingConfig(warmup=4, decay="none")
    rates = list(_rates(config, Stage(7, 9, 2.0)))
    np.testing.assert_allclose(rates, [0.5, 1, 1.5] + [2] * 6)


def test_no_warm_up_starts_at_the_peak():
    assert next(_rates(TrainingConfig(warmup=0), Stage(32, 9, 5e-3))) == 5e-3


def test_the_books_schedule():
    assert TrainingConfig().stages == three_stages() == three_stages(16)
    np.testing.assert_allclose(
        three_stages(), [(32, 350, 5e-3), (80, 200, 1.5e-3), (192, 300, 5e-4)]
    )
    np.testing.assert_allclose(
        three_stages(3, 2.0, (7, 8, 9)), [(6, 7, 2.0), (15, 8, 0.6), (192, 9, 0.2)]
    )


@pytest.mark.parametrize("updates", [(0, 8, 9), (7, 0, 9), (7, 8, 0), (0, 0, 9)], ids=str)
def test_a_stage_without_updates_is_left_out(updates):
    kept = [stage for stage in three_stages(3, 2.0, (7, 8, 9)) if stage.steps in updates]
    assert three_stages(3, 2.0, updates) == tuple(kept)


# Stages that are left early.


def test_a_stage_but_the_last_is_left_once_enough_is_right(horizons):
    got = train(TASK, three(advance=0.0), progress=False)
    assert horizons == [3, 5, 4, 4, 4] and len(got.loss) == 5


@pytest.mark.parametrize("turned", [False, True], ids=["repeat copy", "another f"])
def test_enough_is_the_part_asked_for_and_no_less(horizons, turned):
    F = np.array([[[0, 1], [-1, 0]], [[0.5, 0], [0, 0.3]]]) if turned else TASK.F
    task = Task(2, 2, F)
    u = random_bits(task, TINY.batch, np.random.default_rng([TINY.seed, 1]))
    _, y = run(untrained(task, TINY), with_silence(u, 3))
    right = np.mean(np.sign(y[:, task.s :]) == np.sign(continuation(task, u, 3)))
    assert 0.2 < right < 0.8
    for advance, second in ((right, 5), (np.nextafter(right, 1), 3)):
        horizons.clear()
        train(task, three(advance=float(advance)), progress=False)
        assert horizons[:2] == [3, second]


def test_too_little_right_leaves_no_stage():
    assert raw(train(TASK, three(advance=1.0), progress=False)) == raw(
        train(TASK, three(), progress=False)
    )


def test_the_only_stage_is_the_last():
    config = tiny(stages=(Stage(3, 6, 1e-2),))
    expected = raw(train(TASK, config, progress=False))
    assert raw(train(TASK, replace(config, advance=0.0), progress=False)) == expected


def test_an_early_end_comes_by_learning(horizons):
    train(TASK, tiny(**LEFT_EARLY), progress=False)
    assert 1 < horizons.count(3) < 9 and horizons.count(5) == 4


def test_a_stage_run_to_its_end_does_not_keep_the_next_from_an_early_one(horizons):
    train(TASK, tiny(**SECOND_LEFT_EARLY), progress=False)
    assert horizons.count(3) == 2 and 1 < horizons.count(4) < 9 and horizons.count(5) == 4


@pytest.mark.parametrize("updates", [1, 5, 6, 7, 10, 11, 99])
def test_updates_caps_them_all(updates):
    full = train(TASK, TINY, progress=False)
    got = train(TASK, tiny(updates=updates), progress=False)
    assert len(got.loss) == min(updates, 10)
    np.testing.assert_array_equal(got.loss, full.loss[:updates])
    assert (raw(got) == raw(full)) == (updates >= 10)


@pytest.mark.parametrize("updates, expected", [(1, [3]), (2, [3, 5]), (4, [3, 5, 4, 4])])
def test_updates_counts_those_that_were_made(horizons, updates, expected):
    train(TASK, three(advance=0.0, updates=updates), progress=False)
    assert horizons == expected


# The recipe of the paper's authors.


def test_the_published_recipe():
    stages = ((10, 20_000, 1e-3), (20, 20_000, 1e-3), (40, 20_000, 1e-3), (60, 20_000, 1e-3))
    expected = {
        "hidden": 128,
        "seed": 3,
        "initialisation": "torch",
        "write_scale": 1.0,
        "stages": (*stages, (100, 20_000, 1e-3)),
        "batch": 64,
        "clip": 1.0,
        "warmup": 0,
        "decay": "none",
        "advance": 0.96,
        "updates": 20_000,
        "most_inputs": None,
        "bias": False,
        "activation": "tanh",
        "noise": 0.0,
    }
    assert vars(published(3)) == expected
    assert published() == published(0)
    assert {r for stage in published().stages for r in _rates(published(), stage)} == {1e-3}


def test_the_published_recipe_runs(horizons):
    config = replace(published(), hidden=6, batch=4, updates=7, advance=0.0)
    got = train(TASK, config, progress=False)
    assert horizons == [10, 20, 40, 60, 100, 100, 100]
    assert np.isfinite(got.loss).all()


def test_adam_starts_with_steps_of_the_published_rate():
    config = replace(published(), hidden=6, batch=4, updates=1)
    got, start = train(TASK, config, progress=False).network, untrained(TASK, config)
    for name in ("W_hh", "W_uh", "W_r"):
        moved = abs(getattr(got, name) - getattr(start, name))
        np.testing.assert_allclose(moved, 1e-3, rtol=1e-2)


# Stopping, and another device.


@pytest.mark.parametrize("every, asked", [(1, range(1, 10)), (3, (3, 6, 9)), (4, (4, 8)), (11, ())])
def test_stop_sees_the_weights_of_its_update(every, asked):
    seen = []

    def note(weights) -> bool:
        seen.append(weights)
        return False

    got = train(TASK, TINY, progress=False, stop=note, every=every)
    assert raw(got) == raw(train(TASK, TINY, progress=False))
    assert len(asked) <= len(seen) <= 10 // every  # whether it is asked at the very end is open
    for weights, updates in zip(seen[: len(asked)], asked, strict=True):
        expected = train(TASK, tiny(updates=updates), progress=False).network
        for name in ("W_hh", "W_uh", "W_r"):
            np.testing.assert_array_equal(getattr(weights, name), getattr(expected, name))
        assert weights.b is None


@pytest.mark.parametrize("every, times", [(1, 1), (1, 4), (2, 3), (3, 2), (7, 1)])
def test_learning_ends_when_stop_says_so(every, times):
    answers = iter([False] * (times - 1) + [True])
    got = train(TASK, TINY, progress=False, stop=lambda _: next(answers), every=every)
    assert raw(got) == raw(train(TASK, tiny(updates=every * times), progress=False))
    assert len(got.loss) == every * times and next(answers, None) is None


def test_stop_is_asked_every_25_updates_by_default():
    answers = iter([False, True])
    config = tiny(stages=(Stage(2, 60, 1e-2),))
    assert len(train(TASK, config, False, stop=lambda _: next(answers)).loss) == 50


def test_stop_may_come_in_any_stage(horizons):
    train(TASK, three(advance=0.0), False, stop=lambda _: len(horizons) == 4, every=2)
    assert horizons == [3, 5, 4, 4]


def test_torch_and_numpy_learn_the_same():
    config = tiny(stages=(Stage(3, 4, 1e-2),))
    expected, got, again = (train(TASK, config, False, device) for device in (None, "cpu", "cpu"))
    assert raw(got) == raw(again)
    np.testing.assert_allclose(got.loss, expected.loss, rtol=1e-5)
    for name in ("W_hh", "W_uh", "W_r"):
        a, b = getattr(got.network, name), getattr(expected.network, name)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * abs(b).max())


def test_an_unknown_device_is_named():
    lacking = {"cuda", "xpu", "mps"} - {str(torch.accelerator.current_accelerator())}
    for name in ("abacus", *lacking):
        with pytest.raises(ValueError, match=f"device must be one .* has here, not '{name}'"):
            train(TASK, TINY, progress=False, device=name)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_numbers_of_numpy_do_as_well(device):
    mine = tiny(write_scale=0.25, clip=0.5)
    numpys = tiny(write_scale=np.float64(0.25), clip=np.float64(0.5))
    assert raw(train(TASK, mine, device=device)) == raw(train(TASK, numpys, device=device))


@pytest.mark.parametrize("device", [None, "cpu"])
def test_learning_that_diverges_is_one_clear_error(device):
    config = tiny(stages=(Stage(3, 60, 1e30),), warmup=0)
    with pytest.raises(ValueError, match="diverged: the gradient is not finite at learning rate 9"):
        train(TASK, config, device=device)


def test_the_quick_schedules():
    recipes = (8, (290, 150, 100), 8.3e-3, 14), (16, (620, 150), 5e-3, 10)
    for s, updates, rate, batch in recipes:
        stages = QUICK[s].stages
        assert QUICK[s].batch == batch
        assert [stage.steps for stage in stages] == list(updates)
        assert [stage.horizon for stage in stages] == [2 * s, 5 * s, 12 * s][: len(updates)]
        np.testing.assert_allclose(
            [stage.learning_rate for stage in stages],
            rate * np.array([1, 0.3, 0.1])[: len(updates)],
        )


def test_permutation_start():
    config = tiny(initialisation="permutation", write_scale=0.5)
    start, turned = untrained(TASK, config), untrained(TASK, tiny(write_scale=0.5))
    assert set(np.unique(start.W_hh)) == {0.0, 1.0}
    assert (start.W_hh.sum(axis=0) == 1).all() and (start.W_hh.sum(axis=1) == 1).all()
    np.testing.assert_allclose(start.W_uh.T @ start.W_uh, 0.25 * np.eye(2), atol=1e-6)
    assert start.W_r.std() > 0 and not np.array_equal(start.W_hh, turned.W_hh)
    other = untrained(TASK, replace(config, hidden=64, seed=5)).W_hh
    assert not np.array_equal(other, untrained(TASK, replace(config, hidden=64)).W_hh)


def test_a_bias_starts_at_zero_and_is_learned():
    for kind in recipes.INITIALISATIONS:
        config = tiny(initialisation=kind, bias=True)
        start, without = untrained(TASK, config), untrained(TASK, replace(config, bias=False))
        assert not start.b.any() and without.b is None
        np.testing.assert_array_equal(start.W_hh, without.W_hh)
    learned = train(TASK, tiny(bias=True), progress=False).network
    assert learned.b.any() and learned.b.shape == (6,)


@pytest.mark.parametrize(
    "changes", [{}, {"bias": True}, {"activation": "identity"}, {"most_inputs": 5}]
)
def test_the_first_loss_is_that_of_the_network_started_from(changes, monkeypatch):
    config, seen = tiny(**changes), []
    take = descent._examples
    monkeypatch.setattr(descent, "_examples", lambda *a: seen.append(list(take(*a))) or seen[-1])
    loss = train(TASK, config, progress=False).loss[0]
    seen = [(u.swapaxes(0, 1), t.swapaxes(0, 1)) for examples in seen for u, t in examples]
    u, targets = seen[0]
    _, y = run(untrained(TASK, config), with_silence(u, targets.shape[1]))
    assert math.isclose(loss, ((y[:, u.shape[1] :] - targets) ** 2).mean(), rel_tol=1e-5)
    np.testing.assert_array_equal(targets, continuation(TASK, u[:, -TASK.s :], targets.shape[1]))
    lengths = {len(u[0]) for u, _ in seen}
    assert lengths == (set(range(2, 6)) if "most_inputs" in changes else {2})


@pytest.mark.parametrize("changes", [{"activation": "identity"}, {"noise": 0.01}], ids=str)
def test_networks_learn_without_tanh_and_with_noise(changes):
    stages = (Stage(4, 200, 1e-2),)
    config = tiny(hidden=12, write_scale=0.3, stages=stages, **changes)
    result = train(TASK, config, progress=False)
    got = accuracy(result.network, TASK, last=4)
    assert got.value > 0.99 and result.loss[-1] < 0.1 < result.loss[0]


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize(
    "changes",
    [
        {"bias": 1},
        {"activation": "no"},
        {"noise": -0.1},
        {"most_inputs": 0},
        {"most_inputs": 2.5},
        {"updates": 0},
    ],
    ids=str,
)
def test_bad_options_are_named(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        tiny(**changes)


def test_fewer_inputs_than_the_task_has_are_refused():
    with pytest.raises(ValueError, match="most_inputs must be a whole number of at least 2"):
        train(TASK, tiny(most_inputs=1), progress=False)


def test_an_idea_is_trained_with_the_gradient_that_it_names(monkeypatch):
    taken, gradient = [], training.backpropagate
    monkeypatch.setitem(
        training.IDEAS, "seen", ({}, {}, lambda *a, **k: taken.append(1) or gradient(*a, **k))
    )
    monkeypatch.setattr(
        training.recipes, "QUICK", {8: tiny(hidden=64, stages=(Stage(4, 3, 1e-2),))}
    )
    assert training.idea("seen", 0)["updates"] == len(taken) == 3
    assert descent.backpropagate is gradient
