"""Fixed points, slow points and the linear network around a fixed point (Appendix C).

A fixed point h* is a state that one step without input brings back. Around it a network is linear;
what is linear (memories, impulse response, rule) is computed on that linear network.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from emt import checks
from emt.network import IDENTITY, TANH, Activation, Network, Recurrent

AT_REST = 1e-9
"""Largest residual, relative to the norm of h or 1, at which h counts as a fixed point."""


def step(network: Recurrent, h: Float[np.ndarray, "*batch H"]) -> Float[np.ndarray, "*batch H"]:
    """Return the state that follows h without input; see `emt.network.under_input` for one.

    Parameters
    ----------
    network
        The network.
    h
        States.
    """
    return network.step(checks.array("h", h, ..., network.hidden))


def slopes(network: Network, h: Float[np.ndarray, "*batch H"]) -> Float[np.ndarray, "*batch H"]:
    """Return g' of each unit: taken at its argument ``W_hh h + b``, not at h.

    Of a network of `rates` it is taken at h, which is the argument there.

    Parameters
    ----------
    network, h
        As for `step`.
    """
    h = checks.array("h", h, ..., network.hidden)
    return network.activation.derivative(h if network.rates else network.argument(h))


def jacobian(network: Recurrent, h: Float[np.ndarray, " H"]) -> Float[np.ndarray, "H H"]:
    """Return the matrix ``J(g) W_hh`` of Eq. (35): how a small change of h is carried one step on.

    With a leak it is ``(1 - a) I + a J(g) W_hh``; of a network of `rates`, ``W_hh J(g)``. Of a
    cell of another kind it is the derivative, by differences of fourth order.

    Parameters
    ----------
    network
        The network.
    h
        The state that is changed; any, not only a fixed point.
    """
    h = checks.array("h", h, network.hidden)
    if not isinstance(network, Network):
        return _derivative(lambda x: step(network, x), h)
    g, a = slopes(network, h), network.leak
    carried = network.W_hh * (g if network.rates else g[:, None])
    if np.ndim(a) == 0 and a == 1.0:
        return carried
    a = np.broadcast_to(a, g.shape)
    return np.diag(1 - a) + a[:, None] * carried


def explained(
    network: Recurrent, visited: Float[np.ndarray, "states H"], h: Float[np.ndarray, " H"]
) -> float:
    """Return the part of the next step from visited states that is linear around h.

    1 if it is linear all the way, or if no step leads away from h.

    Parameters
    ----------
    network
        The network.
    visited
        States, one a row.
    h
        The state around which it is taken to be linear.
    """
    h = checks.array("h", h, network.hidden)
    visited = checks.array("visited", visited, None, network.hidden)
    after = step(network, visited) - h
    left = after - (visited - h) @ jacobian(network, h).T
    return float(1 - (left**2).sum() / (after**2).sum()) if after.any() else 1.0


def speed(
    network: Recurrent, h: Float[np.ndarray, "*batch H"]
) -> Float[np.ndarray, "*batch"] | np.float64:
    """Return ``q = |step(h) - h|^2 / 2``, which is 0 at fixed points and nowhere else.

    Parameters
    ----------
    network, h
        As for `step`.
    """
    return ((step(network, h) - h) ** 2).sum(axis=-1) / 2


def speed_gradient(network: Recurrent, h: Float[np.ndarray, " H"]) -> Float[np.ndarray, " H"]:
    """Return the gradient of `speed`, ``(J W_hh - I)^T (step(h) - h)``.

    Parameters
    ----------
    network, h
        As for `jacobian`.
    """
    moved = step(network, checks.array("h", h, network.hidden)) - h
    return jacobian(network, h).T @ moved - moved


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
    network: Recurrent,
    starts: Float[np.ndarray, "starts H"],
    tolerance: float = 1e-12,
    apart: float = 1e-4,
) -> FixedPoints:
    """Return the fixed points that a root finder reaches from the starts.

    What it does not reach is not in the list: that a point is missing proves nothing.

    Parameters
    ----------
    network
        The network.
    starts
        States to search from, one a row.
    tolerance
        Largest norm of ``tanh(W_hh h + b) - h`` at what is kept.
    apart
        Points nearer than this are one. Where an eigenvalue is close to 1 the residual stays at
        rounding over a stretch of states, so it must be larger than rounding by far.
    """
    starts = checks.array("starts", starts, None, network.hidden)
    checks.integer("the number of starts", len(starts))
    tolerance = checks.real("tolerance", tolerance, least=0.0)
    apart = checks.real("apart", apart, least=0.0)
    ends = [h for h in (_end(network, h) for h in starts) if np.isfinite(h).all()]
    ends = np.array([h for h in ends if np.linalg.norm(step(network, h) - h) <= tolerance])
    points, found = _merged(ends.reshape(-1, network.hidden), apart)
    moduli = np.array([abs(np.linalg.eigvals(jacobian(network, h))) for h in points])
    moduli = moduli.reshape(-1, network.hidden)
    return FixedPoints(
        points,
        np.linalg.norm(step(network, points) - points, axis=1),
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
    network: Recurrent,
    starts: Float[np.ndarray, "starts H"],
    most: int = 10_000,
) -> SlowPoints:
    """Minimise `speed` from the starts by L-BFGS, as Sussillo and Barak (2013) do.

    Parameters
    ----------
    network
        The network.
    starts
        States to search from, one a row: states that the network visits.
    most
        Iterations from one start, at most.
    """
    from scipy import optimize  # half of what `import emt` would load

    starts = checks.array("starts", starts, None, network.hidden)
    checks.integer("the number of starts", len(starts))
    options = {"maxiter": checks.integer("most", most), "ftol": 0.0, "gtol": 1e-14}
    options["maxfun"] = 2 * options["maxiter"]
    q, gradient = (partial(f, network) for f in (speed, speed_gradient))
    ends = [
        optimize.minimize(q, h, jac=gradient, method="L-BFGS-B", options=options).x for h in starts
    ]
    return SlowPoints(np.array(ends), speed(network, np.array(ends)))


def linear_at(network: Recurrent, h: Float[np.ndarray, " H"] | None = None) -> Network:
    """Return the linear network around a fixed point, Eqs. (36) and (37).

    Its state is ``h' = h - h*``. ``J W_hh`` and ``J W_uh`` take the place of `W_hh` and `W_uh`;
    there is no bias, since h* holds what it does. Its outputs are those of the network less those
    at h*. Gated cells are linear there too; their state counts, all of it.

    Parameters
    ----------
    network
        The network.
    h
        A fixed point h*, by default the origin.

    Raises
    ------
    ValueError
        If `h` is not a fixed point.
    """
    h = resting(network, np.zeros(network.hidden) if h is None else h)
    if not isinstance(network, Network):
        write = _derivative(
            lambda u: network.step(np.broadcast_to(h, (*u.shape[:-1], len(h))), u),
            np.zeros(network.inputs),
        )
        read = _derivative(network.read, h)
        return Network(jacobian(network, h), write, read, activation=IDENTITY)
    g, a = slopes(network, h), np.broadcast_to(network.leak, network.hidden)
    write = (a if network.rates else a * g)[:, None] * network.W_uh
    read = network.W_r * g if network.rates else network.W_r
    return Network(jacobian(network, h), write, read, activation=IDENTITY)


def linear(network: Recurrent, at: Float[np.ndarray, " H"] | None = None) -> Network:
    """Return the linear network that memories, impulse response and rule are computed on.

    Without `at` it is the one at the origin, if the network rests there with slope 1, as Eq. (6)
    does: then these are its own weights. It is never another network's in silence.

    Parameters
    ----------
    network
        The network.
    at
        A fixed point: see `fixed_points`.

    Raises
    ------
    ValueError
        If `at` is not a fixed point, or is not given and the network does not rest at the origin
        with slope 1.
    """
    if at is not None:
        return linear_at(network, checks.array("at", at, network.hidden))
    if not isinstance(network, Network):
        raise ValueError(
            "network is linear around a fixed point only: give at=, such as "
            "emt.operating_point(network, task).h"
        )
    origin = np.zeros(network.hidden)
    moved, steepness = np.linalg.norm(step(network, origin)), slopes(network, origin)
    if moved > AT_REST or not (steepness == 1).all():
        raise ValueError(
            "network must rest at the origin with slope 1 for its weights to be its linear "
            f"network, but one step moves it by {moved:.1e} and its slopes there are "
            f"{steepness.min():.3g} to {steepness.max():.3g}: give at=, a fixed point, such as "
            "emt.operating_point(network, task).h"
        )
    return linear_at(network)


def placed(linear: Network, h: Float[np.ndarray, " H"], activation: Activation = TANH) -> Network:
    """Return the network with bias whose linear network around the fixed point h is `linear`.

    The inverse of `linear_at`: ``J^-1 W_hh`` and ``J^-1 W_uh``, and a bias that holds h.

    Parameters
    ----------
    linear
        A linear network.
    h
        The fixed point h*, which the activation must be able to reach.
    activation
        Of the network, with an inverse.

    Raises
    ------
    ValueError
        If the activation does not reach `h`, or has no slope there.
    """
    h = checks.array("h", h, linear.hidden)
    if activation.inverse is None:
        raise ValueError("activation must have an inverse: the bias is computed by it")
    with np.errstate(divide="ignore", invalid="ignore"):
        x = activation.inverse(h)
        g = activation.derivative(x)[:, None]
    if not (np.isfinite(x).all() and g.all()):
        worst = h[np.argmax(abs(h))]
        raise ValueError(f"h must be what the activation reaches, with a slope, not {worst}")
    W_hh = linear.W_hh / g
    return Network(W_hh, linear.W_uh / g, linear.W_r, x - W_hh @ h, activation=activation)


def reshaped(
    network: Network, W: Float[np.ndarray, "H H"], at: Float[np.ndarray, " H"] | None
) -> Network:
    """Return the network whose linear network at a fixed point has other recurrent weights.

    The point stays a fixed point, input and read weights stay as they are.

    Parameters
    ----------
    network
        The network.
    W
        The wanted recurrent weights of the linear network, ``W_hh`` itself at the origin of
        Eq. (6).
    at
        The fixed point, or ``None`` as for `linear`.

    Raises
    ------
    ValueError
        As `linear`, or if a unit has no slope there.
    """
    W = checks.array("W", W, network.hidden, network.hidden)
    now = linear(network, at)
    at = np.zeros(network.hidden) if at is None else at
    g, a = slopes(network, at), np.broadcast_to(network.leak, network.hidden)
    if not g.all():
        raise ValueError("network must have a slope at the fixed point in every unit")
    change = (W - now.W_hh) / a[:, None] / (g if network.rates else g[:, None])
    if not at.any():
        return replace(network, W_hh=network.W_hh + change)
    meets = network.activation.function(at) if network.rates else at
    b = np.zeros(network.hidden) if network.b is None else network.b
    return replace(network, W_hh=network.W_hh + change, b=b - change @ meets)


def resting(network: Recurrent, h: Float[np.ndarray, " H"]) -> Float[np.ndarray, " H"]:
    """Return h, which must be a fixed point.

    Parameters
    ----------
    network, h
        As for `linear_at`.

    Raises
    ------
    ValueError
        If it is not.
    """
    h = checks.array("h", h, network.hidden)
    residual = np.linalg.norm(step(network, h) - h)
    allowed = AT_REST * max(1, np.linalg.norm(h))
    if residual > allowed:
        raise ValueError(
            f"h must be a fixed point, but one step moves it by {residual:.1e}, more than "
            f"{allowed:.1e}: take one from fixed_points(network, [h])"
        )
    return h


def remainder(
    network: Network,
    h: Float[np.ndarray, " H"],
    directions: Float[np.ndarray, "n H"],
    sizes: Float[np.ndarray, " sizes"],
) -> Float[np.ndarray, "sizes n"]:
    """Return the norm of what Eq. (35) leaves out, ``tanh(W_hh h + b) - h* - J W_hh (h - h*)``.

    It falls with the square of the size; where g'' is zero at every unit, as at h* = 0 without
    bias, with the cube.

    Parameters
    ----------
    network
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
        If `h` is not a fixed point, or a direction is 0.
    """
    h = resting(network, h)
    directions = checks.array("directions", directions, None, network.hidden)
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    if not lengths.all():
        raise ValueError("directions must not hold a row of zeros: it has no direction")
    away = checks.array("sizes", sizes, None)[:, None, None] * (directions / lengths)
    left_out = step(network, h + away) - h - away @ jacobian(network, h).T
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
        If a number is not above 0.
    """
    sizes = checks.array("sizes", sizes, None)
    values = checks.array("values", values, checks.integer("the number of sizes", len(sizes), 2))
    if sizes.min() <= 0 or values.min() <= 0:
        raise ValueError("sizes and values must be above 0: logarithms are taken")
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _derivative(function: Callable, x: np.ndarray) -> np.ndarray:
    """Return the derivative of a function of one vector, by differences of fourth order."""
    d = 1e-3 * np.eye(len(x))
    near, far = (function(x + n * d) - function(x - n * d) for n in (1, 2))
    return ((8 * near - far) / 12e-3).T


def _end(network: Recurrent, h: np.ndarray, method: str = "hybr") -> np.ndarray:
    """Return where scipy's root finder ends."""
    from scipy import optimize

    identity = np.eye(network.hidden)

    def moved(h):
        return step(network, h) - h

    def slope(h):
        return jacobian(network, h) - identity

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
