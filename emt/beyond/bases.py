"""Other bases than the memories, each labelled to its own advantage, and memories from states."""

from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg
from scipy.optimize import linear_sum_assignment

from emt import checks
from emt.algorithm1 import VariableMemories, contents
from emt.basis import dual, independent, invariant_subspaces
from emt.linearization import linear
from emt.network import EVALUATION_SEED, Recurrent, begun, silent_states
from emt.scoring import SILENT
from emt.tasks import Task, continuation, driven, variables

BASELINES = ("random directions", "principal components", "eigenvectors")


class Held(NamedTuple):
    """States in the output phase, and what theory says that the memories hold in them.

    Attributes
    ----------
    h
        Hidden states.
    held
        Contents of memories 1 ... s.
    """

    h: Float[np.ndarray, "times sequences H"]
    held: Float[np.ndarray, "times sequences s kappa"]


def in_flight(
    network: Recurrent, task: Task, sequences: int = 64, seed: int = EVALUATION_SEED
) -> Held:
    """Return the states of one cycle of the output phase, times s+1 ... 2s, on random bits.

    What is held then follows from what was held after the inputs: these themselves, or, where the
    network adds, what f had already added to them (`emt.tasks.driven`). The network's own signs
    in this cycle say which. Rules that read the oldest vector alone have added nothing yet.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    sequences, seed
        As for `emt.network.begun`.
    """
    h, x = begun(network, task, sequences, seed)
    s, h = task.s, np.stack(list(islice(silent_states(network, h), task.s)))
    y = network.read(h).swapaxes(0, 1)

    def right(x: np.ndarray) -> float:
        signed = abs(x[:, s:]) > SILENT
        return float((np.sign(y) == np.sign(x[:, s:]))[signed].sum() / max(signed.sum(), 1))

    starts = [x] if task.threshold or task.trials is not None else [x, driven(task, x)]
    x = max((np.concatenate([x, continuation(task, x, s)], axis=-2) for x in starts), key=right)
    return Held(h, np.stack([x[:, t : t + s] for t in range(1, s + 1)]))


def labelled(
    network: Recurrent,
    task: Task,
    Psi: Float[np.ndarray, "H n"],
    Psi_dual: Float[np.ndarray, "n H"],
    sequences: int = 256,
    seed: int = EVALUATION_SEED + 1,
    at: Float[np.ndarray, " H"] | None = None,
) -> VariableMemories:
    """Return a basis as memories, each column called what it resembles most.

    The assignment maximises the sum of absolute correlations between what the covectors read and
    what the theory says is held. Signs and scales are those of the contents.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    Psi, Psi_dual
        Any n vectors, as many as the task has persistent components, with their covectors.
    sequences, seed
        Inputs from which the labels are learned; others than those that are scored.
    at
        The point from which states are counted, by default the origin.

    Raises
    ------
    ValueError
        If a row of `Psi_dual` reads nothing from the states, or what persists is not single
        components.
    """
    live = variables(task)
    n = int(live.sum())
    Psi = checks.array("Psi", Psi, network.hidden, n)
    Psi_dual = checks.array("Psi_dual", Psi_dual, n, network.hidden)
    h, held = in_flight(network, task, sequences, seed)
    h = h if at is None else h - checks.array("at", at, network.hidden)
    read, held = (h @ Psi_dual.T).reshape(-1, n), held.reshape(-1, len(live))[:, live]
    scale = np.sqrt((read**2).mean(axis=0))
    if not scale.all():
        raise ValueError("Psi_dual must read something from the states in every row")
    correlation = held.T @ (read / scale) / len(read)
    _, column = linear_sum_assignment(-abs(correlation))
    sign = np.where(correlation[np.arange(n), column] < 0, -1.0, 1.0)
    scale = sign * scale[column]
    return VariableMemories(
        Psi[:, column] * scale, Psi_dual[column] / scale[:, None], task.labels[live], at
    )


def fitted(
    network: Recurrent,
    task: Task,
    sequences: int = 512,
    seed: int = EVALUATION_SEED + 1,
    at: Float[np.ndarray, " H"] | None = None,
) -> VariableMemories:
    """Return memories whose vectors are not computed from the weights but fitted to visited states.

    The states of one cycle of the output phase are regressed on what the theory says is held in
    the persistent components. Covectors cannot be had from such states alone: whatever reads them
    right may see short-lived modes too, which vary little there. So they are those in the left
    invariant subspace of the long-lived modes, as in `emt.corrected`. Where the network has no
    weights, or not as many such modes, nothing says which: then they are the pseudoinverse of the
    vectors, which is good for reading but not for `emt.beyond.interventions.surgery`.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    sequences, seed
        Inputs to which the memories are fitted; others than those that are scored.
    at
        The point from which states are counted, by default the origin.

    Raises
    ------
    ValueError
        If the fitted vectors are dependent, or what persists is not single components.
    """
    live = variables(task)
    h, held = in_flight(network, task, sequences, seed)
    h = h if at is None else h - checks.array("at", at, network.hidden)
    held = held.reshape(-1, len(live))[:, live]
    Psi = linalg.lstsq(held, h.reshape(-1, network.hidden))[0].T
    independent("the fitted vectors", Psi)
    left = _long_lived(network, Psi.shape[1], at)
    Psi_dual = dual(Psi) if left is None else linalg.solve(left @ Psi, left)
    return VariableMemories(Psi, Psi_dual, task.labels[live], at)


