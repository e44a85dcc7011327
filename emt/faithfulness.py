"""Does the network use these memories? Edits scored against what the theory says will follow.

Every score is a part of bits, and takes a basis as its argument: the memories, or any other
vectors and covectors, labelled to their own advantage by `labelled`.
"""

from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg
from scipy.optimize import linear_sum_assignment

from emt import checks
from emt.basis import dual, independent
from emt.interventions import columns_of, erase, replace_rest, shared, surgery, swap
from emt.network import EVALUATION_SEED, Network, Recurrent, continued, same_kappa, states
from emt.scoring import accuracy_around
from emt.tasks import Task, continuation, random_bits, with_silence
from emt.variable_binding import lasting
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
        `emt.accuracy_around`; NaN for a cell that has no ``W_hh``.
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
    network: Recurrent, task: Task, sequences: int = 64, seed: int = EVALUATION_SEED
) -> Held:
    """Return the states of one cycle of the output phase, times s+1 ... 2s, on random bits.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    sequences, seed
        Inputs.

    Raises
    ------
    ValueError
        If the sizes of network and task disagree, or a number is out of range.
    """
    same_kappa(network, task)
    s = task.s
    u = random_bits(task, sequences, checks.generator(seed))
    x = np.concatenate([u, continuation(task, u, s)], axis=-2)
    h = np.stack(list(islice(states(network, with_silence(u, s)), s, None)))
    return Held(h, np.stack([x[:, t : t + s] for t in range(1, s + 1)]))


