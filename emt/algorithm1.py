"""Variable memories of a trained network: Algorithm 1 and its corrected form (section 6).

Blocks are ordered as in the paper: memory 1 first, memory s (written and read) last.
`Phi` always means ``W_hh = Psi Phi Psi*``, the paper's ``Phi_learned^T`` of section 6.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

from emt import checks
from emt.basis import (
    between,
    dual,
    independent,
    invariant_subspaces,
    moduli,
    propagate,
)
from emt.linearization import linear
from emt.network import Network, Recurrent, same_kappa
from emt.tasks import Task, repeat_copy, variables

READ_DUALS = ("pseudoinverse", "transpose", "dual")


REMOVALS = ("none", "orthogonal", "oblique")


@dataclass(frozen=True, eq=False)
class VariableMemories:
    """Vectors that hold the variables and covectors that read them.

    Attributes
    ----------
    Psi
        One column a component.
    Psi_dual
        Rows with ``Psi_dual @ Psi = I``.
    labels
        (memory, component) of each column, both from 1.
    at
        The fixed point from which states are counted, or ``None`` for the origin.

    Raises
    ------
    ValueError
        If the covectors are not dual to the vectors.
    """

    Psi: Float[np.ndarray, "H n"]
    Psi_dual: Float[np.ndarray, "n H"]
    labels: Int[np.ndarray, "n 2"]
    at: Float[np.ndarray, " H"] | None = None

    def __post_init__(self):
        """Check the record once, here."""
        Psi = checks.array("Psi", self.Psi, None, None)
        Psi_dual = checks.array("Psi_dual", self.Psi_dual, *Psi.shape[::-1])
        if np.shape(self.labels) != (Psi.shape[1], 2):
            raise ValueError(
                f"labels must have shape {(Psi.shape[1], 2)}, not {np.shape(self.labels)}"
            )
        error = abs(Psi_dual @ Psi - np.eye(Psi.shape[1])).max(initial=0.0)
        if error > 1e-6:
            raise ValueError(
                f"Psi_dual must satisfy Psi_dual @ Psi = I, which is off by {error:.1e}"
            )
        if self.at is not None:
            object.__setattr__(self, "at", checks.array("at", self.at, len(Psi)))
        object.__setattr__(self, "Psi", Psi)
        object.__setattr__(self, "Psi_dual", Psi_dual)

    def Phi(self, network: Recurrent) -> Float[np.ndarray, "n n"]:
        """Return ``Psi* W_hh Psi``, the paper's ``Phi_learned``: how these memories interact."""
        return self.Psi_dual @ linear(network, self.at).W_hh @ self.Psi


def forward_blocks(network: Network, task: Task | int) -> Float[np.ndarray, "H n"]:
    """Propagate the write weights forward: ``Psi_k = W_hh^(s-k) W_uh``; Eq. (15) at alpha = 1.

    For a rule that reads more than the oldest variable, a step also adds f of what was stored to
    memory s. Taking that away gives ``Psi_(k-1) = W_hh Psi_k - Psi_s F_k``.

    Parameters
    ----------
    network
        The network.
    task
        The rule f, or s for repeat copy of s vectors.
    """
    blocks = [network.W_uh]
    for F_k in _rule(network, task).F[:0:-1]:
        block = network.W_hh @ blocks[-1]
        blocks.append(block - network.W_uh @ F_k if F_k.any() else block)
    return np.hstack(blocks[::-1])


def backward_blocks(
    network: Network, s: int, W_r_star: Float[np.ndarray, "H kappa"]
) -> Float[np.ndarray, "H n"]:
    """Propagate ``W_r^*`` by the transpose: ``(W_hh^T)^k W_r^*``; Eq. (15) at alpha = 0.

    Block s is ``W_r^*`` itself, Eq. (14). These are covectors, propagated as covectors and used
    as vectors: right for orthonormal memories only.

    Parameters
    ----------
    network
        The network.
    s
        Number of memories; at least 1.
    W_r_star
        What stands for the dual of the read weights.
    """
    W_r_star = checks.array("W_r_star", W_r_star, *network.W_uh.shape)
    blocks = propagate(network.W_hh.T, W_r_star, s, "s")
    return np.hstack([*blocks[1:], blocks[0]])


