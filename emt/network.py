"""Networks of the Elman family: values that run themselves (section 5.1, Eq. (6)).

Whatever can `start`, `step` and `read` is a `Recurrent`, and can be run, scored and edited; a
`Network` also has the weights that memories are computed from.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.special import expit, logit

from emt import checks
from emt.tasks import Task, continuation, random_bits, with_silence

EVALUATION_SEED = 20_230_701
LEAK = 0.1


class Activation(NamedTuple):
    """An elementwise activation function, with what linearising and conjugacy need of it.

    Attributes
    ----------
    function
        sigma.
    derivative
        Of sigma.
    inverse
        Of sigma on its image, or ``None`` where there is none.
    """

    function: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray] | None = None


def _same(x: np.ndarray) -> np.ndarray:
    return x


def _tanh_slope(x: np.ndarray) -> np.ndarray:
    return np.cosh(np.clip(x, -700, 700)) ** -2


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0.0)


def _relu_slope(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, 1.0, 0.0)


ACTIVATIONS = {
    "identity": Activation(_same, np.ones_like, _same),
    "tanh": Activation(np.tanh, _tanh_slope, np.arctanh),
    "ReLU": Activation(_relu, _relu_slope),
    "leaky ReLU": Activation(
        lambda x: np.maximum(x, LEAK * x),
        lambda x: np.where(x > 0, 1.0, LEAK),
        lambda y: np.minimum(y, y / LEAK),
    ),
    "sigmoid": Activation(expit, lambda x: expit(x) * expit(-x), logit),
    "softplus": Activation(
        lambda x: np.logaddexp(0.0, x), expit, lambda y: y + np.log(-np.expm1(-y))
    ),
}
"""Activations by name. Another one is one more line here, or any `Activation` of one's own."""
IDENTITY, TANH, RELU = (ACTIVATIONS[name] for name in ("identity", "tanh", "ReLU"))


@runtime_checkable
class Recurrent(Protocol):
    """What can be run: a `Network`, or any cell with these verbs, gated ones too.

    ``start(*batch)`` returns h(0); ``step(h, u)`` the state after h under the input u, which is
    zero when left out; ``read(h)`` what is said in state h. All along the last axis.
    """

    hidden: int
    inputs: int
    outputs: int

    def start(self, *batch: int) -> np.ndarray:
        """Return h(0), of shape (``*batch``, hidden)."""

    def step(self, h: np.ndarray, u: np.ndarray | None = None) -> np.ndarray:
        """Return the next state."""

    def read(self, h: np.ndarray) -> np.ndarray:
        """Return the outputs in these states."""


