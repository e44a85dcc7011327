"""Backpropagation through time for Eq. (6), written out, in buffers that every update reuses.

The forward pass is ``h(t) = tanh(W_hh h(t-1) + W_uh u(t) + b)``, ``y(t) = W_r h(t)``. With
``delta(t)``, the derivative of the loss by the argument of that tanh, the chain rule gives ::

    delta(t) = (1 - h(t)^2) * (W_hh^T delta(t+1) + W_r^T dloss/dy(t))

and the gradients are sums over time and sequences: of ``delta(t) h(t-1)^T`` for `W_hh`, of
``delta(t) u(t)^T`` for `W_uh`, of ``delta(t)`` for `b`, of ``dloss/dy(t) h(t)^T`` for `W_r`.
Without tanh the factor ``1 - h(t)^2`` is 1; with ReLU it is 1 where h(t) > 0, else 0. So a step
costs one product with `W_hh` forward, one backward, and one for its gradient, which is taken over
all steps at once.
"""

import sys
from functools import partial
from types import ModuleType
from typing import NamedTuple

import numpy as np

from emt import checks
from emt.checks import AnyArray  # on any device: the code below is the same for all
from emt.training.recipes import LEARNABLE


class Buffers(NamedTuple):
    """Room for one forward and one backward pass.

    Attributes
    ----------
    h
        States h(0) ... h(T) of all sequences, shape (T+1, B, H).
    slope
        Derivatives of the activation function there, shape (T, B, H).
    delta
        Derivatives by the arguments of tanh at t = 1 ... T, shape (T, B, H).
    step
        What one step needs, shape (B, H).
    W_hh_T
        `W_hh` transposed, for products of contiguous arrays, shape (H, H).
    """

    h: AnyArray
    slope: AnyArray
    delta: AnyArray
    step: AnyArray
    W_hh_T: AnyArray


class Gradients(NamedTuple):
    """What one batch says about the weights.

    Attributes
    ----------
    loss
        Mean squared error of the outputs over the output phase.
    y
        Outputs of the output phase, shape (n, B, kappa).
    W_hh, W_uh, W_r, b
        Derivatives of the loss, in the shapes of the weights; of b only if there is one.
    """

    loss: float
    y: AnyArray
    W_hh: AnyArray
    W_uh: AnyArray
    W_r: AnyArray
    b: AnyArray | None = None


def library(x: AnyArray) -> ModuleType:
    """Return the library of an array, `numpy` or `torch`.

    Parameters
    ----------
    x
        The array.
    """
    return np if isinstance(x, np.ndarray) else sys.modules["torch"]


def allocate(steps: int, batch: int, hidden: int, like: AnyArray) -> Buffers:
    """Make room for passes over at most `steps` time steps.

    Parameters
    ----------
    steps, batch, hidden
        T, B and H.
    like
        An array of the kind, precision and device that all are to have.
    """
    for name, size in {"steps": steps, "batch": batch, "hidden": hidden}.items():
        checks.integer(name, size)
    checks.fits("steps, batch and hidden", steps, batch, hidden)
    long = steps, batch, hidden
    shapes = (steps + 1, batch, hidden), long, long, (batch, hidden), (hidden, hidden)
    return Buffers(*(empty(shape, like) for shape in shapes))


def empty(shape: tuple[int, ...], like: AnyArray) -> AnyArray:
    """Return an array of a shape, which begins where the processor's widest registers like it.

    Parameters
    ----------
    shape
        Of the array.
    like
        As for `allocate`.
    """
    if library(like) is not np:
        return like.new_empty(shape)
    width = 64 // like.itemsize
    room = np.empty(int(np.prod(shape)) + width, like.dtype)
    start = -room.ctypes.data % 64 // like.itemsize
    return room[start : start + int(np.prod(shape))].reshape(shape)


