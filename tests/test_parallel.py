"""Sweeps: side by side or in turn, the same bytes in the same order."""

import os
import time
from functools import partial
from pathlib import Path

import pytest
import threadpoolctl
import torch

from emt import Stage, TrainingConfig, repeat_copy, train
from emt.workshop.parallel import one_thread, sweep


def learned(seed: int) -> bytes:
    config = TrainingConfig(hidden=24, seed=seed, batch=16, stages=(Stage(4, 5, 1e-2),))
    weights, loss = train(repeat_copy(3, 2), config, progress=False)
    return weights.W_hh.tobytes() + weights.W_r.tobytes() + loss.tobytes()


def where(delay: float) -> tuple[float, int, int, int]:
    time.sleep(delay)
    blas = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    return delay, os.getpid(), torch.get_num_threads(), max(blas, default=1)


def _meet(folder: Path, names: str) -> int:
    """Wait for the call of that name to have begun too."""
    me, other = names
    (folder / me).touch()
    end = time.monotonic() + 60
    while not (folder / other).exists():
        assert time.monotonic() < end, f"{me} and {other} do not run side by side"
        time.sleep(0.01)
    return os.getpid()


def test_workers_change_no_byte():
    alone, together = (sweep(learned, range(3), workers=n) for n in (1, 2))
    assert alone == together == [learned(seed) for seed in range(3)]
    assert len(set(alone)) == 3


def test_order_processes_and_threads():
    delays = [0.3, 0.0, 0.1]
    results = sweep(where, iter(delays), workers=2)
    assert [r[0] for r in results] == delays
    assert os.getpid() not in {r[1] for r in results}
    assert all(r[2:] == (1, 1) for r in results)


def test_two_workers_run_side_by_side(tmp_path):
    assert len(set(sweep(partial(_meet, tmp_path), ["ab", "ba"], workers=2))) == 2


def test_nothing_to_do_is_done():
    assert sweep(learned, []) == []


def test_one_thread_holds_torch_and_blas():
    torch.set_num_threads(2)
    with threadpoolctl.threadpool_limits(2):
        one_thread()
        assert torch.get_num_threads() == 1
        assert all(pool["num_threads"] == 1 for pool in threadpoolctl.threadpool_info())
    one_thread()


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize(
    "arguments, name",
    [
        (("x", [1]), "function must be"),
        ((abs, 3), "arguments must be"),
        ((abs, [1], "two"), "workers must be"),
        ((abs, [1], 10**400), "workers must be"),
    ],
)
def test_other_things_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        sweep(*arguments)
