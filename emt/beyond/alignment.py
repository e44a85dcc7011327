"""Two rivals of the memories: a subspace learned from behaviour alone, and a fitted decoder.

Neither looks at the weights. Distributed alignment search (Geiger et al. 2024) learns by gradient
the subspace whose exchange between two runs does what exchanging one memory should do. A probe
reads a memory from the state by least squares. Both maps are linear, as the memories are: a map
without limits finds any algorithm in any network (Sutter et al. 2025).
"""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg
from scipy.optimize import minimize

from emt import checks
from emt.beyond.bases import in_flight, random_basis
from emt.linearization import slopes
from emt.network import EVALUATION_SEED, Network, Recurrent, continued
from emt.tasks import Task, continuation

TRAINING_SEED = EVALUATION_SEED + 1
CUT = 1e-10
"""Directions whose singular value is below this part of the largest count as none."""
_solved = partial(linalg.lstsq, cond=CUT, lapack_driver="gelsy")  # the default may not converge


class Alignment(NamedTuple):
    """A subspace of the state, and what follows when its part is taken from another run.

    Attributes
    ----------
    basis
        Orthonormal columns.
    cause
        Part of right outputs among those that the other run's memory should change; in [0, 1].
        An edit that does nothing gets 0, noise one half.
    isolate
        Among those that it should leave; in [0, 1].
    """

    basis: Float[np.ndarray, "H d"]
    cause: float
    isolate: float


class Decoder(NamedTuple):
    """A linear decoder.

    Attributes
    ----------
    covectors
        One row a component of what is read, for states counted from their mean.
    accuracy
        Part of right signs on states to which it was not fitted; chance is one half.
    """

    covectors: Float[np.ndarray, "c H"]
    accuracy: float


def interchanged(
    network: Recurrent,
    task: Task,
    memory: int,
    basis: Float[np.ndarray, "H d"],
    pairs: int = 256,
    seed: int = EVALUATION_SEED,
) -> Alignment:
    """Take a subspace's part of the state from another run, and score what is said then.

    In the middle of the first cycle of the output phase, ``h + B B^T (h' - h)``, with h' the state
    of another sequence at the same time and B orthonormal. The next 2s outputs should be those of
    the first, with the content of one memory taken from the second.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    memory
        Number of the memory, 1 ... s.
    basis
        Spans the subspace.
    pairs, seed
        Pairs of random sequences. Trials of one's own are paired as they come.

    Raises
    ------
    ValueError
        If there is no such memory, the columns of `basis` are dependent, or not some outputs
        should change and others stay.
    """
    basis = checks.array("basis", basis, network.hidden, None)
    columns = checks.integer("the number of columns of basis", basis.shape[1])
    B = linalg.orth(basis, rcond=CUT)
    if B.shape[1] < columns:
        raise ValueError("basis must have independent columns")
    h, other, said, wanted = _pairs(network, task, memory, 2 * task.s, pairs, seed)
    y = continued(network, h + (other - h) @ B @ B.T, 2 * task.s)[1]
    right, turned = np.sign(y) == np.sign(wanted), wanted != said
    return Alignment(B, float(right[turned].mean()), float(right[~turned].mean()))