def read_covectors(network: Network, task: Task | int) -> Float[np.ndarray, "n H"]:
    """Return the covectors of all memories that the read weights imply.

    By default ``Psi*_k = W_r W_hh^k``, block s being ``W_r``: what is read k steps from now. In
    general what is read m steps from now is a mixture ``T_m`` of all contents, so that
    ``W_r W_hh^m = T_m Psi*``, m = 0 ... s-1, is solved by least squares. Contents that are never
    read, see `unobservable`, get zero.

    Parameters
    ----------
    network
        The network.
    task
        As for `forward_blocks`.
    """
    task = _rule(network, task)
    if task.repeats:  # then what is read k steps on is memory k alone
        return backward_blocks(network, task.s, network.W_r.T).T
    reads = np.hstack(propagate(network.W_hh.T, network.W_r.T, task.s, "s")).T
    return linalg.lstsq(_reads_of_contents(task), reads)[0]


def unobservable(task: Task, tolerance: float = 1e-9) -> Float[np.ndarray, "n d"]:
    """Return an orthonormal basis of the contents that no output ever shows.

    Parameters
    ----------
    task
        The rule f; n = s * kappa.
    tolerance
        A direction counts as seen if it is at least this part of the best seen one.

    Returns
    -------
    basis
        One direction of the contents ``[v_1 ... v_s]`` a column; none for repeat copy.
    """
    checks.real("tolerance", tolerance, 1e-15, 0.1)
    return linalg.null_space(_reads_of_contents(task), rcond=tolerance)


def read_dual(
    network: Network,
    task: Task | int,
    kind: str = "pseudoinverse",
    threshold: float | None = None,
) -> Float[np.ndarray, "H kappa"]:
    """Return a reading of the paper's ``W_r^*`` in Eq. (14), which does not say which it is.

    Parameters
    ----------
    network
        The network.
    task
        As for `forward_blocks`.
    kind
        ``"pseudoinverse"``, ``"transpose"``, or ``"dual"``: the vectors in the long-lived subspace
        that ``W_r`` reads as 1 and every other ``W_r W_hh^k`` as 0.
    threshold
        Modes of larger modulus are long-lived; by default `emt.basis.between` says where.

    Raises
    ------
    ValueError
        For ``"dual"``, as `corrected`.
    """
    checks.choice("kind", kind, READ_DUALS)
    task = _rule(network, task)
    if kind == "transpose":
        return network.W_r.T
    if kind == "pseudoinverse":
        return linalg.pinv(network.W_r)
    return corrected(network, task, alpha=0.0, threshold=threshold).Psi[:, -task.kappa :]


def as_printed(
    network: Recurrent,
    task: Task | int,
    alpha: float = 1.0,
    W_r_star: str = "pseudoinverse",
    removal: str = "orthogonal",
    threshold: float | None = None,
    at: Float[np.ndarray, " H"] | None = None,
) -> VariableMemories:
    """Run Algorithm 1 with the weighted average of Eqs. (14) and (15).

    The covectors are the pseudoinverse of the vectors. Of the task the paper's equations know s
    only: they are right where f reads the oldest variable alone.

    Parameters
    ----------
    network
        The network, H >= s * kappa.
    task
        As for `forward_blocks`.
    alpha
        1 propagates the write weights only, 0 the read weights only; in [0, 1].
    W_r_star
        Reading of the dual of the read weights, see `read_dual`.
    removal
        Of the short-lived modes from every column. ``"none"`` is the box; ``"orthogonal"`` is
        section 6's text, which removes the projection on their eigenvectors. ``"oblique"`` is
        nobody's: vectors in the right invariant subspace, but covectors by pseudoinverse, which
        also see short-lived modes.
    threshold
        Modes of larger modulus are long-lived; by default `emt.basis.between` says where.

    Raises
    ------
    ValueError
        If the network has fewer than s * kappa units, or the columns are dependent, as they are
        when `removal` leaves fewer than s * kappa modes.
    """
    alpha = checks.real("alpha", alpha, 0.0, 1.0)
    network = linear(network, at)
    task = _rule(network, task)
    n = _fits(network, task)
    checks.choice("W_r_star", W_r_star, READ_DUALS)
    if threshold is not None:
        checks.real("threshold", threshold, least=0.0)
    Psi = alpha * np.hstack(propagate(network.W_hh, network.W_uh, task.s, "s")[::-1])
    if alpha < 1.0:
        star = read_dual(network, task, W_r_star, threshold)
        Psi += (1 - alpha) * backward_blocks(network, task.s, star)
    checks.choice("removal", removal, REMOVALS)
    if removal != "none":
        right, left = _lasting(network, threshold, n)
        if right.shape[1] < n:
            threshold = between(network.W_hh, n) if threshold is None else threshold
            raise ValueError(
                f"threshold = {threshold} leaves {right.shape[1]} long-lived modes, "
                f"but s * kappa = {n} are needed: {_around(network, n)}"
            )
        if removal == "orthogonal":
            Psi = left.T @ (left @ Psi)  # without the projection on what left does not see
        else:
            Psi = right @ linalg.solve(left @ right, left @ Psi)
    return VariableMemories(Psi, dual(Psi), task.labels, at)


