"""The networks of the authors' recipe: trained, if a file is missing, and opened.

``python benchmarks/authors.py`` trains: twenty thousand updates each, some minutes. Their weights
are committed, and all that is said of them is computed from the files.
"""

import json
import math
from contextlib import suppress
from dataclasses import asdict

import numpy as np
from all_networks import SEEDS, TASKS, authored, between, weights
from networks import anatomy, lasting
from safetensors.numpy import save
from study import commit

import emt
from emt.algorithm1 import corrected
from emt.beyond.bases import fitted, sized
from emt.beyond.faithfulness import scored
from emt.beyond.interventions import columns_of
from emt.evidence import agreement
from emt.workshop.parallel import sweep
from emt.writing import write_whole

CHECKED = (850, 1700, 3400, 6800, 13_600)


def train(name: tuple[str, int]) -> None:
    """Train one network; write its weights, which are float32, and how it was made."""
    network, seed = name
    path, task, config = weights(network, seed), TASKS[network], emt.published(seed)
    if path.exists():
        return
    accuracy, done = {}, 0

    def look(now) -> bool:
        nonlocal done
        done += 850
        if done in CHECKED:
            accuracy[done] = emt.accuracy(now, task).value
        return False

    result = emt.train(task, config, progress=False, stop=look, every=850)
    accuracy[len(result.loss)] = emt.accuracy(result.network, task).value
    arrays = {k: getattr(result.network, k).astype(np.float32) for k in ("W_hh", "W_uh", "W_r")}
    made = {
        "command": "python benchmarks/authors.py",
        "commit": commit() or "unknown",
        "network": network,
        "recipe": f"emt.published({seed})",
        "config": json.dumps(asdict(config)),
        "accuracy after updates": json.dumps(accuracy),
    }
    path.parent.mkdir(exist_ok=True)
    write_whole(path, save(arrays, metadata=made))
    print(*name, accuracy, flush=True)


def opened(network: str, seed: int) -> dict:
    """Return how one of them learned, what it says and for how long, and what is found in it."""
    task, given = TASKS[network], authored(network, seed)
    return {
        **{f"update {n}": float(right) for n, right in given.accuracy.items()},
        **lasting(given.network, task),
        **anatomy(given.network, task),
        **grounded(given.network, task),
    }


def grounded(weights: emt.Network, task: emt.Task) -> dict:
    """Score memories that are grounded in what is written, in what is read, and in states, sized.

    *crosstalk* is the part of what a write brings into the memories, as the readout sees them, that
    goes into others than the newest of its component: of the mean component, and of the worst.
    """
    threshold = between(weights, task)
    row = {f"{name} {what}": math.inf for name in GROUNDS for what in SCORED}
    row |= dict.fromkeys(("crosstalk", "most crosstalk"), math.inf)
    row |= dict.fromkeys(("later crosstalk", "most later crosstalk"), math.inf)
    bases = {}
    with suppress(ValueError):  # states that do not tell the variables apart
        bases = {"states": fitted(weights, task)}
    with suppress(ValueError):  # no gap, or too few modes: the weights show no memories
        bases["write"] = sized(weights, task, corrected(weights, task, 1.0, threshold))
        bases["read"] = sized(weights, task, corrected(weights, task, 0.0, threshold))
    for name, memories in bases.items():
        score, columns = scored(weights, task, memories), columns_of(memories, task)
        theory = task.Phi[np.ix_(columns, columns)]
        row |= {f"{name} efficacy": score.efficacy, f"{name} surgery": score.surgery}
        row[f"{name} cosine"] = agreement(memories.Phi(weights), theory).cosine
    if "read" in bases:
        read = bases["read"]
        newest = read.labels[:, 0] == task.s
        brought = read.Psi_dual @ weights.W_uh[:, read.labels[newest, 1] - 1]
        own = np.diag(brought[newest]) ** 2 / (brought**2).sum(axis=0)
        row |= {"crosstalk": np.sqrt(1 - own).mean(), "most crosstalk": np.sqrt(1 - own).max()}
        later = heard(weights, task, read)
        row |= {"later crosstalk": later.mean(), "most later crosstalk": later.max()}
    return row


def heard(weights: emt.Network, task: emt.Task, read: emt.VariableMemories) -> np.ndarray:
    """Return the crosstalk that is left a cycle after the last input, component by component.

    Two runs differ in one component of that input. What they then differ by in the memories is held
    against what the rule says.
    """
    s, columns, found = task.s, columns_of(read, task), []
    u = emt.random_bits(task, 64, np.random.default_rng(0))
    for c in read.labels[read.labels[:, 0] == s, 1] - 1:
        turned = u.copy()
        turned[:, -1, c] *= -1
        runs = [emt.run(weights, emt.with_silence(x, s))[0][:, -1] for x in (u, turned)]
        says = [emt.continuation(task, x, s).reshape(len(u), -1)[:, columns] for x in (u, turned)]
        is_, wanted = (runs[0] - runs[1]) @ read.Psi_dual.T, says[0] - says[1]
        along = (is_ * wanted).sum(axis=1) ** 2 / (is_**2).sum(axis=1) / (wanted**2).sum(axis=1)
        found.append(np.sqrt(1 - along.mean()))
    return np.array(found)


GROUNDS, SCORED = ("write", "read", "states"), ("efficacy", "surgery", "cosine")


if __name__ == "__main__":
    sweep(train, [(name, seed) for seed in SEEDS for name in TASKS], label="authors' recipe")
