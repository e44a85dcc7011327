"""Networks of the recipe of the paper's authors: what they were trained on, and their weights."""

from pathlib import Path

import numpy as np

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