def corrected(
    network: Recurrent,
    task: Task | int,
    alpha: float = 1.0,
    threshold: float | None = None,
    at: Float[np.ndarray, " H"] | None = None,
) -> VariableMemories:
    """Run the corrected Algorithm 1: ``Psi_alpha = Psi_write G^(alpha-1)``.

    Vectors lie in the right, covectors in the left invariant subspace of the long-lived modes.
    ``Psi_write`` are the projected forward blocks, ``G = Psi*_read Psi_write`` compares them with
    the projected read covectors. alpha = 1 is write-grounded, alpha = 0 read-grounded.

    Components that stop mattering after finitely many steps are dead, and left out: see
    `emt.tasks.Task.persistent`.

    Parameters
    ----------
    network
        The network.
    task
        As for `forward_blocks`.
    alpha
        In [0, 1].
    threshold
        Modes of larger modulus are long-lived; by default `emt.basis.between` says where.
    at
        The fixed point around which the network is linear: see `emt.linearization.linear`.

    Raises
    ------
    ValueError
        If what persists is not single components, if the number of long-lived modes is not that of
        these (s * kappa by default), they are dependent, or reading and writing disagree too much
        to interpolate.
    """
    alpha = checks.real("alpha", alpha, 0.0, 1.0)
    network = linear(network, at)
    task = _rule(network, task)
    live = variables(task)
    if live.all():
        _fits(network, task)
    n = int(live.sum())
    right, left = _lasting(network, threshold, n)
    if right.shape[1] != n:
        threshold = between(network.W_hh, n) if threshold is None else threshold
        wanted = f"s * kappa = {n}" if live.all() else f"{n} as the rule has"
        raise ValueError(
            f"threshold = {threshold} leaves {right.shape[1]} long-lived modes, "
            f"not {wanted}: the network does not hold these variables, "
            f"or another threshold is needed; {_around(network, n)}"
        )
    blocks = forward_blocks(network, task)[:, live]
    Psi = right @ linalg.solve(left @ right, left @ blocks)
    independent("the persistent components of the memories", Psi)
    if alpha < 1.0:
        Psi = Psi @ _power(read_covectors(network, task)[live] @ Psi, alpha - 1.0)
    Psi_dual = linalg.solve(left @ Psi, left)
    return VariableMemories(Psi, Psi_dual, task.labels[live], at)


def read_write_product(
    network: Recurrent,
    task: Task | int,
    threshold: float | None = None,
    at: Float[np.ndarray, " H"] | None = None,
) -> Float[np.ndarray, "n n"]:
    """Return ``G = Psi*_read Psi_write`` in the long-lived subspace; theory says I.

    It is the block Hankel matrix of the projected impulse response ``W_r W_hh^m P W_uh`` if f
    reads the oldest variable alone.

    Parameters
    ----------
    network
        The network.
    task
        As for `forward_blocks`; n counts the persistent components.
    threshold
        Modes of larger modulus are long-lived; by default `emt.basis.between` says where.
    at
        As for `corrected`.

    Raises
    ------
    ValueError
        If `threshold` falls on a mode, or what persists is not single components.
    """
    network = linear(network, at)
    task = _rule(network, task)
    live = variables(task)
    right, left = _lasting(network, threshold, int(live.sum()))
    written = linalg.solve(left @ right, left @ forward_blocks(network, task)[:, live])
    return read_covectors(network, task)[live] @ right @ written


