"""Eigenvalues: the theory's for any f, and the learned weights' against them (Fig. 3B)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.optimize import linear_sum_assignment

from emt import checks
from emt.basis import LIVE
from emt.tasks import Task
from emt.variable_binding import interactions


class Spectrum(NamedTuple):
    """The eigenvalues of a network beside those of repeat copy.

    Attributes
    ----------
    eigenvalues
        Of `W_hh`, largest modulus first.
    theory
        The s-th roots of unity, kappa times each.
    matched
        The n = s * kappa largest eigenvalues, each at the place of the root it is matched to.
    counts
        Long-lived eigenvalues nearest in angle to each of the s roots, angle 0 first.
    live
        How many eigenvalues are long-lived.
    """

    eigenvalues: Complex[np.ndarray, " H"]
    theory: Complex[np.ndarray, " n"]
    matched: Complex[np.ndarray, " n"]
    counts: Int[np.ndarray, " s"]
    live: int

    @property
    def angle_error(self) -> Float[np.ndarray, " n"]:
        """Absolute angle between each eigenvalue and its root, in degrees."""
        return np.degrees(abs(np.angle(self.matched / self.theory)))

    @property
    def radius_error(self) -> Float[np.ndarray, " n"]:
        """``|lambda| - 1`` of each matched eigenvalue."""
        return abs(self.matched) - 1

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

    Raises
    ------
    ValueError
        If `s` or `kappa` is below 1.
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
    return _largest_first(interactions(task))


def characteristic(task: Task, z: Complex[np.ndarray, "*points"]) -> Complex[np.ndarray, "*points"]:
    """Return ``det(z^s I - sum_k F_k z^(k-1))``, whose roots are the eigenvalues of `Phi`.

    A determinant of size kappa, not s * kappa.

    Parameters
    ----------
    task
        The rule f.
    z
        Where to evaluate it.

    Raises
    ------
    ValueError
        If a point is not finite.
    """
    z = np.asarray(z, dtype=complex)
    checks.array("z", abs(z), ...)
    powers = z[..., None] ** np.arange(task.s + 1)
    matrix = np.einsum("...k,kij->...ij", -powers[..., :-1], task.F)
    return np.linalg.det(matrix + powers[..., -1, None, None] * np.eye(task.kappa))


def compare(
    W_hh: Float[np.ndarray, "H H"], s: int, kappa: int, threshold: float = LIVE
) -> Spectrum:
    """Match the s * kappa largest eigenvalues to the roots of unity at least total distance.

    Parameters
    ----------
    W_hh
        Recurrent weights, H >= s * kappa.
    s, kappa
        Number of memories and components of each; at least 1.
    threshold
        Eigenvalues of larger modulus count as long-lived.

    Raises
    ------
    ValueError
        If `W_hh` is not a finite square matrix with at least s * kappa rows.
    """
    theory = roots_of_unity(s, kappa)
    W_hh = checks.square("W_hh", W_hh)
    if len(W_hh) < len(theory):
        raise ValueError(f"W_hh must have at least s * kappa = {len(theory)} rows, not {len(W_hh)}")
    checks.real("threshold", threshold, least=0.0)
    eigenvalues = _largest_first(W_hh)
    largest = eigenvalues[: len(theory)]
    _, order = linear_sum_assignment(abs(theory[:, None] - largest[None, :]))
    live = eigenvalues[abs(eigenvalues) > threshold]
    nearest = np.rint(np.angle(live) * s / (2 * np.pi)).astype(int) % s
    counts = np.bincount(nearest, minlength=s)
    return Spectrum(eigenvalues, theory, largest[order], counts, len(live))


def _largest_first(matrix: np.ndarray) -> np.ndarray:
    values = np.linalg.eigvals(matrix).astype(complex)
    return values[np.argsort(-abs(values), kind="stable")]


checks.guard(globals())