def aligned(
    network: Network,
    task: Task,
    memory: int,
    dimensions: int,
    pairs: int = 256,
    seed: int = TRAINING_SEED,
    shuffled: bool = False,
    iterations: int = 200,
) -> Alignment:
    """Learn the subspace that carries one memory: distributed alignment search, Geiger et al. 2024.

    From random directions, the squared error of the s outputs after an interchange is minimised
    over all subspaces of this dimension, by L-BFGS with the gradient carried back through the run.
    The outputs in which the memory is heard count as much together as all others. Scores are those
    of `interchanged` on other pairs.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    memory
        Number of the memory, 1 ... s.
    dimensions
        Of the subspace, at most H.
    pairs, seed
        Pairs of sequences to learn from, and where to start.
    shuffled
        Whether the outputs to be learned are those of another pair's second run: a control.
    iterations
        At most.

    Raises
    ------
    ValueError
        As `interchanged`.
    """
    checks.integer("iterations", iterations)
    least = checks.integer("dimensions", dimensions)
    checks.integer("the number of units, which bounds dimensions,", network.hidden, least)
    start, _ = random_basis(network.hidden, dimensions, checks.generator(seed, 4))
    runs = _pairs(network, task, memory, task.s, pairs, seed, shuffled)

    def cost(x):
        value, slope = _cost(network, *runs, x.reshape(start.shape))
        return value, slope.ravel()

    options = {"maxiter": iterations}
    found = minimize(cost, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return interchanged(network, task, memory, found.x.reshape(start.shape))


def decoded(h: Float[np.ndarray, "samples H"], bits: Float[np.ndarray, "samples c"]) -> Decoder:
    """Fit a linear decoder by least squares to the first half of states; score it on the others.

    Parameters
    ----------
    h
        States, or any part of them; at least two.
    bits
        What was held in each; only signs are scored.
    """
    h = checks.array("h", h, None, None)
    bits = checks.array("bits", bits, len(h), None)
    for name, value, least in (("states of h", len(h), 2), ("columns of h", h.shape[1], 1)):
        checks.integer(f"the number of {name}", value, least)
    checks.integer("the number of columns of bits", bits.shape[1])
    half = len(h) // 2
    middle, mean = h[:half].mean(axis=0), bits[:half].mean(axis=0)
    covectors = _solved(h[:half] - middle, bits[:half] - mean)[0].T
    read = (h[half:] - middle) @ covectors.T + mean
    return Decoder(covectors, float((np.sign(read) == np.sign(bits[half:])).mean()))


def probe(
    network: Recurrent,
    task: Task,
    memory: int,
    sequences: int = 1024,
    seed: int = EVALUATION_SEED,
    shuffled: bool = False,
) -> Decoder:
    """Fit a linear decoder of one memory to states in the middle of the output phase's first cycle.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    memory
        Number of the memory, 1 ... s.
    sequences, seed
        Inputs; see `decoded`.
    shuffled
        Whether the contents are those of other sequences: a control.

    Raises
    ------
    ValueError
        If there is no such memory.
    """
    _exists(task, memory)
    h, held = (x[task.s // 2] for x in in_flight(network, task, sequences, seed))
    held = held[:, memory - 1]
    return decoded(h, np.roll(held, 1, axis=0) if shuffled else held)


def reread(
    network: Network, task: Task, sequences: int = 512, seed: int = TRAINING_SEED
) -> Network:
    """Return the network with those read weights that follow the task best, by least squares.

    So that one that has not learned is not ruled out by its readout alone.

    Parameters
    ----------
    network, task
        The network, and the rule that it should follow.
    sequences, seed
        Inputs that the weights are fitted to, in the first cycle of the output phase.
    """
    h, held = in_flight(network, task, sequences, seed)
    seen = replace(network, W_r=np.eye(network.hidden), c=None).read(h).reshape(-1, network.hidden)
    W_r = _solved(seen, held[:, :, -1].reshape(len(seen), -1))[0].T
    return replace(network, W_r=W_r, c=None)


def _cost(network: Network, h, other, said, wanted, A) -> tuple[float, np.ndarray]:
    """Return the error after an interchange in the span of A, and its derivative by A."""
    heard = (wanted != said).any(axis=0)
    weight = np.where(heard, 1 / heard.sum(), 1 / (~heard).sum()) / len(h)
    B, R = linalg.qr(A, mode="economic")
    moved = (other - h) @ B
    value, slope = _error(network, h + moved @ B.T, wanted, weight)
    by_B = slope.T @ moved + (other - h).T @ (slope @ B)
    by_B -= B @ (B.T @ by_B)  # only what leads out of the span changes it
    return value, linalg.solve_triangular(R, by_B.T).T


def _error(network: Network, h, wanted, weight) -> tuple[float, np.ndarray]:
    """Return the weighted squared error of the outputs that follow h, and its derivative by h."""
    a, rates, states = network.leak, network.rates, [h]
    for _ in weight:
        states.append(network.step(states[-1]))
    value, slope = 0.0, np.zeros_like(h)
    for t in reversed(range(len(weight))):
        error = network.read(states[t + 1]) - wanted[:, t]
        value += float((weight[t] * error**2).sum())
        read = 2 * (weight[t] * error) @ network.W_r
        slope += read * slopes(network, states[t + 1]) if rates else read
        g = slopes(network, states[t])
        back = g * ((a * slope) @ network.W_hh) if rates else (a * slope * g) @ network.W_hh
        slope = (1 - a) * slope + back
    return value, slope


def _pairs(network, task, memory, steps, pairs, seed, shuffled=False):
    """Return states of two runs in mid-cycle, and outputs without and after an exchange."""
    _exists(task, memory)
    checks.fits("pairs", 2 * checks.integer("pairs", pairs), task.s, network.hidden)
    h, held = (x[task.s // 2] for x in in_flight(network, task, 2 * pairs, seed))
    half = checks.integer("the number of pairs", len(h) // 2)
    others, now = held[half : 2 * half, memory - 1], held[:half].copy()
    now[:, memory - 1] = np.roll(others, 1, axis=0) if shuffled else others
    said, wanted = (continuation(task, x, steps) for x in (held[:half], now))
    heard = (wanted != said).any(axis=0)
    if heard.all() or not heard.any():
        raise ValueError(
            "pairs must be more, or the task or memory another: not some outputs would change and "
            "others stay"
        )
    return h[:half], h[half : 2 * half], said, wanted


def _exists(task: Task, memory: int) -> None:
    if checks.integer("memory", memory) > task.s:
        raise ValueError(f"memory must be one of 1 ... {task.s}, not {memory}")


checks.guard(globals())