def _long_lived(network: Recurrent, n: int, at: np.ndarray | None) -> np.ndarray | None:
    """Return the left invariant subspace of n long-lived modes, or ``None`` if there is none."""
    with suppress(ValueError):
        left = invariant_subspaces(linear(network, at).W_hh, None, n)[1]
        return left if len(left) == n else None
    return None


def sized(
    network: Recurrent,
    task: Task,
    memories: VariableMemories,
    sequences: int = 256,
    seed: int = EVALUATION_SEED + 1,
) -> VariableMemories:
    """Return the same memories, scaled so that what each component holds has size 1.

    Memories that were found by multiplying with `W_hh` again and again have grown by powers of its
    gain. Where that is 1, as in the theory, nothing changes.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    memories
        Its memories.
    sequences, seed
        Inputs from which the sizes (root mean square) are taken; others than those that are scored.

    Raises
    ------
    ValueError
        If a component holds nothing.
    """
    h, _ = in_flight(network, task, sequences, seed)
    scale = np.sqrt((contents(memories, h) ** 2).mean(axis=(0, 1)))
    if not scale.all():
        raise ValueError("memories must hold something in every component")
    return replace(memories, Psi=memories.Psi * scale, Psi_dual=memories.Psi_dual / scale[:, None])


def random_basis(
    H: int, n: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "H n"], Float[np.ndarray, "n H"]]:
    """Return n orthonormal vectors of random direction, and their covectors.

    Parameters
    ----------
    H, n
        Sizes, n at most H.
    rng
        Source of randomness.
    """
    checks.integer("H", H, least=checks.integer("n", n))
    Q, _ = linalg.qr(rng.normal(size=(H, n)), mode="economic")
    return Q, Q.T


def principal_basis(
    h: Float[np.ndarray, "*batch H"], n: int
) -> tuple[Float[np.ndarray, "H n"], Float[np.ndarray, "n H"]]:
    """Return the first n principal components of states, and their covectors.

    Parameters
    ----------
    h
        Hidden states.
    n
        How many, at most H.
    """
    h = checks.array("h", h, ..., None)
    checks.integer("the number of components of h", h.shape[-1])
    h = h.reshape(-1, h.shape[-1])
    checks.integer("the number of components of h", min(h.shape), least=checks.integer("n", n))
    _, _, Vt = linalg.svd(h - h.mean(axis=0), full_matrices=False)
    return Vt[:n].T, Vt[:n]


def eigenbasis(
    W: Float[np.ndarray, "H H"], n: int
) -> tuple[Float[np.ndarray, "H n"], Float[np.ndarray, "n H"]]:
    """Return the n eigenvectors of largest modulus, real and imaginary parts, and covectors.

    Parameters
    ----------
    W
        A diagonalisable matrix.
    n
        How many, at most H; a pair that n would part loses one of its two.

    Raises
    ------
    ValueError
        If eigenvectors are dependent.
    """
    W = checks.square("W", W)
    checks.integer("the size of W", len(W), least=checks.integer("n", n))
    values, vectors = linalg.eig(W)
    order = np.argsort(-abs(values), kind="stable")
    _, basis = linalg.cdf2rdf(values[order], vectors[:, order])
    independent("eigenvectors", basis)
    return basis[:, :n], linalg.inv(basis)[:n]


def baseline(
    network: Recurrent,
    task: Task,
    kind: str,
    seed: int = 0,
    at: Float[np.ndarray, " H"] | None = None,
) -> VariableMemories:
    """Return another basis than the memories, of equal dimension, labelled to its advantage.

    Parameters
    ----------
    kind
        One of `BASELINES`: random directions, principal components of the states, eigenvectors.
    network, task
        The network, and the rule that it follows.
    seed
        Of the random directions.
    at
        The fixed point around which the network is linear, from which states are counted.
    """
    checks.choice("kind", kind, BASELINES)
    n = task.modes
    if kind == "random directions":
        pair = random_basis(network.hidden, n, checks.generator(seed, 2))
    elif kind == "principal components":
        pair = principal_basis(in_flight(network, task).h, n)
    else:
        pair = eigenbasis(linear(network, at).W_hh, n)
    return labelled(network, task, *pair, at=at)


checks.guard(globals())
