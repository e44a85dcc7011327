"""Scoring what a network says: right signs out of all bits, with intervals."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from emt import checks
from emt.network import EVALUATION_SEED, Recurrent, last_state, same_kappa, silent_states
from emt.tasks import Task, continuation, random_bits


class Proportion(NamedTuple):
    """Bits whose sign is right, out of all bits scored."""

    correct: int
    bits: int

    @property
    def value(self) -> float:
        """Correct bits divided by all bits."""
        return self.correct / self.bits

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Clopper-Pearson interval, as if the bits were independent."""
        from scipy.stats import binomtest  # takes longer to import than all else here

        ci = binomtest(self.correct, self.bits).proportion_ci()
        return float(ci.low), float(ci.high)


def correct_bits(
    network: Recurrent,
    task: Task,
    first: int = 1,
    last: int = 200,
    sequences: int = 4096,
    seed: int = EVALUATION_SEED,
) -> Int[np.ndarray, " steps"]:
    """Count the right signs at each of the output steps `first` ... `last`.

    Output step n is time s+n. A sequence has kappa bits a step. An output of zero is wrong.

    Parameters
    ----------
    network, task
        The network, and the rule it should follow.
    first, last
        Output steps scored; 1 <= first <= last.
    sequences
        Fresh input sequences.
    seed
        Of these sequences.
    """
    same_kappa(network, task)
    checks.fits("last", checks.integer("last", last, least=checks.integer("first", first)))
    u = random_bits(task, sequences, checks.generator(seed))
    targets = _targets(task, u, first, last)
    h = last_state(network, u)
    spoken = itertools.islice(silent_states(network, h), first - 1, last)
    counts = [
        np.count_nonzero(np.sign(network.read(h_t)) == np.sign(targets[:, n]))
        for n, h_t in enumerate(spoken)
    ]
    return np.array(counts)


def accuracy(
    network: Recurrent,
    task: Task,
    first: int = 1,
    last: int = 200,
    sequences: int = 4096,
    seed: int = EVALUATION_SEED,
) -> Proportion:
    """Return the fraction of right signs over the output steps `first` ... `last`.

    Parameters
    ----------
    network, task, first, last, sequences, seed
        As for `correct_bits`.
    """
    counts = correct_bits(network, task, first, last, sequences, seed)
    return Proportion(int(counts.sum()), len(counts) * sequences * task.kappa)


def accuracy_around(
    network: Recurrent,
    task: Task,
    step: int,
    sequences: int = 64,
) -> Proportion:
    """Return the accuracy of some sequences over the 2s output steps from `step` on.

    Parameters
    ----------
    network, task, sequences
        As for `correct_bits`.
    step
        First output step scored; at least 1.
    """
    checks.fits("step", checks.integer("step", step))
    last = step + 2 * task.s - 1
    return accuracy(network, task, step, last, sequences)


def _targets(task: Task, u: np.ndarray, first: int, last: int, chunk: int = 4096) -> np.ndarray:
    """Return the targets of output steps `first` ... `last`, holding few of those before them."""
    chunk = max(chunk, task.s)
    while first > chunk:
        u = continuation(task, u, chunk)[..., -task.s :, :]
        first, last = first - chunk, last - chunk
    return continuation(task, u, last)[..., first - 1 :, :]


checks.guard(globals())
