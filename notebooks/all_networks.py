"""Networks of the recipe of the paper's authors: what they were trained on, and their weights."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import safe_open

import emt

FOLDER = Path(__file__).parent / "authors"
"""Weights, one file a network: ``python benchmarks/authors.py`` makes those that are missing."""


def mixed(seed: int, s: int = 8) -> emt.Task:
    """Draw a selection in which every component is read once, from any time, with a sign."""
    rng = np.random.default_rng(seed)
    delay, component = rng.integers(1, s + 1, s), rng.permutation(s) + 1
    return emt.selection(s, delay, component, rng.choice([-1, 1], s))


TASKS = {
    "repeat copy": emt.repeat_copy(8, 8),
    "repeat copy, s = 16": emt.repeat_copy(16, 5),
    "compose copy": emt.compose_copy(8),
    **{f"selection {n}": mixed(n) for n in (1, 2, 3)},
}
SEEDS = range(5)


def weights(network: str, seed: int) -> Path:
    """Return the file of one of `TASKS`."""
    return (
        FOLDER
        / f"{network.replace(' ', '-').replace(',', '').replace('=-', '')}-{seed}.safetensors"
    )


class Authored(NamedTuple):
    """A network of the authors' recipe.

    Attributes
    ----------
    network
        As its file holds it.
    accuracy
        Over the first 200 steps, after so many updates.
    """

    network: emt.Network
    accuracy: dict[str, float]


def authored(network: str, seed: int) -> Authored:
    """Open the file of one of `TASKS`."""
    path = weights(network, seed)
    with safe_open(path, framework="numpy") as file:
        made = file.metadata()
        if (made["network"], made["recipe"]) != (network, f"emt.published({seed})"):
            raise ValueError(f"{path} holds another network: {made['network']}, {made['recipe']}")
    return Authored(emt.load(path, "tanh").network, json.loads(made["accuracy after updates"]))