@dataclass(frozen=True, eq=False)
class Network:
    """The network ``h(t) = (1 - a) h(t-1) + a sigma(x)``, ``y(t) = W_r h(t) + c``.

    With ``x = W_hh h(t-1) + W_uh u(t) + b``. Time runs t = 1, 2, ... The defaults are Eq. (6):
    tanh, a = 1, and no b, c, h(0).

    Attributes
    ----------
    W_hh
        Recurrent weights.
    W_uh
        Input (write) weights.
    W_r
        Readout (read) weights.
    b
        Bias of the hidden units, or ``None``.
    c
        Bias of the readout, or ``None``.
    h0
        h(0), or ``None`` for zero.
    leak
        a, one for all units or one each; in (0, 1].
    activation
        sigma: `TANH`, `IDENTITY`, another of `ACTIVATIONS`, or one's own.
    rates
        Whether sigma stands inside: ``h(t) = (1 - a) h(t-1) + a (W_hh sigma(h(t-1)) + W_uh u(t)
        + b)``, ``y(t) = W_r sigma(h(t)) + c``.
    """

    W_hh: Float[np.ndarray, "H H"]
    W_uh: Float[np.ndarray, "H m"]
    W_r: Float[np.ndarray, "p H"]
    b: Float[np.ndarray, " H"] | None = None
    c: Float[np.ndarray, " p"] | None = None
    h0: Float[np.ndarray, " H"] | None = None
    leak: Float[np.ndarray, "*units"] | float = 1.0
    activation: Activation = TANH
    rates: bool = False

    def __post_init__(self):
        """Check the record once, here, and hold it in float64."""
        W_hh = checks.square("W_hh", self.W_hh)
        H = len(W_hh)
        shapes = {"W_uh": (H, None), "W_r": (None, H), "b": (H,), "c": (None,), "h0": (H,)}
        held = {"W_hh": W_hh}
        for name, shape in shapes.items():
            value = getattr(self, name)
            held[name] = None if value is None else checks.array(name, value, *shape)
        for name, axis in {"W_uh": 1, "W_r": 0}.items():
            if held[name] is None or not held[name].shape[axis]:
                part = ("row", "column")[axis]
                raise ValueError(f"{name} must have at least one {part}, not {held[name]!r}")
        if held["c"] is not None:
            checks.array("c", held["c"], len(held["W_r"]))
        leak = checks.array("leak", self.leak, *np.shape(self.leak)[:1] and (H,))
        if not ((leak > 0) & (leak <= 1)).all():
            raise ValueError(f"leak must lie above 0 and not above 1, not {self.leak}")
        held["leak"] = leak if leak.ndim else float(leak)
        for name, value in held.items():
            object.__setattr__(self, name, value)

    @property
    def hidden(self) -> int:
        """Number of hidden units, H."""
        return len(self.W_hh)

    @property
    def inputs(self) -> int:
        """Number of input components, m."""
        return self.W_uh.shape[1]

    @property
    def outputs(self) -> int:
        """Number of output components, p."""
        return len(self.W_r)

    @property
    def kappa(self) -> int:
        """Number of input components, and of outputs, which must be as many."""
        if self.inputs != self.outputs:
            raise ValueError(
                f"network must have as many outputs as inputs, not {self.outputs} and {self.inputs}"
            )
        return self.inputs

    def channels(self, inputs: Sequence[int], outputs: Sequence[int] | None = None) -> "Network":
        """Return the network with some input and output channels only, counted from 0.

        Those left out, delimiters and cues, are zero from then on.
        """
        read = range(self.outputs) if outputs is None else outputs
        inputs, read = np.atleast_1d(inputs), np.atleast_1d(read)
        for name, chosen, most in (
            ("inputs", inputs, self.inputs),
            ("outputs", read, self.outputs),
        ):
            size = checks.integer(f"the number of {name}", len(chosen))
            checks.whole_numbers(name, list(chosen), size, range(most))
        read, c = list(read), self.c
        columns = self.W_uh[:, list(inputs)]
        return replace(self, W_uh=columns, W_r=self.W_r[read], c=None if c is None else c[read])

    def start(self, *batch: int) -> Float[np.ndarray, "*batch H"]:
        """Return h(0)."""
        h = np.zeros((*batch, self.hidden))
        return h if self.h0 is None else h + self.h0

    def argument(
        self, h: Float[np.ndarray, "*batch H"], u: Float[np.ndarray, "*batch m"] | None = None
    ) -> Float[np.ndarray, "*batch H"]:
        """Return ``x = W_hh h + W_uh u + b``; with `rates`, W_hh meets ``sigma(h)``."""
        x = (self.activation.function(h) if self.rates else h) @ self.W_hh.T
        x = x if u is None else x + u @ self.W_uh.T
        return x if self.b is None else x + self.b

    def step(
        self, h: Float[np.ndarray, "*batch H"], u: Float[np.ndarray, "*batch m"] | None = None
    ) -> Float[np.ndarray, "*batch H"]:
        """Return the state after h under the input u, by default none; Eq. (6)."""
        new = self.argument(h, u)
        new = new if self.rates else self.activation.function(new)
        whole = isinstance(self.leak, float) and self.leak == 1.0
        return new if whole else (1 - self.leak) * h + self.leak * new

    def read(self, h: Float[np.ndarray, "*batch H"]) -> Float[np.ndarray, "*batch p"]:
        """Return what is said in state h; Eq. (6)."""
        y = (self.activation.function(h) if self.rates else h) @ self.W_r.T
        return y if self.c is None else y + self.c


