"""Eigenvalues: the theory's for any f, and the learned weights' against them (Fig. 3B)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.optimize import linear_sum_assignment

from emt import checks
from emt.basis import LIVE
from emt.linearization import linear
from emt.network import Recurrent
from emt.tasks import Task


class Spectrum(NamedTuple):
    """The eigenvalues of a network beside those of a task.

    Attributes
    ----------
    eigenvalues
        Of `W_hh`, largest modulus first.
    theory
        Those of the task's `Phi`: of repeat copy the s-th roots of unity, kappa times each.
    matched
        The n largest eigenvalues, each at the place of the theory's that it is matched to.
    directions
        The d directions of the theory's eigenvalues, of modulus 1, angle 0 first.
    counts
        Long-lived eigenvalues nearest in angle to each of these directions.
    live
        How many eigenvalues are long-lived.
    """

    eigenvalues: Complex[np.ndarray, " H"]
    theory: Complex[np.ndarray, " n"]
    matched: Complex[np.ndarray, " n"]
    directions: Complex[np.ndarray, " d"]
    counts: Int[np.ndarray, " d"]
    live: int

    @property
    def angle_error(self) -> Float[np.ndarray, " n"]:
        """Absolute angle between each eigenvalue and the theory's, in degrees."""
        return np.degrees(abs(np.angle(self.matched / self.theory)))

    @property
    def radius_error(self) -> Float[np.ndarray, " n"]:
        """Modulus of each matched eigenvalue, less that of the theory's."""
        return abs(self.matched) - abs(self.theory)

    @property
    def gap(self) -> tuple[float, float]:
        """Modulus of the n-th eigenvalue, and of the next one (0 where there is none)."""
        modulus = np.append(abs(self.eigenvalues), 0.0)
        return float(modulus[len(self.theory) - 1]), float(modulus[len(self.theory)])


def roots_of_unity(s: int, kappa: int) -> Complex[np.ndarray, " n"]:
    """Return the eigenvalues of `Phi` for repeat copy: s-th roots of 1, kappa times each.

    Parameters
    ----------
    s, kappa
        Number of memories and components of each; at least 1.
    """
    checks.fits("s", checks.integer("s", s), 2, checks.integer("kappa", kappa))
    return np.repeat(np.exp(2j * np.pi * np.arange(s) / s), kappa)


def eigenvalues(task: Task) -> Complex[np.ndarray, " n"]:
    """Return the eigenvalues of `Phi` of Eq. (9) for any f, largest modulus first.

    Parameters
    ----------
    task
        The rule f; n = s * kappa.
    """
    return _largest_first(task.Phi)


def characteristic(task: Task, z: Complex[np.ndarray, "*points"]) -> Complex[np.ndarray, "*points"]:
    """Return ``det(z^s I - sum_k F_k z^(k-1))``, whose roots are the eigenvalues of `Phi`.

    A determinant of size kappa, not s * kappa.

    Parameters
    ----------
    task
        The rule f.
    z
        Where to evaluate it.
    """
    z = np.asarray(z, dtype=complex)
    checks.array("z", abs(z), ...)
    powers = z[..., None] ** np.arange(task.s + 1)
    matrix = np.einsum("...k,kij->...ij", -powers[..., :-1], task.F)
    return np.linalg.det(matrix + powers[..., -1, None, None] * np.eye(task.kappa))


def compare(
    network: Recurrent,
    task: Task,
    threshold: float = LIVE,
    at: Float[np.ndarray, " H"] | None = None,
) -> Spectrum:
    """Match the largest eigenvalues to those of the task's own `Phi` at least total distance.

    Eigenvalues that do not persist, which are 0, are left out of the theory's.

    Parameters
    ----------
    network
        The network.
    task
        The rule f; n counts the modes that persist, and H >= n.
    threshold
        Eigenvalues of larger modulus count as long-lived.
    at
        The fixed point around which the network is linear: see `emt.linearization.linear`.

    Raises
    ------
    ValueError
        If the network does not rest at `at`.
    """
    theory, directions = _theory(task)
    checks.integer("the number of hidden units of network", network.hidden, least=len(theory))
    checks.real("threshold", threshold, least=0.0)
    eigenvalues = _largest_first(linear(network, at).W_hh)
    largest = eigenvalues[: len(theory)]
    _, order = linear_sum_assignment(abs(theory[:, None] - largest[None, :]))
    live = eigenvalues[abs(eigenvalues) > threshold]
    near = abs(np.angle(live[:, None] / directions)).argmin(axis=1)
    counts = np.bincount(near, minlength=len(directions))
    return Spectrum(eigenvalues, theory, largest[order], directions, counts, len(live))


def _theory(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues of what persists of `Phi`, and their directions, angle 0 first."""
    if task.repeats:
        theory = roots_of_unity(task.s, task.kappa)
        return theory, theory[:: task.kappa]
    theory = eigenvalues(task)[: task.modes]
    angles = np.unique(np.round(np.angle(theory) % (2 * np.pi), 9) % round(2 * np.pi, 9))
    return theory, np.exp(1j * angles)


def _largest_first(matrix: np.ndarray) -> np.ndarray:
    """Return the eigenvalues; rounding does not decide the order of those of one modulus."""
    values = np.linalg.eigvals(matrix).astype(complex)
    return values[np.lexsort((np.angle(values), -np.round(abs(values), 9)))]


checks.guard(globals())
