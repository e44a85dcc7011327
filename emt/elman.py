"""Elman networks: their weights, running them, scoring them (section 5.1, Eq. (6))."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import binomtest

from emt import checks
from emt.tasks import Task, continuation, random_bits, with_silence

EVALUATION_SEED = 20_230_701


def identity(x: np.ndarray) -> np.ndarray:
    """Return the argument: the activation of a linear network."""
    return x


@dataclass(frozen=True, eq=False)
class Weights:
    """The network ``h(t) = sigma(W_hh h(t-1) + W_uh u(t) + b)``, ``y(t) = W_r h(t)``; Eq. (6).

    Time runs t = 1, 2, ... from ``h(0) = 0``.

    Attributes
    ----------
    W_hh
        Recurrent weights.
    W_uh
        Input (write) weights.
    W_r
        Readout (read) weights.
    b
        Bias of the hidden units, or ``None``.

    Raises
    ------
    ValueError
        If the shapes disagree or a weight is not finite.
    """

    W_hh: Float[np.ndarray, "H H"]
    W_uh: Float[np.ndarray, "H kappa"]
    W_r: Float[np.ndarray, "kappa H"]
    b: Float[np.ndarray, " H"] | None = None

    def __post_init__(self):
        """Check the record once, here, and hold it in float64."""
        W_hh = checks.square("W_hh", self.W_hh)
        H = len(W_hh)
        W_uh = checks.array("W_uh", self.W_uh, H, None)
        if not W_uh.shape[1]:
            raise ValueError(f"W_uh must have at least one column, not shape {W_uh.shape}")
        for name, value in {
            "W_hh": W_hh,
            "W_uh": W_uh,
            "W_r": checks.array("W_r", self.W_r, W_uh.shape[1], H),
            "b": None if self.b is None else checks.array("b", self.b, H),
        }.items():
            object.__setattr__(self, name, value)

    @property
    def hidden(self) -> int:
        """Number of hidden units, H."""
        return len(self.W_hh)

    @property
    def kappa(self) -> int:
        """Number of input and output components."""
        return self.W_uh.shape[1]


def states(
    weights: Weights,
    u: Float[np.ndarray, "*batch T kappa"],
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> Iterator[Float[np.ndarray, "*batch H"]]:
    """Yield h(1), h(2), ... of Eq. (6), one step at a time.

    Parameters
    ----------
    weights
        The network.
    u
        Inputs u(1) ... u(T).
    activation
        sigma, applied elementwise.

    Raises
    ------
    ValueError
        If `u` does not end in axes (T, kappa) or is not finite.
    """
    u = checks.array("u", u, ..., None, weights.kappa)
    b = 0.0 if weights.b is None else weights.b
    h = np.zeros((*u.shape[:-2], weights.hidden))
    for t in range(u.shape[-2]):
        h = activation(h @ weights.W_hh.T + u[..., t, :] @ weights.W_uh.T + b)
        yield h


def run(
    weights: Weights,
    u: Float[np.ndarray, "*batch T kappa"],
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> tuple[Float[np.ndarray, "*batch T H"], Float[np.ndarray, "*batch T kappa"]]:
    """Return all states h(1) ... h(T) and outputs y(1) ... y(T) of Eq. (6).

    Parameters
    ----------
    weights, u, activation
        As for `states`.

    Raises
    ------
    ValueError
        If `u` does not end in axes (T, kappa), is not finite, or has no steps.
    """
    u = checks.array("u", u, ..., None, weights.kappa)
    checks.integer("the number of steps of u", u.shape[-2])
    h = np.stack(list(states(weights, u, activation)), axis=-2)
    return h, h @ weights.W_r.T


def last_state(
    weights: Weights,
    u: Float[np.ndarray, "*batch T kappa"],
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> Float[np.ndarray, "*batch H"]:
    """Return h(T) of Eq. (6) and hold no other state.

    Parameters
    ----------
    weights, u, activation
        As for `states`.

    Raises
    ------
    ValueError
        If `u` does not end in axes (T, kappa), is not finite, or has no steps.
    """
    u = checks.array("u", u, ..., None, weights.kappa)
    checks.integer("the number of steps of u", u.shape[-2])
    return deque(states(weights, u, activation), maxlen=1).pop()


def silent_states(
    weights: Weights,
    h: Float[np.ndarray, "*batch H"],
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> Iterator[Float[np.ndarray, "*batch H"]]:
    """Yield the states that follow `h` while the input is zero, without end.

    Parameters
    ----------
    weights
        The network.
    h
        States to go on from.
    activation
        sigma of Eq. (6).

    Raises
    ------
    ValueError
        If the last axis of `h` is not H or `h` is not finite.
    """
    h = checks.array("h", h, ..., weights.hidden)
    W_hh_T, b = np.ascontiguousarray(weights.W_hh.T), 0.0 if weights.b is None else weights.b
    while True:
        h = activation(h @ W_hh_T + b)
        yield h


def continued(
    weights: Weights,
    h: Float[np.ndarray, "*batch H"],
    steps: int,
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> tuple[Float[np.ndarray, "*batch T H"], Float[np.ndarray, "*batch T kappa"]]:
    """Return the next states and outputs after `h`, the input being zero.

    Parameters
    ----------
    weights, h, activation
        As for `silent_states`.
    steps
        How many; at least 1.

    Raises
    ------
    ValueError
        As `silent_states`, or if `steps` is below 1.
    """
    checks.fits("steps", checks.integer("steps", steps), *h.shape)
    later = np.stack(list(itertools.islice(silent_states(weights, h, activation), steps)), axis=-2)
    return later, later @ weights.W_r.T


def sample_states(
    weights: Weights, task: Task, steps: int, sequences: int = 64, seed: int = EVALUATION_SEED
) -> Float[np.ndarray, "samples H"]:
    """Return hidden states of runs on random bits, input and output phase, one a row.

    Parameters
    ----------
    weights, task
        The network, and the task whose inputs it is given.
    steps
        Length of the output phase; at least 0.
    sequences
        Runs.
    seed
        Of their inputs.

    Raises
    ------
    ValueError
        If the sizes of network and task disagree, or a number is out of range.
    """
    same_kappa(weights, task)
    u = random_bits(task, sequences, checks.generator(seed))
    return run(weights, with_silence(u, steps))[0].reshape(-1, weights.hidden)


class Accuracy(NamedTuple):
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
        ci = binomtest(self.correct, self.bits).proportion_ci()
        return float(ci.low), float(ci.high)


def correct_bits(
    weights: Weights,
    task: Task,
    first: int = 1,
    last: int = 200,
    sequences: int = 4096,
    seed: int = EVALUATION_SEED,
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> Int[np.ndarray, " steps"]:
    """Count the right signs at each of the output steps `first` ... `last`.

    Output step n is time s+n. A sequence has kappa bits a step. An output of zero is wrong.

    Parameters
    ----------
    weights, task
        The network, and the rule it should follow.
    first, last
        Output steps scored; 1 <= first <= last.
    sequences
        Fresh input sequences.
    seed
        Of these sequences.
    activation
        sigma of Eq. (6).

    Raises
    ------
    ValueError
        If the sizes of network and task disagree, or a number is out of range.
    """
    same_kappa(weights, task)
    checks.fits("last", checks.integer("last", last, least=checks.integer("first", first)))
    u = random_bits(task, sequences, checks.generator(seed))
    targets = _targets(task, u, first, last)
    h = last_state(weights, u, activation)
    spoken = itertools.islice(silent_states(weights, h, activation), first - 1, last)
    counts = [
        np.count_nonzero(np.sign(h_t @ weights.W_r.T) == np.sign(targets[:, n]))
        for n, h_t in enumerate(spoken)
    ]
    return np.array(counts)


def accuracy(
    weights: Weights,
    task: Task,
    first: int = 1,
    last: int = 200,
    sequences: int = 4096,
    seed: int = EVALUATION_SEED,
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> Accuracy:
    """Return the fraction of right signs over the output steps `first` ... `last`.

    Parameters
    ----------
    weights, task, first, last, sequences, seed, activation
        As for `correct_bits`.

    Raises
    ------
    ValueError
        As `correct_bits`.
    """
    counts = correct_bits(weights, task, first, last, sequences, seed, activation)
    return Accuracy(int(counts.sum()), len(counts) * sequences * task.kappa)


def accuracy_around(
    weights: Weights,
    task: Task,
    step: int,
    activation: Callable[[np.ndarray], np.ndarray] = np.tanh,
    sequences: int = 64,
) -> Accuracy:
    """Return the accuracy of some sequences over the 2s output steps from `step` on.

    Parameters
    ----------
    weights, task, activation, sequences
        As for `correct_bits`.
    step
        First output step scored; at least 1.

    Raises
    ------
    ValueError
        As `correct_bits`.
    """
    checks.fits("step", checks.integer("step", step))
    last = step + 2 * task.s - 1
    return accuracy(weights, task, step, last, sequences, activation=activation)


def to_torch(weights: Weights) -> tuple[torch.nn.RNN, torch.nn.Linear]:
    """Return a ``torch.nn.RNN`` and a bias-free ``torch.nn.Linear`` that compute Eq. (6).

    Both are float64 and batch-first.

    Parameters
    ----------
    weights
        The network, with or without bias.
    """

    def tensor(x):
        return torch.nn.Parameter(torch.tensor(x))

    size = {"batch_first": True, "bias": weights.b is not None, "dtype": torch.float64}
    rnn = torch.nn.RNN(weights.kappa, weights.hidden, **size)
    readout = torch.nn.Linear(weights.hidden, weights.kappa, bias=False, dtype=torch.float64)
    rnn.weight_hh_l0, rnn.weight_ih_l0 = tensor(weights.W_hh), tensor(weights.W_uh)
    readout.weight = tensor(weights.W_r)
    if weights.b is not None:
        rnn.bias_hh_l0, rnn.bias_ih_l0 = tensor(weights.b), tensor(0 * weights.b)
    return rnn, readout


def from_torch(rnn: torch.nn.RNN, readout: torch.nn.Linear) -> Weights:
    """Return the `Weights` of a one-layer ``torch.nn.RNN`` with a ``torch.nn.Linear`` on top.

    Parameters
    ----------
    rnn
        One layer, one direction; its two biases are added.
    readout
        Reads the hidden state; without bias, since Eq. (6) has none.

    Raises
    ------
    ValueError
        If it is another network or has more layers or directions, the readout has a bias, or the
        sizes disagree.
    """
    if rnn.num_layers != 1 or rnn.bidirectional:
        raise ValueError("rnn must have one layer and one direction: Eq. (6) is one recurrence")
    if rnn.nonlinearity != "tanh":
        raise ValueError(f"rnn must use tanh, as Eq. (6) does, not {rnn.nonlinearity!r}")
    if readout.bias is not None and readout.bias.detach().abs().max() > 0:
        raise ValueError("readout must have no bias (bias=False): Eq. (6) reads y = W_r h")

    def values(parameter):
        return parameter.detach().cpu().double().numpy()

    b = values(rnn.bias_hh_l0) + values(rnn.bias_ih_l0) if rnn.bias else None
    return Weights(values(rnn.weight_hh_l0), values(rnn.weight_ih_l0), values(readout.weight), b)


def _targets(task: Task, u: np.ndarray, first: int, last: int, chunk: int = 4096) -> np.ndarray:
    """Return the targets of output steps `first` ... `last`, holding few of those before them."""
    chunk = max(chunk, task.s)
    while first > chunk:
        u = continuation(task, u, chunk)[..., -task.s :, :]
        first, last = first - chunk, last - chunk
    return continuation(task, u, last)[..., first - 1 :, :]


def same_kappa(weights: Weights, task: Task) -> None:
    """Check that a network has as many inputs and outputs as a task.

    Parameters
    ----------
    weights, task
        The two.

    Raises
    ------
    ValueError
        If they differ.
    """
    if weights.kappa != task.kappa:
        raise ValueError(f"weights must have kappa = {task.kappa} as the task, not {weights.kappa}")


checks.guard(globals())