def states(
    network: Recurrent, u: Float[np.ndarray, "*batch T m"]
) -> Iterator[Float[np.ndarray, "*batch H"]]:
    """Yield h(1), h(2), ..., one step at a time.

    Parameters
    ----------
    network
        A `Network` or another cell.
    u
        Inputs u(1) ... u(T).
    """
    u = checks.array("u", u, ..., None, network.inputs)
    h = network.start(*u.shape[:-2])
    for t in range(u.shape[-2]):
        h = network.step(h, u[..., t, :])
        yield h


def run(
    network: Recurrent, u: Float[np.ndarray, "*batch T m"]
) -> tuple[Float[np.ndarray, "*batch T H"], Float[np.ndarray, "*batch T p"]]:
    """Return all states h(1) ... h(T) and outputs y(1) ... y(T) of Eq. (6).

    Parameters
    ----------
    network, u
        As for `states`.
    """
    u = checks.array("u", u, ..., None, network.inputs)
    checks.integer("the number of steps of u", u.shape[-2])
    h = np.stack(list(states(network, u)), axis=-2)
    return h, network.read(h)


def last_state(
    network: Recurrent, u: Float[np.ndarray, "*batch T m"]
) -> Float[np.ndarray, "*batch H"]:
    """Return h(T) and hold no other state.

    Parameters
    ----------
    network, u
        As for `states`.
    """
    u = checks.array("u", u, ..., None, network.inputs)
    checks.integer("the number of steps of u", u.shape[-2])
    return deque(states(network, u), maxlen=1).pop()


def silent_states(
    network: Recurrent, h: Float[np.ndarray, "*batch H"]
) -> Iterator[Float[np.ndarray, "*batch H"]]:
    """Yield the states that follow `h` while the input is zero, without end.

    Parameters
    ----------
    network
        A `Network` or another cell.
    h
        States to go on from.
    """
    h = checks.array("h", h, ..., network.hidden)
    while True:
        h = network.step(h)
        yield h


def continued(
    network: Recurrent, h: Float[np.ndarray, "*batch H"], steps: int
) -> tuple[Float[np.ndarray, "*batch T H"], Float[np.ndarray, "*batch T p"]]:
    """Return the next states and outputs after `h`, the input being zero.

    Parameters
    ----------
    network, h
        As for `silent_states`.
    steps
        How many; at least 1.
    """
    checks.fits("steps", checks.integer("steps", steps), *np.shape(h))
    later = np.stack(list(itertools.islice(silent_states(network, h), steps)), axis=-2)
    return later, network.read(later)


class Onset(NamedTuple):
    """Where the output phase begins.

    Attributes
    ----------
    h
        The state before its first step.
    x
        The s vectors that are held then, oldest first: what is said in its first s steps.
    """

    h: Float[np.ndarray, "sequences H"]
    x: Float[np.ndarray, "sequences s kappa"]


def begun(
    network: Recurrent, task: Task, sequences: int = 64, seed: int = EVALUATION_SEED
) -> Onset:
    """Return states at the end of the inputs: random bits, or the task's own trials.

    Parameters
    ----------
    network, task
        The network, and the rule that it should follow.
    sequences, seed
        Random inputs; trials of one's own are all taken, and none drawn.

    Raises
    ------
    ValueError
        If trials of one's own do not fit the network or the rule, or their inputs or their
        decision are not 0 in the output phase: see `emt.scoring.centred`.
    """
    if task.trials is None:
        same_kappa(network, task)
        u = random_bits(task, sequences, checks.generator(seed))
        return Onset(last_state(network, u), u)
    return _own(network, task)[2]


