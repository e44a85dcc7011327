"""All networks? One factor at a time round the book's, a grid of sizes, and starts."""

import math
import warnings

import numpy as np
from all_networks import CENTRE
from memories import STEPS

import emt
from emt.beyond.lifetime import accuracy_curve, last_step
from emt.training.recipes import three_stages, to_overwrite
from emt.verdict.criteria import judged
from emt.verdict.measuring import measured

SOLVED = 0.999  # of the first 200 answers
FACTORS = {
    "s": (4, 8, 12, 24, 32),
    "kappa": (1, 2, 3, 7, 8),
    "hidden": (64, 80, 96, 192, 256),
    "initialisation": ("permutation", "identity", "torch"),
    "write_scale": (0.003, 0.01, 0.1, 0.3, 1.0),
    "activation": ("ReLU", "identity"),
    "noise": (0.0003, 0.001, 0.003, 0.01),
    "bias": (True,),
    "batch": (4, 8, 32, 64),
}
NETWORKS = [{"factor": "none", "seed": seed, **CENTRE} for seed in range(20)] + [
    {"factor": factor, "seed": seed, **CENTRE, factor: level}
    for factor, levels in FACTORS.items()
    for level in levels
    for seed in range(6)
]
CYCLES = (1, 10, 100, 1000)
MEASURES = (
    *("activity", "explained", "live", "last", "next", "angle", "Phi_cosine", "read_write"),
    *("response", "distance", "leak", "index", "dose", "fitted"),
)
SCORES = "decoded", "efficacy", "surgery"
RIVALS = "random directions", "untrained", "rotated weights"


def network(factor: str, seed: int, s: int, kappa: int, **how) -> dict:
    """Train one network, and measure all of it; what cannot be had is infinite."""
    task = emt.repeat_copy(s, kappa)
    config = emt.TrainingConfig(seed=seed, stages=three_stages(s), **how)
    try:
        weights, reached = learned(task, config)
    except ValueError:  # learning diverged
        weights, reached = None, math.inf
    with np.errstate(all="ignore"):  # without tanh a network may grow beyond all numbers
        row = lasting(weights, task) | anatomy(weights, task)
    return {"reached": reached, **row, "failure": failure(row, task, how["hidden"])}


def learned(task: emt.Task, config: emt.TrainingConfig) -> tuple[emt.Network, float]:
    """Train, and say after which update it first had solved the task, if it ever had."""
    asked, reached = [], []

    def look(weights) -> bool:
        asked.append(25 * (len(asked) + 1))
        if not reached and emt.accuracy(weights, task, sequences=64).value >= SOLVED:
            reached.append(asked[-1])
        return False

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer units than variables are among what is asked
        weights = emt.train(task, config, progress=False, stop=look, every=25).network
    return weights, reached[0] if reached else math.inf


def lasting(weights: emt.Network | None, task: emt.Task) -> dict:
    """Return what is said in the first 200 steps, after how many cycles, and for how long."""
    first = [(n - 1) * task.s + 1 for n in CYCLES]
    names = "accuracy", *(f"cycle {n}" for n in CYCLES), "lifetime"
    if weights is None:
        return dict.fromkeys(names, 0.0)
    steps = np.unique([*STEPS, *first])
    curve = accuracy_curve(weights, task, steps)
    at = dict(zip(steps, curve, strict=True))
    life = last_step(STEPS, np.array([at[n] for n in STEPS]))
    said = emt.accuracy(weights, task).value
    return dict(zip(names, (said, *(at[n] for n in first), life), strict=True))


def anatomy(weights: emt.Network | None, task: emt.Task) -> dict:
    """Return what the verdict on a network rests on, and the verdict."""
    values, scores, word = {}, {}, "none"
    if weights is not None:
        try:
            found = measured(weights, task, alignments=False, progress=False)
            values, scores, word = found.values, found.scores, judged(found).word
        except ValueError:  # its states grow beyond all numbers
            word = "not to be measured"
    row = {name: values.get(name, math.inf) for name in MEASURES}
    own = scores.get("memories")
    row |= {name: math.inf if own is None else getattr(own, name) for name in SCORES}
    row |= {r: scores[r].efficacy if r in scores else math.inf for r in RIVALS}
    row = {name: math.inf if math.isnan(value) else value for name, value in row.items()}
    return row | {"verdict": word}


def failure(row: dict, task: emt.Task, hidden: int) -> str:
    """Name what went wrong, the first thing first."""
    if math.isinf(row["activity"]) and not row["accuracy"]:
        return "diverged"
    if row["accuracy"] >= SOLVED:
        return "none" if row["cycle 100"] >= 0.9 else "forgets"
    if hidden < task.modes:
        return "too few units"
    return "not learned" if row["accuracy"] < 0.6 else "learned in part"


PARTS = (0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)  # units over s * kappa
RULES = {
    "repeat copy": ((4, 2), (6, 3), (8, 4), (8, 8)),
    "compose copy": ((3, 3), (4, 4), (6, 6)),
}
SIZES = [
    {"rule": rule, "s": s, "kappa": kappa, "hidden": max(kappa, round(part * s * kappa)), "seed": n}
    for rule, sizes in RULES.items()
    for s, kappa in sizes
    for part in PARTS
    for n in range(3)
]


def sized(rule: str, s: int, kappa: int, hidden: int, seed: int) -> dict:
    """Train one network of the grid; say how many modes its rule needs, and how much it gets."""
    if rule == "repeat copy":
        task = emt.repeat_copy(s, kappa)
        config = emt.TrainingConfig(hidden=hidden, seed=seed, stages=three_stages(s))
    else:
        task, config = emt.compose_copy(kappa), to_overwrite(s, hidden, seed, updates=1200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = emt.train(task, config, progress=False).network
    return {"modes": task.modes, "accuracy": emt.accuracy(weights, task).value}


UPDATES = (850, 3400, 20_000)
LEARNED = 0.99
STARTS = [
    {"s": s, "kappa": kappa, "start": start, "write_scale": scale, "seed": seed}
    for seed in range(5)
    for s, kappa in ((8, 8), (16, 5))
    for start in ("orthogonal", "permutation", "identity", "torch")
    for scale in (0.03, 1.0)
]


def started(s: int, kappa: int, start: str, write_scale: float, seed: int) -> dict:
    """Train from another start with the book's schedule, stretched until 99 % are right.

    Once fewer updates were enough, more are not tried, and have the same accuracy.
    """
    task, found = emt.repeat_copy(s, kappa), {}
    for updates in UPDATES:
        if max(found.values(), default=0.0) >= LEARNED:
            found[updates] = max(found.values())
            continue
        parts = tuple(round(updates * part / UPDATES[0]) for part in (350, 200, 300))
        how = {"initialisation": start, "write_scale": write_scale, "seed": seed}
        config = emt.TrainingConfig(stages=three_stages(s, updates=parts), **how)
        network = emt.train(task, config, progress=False).network
        found[updates] = emt.accuracy(network, task).value
    enough = [n for n, accuracy in found.items() if accuracy >= LEARNED]
    curve = {f"update {n}": accuracy for n, accuracy in found.items()}
    return {"enough": min(enough, default=math.inf), **curve}
