"""Variable memories of a trained network: Algorithm 1 and its corrected form (section 6).

Blocks are ordered as in the paper: memory 1 first, memory s (written and read) last.
`Phi` always means ``W_hh = Psi Phi Psi*``, the paper's ``Phi_learned^T`` of section 6.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

from emt import checks
from emt.basis import (
    LIVE,
    complement,
    dual,
    invariant_subspaces,
    orthogonal_projector,
    propagate,
    spectral_projector,
)
from emt.elman import Weights

READ_DUALS = ("pseudoinverse", "transpose", "dual")


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

    Raises
    ------
    ValueError
        If the shapes disagree or the covectors are not dual to the vectors.
    """

    Psi: Float[np.ndarray, "H n"]
    Psi_dual: Float[np.ndarray, "n H"]
    labels: Int[np.ndarray, "n 2"]

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
        object.__setattr__(self, "Psi", Psi)
        object.__setattr__(self, "Psi_dual", Psi_dual)


def forward_blocks(weights: Weights, s: int) -> Float[np.ndarray, "H n"]:
    """Propagate the write weights forward: ``Psi_k = W_hh^(s-k) W_uh``; Eq. (15) at alpha = 1.

    Parameters
    ----------
    weights
        The network.
    s
        Number of memories; at least 1.

    Raises
    ------
    ValueError
        If `s` is below 1.
    """
    return np.hstack(propagate(weights.W_hh, weights.W_uh, s)[::-1])


def backward_blocks(
    weights: Weights, s: int, W_r_star: Float[np.ndarray, "H kappa"]
) -> Float[np.ndarray, "H n"]:
    """Propagate ``W_r^*`` by the transpose: ``(W_hh^T)^k W_r^*``; Eq. (15) at alpha = 0.

    Block s is ``W_r^*`` itself, Eq. (14). These are covectors, propagated as covectors and used
    as vectors: right for orthonormal memories only.

    Parameters
    ----------
    weights
        The network.
    s
        Number of memories; at least 1.
    W_r_star
        What stands for the dual of the read weights.

    Raises
    ------
    ValueError
        If `s` is below 1 or `W_r_star` has another shape than `W_uh`.
    """
    W_r_star = checks.array("W_r_star", W_r_star, *weights.W_uh.shape)
    blocks = propagate(weights.W_hh.T, W_r_star, s)
    return np.hstack([*blocks[1:], blocks[0]])


def read_covectors(weights: Weights, s: int) -> Float[np.ndarray, "n H"]:
    """Return ``Psi*_k = W_r W_hh^k``, block s being ``W_r``: what is read k steps from now.

    Parameters
    ----------
    weights
        The network.
    s
        Number of memories; at least 1.

    Raises
    ------
    ValueError
        If `s` is below 1.
    """
    return backward_blocks(weights, s, weights.W_r.T).T


def read_dual(
    weights: Weights, s: int, kind: str = "pseudoinverse", threshold: float = LIVE
) -> Float[np.ndarray, "H kappa"]:
    """Return a reading of the paper's ``W_r^*`` in Eq. (14), which does not say which it is.

    Parameters
    ----------
    weights
        The network.
    s
        Number of memories; at least 1.
    kind
        ``"pseudoinverse"``, ``"transpose"``, or ``"dual"``: the vectors in the long-lived subspace
        that ``W_r`` reads as 1 and every other ``W_r W_hh^k`` as 0.
    threshold
        Modes of larger modulus are long-lived.

    Raises
    ------
    ValueError
        If `kind` is unknown, or for ``"dual"`` the number of long-lived modes is not s * kappa.
    """
    checks.choice("kind", kind, READ_DUALS)
    checks.integer("s", s)
    if kind == "transpose":
        return weights.W_r.T
    if kind == "pseudoinverse":
        return linalg.pinv(weights.W_r)
    return corrected(weights, s, alpha=0.0, threshold=threshold).Psi[:, -weights.kappa :]


def as_printed(
    weights: Weights,
    s: int,
    alpha: float = 1.0,
    W_r_star: str = "pseudoinverse",
    removal: bool = True,
    threshold: float = LIVE,
) -> VariableMemories:
    """Run Algorithm 1 with the weighted average of Eqs. (14) and (15).

    The covectors are the pseudoinverse of the vectors.

    Parameters
    ----------
    weights
        The network, H >= s * kappa.
    s
        Number of memories; at least 1.
    alpha
        1 propagates the write weights only, 0 the read weights only; in [0, 1].
    W_r_star
        Reading of the dual of the read weights, see `read_dual`.
    removal
        ``False`` is the box; ``True`` is section 6's text, which also removes from every column
        its (orthogonal) projection on the eigenvectors of the short-lived modes.
    threshold
        Modes of larger modulus are long-lived.

    Raises
    ------
    ValueError
        If `alpha` is outside [0, 1], `s` below 1, H below s * kappa, or the columns dependent, as
        they are when `removal` leaves fewer than s * kappa modes.
    """
    alpha = checks.real("alpha", alpha, 0.0, 1.0)
    _fits(weights, s)
    checks.choice("W_r_star", W_r_star, READ_DUALS)
    Psi = alpha * forward_blocks(weights, s)
    if alpha < 1.0:
        star = read_dual(weights, s, W_r_star, threshold)
        Psi += (1 - alpha) * backward_blocks(weights, s, star)
    if removal:
        right, left = invariant_subspaces(weights.W_hh, threshold)
        if right.shape[1] < Psi.shape[1]:
            raise ValueError(
                f"threshold = {threshold} leaves {right.shape[1]} long-lived modes, "
                f"but s * kappa = {Psi.shape[1]} are needed"
            )
        Psi = Psi - orthogonal_projector(complement(left)) @ Psi
    return VariableMemories(Psi, dual(Psi), _labels(s, weights.kappa))


