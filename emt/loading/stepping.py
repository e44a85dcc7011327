"""A cell that is known by its step only: a function of input and state."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from emt import checks
from emt.gated import Speaks


@dataclass(frozen=True, eq=False)
class Cell(Speaks):
    """A cell ``h(t) = function(u(t), h(t-1))``, ``y(t) = W_r h(t) + c``.

    Whatever takes an `emt.network.Recurrent` takes it: it runs, is scored, edited and, around a
    fixed point, linear; derivatives are differences of fourth order.

    Attributes
    ----------
    function
        Of inputs (n, m) and states (n, H), to states (n, H).
    W_r
        Readout weights.
    inputs
        Number of input components, m.
    c
        Bias of the readout, or ``None``.
    h0
        h(0), or ``None`` for zero.

    Raises
    ------
    ValueError
        If the function returns no states, others at a second call, or mixes the rows.
    """

    function: Callable
    W_r: Float[np.ndarray, "p H"]
    inputs: int
    c: Float[np.ndarray, " p"] | None = None
    h0: Float[np.ndarray, " H"] | None = None

    def __post_init__(self):
        """Check the record, and the function at a few states, once, here."""
        W_r = checks.array("W_r", self.W_r, None, None)
        p, H = (checks.integer("the size of W_r", n) for n in W_r.shape)
        checks.integer("inputs", self.inputs)
        object.__setattr__(self, "W_r", W_r)
        for name, size in (("c", p), ("h0", H)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, checks.array(name, getattr(self, name), size))
        rng = np.random.default_rng(0)
        h, u = 0.1 * rng.normal(size=(3, H)), 0.1 * rng.normal(size=(3, self.inputs))
        once, again = self.step(h, u), self.step(h, u)
        single = np.concatenate([self.step(h[n : n + 1], u[n : n + 1]) for n in range(3)])
        far = 1e-6 * max(1.0, abs(once).max())
        if abs(once - again).max() > far or abs(once - single).max() > far:
            raise ValueError(
                "function must give the same states for the same inputs and states, row by row: "
                "without noise, dropout or batch normalisation, and without a state of its own"
            )

    @property
    def hidden(self) -> int:
        """Number of hidden units, H."""
        return self.W_r.shape[1]

    def step(
        self, h: Float[np.ndarray, "*batch H"], u: Float[np.ndarray, "*batch m"] | None = None
    ) -> Float[np.ndarray, "*batch H"]:
        """Return the state after h under the input u, by default none."""
        batch = h.shape[:-1]
        u = np.zeros((*batch, self.inputs)) if u is None else u
        rows = u.reshape(-1, self.inputs), h.reshape(-1, self.hidden)
        try:
            after = np.asarray(self.function(*rows))
        except Exception as error:
            raise ValueError(
                f"function must take arrays, inputs {rows[0].shape} and states {rows[1].shape}; "
                f"one of tensors comes in by emt.loading.modules.on_arrays ({error})"
            ) from error
        if after.shape != rows[1].shape or after.dtype.kind != "f":
            raise ValueError(
                f"function must return states of shape {rows[1].shape}, not {after.dtype} of "
                f"{after.shape}"
            )
        return after.astype(np.float64).reshape(*batch, self.hidden)


checks.guard(globals())
