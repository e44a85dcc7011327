"""Scoring what a network says: right signs out of all bits, with intervals."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from emt import checks
from emt.network import EVALUATION_SEED, Recurrent, begun, run, silent_states, under_input
from emt.tasks import Task, Trials, continuation

SILENT = 1e-9
"""Targets not above this are zero; bits are of size 1."""


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


def accuracy_on(network: Recurrent, trials: Trials) -> Proportion:
    """Return the fraction of right answers on one's own trials, whatever rule they follow.

    Parameters
    ----------
    network
        With as many inputs and outputs as the trials have channels.
    trials
        Inputs, targets, and what of them counts.
    """
    checks.array("inputs", trials.inputs, None, None, network.inputs)
    checks.array("targets", trials.targets, None, None, network.outputs)
    said = run(network, trials.inputs)[1][trials.mask] - trials.decision
    right = np.sign(said) == trials.signs[trials.mask]
    return Proportion(int(np.count_nonzero(right)), right.size)


def centred(network: Recurrent, trials: Trials) -> tuple[Recurrent, Trials]:
    """Count inputs and outputs from what they are in the output phase: a cue, a decision.

    Then zero input and zero output mean there what they mean in the paper, and what is computed
    without input (fixed points, memories, edits) is what the network does under its cue.

    Parameters
    ----------
    network
        The network.
    trials
        With one and the same input at all scored steps.

    Returns
    -------
    network, trials
        Which do what the given ones do.

    Raises
    ------
    ValueError
        If the input changes while the output is scored.
    """
    checks.array("inputs", trials.inputs, None, None, network.inputs)
    scored = trials.inputs[trials.mask]
    if (scored != scored[0]).any():
        raise ValueError(
            "trials must have one constant input at all scored steps, or a network has no one "
            f"point of rest there: input channels {np.flatnonzero(np.ptp(scored, axis=0))} change; "
            "leave out other steps by the mask, or score with emt.accuracy_on alone"
        )
    y = np.full(network.outputs, trials.decision)
    inputs, targets = trials.inputs - scored[0], trials.signs
    return under_input(network, scored[0], y), Trials(inputs, targets, trials.mask)


class Tally(NamedTuple):
    """Right signs, and bits that have a sign, at each output step, of each component."""

    right: Int[np.ndarray, "steps kappa"]
    bits: Int[np.ndarray, "steps kappa"]


def counted(
    network: Recurrent,
    task: Task,
    first: int = 1,
    last: int = 200,
    sequences: int = 4096,
    seed: int = EVALUATION_SEED,
) -> Tally:
    """Count the right signs at each of the output steps `first` ... `last`.

    Output step n is time s+n. An output of zero is wrong; a target of zero, but for
    rounding, has no sign and does not count.

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
    checks.fits("last", checks.integer("last", last, least=checks.integer("first", first)))
    h, u = begun(network, task, sequences, seed)
    targets = _targets(task, u, first, last)
    spoken = itertools.islice(silent_states(network, h), first - 1, last)
    wanted = np.where(abs(targets) > SILENT, np.sign(targets), 0.0)
    right = [
        ((np.sign(network.read(h_t)) == wanted[:, n]) & (wanted[:, n] != 0)).sum(axis=0)
        for n, h_t in enumerate(spoken)
    ]
    return Tally(np.array(right), np.count_nonzero(wanted, axis=0))


def correct_bits(
    network: Recurrent,
    task: Task,
    first: int = 1,
    last: int = 200,
    sequences: int = 4096,
    seed: int = EVALUATION_SEED,
) -> Int[np.ndarray, " steps"]:
    """Return the right signs at each of the output steps `first` ... `last`, of all components.

    Parameters
    ----------
    network, task, first, last, sequences, seed
        As for `counted`.
    """
    return counted(network, task, first, last, sequences, seed).right.sum(axis=1)


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
        As for `counted`.

    Raises
    ------
    ValueError
        If no target there has a sign.
    """
    found = counted(network, task, first, last, sequences, seed)
    if not found.bits.any():
        raise ValueError("task must have targets with a sign, but all of these are 0")
    return Proportion(int(found.right.sum()), int(found.bits.sum()))


def accuracy_by_variable(
    network: Recurrent,
    task: Task,
    first: int = 1,
    last: int = 200,
    sequences: int = 4096,
    seed: int = EVALUATION_SEED,
) -> Float[np.ndarray, "s kappa"]:
    """Return the fraction of right signs at each place of a cycle, of each component.

    It shows where a network fails that has learned by half. Row k is of output steps k, k + s,
    k + 2s, ...; NaN where no target has a sign, or no step is scored.

    Parameters
    ----------
    network, task, first, last, sequences, seed
        As for `counted`.
    """
    found = counted(network, task, first, last, sequences, seed)
    right, bits = np.zeros((2, task.s, task.kappa))
    place = np.arange(first - 1, last) % task.s
    np.add.at(right, place, found.right)
    np.add.at(bits, place, found.bits)
    return np.divide(right, bits, out=np.full(bits.shape, np.nan), where=bits > 0)


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
        As for `counted`.
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
        u = continuation(task, u, chunk)[..., -task.s :, :].copy()
        first, last = first - chunk, last - chunk
    return continuation(task, u, last)[..., first - 1 :, :]


checks.guard(globals())
