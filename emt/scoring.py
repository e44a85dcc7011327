"""Scoring what a network says: right signs out of all bits, with intervals."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from emt import checks
from emt.network import EVALUATION_SEED, Recurrent, last_state, run, same_kappa, silent_states
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


class Trials(NamedTuple):
    """Somebody's own trials: what a network is given, and what it should say.

    Attributes
    ----------
    inputs
        All channels, data and cues, over all time steps.
    targets
        What each output should be; its sign against `middle` counts.
    mask
        Which outputs are scored, or ``None`` for all: so gaps, delimiters and lengths are left out.
    decision
        An output above this says yes: 0 for signs and logits, one half for bits as 0 and 1.
    middle
        A target above this is a yes: 0 for targets of -1 and 1, one half for 0 and 1.
    """

    inputs: Float[np.ndarray, "batch T m"]
    targets: Float[np.ndarray, "batch T p"]
    mask: Bool[np.ndarray, "batch T"] | None = None
    decision: float = 0.0
    middle: float = 0.0


def accuracy_on(network: Recurrent, trials: Trials) -> Proportion:
    """Return the fraction of right answers on one's own trials.

    Parameters
    ----------
    network
        With as many inputs and outputs as the trials have channels.
    trials
        Inputs, targets, and what of them counts.
    """
    u = checks.array("inputs", trials.inputs, None, None, network.inputs)
    targets = checks.array("targets", trials.targets, *u.shape[:2], network.outputs)
    mask = np.ones(u.shape[:2], bool) if trials.mask is None else trials.mask
    if mask.shape != u.shape[:2]:
        raise ValueError(f"mask must have shape {u.shape[:2]}, not {mask.shape}")
    checks.integer("the number of scored steps of mask", int(mask.sum()))
    said = run(network, u)[1][mask] - trials.decision
    right = np.sign(said) == np.sign(targets[mask] - trials.middle)
    return Proportion(int(np.count_nonzero(right)), right.size)


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
