"""Does the network use these memories? Edits scored against what the theory says will follow.

Every score is a part of bits, and takes a basis as its argument: the memories, or any other
vectors and covectors, labelled to their own advantage by `labelled`.
"""

from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg
from scipy.optimize import linear_sum_assignment

from emt import checks
from emt.basis import independent
from emt.elman import EVALUATION_SEED, Weights, accuracy_around, continued, same_kappa, states
from emt.interventions import columns_of, replace_rest, shared, surgery, swap
from emt.tasks import Task, continuation, random_bits, with_silence
from emt.variable_memories import VariableMemories, contents

RIVALS = ("random directions", "principal components", "eigenvectors")


class Faithfulness(NamedTuple):
    """Parts of bits that are right; what knows nothing of them gets one half.

    Attributes
    ----------
    decoded
        Bits of all memories read from the state, over a cycle of the output phase.
    swapped
        After two memories were swapped, those later outputs that the swap should change. An edit
        that does nothing gets 0.
    spared
        Those that the swap should not change.
    kept
        Outputs after everything but the memories was removed from the state.
    dropped
        Outputs after the memories were removed from the state: about one half if nothing of the
        input is left.
    surgery
        Outputs around `step` of the network whose ``W_hh`` is ``Psi Phi Psi*``, on the sequences of
        `emt.accuracy_around`.
    """

    decoded: float
    swapped: float
    spared: float
    kept: float
    dropped: float
    surgery: float


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
    weights: Weights, task: Task, sequences: int = 64, seed: int = EVALUATION_SEED
) -> Held:
    """Return the states of one cycle of the output phase, times s+1 ... 2s, on random bits.

    Parameters
    ----------
    weights, task
        The network, and the rule that it follows.
    sequences, seed
        Inputs.

    Raises
    ------
    ValueError
        If the sizes of network and task disagree, or a number is out of range.
    """
    same_kappa(weights, task)
    s = task.s
    u = random_bits(task, sequences, np.random.default_rng(seed))
    x = np.concatenate([u, continuation(task, u, s)], axis=-2)
    h = np.stack(list(islice(states(weights, with_silence(u, s)), s, None)))
    return Held(h, np.stack([x[:, t : t + s] for t in range(1, s + 1)]))


def labelled(
    weights: Weights,
    task: Task,
    Psi: Float[np.ndarray, "H n"],
    Psi_dual: Float[np.ndarray, "n H"],
    sequences: int = 256,
    seed: int = EVALUATION_SEED + 1,
) -> VariableMemories:
    """Return a basis as memories, each column called what it resembles most.

    The assignment maximises the sum of absolute correlations between what the covectors read and
    what the theory says is held. Signs and scales are those of the contents.

    Parameters
    ----------
    weights, task
        The network, and the rule that it follows.
    Psi, Psi_dual
        Any n = s * kappa vectors, with their covectors.
    sequences, seed
        Inputs from which the labels are learned; others than those that are scored.

    Raises
    ------
    ValueError
        If the sizes disagree.
    """
    n = task.s * task.kappa
    Psi = checks.array("Psi", Psi, weights.hidden, n)
    Psi_dual = checks.array("Psi_dual", Psi_dual, n, weights.hidden)
    h, held = in_flight(weights, task, sequences, seed)
    read, held = (h @ Psi_dual.T).reshape(-1, n), held.reshape(-1, n)
    scale = np.sqrt((read**2).mean(axis=0))
    if not scale.all():
        raise ValueError("Psi_dual must read something from the states in every row")
    correlation = held.T @ (read / scale) / len(read)
    _, column = linear_sum_assignment(-abs(correlation))
    sign = np.where(correlation[np.arange(n), column] < 0, -1.0, 1.0)
    scale = sign * scale[column]
    labels = np.stack(np.divmod(np.arange(n), task.kappa), axis=1) + 1
    return VariableMemories(Psi[:, column] * scale, Psi_dual[column] / scale[:, None], labels)


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

    Raises
    ------
    ValueError
        If n > H.
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

    Raises
    ------
    ValueError
        If `h` is not finite or has no n components.
    """
    h = checks.array("h", h, ..., None)
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
        If `W` is not square and finite, n is out of range, or eigenvectors are dependent.
    """
    W = checks.square("W", W)
    checks.integer("the size of W", len(W), least=checks.integer("n", n))
    values, vectors = linalg.eig(W)
    order = np.argsort(-abs(values), kind="stable")
    _, basis = linalg.cdf2rdf(values[order], vectors[:, order])
    independent("eigenvectors", basis)
    return basis[:, :n], linalg.inv(basis)[:n]


