"""Editing variable memories: states and weights in, new ones out.

If the memories are what the network computes with, then an edit of one of them changes what the
network says later in the way that the theory predicts, and changes nothing else.
"""

import numpy as np
from jaxtyping import Float, Int

from emt import checks
from emt.algorithm1 import VariableMemories, contents
from emt.basis import operator
from emt.linearization import linear, reshaped
from emt.network import Network
from emt.tasks import Task

REST = 0
"""Stands for the non-memory space where a memory's number is asked for."""


def read(
    memories: VariableMemories, h: Float[np.ndarray, "*batch H"], memory: int
) -> Float[np.ndarray, "*batch c"]:
    """Return the content of one memory: ``Psi*_k h``.

    Parameters
    ----------
    memories
        Vectors and covectors.
    h
        Hidden states.
    memory
        Its number k, from 1.

    Raises
    ------
    ValueError
        If there is no such memory.
    """
    return contents(memories, h)[..., _columns(memories, memory)]


def write(
    memories: VariableMemories,
    h: Float[np.ndarray, "*batch H"],
    memory: int,
    value: Float[np.ndarray, "*values"],
) -> Float[np.ndarray, "*batch H"]:
    """Return states in which one memory holds `value` and all others what they held.

    Parameters
    ----------
    memories, h, memory
        As for `read`.
    value
        The new content, or one for each state.

    Raises
    ------
    ValueError
        As `read`.
    """
    columns = _columns(memories, memory)
    value = checks.array("value", value, ..., len(columns))
    h = checks.array("h", h, ..., len(memories.Psi))
    if value.ndim > 1:
        value = checks.array("value", value, *h.shape[:-1], len(columns))
    return h + (value - read(memories, h, memory)) @ memories.Psi[:, columns].T


def erase(
    memories: VariableMemories, h: Float[np.ndarray, "*batch H"], memory: int
) -> Float[np.ndarray, "*batch H"]:
    """Return states in which one memory holds zero.

    Parameters
    ----------
    memories, h, memory
        As for `read`.

    Raises
    ------
    ValueError
        As `read`.
    """
    return write(memories, h, memory, np.zeros(len(_columns(memories, memory))))


def copy(
    memories: VariableMemories, h: Float[np.ndarray, "*batch H"], source: int, target: int
) -> Float[np.ndarray, "*batch H"]:
    """Return states in which memory `target` holds what memory `source` holds.

    Parameters
    ----------
    memories, h
        As for `read`.
    source, target
        Numbers of the memories. Components that only one of them has stay as they are.

    Raises
    ------
    ValueError
        As `read`, or if the two have no component in common.
    """
    a, b = shared(memories, source, target)
    held = contents(memories, h)
    return h + (held[..., a] - held[..., b]) @ memories.Psi[:, b].T


def interchange(
    memories: VariableMemories,
    h: Float[np.ndarray, "*batch H"],
    first: int,
    second: int,
    dose: float = 1.0,
) -> Float[np.ndarray, "*batch H"]:
    """Return states in which two memories have exchanged a part of their contents.

    Parameters
    ----------
    memories, h
        As for `read`.
    first, second
        Numbers of the memories. Components that only one of them has stay as they are.
    dose
        Part that is exchanged: 0 changes nothing, 1 swaps, ½ gives both the mean.

    Raises
    ------
    ValueError
        As `copy`.
    """
    dose = checks.real("dose", dose)
    a, b = shared(memories, first, second)
    held = contents(memories, h)
    moved = dose * (held[..., b] - held[..., a])
    return h + moved @ (memories.Psi[:, a] - memories.Psi[:, b]).T


def replace_rest(
    memories: VariableMemories,
    h: Float[np.ndarray, "*batch H"],
    other: Float[np.ndarray, "*batch H"] | None = None,
) -> Float[np.ndarray, "*batch H"]:
    """Return states that keep the memories and take the non-memory part of others.

    Parameters
    ----------
    memories, h
        As for `read`.
    other
        States of another run; by default zero.
    """
    held = contents(memories, h) @ memories.Psi.T
    if other is None:
        return held if memories.at is None else held + memories.at
    other = checks.array("other", other, *np.shape(h))
    return held + other - contents(memories, other) @ memories.Psi.T