def labelled(
    network: Recurrent,
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
    network, task
        The network, and the rule that it follows.
    Psi, Psi_dual
        Any n vectors, as many as the task has lasting components, with their covectors.
    sequences, seed
        Inputs from which the labels are learned; others than those that are scored.

    Raises
    ------
    ValueError
        If the sizes disagree.
    """
    live = lasting(task)
    n = int(live.sum())
    Psi = checks.array("Psi", Psi, network.hidden, n)
    Psi_dual = checks.array("Psi_dual", Psi_dual, n, network.hidden)
    h, held = in_flight(network, task, sequences, seed)
    read, held = (h @ Psi_dual.T).reshape(-1, n), held.reshape(-1, len(live))[:, live]
    scale = np.sqrt((read**2).mean(axis=0))
    if not scale.all():
        raise ValueError("Psi_dual must read something from the states in every row")
    correlation = held.T @ (read / scale) / len(read)
    _, column = linear_sum_assignment(-abs(correlation))
    sign = np.where(correlation[np.arange(n), column] < 0, -1.0, 1.0)
    scale = sign * scale[column]
    names = _names(task, live)
    return VariableMemories(Psi[:, column] * scale, Psi_dual[column] / scale[:, None], names)


def fitted(
    network: Recurrent, task: Task, sequences: int = 512, seed: int = EVALUATION_SEED + 1
) -> VariableMemories:
    """Return memories that are not computed from the weights but fitted to visited states.

    The states of one cycle of the output phase are regressed on what the theory says is held in
    the lasting components; covectors are the pseudoinverse of the vectors. Nothing is assumed of
    `W_hh`.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    sequences, seed
        Inputs to which the memories are fitted; others than those that are scored.

    Raises
    ------
    ValueError
        If the sizes disagree or the fitted vectors are dependent.
    """
    live = lasting(task)
    h, held = in_flight(network, task, sequences, seed)
    held = held.reshape(-1, len(live))[:, live]
    Psi = linalg.lstsq(held, h.reshape(-1, network.hidden))[0].T
    return VariableMemories(Psi, dual(Psi), _names(task, live))


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
        If the sizes disagree or a component holds nothing.
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
        If `W` is not square and finite, n is out of range, or eigenvectors are dependent.
    """
    W = checks.square("W", W)
    checks.integer("the size of W", len(W), least=checks.integer("n", n))
    values, vectors = linalg.eig(W)
    order = np.argsort(-abs(values), kind="stable")
    _, basis = linalg.cdf2rdf(values[order], vectors[:, order])
    independent("eigenvectors", basis)
    return basis[:, :n], linalg.inv(basis)[:n]


def rival(kind: str, network: Network, task: Task, seed: int = 0) -> VariableMemories:
    """Return another basis than the memories, of equal dimension, labelled to its advantage.

    Parameters
    ----------
    kind
        One of `RIVALS`: random directions, principal components of the states, eigenvectors.
    network, task
        The network, and the rule that it follows.
    seed
        Of the random directions.

    Raises
    ------
    ValueError
        If `kind` is unknown or the network has fewer units than the task lasting components.
    """
    checks.choice("kind", kind, RIVALS)
    n = int(lasting(task).sum())
    if kind == "random directions":
        pair = random_basis(network.hidden, n, checks.generator(seed, 2))
    elif kind == "principal components":
        pair = principal_basis(in_flight(network, task).h, n)
    else:
        pair = eigenbasis(network.W_hh, n)
    return labelled(network, task, *pair)


def faithfulness(
    network: Recurrent,
    task: Task,
    memories: VariableMemories,
    step: int = 1000,
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
) -> Faithfulness:
    """Score a basis by what it reads and by what follows from edits in it.

    The first memory is swapped with the last, the second with the last but one, and so on, each
    pair in turn, in the middle of the first cycle of the output phase, and the outputs of the next
    2s steps are scored. Memories without lasting components are passed over.

    Parameters
    ----------
    network, task
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
        If the sizes disagree, the memories' labels are not those of the task, or there are not
        two memories.
    """
    h, held = in_flight(network, task, sequences, seed)
    read = contents(memories, h)
    columns = columns_of(memories, task)
    decoded = np.sign(read) == np.sign(held.reshape(*held.shape[:2], -1)[..., columns])
    middle = task.s // 2
    h, held = h[middle], held[middle]
    y = _heard(network, task, replace_rest(memories, h))
    dropped = _heard(network, task, h - replace_rest(memories, h))
    said = _said(task, held)
    swapped, spared = _swaps(network, task, memories, h, held)
    return Faithfulness(
        decoded=float(decoded.mean()),
        swapped=swapped,
        spared=spared,
        kept=_right(y, said),
        dropped=_right(dropped, said),
        surgery=_replaced(network, task, memories, step, sequences),
    )


def dose_response(
    network: Recurrent,
    task: Task,
    memories: VariableMemories,
    doses: Float[np.ndarray, " doses"],
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
    wait: int = 0,
) -> Float[np.ndarray, " doses"]:
    """Return how much outputs that a swap should turn still say what they would have said.

    The mean of output times unswapped bit, over the bits that differ, divided by the same without
    a swap. Theory: 1 - 2 dose, whenever one listens.

    Parameters
    ----------
    network, task, memories, sequences, seed
        As for `faithfulness`.
    doses
        Parts of the contents of the first and the last memory that are exchanged.
    wait
        Steps between the swap and the 2s steps that are listened to.

    Raises
    ------
    ValueError
        If the sizes disagree, the memories' labels are not those of the task, or there are not
        two memories.
    """
    checks.fits("wait", checks.integer("wait", wait, least=0), sequences, network.hidden)
    doses = checks.array("doses", doses, None)
    h, held, (first, last) = _stopped(network, task, memories, sequences, seed)
    said = _said(task, held, wait)
    differs = said != _said(task, _exchanged(memories, held, first, last), wait)
    edited = (swap(memories, h, first, last, float(dose)) for dose in (0.0, *doses))
    strength = [(said * _heard(network, task, now, wait))[differs].mean() for now in edited]
    return np.array(strength[1:]) / strength[0]


class Erased(NamedTuple):
    """What is heard of contents that were erased.

    Attributes
    ----------
    size
        Mean size of the outputs that should be silent, as part of that of the others. Theory: 0,
        whenever one listens.
    agreement
        Part of these outputs with the sign that they had without the edit; one half if nothing of
        the content is left.
    """

    size: float
    agreement: float


def erased(
    network: Recurrent,
    task: Task,
    memories: VariableMemories,
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
    wait: int = 0,
) -> Erased:
    """Erase the contents of the last memory and listen for them.

    Parameters
    ----------
    network, task, memories, sequences, seed
        As for `faithfulness`; a selection, so that nothing else is silent.
    wait
        Steps between the edit and the 2s steps that are listened to.

    Raises
    ------
    ValueError
        If the sizes disagree, the memories' labels are not those of the task, there are not two
        memories, or the task is no selection.
    """
    checks.fits("wait", checks.integer("wait", wait, least=0), sequences, network.hidden)
    h, held, (_, last) = _stopped(network, task, memories, sequences, seed)
    before = _said(task, held, wait)
    held[:, last - 1] = 0
    silent = _said(task, held, wait) == 0
    if not silent.any() or silent.all():
        raise ValueError("task must be a selection: only what was erased may be silent")
    y = _heard(network, task, erase(memories, h, last), wait)
    size = abs(y[silent]).mean() / abs(y[~silent]).mean()
    return Erased(float(size), _right(y[silent], before[silent]))


def _replaced(network, task, memories, step, sequences) -> float:
    """Return the accuracy after surgery, which only a `Network` can have."""
    if not isinstance(network, Network):
        return float("nan")
    edited = surgery(network, memories, task)
    return accuracy_around(edited, task, step, sequences=sequences).value


def _stopped(network, task, memories, sequences, seed):
    """Return states and contents in the middle of the cycle, and the first and the last memory."""
    h, held = in_flight(network, task, sequences, seed)
    columns_of(memories, task)
    return h[task.s // 2], held[task.s // 2], _pairs(memories)[0]


def _swaps(network, task, memories, h, held) -> tuple[float, float]:
    """Return the parts of right bits among those that a swap should change, and the others."""
    said, changed, others = _said(task, held), [], []
    for pair in _pairs(memories):
        now = _said(task, _exchanged(memories, held, *pair))
        right = np.sign(_heard(network, task, swap(memories, h, *pair))) == np.sign(now)
        changed.append(right[now != said])
        others.append(right[now == said])
    return tuple(float(np.concatenate(x).mean()) for x in (changed, others))


def _pairs(memories) -> list[tuple[int, int]]:
    """Return first and last memory, second and last but one, and so on."""
    numbers = np.unique(memories.labels[:, 0]).tolist()
    half = checks.integer("the number of memories", len(numbers), least=2) // 2
    return list(zip(numbers[:half], numbers[::-1][:half], strict=True))


def _names(task: Task, live: np.ndarray) -> np.ndarray:
    """Return memory and component of each that lasts."""
    return np.stack(np.divmod(np.flatnonzero(live), task.kappa), axis=1) + 1


def _exchanged(memories, held: np.ndarray, first: int, second: int) -> np.ndarray:
    """Return contents with those components exchanged that both memories have."""
    a, b = (tuple(memories.labels[x].T - 1) for x in shared(memories, first, second))
    result = held.copy()
    result[:, *a], result[:, *b] = held[:, *b], held[:, *a]
    return result


def _said(task: Task, held: np.ndarray, wait: int = 0) -> np.ndarray:
    """Return what follows, 2s steps after a wait, once the memories hold these contents."""
    return continuation(task, held, wait + 2 * task.s)[..., wait:, :]


def _heard(network: Recurrent, task: Task, h: np.ndarray, wait: int = 0) -> np.ndarray:
    """Return 2s outputs from these states, after a wait."""
    return continued(network, h, wait + 2 * task.s)[1][..., wait:, :]


def _right(y: np.ndarray, wanted: np.ndarray) -> float:
    return float((np.sign(y) == np.sign(wanted)).mean())


checks.guard(globals())
