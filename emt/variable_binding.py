"""The linear network that the paper constructs (section 5.2, Eqs. (9)-(12))."""

import numpy as np
from jaxtyping import Float

from emt import checks
from emt.basis import dual
from emt.elman import Weights
from emt.tasks import Task


def interactions(task: Task) -> Float[np.ndarray, "n n"]:
    """Return `Phi`: memory k moves to k-1, f of all memories enters memory s; Eqs. (9), (12).

    Parameters
    ----------
    task
        Its coefficients ``[F_1 ... F_s]`` are the last block row; n = s * kappa.
    """
    n, kappa = task.s * task.kappa, task.kappa
    Phi = np.eye(n, k=kappa)
    Phi[n - kappa :] = np.concatenate(task.F, axis=1)
    return Phi


def constructed(
    task: Task,
    Psi: Float[np.ndarray, "H n"],
    Psi_dual: Float[np.ndarray, "n H"] | None = None,
) -> Weights:
    """Return ``W_hh = Psi Phi Psi*``, ``W_uh = Psi_s``, ``W_r = Psi*_s``; Eqs. (9)-(11).

    Parameters
    ----------
    task
        n = s * kappa.
    Psi
        Variable memories, one column a component, memory 1 first.
    Psi_dual
        Their covectors; by default those in the span of `Psi`, Eq. (3).

    Raises
    ------
    ValueError
        If the shapes disagree, the columns are dependent or the covectors are not dual.
    """
    n, kappa = task.s * task.kappa, task.kappa
    Psi = checks.array("Psi", Psi, None, n)
    Psi_dual = dual(Psi) if Psi_dual is None else checks.array("Psi_dual", Psi_dual, n, len(Psi))
    if not np.allclose(Psi_dual @ Psi, np.eye(n), atol=1e-8):
        error = abs(Psi_dual @ Psi - np.eye(n)).max()
        raise ValueError(f"Psi_dual must satisfy Psi_dual @ Psi = I, which is off by {error:.1e}")
    return Weights(Psi @ interactions(task) @ Psi_dual, Psi[:, n - kappa :], Psi_dual[n - kappa :])