def backpropagate(
    W_hh: AnyArray,
    W_uh: AnyArray,
    W_r: AnyArray,
    u: AnyArray,
    targets: AnyArray,
    room: Buffers,
    b: AnyArray | None = None,
    activation: str = "tanh",
    noise: AnyArray | None = None,
) -> Gradients:
    """Return loss, outputs and derivatives for one batch; the loss is that of the output phase.

    Parameters
    ----------
    W_hh, W_uh, W_r
        Weights in the shapes of `emt.Network`.
    u
        Inputs of the input phase, time first: shape (s, B, kappa). After it the input is zero.
    targets
        Of the output phase, shape (n, B, kappa).
    room
        From `allocate`, for at least s + n steps, of the same kind and precision.
    b
        Bias of the hidden units, if there is one.
    activation
        One of `emt.training.recipes.LEARNABLE`.
    noise
        Added to the argument of the activation at each step, shape (s + n, B, H), if given.

    Raises
    ------
    ValueError
        If shapes do not fit, or the room is for fewer steps.
    """
    checks.choice("activation", activation, LEARNABLE)
    xp = library(W_hh)
    arrays = W_uh, W_r, u, targets, *room
    if any(isinstance(x, np.ndarray) != (xp is np) for x in arrays):
        raise ValueError(f"weights, sequences and room must all be of {xp.__name__}, as W_hh is")
    _fit(W_hh, W_uh, W_r, u, targets, b, noise)
    s, T, H, kappa = len(u), len(u) + len(targets), len(W_hh), len(W_r)
    if T > len(room.delta):
        raise ValueError(f"room must be for at least {T} steps, not {len(room.delta)}")
    if room.step.shape != (u.shape[1], H):
        raise ValueError(f"room must be for {u.shape[1]} sequences and {H} units")
    h, slope, delta, step, W_hh_T = room.h[: T + 1], room.slope[:T], room.delta[:T], *room[3:]
    product = np.dot if xp is np else xp.mm
    h[0], W_hh_T[:] = 0.0, W_hh.T
    W_r_T = xp.zeros_like(W_r).reshape(H, kappa)  # in memory too: three times as fast
    W_r_T[:] = W_r.T
    pushes = xp.matmul(u, W_uh.T)
    if b is not None or noise is not None:  # these go on after the inputs
        pushes = xp.concatenate([pushes, xp.zeros_like(room.h[: T - s])])
        pushes += 0.0 if b is None else b
        pushes += 0.0 if noise is None else noise
    bend = {"tanh": xp.tanh, "ReLU": partial(xp.clip, min=0)}.get(activation)
    state, pushed = h[0], len(pushes)
    for t, after in enumerate(h[1:]):
        state = product(state, W_hh_T, out=after)
        if t < pushed:
            state += pushes[t]
        if bend is not None:
            bend(state, out=state)

    spoken = h[s + 1 :].reshape(-1, H)
    y = product(spoken, W_r_T)
    error = y - targets.reshape(-1, kappa)
    loss = float(xp.vdot(error.reshape(-1), error.reshape(-1))) / (len(error) * kappa)
    error *= 2 / (len(error) * kappa)
    xp.matmul(error, W_r, out=delta[s:].reshape(-1, H))
    if activation == "tanh":
        xp.multiply(h[1:], h[1:], out=slope)
        xp.subtract(1.0, slope, out=slope)
    else:
        slope[:] = h[1:] > 0 if activation == "ReLU" else 1.0
    deltas, slopes = list(delta), list(slope)
    later = deltas[-1]
    later *= slopes[-1]
    for t in range(T - 2, -1, -1):
        if t < s:  # no error of its own
            later = product(later, W_hh, out=deltas[t])
        else:
            product(later, W_hh, out=step)
            later = deltas[t]
            later += step
        later *= slopes[t]

    return Gradients(
        loss,
        y.reshape(targets.shape),
        xp.matmul(delta.reshape(-1, H).T, h[:-1].reshape(-1, H)),
        xp.matmul(delta[:s].reshape(-1, H).T, u.reshape(-1, kappa)),
        xp.matmul(error.T, spoken),
        None if b is None else delta.reshape(-1, H).sum(0),
    )


def _fit(W_hh, W_uh, W_r, u, targets, b, noise) -> None:
    axes = {
        "W_hh": (W_hh, 2),
        "W_uh": (W_uh, 2),
        "W_r": (W_r, 2),
        "u": (u, 3),
        "targets": (targets, 3),
    }
    for name, (x, number) in axes.items():
        if x.ndim != number or 0 in x.shape:
            raise ValueError(f"{name} must have {number} axes, none empty, not {tuple(x.shape)}")
    H, (p, _), (s, B, m), n = len(W_hh), W_r.shape, u.shape, len(targets)
    wanted = {"W_hh": (W_hh, (H, H)), "W_uh": (W_uh, (H, m)), "W_r": (W_r, (p, H))}
    wanted |= {"targets": (targets, (n, B, p)), "b": (b, (H,)), "noise": (noise, (s + n, B, H))}
    for name, (x, shape) in wanted.items():
        if x is not None and tuple(x.shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, not {tuple(x.shape)}")


checks.guard(globals())
