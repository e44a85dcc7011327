"""Beyond the paper: which rule f does a network follow? Read off its impulse response.

Nothing about the task is needed. The response of a network that follows ``x(t) = sum_k F_k
x(t-s+k-1)`` follows the same rule, so F is found by linear prediction. How many earlier vectors
are needed, and which of their components, is found on the way: s is the largest observability
index. `ho_kalman` finds a whole network with the same response.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import linalg

from emt import checks
from emt.network import IDENTITY, Network
from emt.tasks import Task


class Rule(NamedTuple):
    """A rule and what it reads.

    Attributes
    ----------
    F
        Coefficients, oldest first.
    reads
        (memory, component) that are read or needed to keep what is read, both from 1.
    indices
        How many steps back each component has to be kept; sorted, the observability indices.
    error
        Relative root mean square error of the prediction.
    """

    F: Float[np.ndarray, "s kappa kappa"]
    reads: Int[np.ndarray, "n 2"]
    indices: Int[np.ndarray, " kappa"]
    error: float

    @property
    def s(self) -> int:
        """Number of memories: the largest index."""
        return len(self.F)

    @property
    def task(self) -> Task:
        """The rule as a task."""
        return Task(self.s, self.F.shape[1], self.F)


def estimate_rule(response: Float[np.ndarray, "steps kappa kappa"], tolerance: float = 0.2) -> Rule:
    """Estimate F and s from an impulse response by linear prediction.

    Earlier outputs are taken into the prediction from the newest to the oldest, component by
    component, and only those that the ones before do not already predict. Among all rules that
    the response follows after its first third this is the one that looks back least.

    Parameters
    ----------
    response
        ``W_r W_hh^m W_uh``, m = 1 ... steps, as `emt.evidence.impulse_response` returns it; at
        least 3 (s + 1) steps are needed for the largest s that is to be found.
    tolerance
        A component counts as new if at least this part of it (root mean square) is not predicted.

    Raises
    ------
    ValueError
        If the response is not finite, is zero, or too short for the rule that it follows.
    """
    response = _checked(response)
    steps, kappa, _ = response.shape
    checks.integer("the number of steps of response", steps, least=3)
    checks.real("tolerance", tolerance, 1e-12, 1.0)
    most = steps // 3
    target, earlier = _earlier(response, range(1, most + 1))
    kept, Q = [], np.zeros((0, target.shape[1]))
    rounding = 1e-12 * abs(earlier).max()
    for row, values in enumerate(earlier):
        new = values - (values @ Q.T) @ Q
        new -= (new @ Q.T) @ Q
        heard = abs(values).max() > rounding
        if heard and linalg.norm(new) > tolerance * linalg.norm(values):
            Q = np.vstack([Q, new / linalg.norm(new)])
            kept.append(row)
    lag, component = np.divmod(np.array(kept, int), kappa) + np.array([[1], [1]])
    if not kept or lag.max() == most:
        raise ValueError(
            f"response must be longer to show its rule: {steps} steps decide rules of up to "
            f"{most - 1} memories, and this one is zero or needs more"
        )
    s = int(lag.max())
    coefficients, error = _fit(target, earlier[kept])
    F = np.zeros((s, kappa, kappa))
    F[s - lag, :, component - 1] = coefficients
    indices = np.array([max(lag[component == c], default=0) for c in range(1, kappa + 1)])
    return Rule(F, np.stack([s - lag + 1, component], axis=1), indices, error)


def prediction_error(
    response: Float[np.ndarray, "steps kappa kappa"], first: int, last: int
) -> float:
    """Return the relative error of the best rule that reads lags `first` ... `last` only.

    A network that follows a rule of s vectors also follows rules that look back further, such as
    repeat copy of 2s: this says which.

    Parameters
    ----------
    response
        As for `estimate_rule`.
    first, last
        Lags, 1 <= first <= last, last below the number of steps.

    Raises
    ------
    ValueError
        If the response is not finite or a number is out of range.
    """
    response = _checked(response)
    checks.integer("last", last, least=checks.integer("first", first))
    checks.integer("the number of steps of response", len(response), least=last + 1)
    target, earlier = _earlier(response, range(first, last + 1))
    return _fit(target, earlier)[1]


def hankel(response: Float[np.ndarray, "steps kappa kappa"]) -> Float[np.ndarray, "rows columns"]:
    """Return the block Hankel matrix of an impulse response: block (i, j) is that of i + j + 1.

    Parameters
    ----------
    response
        Of m = 1 ... steps; the matrix has steps // 2 blocks each way.

    Raises
    ------
    ValueError
        If the response is not finite or has fewer than two steps.
    """
    response = _checked(response)
    half = checks.integer("the number of steps of response", len(response), least=2) // 2
    blocks = response[np.arange(half)[:, None] + np.arange(half)]
    return blocks.transpose(0, 2, 1, 3).reshape(half * response.shape[1], -1)


def ho_kalman(response: Float[np.ndarray, "steps kappa kappa"], order: int) -> Network:
    """Return a linear network of `order` units with this impulse response (Ho and Kalman; ERA).

    From the singular vectors of the `hankel` matrix, and of the same one step later.

    Parameters
    ----------
    response
        ``W_r W_hh^(m-1) W_uh``, m = 1 ... steps: the first is that of the same step. Pass
        ``W_r W_hh^m W_uh`` and the input is written one step later.
    order
        Units; at most the rank of the matrix.

    Raises
    ------
    ValueError
        If the response is not finite, too short, or of lower rank than `order`.
    """
    response = _checked(response)
    checks.integer("the number of steps of response", len(response), least=3)
    kappa = response.shape[1]
    now, later = hankel(response[:-1]), hankel(response[1:])
    U, singular, Vt = linalg.svd(now)
    rank = int((singular > 1e-12 * singular[0]).sum())
    checks.integer("the rank of the response", rank, least=checks.integer("order", order))
    root = np.sqrt(singular[:order])
    O, R = U[:, :order] * root, root[:, None] * Vt[:order]  # noqa: E741
    A = (U[:, :order] / root).T @ later @ (Vt[:order].T / root)
    return Network(A, R[:, :kappa], O[:kappa], activation=IDENTITY)


def _checked(response: np.ndarray) -> np.ndarray:
    response = checks.array("response", response, None, None, None)
    checks.integer("the number of outputs of response", response.shape[1])
    return checks.array("response", response, len(response), *2 * (response.shape[1],))


def _fit(target: np.ndarray, earlier: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the coefficients that predict `target` best, and the relative error."""
    if not target.any():
        raise ValueError("response must not be zero to the end: there is nothing to predict")
    coefficients = linalg.lstsq(earlier.T, target.T)[0]
    missed = linalg.norm(target - coefficients.T @ earlier)
    return coefficients, float(missed / linalg.norm(target))


def _earlier(response: np.ndarray, lags: range) -> tuple[np.ndarray, np.ndarray]:
    """Return responses as columns, and one row for each lag and component of the earlier ones."""
    steps, kappa, _ = response.shape
    times = np.arange(lags[-1], steps)
    target = response[times].transpose(1, 0, 2).reshape(kappa, -1)
    earlier = np.stack([response[times - lag] for lag in lags])
    return target, earlier.transpose(0, 2, 1, 3).reshape(len(lags) * kappa, -1)


checks.guard(globals())