def _own(network: Recurrent, task: Task) -> tuple[np.ndarray, np.ndarray, Onset]:
    """Run a task's own trials: the states, and where and how the output phase begins."""
    trials = task.trials
    checks.array("inputs", trials.inputs, None, None, network.inputs)
    checks.array("targets", trials.targets, None, None, network.outputs)
    checks.array("targets", trials.targets, None, None, task.kappa)
    mask, steps, s = trials.mask, np.arange(trials.mask.shape[1]), task.s
    starts = mask.argmax(axis=1)
    first = starts[:, None] + np.arange(s)
    if first.max() >= len(steps) or not np.take_along_axis(mask, first, axis=1).all():
        raise ValueError(f"mask must begin with s = {s} scored steps in a row in every trial")
    last = steps[-1] - mask[:, ::-1].argmax(axis=1)
    spoken = (steps >= starts[:, None]) & (steps <= last[:, None])
    if trials.decision or trials.inputs[spoken].any():
        raise ValueError(
            "trials must have inputs and a decision of 0 in the output phase: count them from what "
            "they are there, network, trials = emt.centred(network, trials)"
        )
    x = np.take_along_axis(trials.signs, first[:, :, None], axis=1)
    said = np.concatenate([x, continuation(task, x, len(steps))], axis=1)
    after = np.clip(steps - starts[:, None], 0, None)[:, :, None]
    if (np.sign(np.take_along_axis(said, after, axis=1)) != trials.signs)[mask].any():
        raise ValueError("targets must follow the rule from the first scored step of a trial on")
    h = run(network, trials.inputs)[0]
    before = np.concatenate([network.start(len(h), 1), h], axis=1)
    return h, starts, Onset(before[np.arange(len(h)), starts], x)


def sample_states(
    network: Recurrent, task: Task, steps: int, sequences: int = 64, seed: int = EVALUATION_SEED
) -> Float[np.ndarray, "samples H"]:
    """Return hidden states of runs on random bits, input and output phase, one a row.

    Parameters
    ----------
    network, task
        The network, and the task whose inputs it is given.
    steps
        Length of the output phase; at least 0.
    sequences, seed
        As for `begun`.

    Raises
    ------
    ValueError
        As `begun`.
    """
    if task.trials is not None:
        h, starts, onset = _own(network, task)
        told = h[np.arange(h.shape[1]) < starts[:, None]]
        if not checks.integer("steps", steps, least=0):
            return told
        spoken = continued(network, onset.h, steps)[0]
        return np.concatenate([told, spoken.reshape(-1, network.hidden)])
    same_kappa(network, task)
    u = random_bits(task, sequences, checks.generator(seed))
    return run(network, with_silence(u, steps))[0].reshape(-1, network.hidden)


class _UnderInput(NamedTuple):
    """A cell to whose inputs a constant one is added, and from whose outputs one is taken away."""

    cell: Recurrent
    u: np.ndarray
    y: np.ndarray

    @property
    def hidden(self) -> int:
        return self.cell.hidden

    @property
    def inputs(self) -> int:
        return self.cell.inputs

    @property
    def outputs(self) -> int:
        return self.cell.outputs

    def start(self, *batch: int) -> np.ndarray:
        return self.cell.start(*batch)

    def step(self, h: np.ndarray, u: np.ndarray | None = None) -> np.ndarray:
        both = np.broadcast_to(self.u, (*h.shape[:-1], self.inputs))
        return self.cell.step(h, both if u is None else both + u)

    def read(self, h: np.ndarray) -> np.ndarray:
        return self.cell.read(h) - self.y


def under_input(
    network: Recurrent, u: Float[np.ndarray, " m"], y: Float[np.ndarray, " p"] | None = None
) -> Recurrent:
    """Return the network whose zero input is this constant one: a cue that stays on, say.

    Of a `Network` its bias holds it.

    Parameters
    ----------
    network
        The network.
    u
        The constant input.
    y
        Taken from the outputs, by default nothing.
    """
    u = checks.array("u", u, network.inputs)
    y = np.zeros(network.outputs) if y is None else checks.array("y", y, network.outputs)
    if not isinstance(network, Network):
        return _UnderInput(network, u, y)
    b, c = (0.0 if old is None else old for old in (network.b, network.c))
    b = b + network.W_uh @ u if u.any() else network.b
    return replace(network, b=b, c=c - y if y.any() else network.c)


def same_kappa(network: Recurrent, task: Task) -> None:
    """Check that a network has as many inputs and outputs as a task.

    Parameters
    ----------
    network, task
        The two.

    Raises
    ------
    ValueError
        If they differ.
    """
    if not network.inputs == network.outputs == task.kappa:
        found = sorted({network.inputs, network.outputs})
        raise ValueError(
            f"network must have kappa = {task.kappa} inputs and outputs as the task, "
            f"not {' and '.join(map(str, found))}: name the data channels, network.channels(...), "
            "or of a gated cell those of emt.linear_at(network, h)"
        )


checks.guard(globals())
