"""Fixed points, slow points and the linear network around a fixed point (Appendix C).

With no input, ``h(t+1) = tanh(W_hh h(t) + b)``. A fixed point h* is where that is h* again.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import optimize

from emt import checks
from emt.elman import Weights

AT_REST = 1e-9
"""Largest residual, relative to the norm of h or 1, at which h counts as a fixed point."""


def step(weights: Weights, h: Float[np.ndarray, "*batch H"]) -> Float[np.ndarray, "*batch H"]:
    """Return ``tanh(W_hh h + b)``, the state that follows h without input.

    Parameters
    ----------
    weights
        The network.
    h
        States.

    Raises
    ------
    ValueError
        If the last axis of `h` is not H or `h` is not finite.
    """
    b = 0.0 if weights.b is None else weights.b
    return np.tanh(checks.array("h", h, ..., weights.hidden) @ weights.W_hh.T + b)


def slopes(weights: Weights, h: Float[np.ndarray, "*batch H"]) -> Float[np.ndarray, "*batch H"]:
    """Return g' of each unit, ``1 - tanh(W_hh h + b)^2``: taken at ``W_hh h + b``, not at h.

    Parameters
    ----------
    weights, h
        As for `step`.

    Raises
    ------
    ValueError
        As `step`.
    """
    return 1 - step(weights, h) ** 2


def jacobian(weights: Weights, h: Float[np.ndarray, " H"]) -> Float[np.ndarray, "H H"]:
    """Return the matrix ``J(g) W_hh`` of Eq. (35): how a small change of h is carried one step on.

    Parameters
    ----------
    weights
        The network.
    h
        The state that is changed; any, not only a fixed point.

    Raises
    ------
    ValueError
        If `h` is not a finite vector of H numbers.
    """
    return slopes(weights, checks.array("h", h, weights.hidden))[:, None] * weights.W_hh


def speed(
    weights: Weights, h: Float[np.ndarray, "*batch H"]
) -> Float[np.ndarray, "*batch"] | np.float64:
    """Return ``q = |tanh(W_hh h + b) - h|^2 / 2``, which is 0 at fixed points and nowhere else.

    Parameters
    ----------
    weights, h
        As for `step`.

    Raises
    ------
    ValueError
        As `step`.
    """
    return ((step(weights, h) - h) ** 2).sum(axis=-1) / 2


def speed_gradient(weights: Weights, h: Float[np.ndarray, " H"]) -> Float[np.ndarray, " H"]:
    """Return the gradient of `speed`, ``(J W_hh - I)^T (tanh(W_hh h + b) - h)``.

    Parameters
    ----------
    weights, h
        As for `jacobian`.

    Raises
    ------
    ValueError
        As `jacobian`.
    """
    moved = step(weights, checks.array("h", h, weights.hidden)) - h
    return jacobian(weights, h).T @ moved - moved


class FixedPoints(NamedTuple):
    """Fixed points of a network, those nearest to the origin first.

    Attributes
    ----------
    points
        One a row.
    residuals
        Norm of ``tanh(W_hh h + b) - h`` at each.
    found
        From how many of the starts each was reached.
    radius
        Largest ``|lambda|`` of the Jacobian at each.
    unstable
        Number of ``|lambda|`` above 1 at each.
    starts
        How many starts there were; the sum of `found` is how many of them ended at a fixed point.
    """

    points: Float[np.ndarray, "n H"]
    residuals: Float[np.ndarray, " n"]
    found: Int[np.ndarray, " n"]
    radius: Float[np.ndarray, " n"]
    unstable: Int[np.ndarray, " n"]
    starts: int


def fixed_points(
    weights: Weights,
    starts: Float[np.ndarray, "starts H"],
    tolerance: float = 1e-12,
    apart: float = 1e-4,
) -> FixedPoints:
    """Return the fixed points that a root finder reaches from the starts.

    What it does not reach is not in the list: that a point is missing proves nothing.

    Parameters
    ----------
    weights
        The network.
    starts
        States to search from, one a row.
    tolerance
        Largest norm of ``tanh(W_hh h + b) - h`` at what is kept.
    apart
        Points nearer than this are one. Where an eigenvalue is close to 1 the residual stays at
        rounding over a stretch of states, so it must be larger than rounding by far.

    Raises
    ------
    ValueError
        If `starts` is empty or not (any, H), or a number is out of range.
    """
    starts = checks.array("starts", starts, None, weights.hidden)
    checks.integer("the number of starts", len(starts))
    tolerance = checks.real("tolerance", tolerance, least=0.0)
    apart = checks.real("apart", apart, least=0.0)
    ends = (_end(weights, h) for h in starts)
    ends = np.array([h for h in ends if np.linalg.norm(step(weights, h) - h) <= tolerance])
    points, found = _merged(ends.reshape(-1, weights.hidden), apart)
    moduli = np.array([abs(np.linalg.eigvals(jacobian(weights, h))) for h in points])
    moduli = moduli.reshape(-1, weights.hidden)
    return FixedPoints(
        points,
        np.linalg.norm(step(weights, points) - points, axis=1),
        found,
        moduli.max(axis=1),
        (moduli > 1).sum(axis=1),
        len(starts),
    )


class SlowPoints(NamedTuple):
    """Where the speed of a network is least, near each start.

    Attributes
    ----------
    points
        One a row, in the order of the starts.
    speeds
        q at each.
    """

    points: Float[np.ndarray, "starts H"]
    speeds: Float[np.ndarray, " starts"]


def slow_points(
    weights: Weights, starts: Float[np.ndarray, "starts H"], most: int = 10_000
) -> SlowPoints:
    """Minimise `speed` from the starts by L-BFGS, as Sussillo and Barak (2013) do.

    Parameters
    ----------
    weights
        The network.
    starts
        States to search from, one a row: states that the network visits.
    most
        Iterations from one start, at most.

    Raises
    ------
    ValueError
        If `starts` is empty or not (any, H), or `most` is below 1.
    """
    starts = checks.array("starts", starts, None, weights.hidden)
    checks.integer("the number of starts", len(starts))
    options = {"maxiter": checks.integer("most", most), "ftol": 0.0, "gtol": 1e-14}
    options["maxfun"] = 2 * options["maxiter"]
    q, gradient = _of_state(speed, weights), _of_state(speed_gradient, weights)
    ends = [
        optimize.minimize(q, h, jac=gradient, method="L-BFGS-B", options=options).x for h in starts
    ]
    return SlowPoints(np.array(ends), speed(weights, np.array(ends)))


def linearised(weights: Weights, h: Float[np.ndarray, " H"]) -> Weights:
    """Return the linear network around a fixed point, Eqs. (36) and (37).

    Its state is ``h' = h - h*``. To be run with the identity: ``J W_hh`` and ``J W_uh`` take the
    place of `W_hh` and `W_uh`. There is no bias, since h* holds what it does. Its outputs are
    ``W_r h'``, those of the network less ``W_r h*``.

    Parameters
    ----------
    weights
        The network.
    h
        A fixed point h*.

    Raises
    ------
    ValueError
        If `h` is not a fixed point.
    """
    g = slopes(weights, resting(weights, h))[:, None]
    return Weights(g * weights.W_hh, g * weights.W_uh, weights.W_r)


def placed(weights: Weights, h: Float[np.ndarray, " H"]) -> Weights:
    """Return the network with bias whose linear network around the fixed point h is `weights`.

    The inverse of `linearised`: ``J^-1 W_hh`` and ``J^-1 W_uh``, and a bias that holds h.

    Parameters
    ----------
    weights
        A linear network.
    h
        The fixed point h*; between -1 and 1.

    Raises
    ------
    ValueError
        If `h` is not a vector of H numbers between -1 and 1.
    """
    h = checks.array("h", h, weights.hidden)
    if abs(h).max() >= 1:
        raise ValueError(f"h must lie between -1 and 1, as tanh does, not reach {abs(h).max()}")
    g = (1 - h**2)[:, None]
    W_hh = weights.W_hh / g
    return Weights(W_hh, weights.W_uh / g, weights.W_r, np.arctanh(h) - W_hh @ h)


def resting(weights: Weights, h: Float[np.ndarray, " H"]) -> Float[np.ndarray, " H"]:
    """Return h, which must be a fixed point.

    Parameters
    ----------
    weights, h
        As for `linearised`.

    Raises
    ------
    ValueError
        If it is not, or not a finite vector of H numbers.
    """
    h = checks.array("h", h, weights.hidden)
    residual, allowed = np.linalg.norm(step(weights, h) - h), AT_REST * max(1, np.linalg.norm(h))
    if residual > allowed:
        raise ValueError(
            f"h must be a fixed point, but one step moves it by {residual:.1e}, more than "
            f"{allowed:.1e}: take one from fixed_points(weights, [h])"
        )
    return h


def remainder(
    weights: Weights,
    h: Float[np.ndarray, " H"],
    directions: Float[np.ndarray, "n H"],
    sizes: Float[np.ndarray, " sizes"],
) -> Float[np.ndarray, "sizes n"]:
    """Return the norm of what Eq. (35) leaves out, ``tanh(W_hh h + b) - h* - J W_hh (h - h*)``.

    It falls with the square of the size; where g'' is zero at every unit, as at h* = 0 without
    bias, with the cube.

    Parameters
    ----------
    weights
        The network.
    h
        A fixed point h*.
    directions
        Of ``h - h*``, one a row; other than 0. Their lengths do not matter.
    sizes
        Norms of ``h - h*``.

    Raises
    ------
    ValueError
        If `h` is not a fixed point, a direction is 0 or the shapes are wrong.
    """
    h = resting(weights, h)
    directions = checks.array("directions", directions, None, weights.hidden)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError("directions must not hold a row of zeros: it has no direction")
    away = checks.array("sizes", sizes, None)[:, None, None] * (directions / lengths)
    left_out = step(weights, h + away) - h - away @ jacobian(weights, h).T
    return np.linalg.norm(left_out, axis=-1)


def order(sizes: Float[np.ndarray, " sizes"], values: Float[np.ndarray, " sizes"]) -> float:
    """Return the power p of ``values ~ sizes^p``: the slope on double logarithmic scales.

    Parameters
    ----------
    sizes, values
        At least two of each, above 0.

    Raises
    ------
    ValueError
        If there are fewer, the lengths differ or a number is not above 0.
    """
    sizes = checks.array("sizes", sizes, None)
    values = checks.array("values", values, checks.integer("the number of sizes", len(sizes), 2))
    if sizes.min() <= 0 or values.min() <= 0:
        raise ValueError("sizes and values must be above 0: logarithms are taken")
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _of_state(function: Callable, weights: Weights) -> Callable:
    return lambda h: function(weights, h)


def _end(weights: Weights, h: np.ndarray, method: str = "hybr") -> np.ndarray:
    """Return where scipy's root finder ends."""
    identity = np.eye(weights.hidden)

    def moved(h):
        return step(weights, h) - h

    def slope(h):
        return jacobian(weights, h) - identity

    return optimize.root(moved, h, jac=slope, method=method, tol=1e-15).x


def _merged(points: np.ndarray, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """Return points that are `apart`, nearest to the origin first, and how many each stands for."""
    kept, found = [], []
    for h in points[np.argsort(np.linalg.norm(points, axis=1))]:
        near = [n for n, other in enumerate(kept) if np.linalg.norm(other - h) < apart]
        if near:
            found[near[0]] += 1
        else:
            kept.append(h)
            found.append(1)
    return np.array(kept).reshape(-1, points.shape[1]), np.array(found, dtype=int)


checks.guard(globals())
