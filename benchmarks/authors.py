"""Train what is missing of the networks of the authors' recipe: ``python benchmarks/authors.py``.

Twenty thousand updates each, some minutes: their weights are committed, and what is said of them is
computed from the files.
"""

import json
from dataclasses import asdict

import numpy as np
from all_networks import SEEDS, TASKS, weights
from safetensors.numpy import save
from study import commit

import emt
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


if __name__ == "__main__":
    sweep(train, [(name, seed) for seed in SEEDS for name in TASKS], label="authors' recipe")
