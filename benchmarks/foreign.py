"""Verdicts on networks that others' programs train."""

from verdicts import shown
from your_network import AUTHORS, SETTINGS, foreign, right

import emt
from emt.verdict.criteria import judged
from emt.verdict.measuring import measured

STEPS = 30
"""For how long a network is asked that repeats nothing."""


def outcome(network: str, seed: int) -> dict:
    """Train a network and judge it, with its task if it has one.

    *learned* are the right answers of what it was trained on: of two cycles, or of `STEPS` steps.
    """
    found = foreign(network, seed)
    steps = STEPS if found.task is None else 2 * found.task.s
    if found.model is None:
        learned = emt.accuracy(found.network, found.task, last=steps).value
    else:
        learned = right(found.model, network, steps)
    evidence = measured(found.network, found.task, found.channels, alignments=False, progress=False)
    verdict, numbers = judged(evidence), shown(evidence)
    names = ("accuracy", "explained", "index", "efficacy", "fitted", "dose")
    return {
        "units": found.network.hidden,
        "learned": learned,
        "verdict": verdict.word,
        **{name: numbers[name] for name in names},
        "why": verdict.reasons[-1],
    }


NETWORKS = [*SETTINGS, *AUTHORS]
SEEDS = {**dict.fromkeys(AUTHORS, 1), "smallest GRU": 5}
"""How many seeds, where not three: the authors' recipe takes minutes."""