def rival(kind: str, weights: Weights, task: Task, seed: int = 0) -> VariableMemories:
    """Return another basis than the memories, of equal dimension, labelled to its advantage.

    Parameters
    ----------
    kind
        One of `RIVALS`: random directions, principal components of the states, eigenvectors.
    weights, task
        The network, and the rule that it follows.
    seed
        Of the random directions.

    Raises
    ------
    ValueError
        If `kind` is unknown or the network has fewer than s * kappa units.
    """
    checks.choice("kind", kind, RIVALS)
    n = task.s * task.kappa
    if kind == "random directions":
        pair = random_basis(weights.hidden, n, np.random.default_rng([seed, 2]))
    elif kind == "principal components":
        pair = principal_basis(in_flight(weights, task).h, n)
    else:
        pair = eigenbasis(weights.W_hh, n)
    return labelled(weights, task, *pair)


def faithfulness(
    weights: Weights,
    task: Task,
    memories: VariableMemories,
    step: int = 1000,
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
) -> Faithfulness:
    """Score a basis by what it reads and by what follows from edits in it.

    Memories k and s+1-k are swapped, for each k in turn, in the middle of the first cycle of the
    output phase, and the outputs of the next 2s steps scored.

    Parameters
    ----------
    weights, task
        The network, and the rule that it follows.
    memories
        The basis, with labels.
    step
        Output step around which surgery is scored.
    sequences, seed
        Inputs.

    Raises
    ------
    ValueError
        If the sizes disagree, the memories' labels are not those of the task, or s is below 2.
    """
    checks.integer("s", task.s, least=2)
    h, held = in_flight(weights, task, sequences, seed)
    read = contents(memories, h)
    columns = columns_of(memories, task)
    decoded = np.sign(read) == np.sign(held.reshape(*held.shape[:2], -1)[..., columns])
    middle = task.s // 2
    h, held = h[middle], held[middle]
    y = _heard(weights, task, replace_rest(memories, h))
    dropped = _heard(weights, task, h - replace_rest(memories, h))
    said = _said(task, held)
    swapped, spared = _swaps(weights, task, memories, h, held)
    return Faithfulness(
        decoded=float(decoded.mean()),
        swapped=swapped,
        spared=spared,
        kept=_right(y, said),
        dropped=_right(dropped, said),
        surgery=accuracy_around(
            surgery(weights, memories, task), task, step, sequences=sequences
        ).value,
    )


def dose_response(
    weights: Weights,
    task: Task,
    memories: VariableMemories,
    doses: Float[np.ndarray, " doses"],
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
) -> Float[np.ndarray, " doses"]:
    """Return how much outputs that a swap should turn still say what they would have said.

    The mean of output times unswapped bit, over the bits that differ, divided by the same without
    a swap. Theory: 1 - 2 dose.

    Parameters
    ----------
    weights, task, memories, sequences, seed
        As for `faithfulness`.
    doses
        Parts of the contents of memories 1 and s that are exchanged.

    Raises
    ------
    ValueError
        If the sizes disagree, or s is below 2.
    """
    checks.integer("s", task.s, least=2)
    doses = checks.array("doses", doses, None)
    h, held = in_flight(weights, task, sequences, seed)
    h, held = h[task.s // 2], held[task.s // 2]
    said = _said(task, held)
    differs = said != _said(task, _exchanged(memories, held, 1, task.s))
    strength = [
        (said * _heard(weights, task, swap(memories, h, 1, task.s, float(dose))))[differs].mean()
        for dose in (0.0, *doses)
    ]
    return np.array(strength[1:]) / strength[0]


def _swaps(weights, task, memories, h, held) -> tuple[float, float]:
    """Return the parts of right bits among those that a swap should change, and the others."""
    said, changed, others = _said(task, held), [], []
    for k in range(1, task.s // 2 + 1):
        now = _said(task, _exchanged(memories, held, k, task.s + 1 - k))
        right = np.sign(_heard(weights, task, swap(memories, h, k, task.s + 1 - k))) == np.sign(now)
        changed.append(right[now != said])
        others.append(right[now == said])
    return tuple(float(np.concatenate(x).mean()) for x in (changed, others))


def _exchanged(memories, held: np.ndarray, first: int, second: int) -> np.ndarray:
    """Return contents with those components exchanged that both memories have."""
    a, b = (tuple(memories.labels[x].T - 1) for x in shared(memories, first, second))
    result = held.copy()
    result[:, *a], result[:, *b] = held[:, *b], held[:, *a]
    return result


def _said(task: Task, held: np.ndarray) -> np.ndarray:
    """Return what follows, 2s steps, once the memories hold these contents."""
    return continuation(task, held, 2 * task.s)


def _heard(weights: Weights, task: Task, h: np.ndarray) -> np.ndarray:
    """Return the next 2s outputs from these states."""
    return continued(weights, h, 2 * task.s)[1]


def _right(y: np.ndarray, wanted: np.ndarray) -> float:
    return float((np.sign(y) == np.sign(wanted)).mean())
