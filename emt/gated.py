"""Gated cells, as values that run themselves: what is `emt.network.Recurrent` works on them.

They have no ``W_hh`` that memories could be read from: read those of the linear network around a
fixed point, `emt.linearization.linear_at`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from emt import checks


class Speaks:
    """What cells share that have ``W_r``, ``c`` and ``h0``: where they start, and what they say."""

    @property
    def outputs(self) -> int:
        """Number of output components, p."""
        return len(self.W_r)

    def start(self, *batch: int) -> Float[np.ndarray, "*batch H"]:
        """Return h(0)."""
        return np.zeros((*batch, self.hidden)) + (0.0 if self.h0 is None else self.h0)

    def read(self, h: Float[np.ndarray, "*batch H"]) -> Float[np.ndarray, "*batch p"]:
        """Return what is said in state h."""
        return h @ self.W_r.T + (0.0 if self.c is None else self.c)


@dataclass(frozen=True, eq=False)
class GRU(Speaks):
    """A gated recurrent unit, gates in PyTorch's order: reset r, update z, new n.

    ``h(t) = (1 - z) n + z h(t-1)``, ``n = tanh(W_n u + b_n + r (U_n h + c_n))``; with `reset_first`
    ``U_n (r h)`` instead of ``r U_n h``. ``y(t) = W_r h(t) + c``.

    Attributes
    ----------
    W_hh, W_uh
        Recurrent and input weights, the three gates one below the other.
    W_r
        Readout weights.
    b_hh, b_uh
        Biases that come with `W_hh` and with `W_uh`, or ``None``.
    c
        Bias of the readout, or ``None``.
    h0
        h(0), or ``None`` for zero.
    reset_first
        Whether r multiplies h before ``U_n`` does: Keras's ``reset_after=False``.
    """

    W_hh: Float[np.ndarray, "G H"]
    W_uh: Float[np.ndarray, "G m"]
    W_r: Float[np.ndarray, "p H"]
    b_hh: Float[np.ndarray, " G"] | None = None
    b_uh: Float[np.ndarray, " G"] | None = None
    c: Float[np.ndarray, " p"] | None = None
    h0: Float[np.ndarray, " H"] | None = None
    reset_first: bool = False

    def __post_init__(self):
        """Check the record once, here, and hold it in float64."""
        _hold(self, gates=3, states=1)

    @property
    def hidden(self) -> int:
        """Number of hidden units, H."""
        return self.W_hh.shape[1]

    @property
    def inputs(self) -> int:
        """Number of input components, m."""
        return self.W_uh.shape[1]

    def step(
        self, h: Float[np.ndarray, "*batch H"], u: Float[np.ndarray, "*batch m"] | None = None
    ) -> Float[np.ndarray, "*batch H"]:
        """Return the state after h under the input u, by default none."""
        written = np.zeros(3 * self.hidden) if u is None else u @ self.W_uh.T
        written = written if self.b_uh is None else written + self.b_uh
        b = np.zeros(3 * self.hidden) if self.b_hh is None else self.b_hh
        (U_r, U_z, U_n), (b_r, b_z, b_n) = (np.split(x, 3) for x in (self.W_hh, b))
        w_r, w_z, w_n = np.split(written, 3, axis=-1)
        r, z = expit(w_r + h @ U_r.T + b_r), expit(w_z + h @ U_z.T + b_z)
        carried = (r * h) @ U_n.T + b_n if self.reset_first else r * (h @ U_n.T + b_n)
        return (1 - z) * np.tanh(w_n + carried) + z * h


@dataclass(frozen=True, eq=False)
class LSTM(Speaks):
    """Long short-term memory, gates in PyTorch's order: input i, forget f, cell g, output o.

    The state is ``[h, c]``, 2H long: ``c(t) = f c(t-1) + i g``, ``h(t) = o tanh(c(t))``,
    ``y(t) = W_r h(t) + c``.

    Attributes
    ----------
    W_hh, W_uh
        Recurrent and input weights, the four gates one below the other.
    W_r
        Readout weights, of h.
    b
        Bias of the gates, or ``None``.
    c
        Bias of the readout, or ``None``.
    h0
        ``[h(0), c(0)]``, or ``None`` for zero.
    """

    W_hh: Float[np.ndarray, "G H"]
    W_uh: Float[np.ndarray, "G m"]
    W_r: Float[np.ndarray, "p H"]
    b: Float[np.ndarray, " G"] | None = None
    c: Float[np.ndarray, " p"] | None = None
    h0: Float[np.ndarray, " S"] | None = None

    def __post_init__(self):
        """Check the record once, here, and hold it in float64."""
        _hold(self, gates=4, states=2)

    @property
    def hidden(self) -> int:
        """Length of the state, 2H: units and their cells."""
        return 2 * self.W_hh.shape[1]

    @property
    def inputs(self) -> int:
        """Number of input components, m."""
        return self.W_uh.shape[1]

    def step(
        self, h: Float[np.ndarray, "*batch S"], u: Float[np.ndarray, "*batch m"] | None = None
    ) -> Float[np.ndarray, "*batch S"]:
        """Return the state after ``[h, c]`` under the input u, by default none."""
        h, c = np.split(h, 2, axis=-1)
        x = h @ self.W_hh.T + (0.0 if self.b is None else self.b)
        i, f, g, o = np.split(x if u is None else x + u @ self.W_uh.T, 4, axis=-1)
        c = expit(f) * c + expit(i) * np.tanh(g)
        return np.concatenate([expit(o) * np.tanh(c), c], axis=-1)

    def read(self, h: Float[np.ndarray, "*batch S"]) -> Float[np.ndarray, "*batch p"]:
        """Return what is said in state ``[h, c]``."""
        return super().read(h[..., : self.W_hh.shape[1]])


def _hold(cell: GRU | LSTM, gates: int, states: int) -> None:
    """Check a cell's arrays against one another and hold them in float64."""
    H = checks.array("W_hh", cell.W_hh, None, None).shape[1]
    checks.integer("the number of columns of W_hh", H)
    shapes = {"W_hh": (gates * H, H), "W_uh": (gates * H, None), "W_r": (None, H)}
    shapes |= {name: (gates * H,) for name in ("b", "b_hh", "b_uh")}
    shapes |= {"c": (None,), "h0": (states * H,)}
    for name, shape in shapes.items():
        value = getattr(cell, name, None)
        if value is not None:
            object.__setattr__(cell, name, checks.array(name, value, *shape))
    for name, axis in {"W_uh": 1, "W_r": 0}.items():
        checks.integer(f"the size of {name}", getattr(cell, name).shape[axis])
    if cell.c is not None:
        checks.array("c", cell.c, len(cell.W_r))


checks.guard(globals())