def corrected(
    weights: Weights, s: int, alpha: float = 1.0, threshold: float = LIVE
) -> VariableMemories:
    """Run the corrected Algorithm 1: ``Psi_alpha = Psi_write G^(alpha-1)``.

    Vectors lie in the right, covectors in the left invariant subspace of the long-lived modes.
    ``Psi_write`` are the projected forward blocks, ``G = Psi*_read Psi_write`` compares them with
    the projected read covectors. alpha = 1 is write-grounded, alpha = 0 read-grounded.

    The forward blocks are the memories of tasks that read the oldest variable alone, such as
    repeat copy; other tasks need the full recursion.

    Parameters
    ----------
    weights
        The network, H >= s * kappa.
    s
        Number of memories; at least 1.
    alpha
        In [0, 1].
    threshold
        Modes of larger modulus are long-lived.

    Raises
    ------
    ValueError
        If `alpha` is outside [0, 1], `s` below 1, H below s * kappa, the number of long-lived
        modes is not s * kappa, or reading and writing disagree too much to interpolate.
    """
    alpha = checks.real("alpha", alpha, 0.0, 1.0)
    n = _fits(weights, s)
    right, left = invariant_subspaces(weights.W_hh, threshold)
    if right.shape[1] != n:
        raise ValueError(
            f"threshold = {threshold} leaves {right.shape[1]} long-lived modes, "
            f"not s * kappa = {n}: the network does not hold these variables, "
            "or another threshold is needed"
        )
    Psi = right @ linalg.solve(left @ right, left @ forward_blocks(weights, s))
    if alpha < 1.0:
        Psi = Psi @ _power(read_write_product(weights, s, threshold), alpha - 1.0)
    Psi_dual = linalg.solve(left @ Psi, left)
    return VariableMemories(Psi, Psi_dual, _labels(s, weights.kappa))


def read_write_product(
    weights: Weights, s: int, threshold: float = LIVE
) -> Float[np.ndarray, "n n"]:
    """Return ``G = Psi*_read Psi_write`` in the long-lived subspace; theory says I.

    It is the block Hankel matrix of the projected impulse response ``W_r W_hh^m P W_uh``.

    Parameters
    ----------
    weights
        The network.
    s
        Number of memories; at least 1.
    threshold
        Modes of larger modulus are long-lived.

    Raises
    ------
    ValueError
        If `s` is below 1 or `threshold` falls on a mode.
    """
    P = spectral_projector(weights.W_hh, threshold)
    return read_covectors(weights, s) @ P @ forward_blocks(weights, s)


def normalised(memories: VariableMemories) -> VariableMemories:
    """Scale the vectors to mean column norm 1, and the covectors inversely.

    `Phi_learned` does not change; the blocks between memories and the rest do.

    Parameters
    ----------
    memories
        Vectors and covectors.
    """
    scale = np.linalg.norm(memories.Psi, axis=0).mean()
    return VariableMemories(memories.Psi / scale, memories.Psi_dual * scale, memories.labels)


def contents(
    memories: VariableMemories, h: Float[np.ndarray, "*batch H"]
) -> Float[np.ndarray, "*batch n"]:
    """Read all variables from states: ``Psi* h`` (Fig. 3D).

    Parameters
    ----------
    memories
        Vectors and covectors.
    h
        Hidden states.

    Raises
    ------
    ValueError
        If the last axis of `h` is not H or `h` is not finite.
    """
    h = checks.array("h", h, ..., memories.Psi.shape[0])
    return h @ memories.Psi_dual.T


def _fits(weights: Weights, s: int) -> int:
    n = checks.integer("s", s) * weights.kappa
    if weights.hidden < n:
        raise ValueError(
            f"weights must have at least s * kappa = {n} hidden units, not {weights.hidden}"
        )
    return n


def _labels(s: int, kappa: int) -> np.ndarray:
    return np.stack(np.divmod(np.arange(s * kappa), kappa), axis=1) + 1


def _power(G: np.ndarray, exponent: float) -> np.ndarray:
    """Principal power of a matrix, real if no eigenvalue is negative or zero."""
    eigenvalues = np.linalg.eigvals(G)
    if ((eigenvalues.real <= 0) & (abs(eigenvalues.imag) < 1e-12)).any():
        raise ValueError(
            "weights must read what they write: G = Psi*_read Psi_write has an eigenvalue that is "
            "negative or zero, so only alpha = 1 is defined"
        )
    return linalg.fractional_matrix_power(G, exponent).real
