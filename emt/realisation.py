"""Which rules a linear network can follow from plain inputs, and how many units that takes.

The constructed network computes the driven recursion, `emt.tasks.driven`. That is Eq. (5) started
from the plain inputs if, and only if, ``F_i F_j = 0`` for all i and all j >= 2; otherwise no linear
time-invariant network of any size computes Eq. (5).
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy import linalg

from emt import checks
from emt.linearization import linear
from emt.network import IDENTITY, Network, run
from emt.tasks import Task, continuation, with_silence
from emt.variable_binding import constructed


def coefficients(task: Task, steps: int) -> Float[np.ndarray, "steps s kappa kappa"]:
    """Return C with ``x(s+m) = sum_k C[m-1, k-1] u(k)``: Eq. (5), solved from plain inputs.

    Parameters
    ----------
    task
        The rule f, taken without its threshold.
    steps
        Of the output phase; at least 1.

    Raises
    ------
    ValueError
        If `steps` is below 1.
    """
    s, kappa = task.s, task.kappa
    impulses = np.eye(s * kappa).reshape(s, kappa, s, kappa)
    response = continuation(replace(task, threshold=False), impulses, steps)
    return np.einsum("kjmi->mkij", response)


def toeplitz_defect(task: Task) -> float:
    """Return how far the coefficients of Eq. (5) are from depending on s+m-k only.

    A linear time-invariant network answers an input by its age alone, so this must be 0 for one
    to exist. It is the largest difference between neighbours on a diagonal of `coefficients`; s + 1
    steps decide.

    Parameters
    ----------
    task
        The rule f, taken without its threshold.
    """
    C = coefficients(task, task.s + 1)
    return float(abs(C[1:, 1:] - C[:-1, :-1]).max(initial=0.0))


def criterion(task: Task) -> float:
    """Return the largest entry of any ``F_i F_j`` with j >= 2: 0 where linear networks suffice.

    Parameters
    ----------
    task
        The rule f of Eq. (5), taken without its threshold.
    """
    products = np.einsum("iab,jbc->ijac", task.F, task.F[1:])
    return float(abs(products).max(initial=0.0))


def simulation_defect(task: Task) -> float:
    """Return how far the constructed network's outputs are from Eq. (5), over all unit inputs.

    Parameters
    ----------
    task
        The rule f, taken without its threshold. 2s output steps are run.
    """
    n, steps = task.s * task.kappa, 2 * task.s
    impulses = np.eye(n).reshape(n, task.s, task.kappa)
    plain = continuation(replace(task, threshold=False), impulses, steps)
    network = constructed(task, np.eye(n))
    _, y = run(network, with_silence(impulses, steps))
    return float(abs(y[:, task.s :] - plain).max())


def innovations(
    task: Task, x: Float[np.ndarray, "*batch s kappa"]
) -> Float[np.ndarray, "*batch s kappa"]:
    """Return the inputs that make the linear network hold x: what f does not already predict.

    ``w(t) = x(t) - sum_(i<t) F_(s+1-i) x(t-i)``, t = 1 ... s.

    Parameters
    ----------
    task
        The rule f of Eq. (5), taken without its threshold.
    x
        The s vectors to be held.

    Raises
    ------
    ValueError
        If `x` does not end in axes (s, kappa) or is not finite.
    """
    x = checks.array("x", x, ..., task.s, task.kappa)
    w = x.copy()
    for i in range(1, task.s):
        w[..., i:, :] -= x[..., :-i, :] @ task.F[task.s - i].T
    return w


def minimal_realisation(
    network: Network, tolerance: float = 1e-9, at: Float[np.ndarray, " H"] | None = None
) -> Network:
    """Return the smallest linear network with the same impulse response ``W_r W_hh^m W_uh``.

    It keeps what can be reached from the inputs and, of that, what the outputs can observe.

    Parameters
    ----------
    network
        The network.
    tolerance
        A direction counts if it is at least this part of the largest; in [1e-15, 0.1].
    at
        The fixed point around which it is linear: see `emt.linearization.linear`.

    Raises
    ------
    ValueError
        If the network does not rest there, `tolerance` is out of range, or nothing is left
        because no output ever shows an input.
    """
    network = linear(network, at)
    checks.real("tolerance", tolerance, 1e-15, 0.1)
    R = _krylov(network.W_hh, network.W_uh, tolerance)
    A, B, C = R.T @ network.W_hh @ R, R.T @ network.W_uh, network.W_r @ R
    if linalg.norm(C) <= tolerance * linalg.norm(network.W_r):
        raise ValueError("network must let some output show some input: the response is zero")
    O = _krylov(A.T, C.T, tolerance)  # noqa: E741
    return Network(O.T @ A @ O, O.T @ B, C @ O, activation=IDENTITY)


def _krylov(A: np.ndarray, B: np.ndarray, tolerance: float) -> np.ndarray:
    """Return an orthonormal basis of the span of B, AB, A^2 B, ..."""
    Q = np.zeros((len(A), 0))
    new, scale = B, linalg.norm(B, 2) if B.size else 0.0
    while new.size and scale:
        new = new - Q @ (Q.T @ new)
        U, singular, _ = linalg.svd(new - Q @ (Q.T @ new), full_matrices=False)
        new = U[:, singular > tolerance * scale]
        Q = np.hstack([Q, new])
        new, scale = A @ new, linalg.norm(A, 2)
    return Q


checks.guard(globals())
