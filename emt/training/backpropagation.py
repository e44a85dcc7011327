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

from typing import NamedTuple

import numpy as np
import torch

from emt import checks
from emt.training.recipes import LEARNABLE

# A NumPy array, or a tensor on any device: the code below is the same for both.
Array = np.ndarray | torch.Tensor


class Buffers(NamedTuple):
    """Room for one forward and one backward pass.

    Attributes
    ----------
    h
        States h(0) ... h(T) of all sequences, shape (T+1, B, H).
    delta
        Derivatives by the arguments of tanh at t = 1 ... T, shape (T, B, H).
    step
        What one step needs, shape (B, H).
    W_hh_T
        `W_hh` transposed, for products of contiguous arrays, shape (H, H).
    """

    h: Array
    delta: Array
    step: Array
    W_hh_T: Array


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
    y: Array
    W_hh: Array
    W_uh: Array
    W_r: Array
    b: Array | None = None


def allocate(
    steps: int,
    batch: int,
    hidden: int,
    device: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Buffers:
    """Make room for passes over at most `steps` time steps.

    Parameters
    ----------
    steps, batch, hidden
        T, B and H.
    device
        ``None`` for NumPy arrays, otherwise torch's name of the device.
    dtype
        Of all arrays.
    """
    for name, size in {"steps": steps, "batch": batch, "hidden": hidden}.items():
        checks.integer(name, size)
    checks.fits("steps, batch and hidden", steps, batch, hidden)
    shapes = (steps + 1, batch, hidden), (steps, batch, hidden), (batch, hidden), (hidden, hidden)
    tensors = (torch.empty(shape, dtype=dtype, device=device) for shape in shapes)
    return Buffers(*(t.numpy() if device is None else t for t in tensors))


def backpropagate(
    W_hh: Array,
    W_uh: Array,
    W_r: Array,
    u: Array,
    targets: Array,
    room: Buffers,
    b: Array | None = None,
    activation: str = "tanh",
    noise: Array | None = None,
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
        If the room is for fewer steps.
    """
    checks.choice("activation", activation, LEARNABLE)
    xp = np if isinstance(W_hh, np.ndarray) else torch
    s, T, H, kappa = len(u), len(u) + len(targets), len(W_hh), len(W_r)
    if T > len(room.delta):
        raise ValueError(f"room must be for at least {T} steps, not {len(room.delta)}")
    h, delta, step, W_hh_T = room.h[: T + 1], room.delta[:T], room.step, room.W_hh_T
    h[0], delta[:s], W_hh_T[:] = 0.0, 0.0, W_hh.T
    written = xp.matmul(u, W_uh.T)
    for t in range(T):
        xp.matmul(h[t], W_hh_T, out=step)
        if t < s:
            step += written[t]
        if b is not None:
            step += b
        if noise is not None:
            step += noise[t]
        if activation == "tanh":
            xp.tanh(step, out=h[t + 1])
        elif activation == "ReLU":
            xp.clip(step, 0, None, out=h[t + 1])
        else:
            h[t + 1] = step

    spoken = h[s + 1 :].reshape(-1, H)
    y = xp.matmul(spoken, W_r.T)
    error = y - targets.reshape(-1, kappa)
    loss = float((error**2).mean())
    error *= 2 / (len(error) * kappa)
    xp.matmul(error, W_r, out=delta[s:].reshape(-1, H))
    for t in reversed(range(T)):
        if t + 1 < T:
            xp.matmul(delta[t + 1], W_hh, out=step)
            delta[t] += step
        if activation == "tanh":
            xp.multiply(h[t + 1], h[t + 1], out=step)
            step *= delta[t]
            delta[t] -= step
        elif activation == "ReLU":
            delta[t] *= h[t + 1] > 0

    return Gradients(
        loss,
        y.reshape(targets.shape),
        xp.matmul(delta.reshape(-1, H).T, h[:-1].reshape(-1, H)),
        xp.matmul(delta[:s].reshape(-1, H).T, u.reshape(-1, kappa)),
        xp.matmul(error.T, spoken),
        None if b is None else delta.reshape(-1, H).sum(0),
    )


checks.guard(globals())