def normalised(memories: VariableMemories) -> VariableMemories:
    """Scale the vectors to mean column norm 1, and the covectors inversely.

    `Phi_learned` does not change; the blocks between memories and the rest do.

    Parameters
    ----------
    memories
        Vectors and covectors.
    """
    scale = np.linalg.norm(memories.Psi, axis=0).mean()
    return replace(memories, Psi=memories.Psi / scale, Psi_dual=memories.Psi_dual * scale)


def contents(
    memories: VariableMemories, h: Float[np.ndarray, "*batch H"]
) -> Float[np.ndarray, "*batch n"]:
    """Read all variables from states: ``Psi* (h - h*)`` (Fig. 3D), h* the memories' fixed point.

    Parameters
    ----------
    memories
        Vectors and covectors.
    h
        Hidden states.
    """
    h = checks.array("h", h, ..., memories.Psi.shape[0])
    return (h if memories.at is None else h - memories.at) @ memories.Psi_dual.T


def _lasting(network: Network, threshold: float | None, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the long-lived subspaces, of n modes if all is well, which it writes to and reads."""
    return invariant_subspaces(network.W_hh, threshold, n, network.W_uh, network.W_r)


def _fits(network: Network, task: Task) -> int:
    n = task.n
    if network.hidden < n:
        raise ValueError(
            f"network must have at least s * kappa = {n} hidden units, not {network.hidden}"
        )
    return n


def _around(network: Network, n: int) -> str:
    """Say which moduli lie around the n-th, and what threshold would part it from the next."""
    found = moduli(network.W_hh)
    shown = ", ".join(f"{modulus:.6g}" for modulus in found[max(n - 3, 0) : n + 3])
    last, following = np.array([np.inf, *found, *np.zeros(n + 1)])[n : n + 2]
    would = f"{np.sqrt(last * following):.6g}" if last - following > 1e-6 * last else "nothing"
    return f"the moduli around number {n} are {shown}; {would} parts it from the next"


def _rule(network: Network, task: Task | int) -> Task:
    if not isinstance(task, Task):
        checks.fits("task", checks.integer("task", task), network.kappa, network.kappa)
        task = repeat_copy(task, network.kappa)
    same_kappa(network, task)
    return task


def _reads_of_contents(task: Task) -> np.ndarray:
    """Return the rows ``T_m``, m = 0 ... s-1: what is read m steps from now, from the contents."""
    Phi, n = task.Phi, task.n
    return np.hstack(propagate(Phi.T, np.eye(n)[:, n - task.kappa :], task.s)).T


def _power(G: np.ndarray, exponent: float) -> np.ndarray:
    """Principal power of a matrix, real if no eigenvalue is negative or zero; or its inverse."""
    if exponent == -1.0:
        independent("what is read of the memories", G)
        return linalg.inv(G)
    eigenvalues = np.linalg.eigvals(G)
    if ((eigenvalues.real <= 0) & (abs(eigenvalues.imag) < 1e-12)).any():
        raise ValueError(
            "network must read what they write: G = Psi*_read Psi_write has an eigenvalue that is "
            "negative or zero, so only alpha = 0 or 1 is defined"
        )
    return linalg.fractional_matrix_power(G, exponent).real


checks.guard(globals())

READINGS = {
    "the box": partial(as_printed, removal="none"),
    "section 6's text": partial(as_printed, removal="orthogonal"),
    "the trap (ours)": partial(as_printed, removal="oblique"),
    "corrected": corrected,
}
"""Readings of Algorithm 1: functions of weights, s and alpha. The trap is this book's, not the
paper's: vectors in the right subspace, covectors by pseudoinverse."""