def replace_block(
    network: Network,
    memories: VariableMemories,
    to: int,
    source: int,
    block: Float[np.ndarray, "rows columns"],
) -> Network:
    """Return the network with one block of ``W_hh`` in the memory basis replaced.

    Parameters
    ----------
    network
        The network.
    memories
        Its memories.
    to, source
        Numbers of the memories that the block leads to and from, or `REST`.
    block
        The new one: contents of `source` to contents of `to`. The rest is taken in the standard
        basis, H long.

    Raises
    ------
    ValueError
        As `read`.
    """
    W_hh = linear(network, memories.at).W_hh
    checks.array("Psi", memories.Psi, network.hidden, None)
    (vectors, rows), (inward, covectors) = (_part(memories, k) for k in (to, source))
    block = checks.array("block", block, vectors.shape[1], len(covectors))
    # Where the rest takes part, the projector onto it cuts off what else `block` says.
    change = vectors @ block @ covectors - vectors @ (rows @ W_hh @ inward) @ covectors
    return reshaped(network, W_hh + change, memories.at)


def surgery(network: Network, memories: VariableMemories, task: Task) -> Network:
    """Return the network with ``W_hh = Psi Phi Psi*``, the theory's operator on its memories.

    Input and read weights stay as they were learned; whatever is not a memory is cut out.

    Parameters
    ----------
    network
        The network.
    memories
        Its memories.
    task
        Of which `Phi` is the theory, Eq. (9).

    Raises
    ------
    ValueError
        As `columns_of`.
    """
    checks.array("Psi", memories.Psi, network.hidden, None)
    held = columns_of(memories, task)
    Phi = task.Phi[np.ix_(held, held)]
    return reshaped(network, operator(Phi, memories.Psi, memories.Psi_dual), memories.at)


def columns_of(memories: VariableMemories, task: Task) -> Int[np.ndarray, " n"]:
    """Return where the memories' components stand among the s * kappa of a task.

    Parameters
    ----------
    memories
        Vectors and covectors, with labels.
    task
        The rule f.

    Raises
    ------
    ValueError
        If a component is not the task's, stands twice, or one that persists is missing.
    """
    names = [tuple(name) for name in memories.labels.tolist()]
    every = [(k, c) for k in range(1, task.s + 1) for c in range(1, task.kappa + 1)]
    needed = {every[i] for i in np.flatnonzero(task.persistent)}
    if len(set(names)) < len(names) or not needed <= set(names) <= set(every):
        raise ValueError(f"memories must be of a task with s = {task.s}, kappa = {task.kappa}")
    return np.array([every.index(name) for name in names])


def shared(
    memories: VariableMemories, first: int, second: int
) -> tuple[Int[np.ndarray, " c"], Int[np.ndarray, " c"]]:
    """Return the columns of two memories, those components only that both have.

    Parameters
    ----------
    memories
        Vectors and covectors, with labels.
    first, second
        Numbers of the memories.

    Raises
    ------
    ValueError
        If there is no such memory or the two have no component in common.
    """
    a, b = (_columns(memories, k) for k in (first, second))
    common, in_a, in_b = np.intersect1d(
        memories.labels[a, 1], memories.labels[b, 1], return_indices=True
    )
    if not len(common):
        raise ValueError(f"memories {first} and {second} must have a component in common")
    return a[in_a], b[in_b]


def _columns(memories: VariableMemories, memory: int) -> np.ndarray:
    """Return which columns belong to a memory."""
    checks.integer("memory", memory)
    columns = np.flatnonzero(memories.labels[:, 0] == memory)
    if not len(columns):
        held = sorted(set(memories.labels[:, 0].tolist()))
        raise ValueError(f"memory must be one of {held}, not {memory}")
    return columns


def _part(memories: VariableMemories, memory: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors and covectors of a memory, or twice the projector onto the rest."""
    if memory == REST:
        rest = np.eye(len(memories.Psi)) - memories.Psi @ memories.Psi_dual
        return rest, rest
    columns = _columns(memories, memory)
    return memories.Psi[:, columns], memories.Psi_dual[columns]


checks.guard(globals())
