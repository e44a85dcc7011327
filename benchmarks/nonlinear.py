"""Networks with and without tanh, learned with the same budget, and listened to for long."""

from dataclasses import replace

import numpy as np

import emt
from emt.scoring import accuracy_around
from emt.training.recipes import TrainingConfig, three_stages

DEFAULT = {"initialisation": "torch", "write_scale": 1.0}
LONG = emt.repeat_copy(16, 5), {"hidden": 128}
SHORT = emt.repeat_copy(8, 3), {"hidden": 64}
STARTS = {"orthogonal": {}, "default": DEFAULT}
SETTINGS = {
    f"s = {task.s}, {start} start, rate {rate:g}": (
        task,
        TrainingConfig(stages=three_stages(task.s, rate), **hidden, **STARTS[start]),
    )
    for (task, hidden), start, rate in (
        (LONG, "orthogonal", 5e-3),
        (LONG, "orthogonal", 5e-2),
        (LONG, "default", 5e-3),
        (SHORT, "orthogonal", 5e-3),
        (SHORT, "default", 5e-3),
        (SHORT, "default", 2e-2),
        (SHORT, "default", 5e-2),
    )
}


def learned(setting: str, linear: bool, seed: int) -> dict:
    """Train one network, with tanh or without; one whose learning diverges gets nothing right."""
    task, config = SETTINGS[setting]
    steps = {f"step {n}": 0.0 for n in (200, 1000, 10_000)}
    try:
        how = {"seed": seed, "activation": "identity" if linear else "tanh"}
        weights = emt.trained(task, replace(config, **how)).network
    except ValueError:
        return {"diverged": 1, **steps}
    with np.errstate(all="ignore"):  # a linear network may grow beyond all numbers
        early = emt.accuracy(weights, task).value
        late = [accuracy_around(weights, task, n).value for n in (1000, 10_000)]
    return {"diverged": 0, **dict(zip(steps, (early, *late), strict=True))}
