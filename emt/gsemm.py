"""The episodic memory model that the paper starts from, and how it becomes an Elman network.

Section 3 and Appendix A. The model is continuous in time (Eq. (1)); letting two of its three time
constants vanish and taking one Euler step with the third gives the map ``V -> W sigma(V)``, which
a change of variable turns into the recurrence of an Elman network, ``h -> sigma(W h)``.
Both have the recurrent weights ``W = Xi Phi Xi^dagger``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.integrate import solve_ivp

from emt import checks
from emt.basis import operator
from emt.network import IDENTITY, Activation


@dataclass(frozen=True, eq=False)
class GSEMM:
    """The General Sequential Episodic Memory Model of Eq. (1).

    Attributes
    ----------
    Xi
        Stored memories, one a column.
    Xi_dagger
        ``emt.basis.dual(Xi)`` for pseudoinverse synapses, ``Xi.T`` for Hebbian ones (the two agree
        if the memories are orthonormal).
    Phi_prime
        Interactions: entry (mu, nu) leads from memory mu to memory nu. Eq. (1) transposes it.
    alpha_s, alpha_c
        Strengths of the synapses within and between memories; `alpha_s` at least 0.
    T_f, T_h, T_d
        Time constants of features, hidden units and delay, in one unit of time; above 0.
    sigma_f, sigma_h
        Activation functions of features and hidden units, applied elementwise.
    """

    Xi: Float[np.ndarray, "N_f N_h"]
    Xi_dagger: Float[np.ndarray, "N_h N_f"]
    Phi_prime: Float[np.ndarray, "N_h N_h"]
    alpha_s: float = 1.0
    alpha_c: float = 1.0
    T_f: float = 1.0
    T_h: float = 0.1
    T_d: float = 0.1
    sigma_f: Callable[[np.ndarray], np.ndarray] = np.tanh
    sigma_h: Callable[[np.ndarray], np.ndarray] = IDENTITY.function

    def __post_init__(self):
        """Check the record once, here, and hold it in float64."""
        Xi = checks.array("Xi", self.Xi, None, None)
        N_f, N_h = (checks.integer(f"the size of Xi, {Xi.shape},", n) for n in Xi.shape)
        object.__setattr__(self, "Xi", Xi)
        object.__setattr__(self, "Xi_dagger", checks.array("Xi_dagger", self.Xi_dagger, N_h, N_f))
        object.__setattr__(self, "Phi_prime", checks.array("Phi_prime", self.Phi_prime, N_h, N_h))
        checks.real("alpha_s", self.alpha_s, least=0.0)
        checks.real("alpha_c", self.alpha_c)
        for name in ("T_f", "T_h", "T_d"):
            checks.real(name, getattr(self, name), least=1e-12)


class State(NamedTuple):
    """The three kinds of unit of Eq. (1), at one time or along a last axis of times.

    Attributes
    ----------
    V_f, V_h, V_d
        Features, hidden units (one a memory), delayed features.
    """

    V_f: Float[np.ndarray, "N_f *times"]
    V_h: Float[np.ndarray, "N_h *times"]
    V_d: Float[np.ndarray, "N_f *times"]


def flow(model: GSEMM, state: State) -> State:
    """Return the time derivatives of Eq. (1).

    Parameters
    ----------
    model
        The model.
    state
        At one time, or along a last axis of times.
    """
    return _flow(model, _state(model, "state", state, [None] * (np.ndim(state.V_f) - 1)))


def _flow(model: GSEMM, state: State) -> State:
    V_f, V_h, V_d = state
    root = np.sqrt(model.alpha_s)
    f = model.sigma_f(V_f)
    drive = root * model.Xi_dagger @ f + model.alpha_c * model.Phi_prime.T @ model.Xi_dagger @ V_d
    return State(
        (root * model.Xi @ model.sigma_h(V_h) - V_f) / model.T_f,
        (drive - V_h) / model.T_h,
        (f - V_d) / model.T_d,
    )


def at_rest(model: GSEMM, V_f: Float[np.ndarray, "N_f *times"]) -> State:
    """Return the state that hidden and delay units settle to while the features stay at `V_f`.

    These are the last two lines of Eq. (16), where T_h = T_d = 0.

    Parameters
    ----------
    model
        The model.
    V_f
        Features.
    """
    V_f = _features(V_f, len(model.Xi))
    V_d = model.sigma_f(V_f)
    synapses = np.sqrt(model.alpha_s) * np.eye(len(model.Xi_dagger))
    synapses = synapses + model.alpha_c * model.Phi_prime.T
    return State(V_f, synapses @ model.Xi_dagger @ V_d, V_d)


def simulate(
    model: GSEMM, start: State, times: Float[np.ndarray, " times"], accuracy: float = 1e-8
) -> State:
    """Integrate Eq. (1) from `start` at ``times[0]``; return the states at all `times`.

    By an implicit method, since the system is stiff where T_h or T_d is small.

    Parameters
    ----------
    model
        The model.
    start
        See `at_rest`.
    times
        Rising, at least two.
    accuracy
        Relative and absolute, of the integration; in [1e-13, 1].

    Raises
    ------
    ValueError
        If `times` do not rise, or the integration fails (then the message is SciPy's).
    """
    N_f, N_h = model.Xi.shape
    solution = _integrate(
        lambda t, y: np.concatenate(_flow(model, State(*np.split(y, [N_f, N_f + N_h])))),
        np.concatenate(_state(model, "start", start, [])),
        times,
        accuracy,
    )
    return State(*np.split(solution, [N_f, N_f + N_h]))


def reduced_flow(
    model: GSEMM, V_f: Float[np.ndarray, "N_f *times"]
) -> Float[np.ndarray, "N_f *times"]:
    """Return dV_f/dt of Eq. (1) in the limit T_h, T_d -> 0, the first line of Eqs. (16) and (17).

    Parameters
    ----------
    model
        The model; its T_h and T_d are not read.
    V_f
        Features.
    """
    return _flow(model, at_rest(model, V_f)).V_f


def simulate_reduced(
    model: GSEMM,
    V_f: Float[np.ndarray, " N_f"],
    times: Float[np.ndarray, " times"],
    accuracy: float = 1e-8,
) -> Float[np.ndarray, "N_f times"]:
    """Integrate the reduced equation, T_h = T_d = 0, from `V_f` at ``times[0]``.

    Parameters
    ----------
    model, times, accuracy
        As for `simulate`.
    V_f
        Features at the start.

    Raises
    ------
    ValueError
        As `simulate`.
    """
    V_f = checks.array("V_f", V_f, len(model.Xi))
    return _integrate(lambda t, V: reduced_flow(model, V), V_f, times, accuracy)


def euler_step(
    model: GSEMM, V_f: Float[np.ndarray, " N_f"], step: float
) -> Float[np.ndarray, " N_f"]:
    """Take one forward Euler step of the reduced equation: Eqs. (16), (17) for a step of 1.

    Parameters
    ----------
    model
        The model.
    V_f
        Features.
    step
        Length of the step, in the unit of T_f; above 0.
    """
    return V_f + checks.real("step", step, least=1e-12) * reduced_flow(model, V_f)


def effective_interactions(model: GSEMM) -> Float[np.ndarray, "N_h N_h"]:
    """Return ``Phi = alpha_s I + sqrt(alpha_s) alpha_c Phi'^T``, of ``W = Xi Phi Xi^dagger``.

    The paper has ``I + Phi'^T`` and calls it ``Phi^T`` (section 3); it takes both alphas as 1 and,
    from Eq. (17) to Eq. (18), sigma_h as the identity.

    Parameters
    ----------
    model
        The model; sigma_h must be the identity for ``W`` to describe it.
    """
    one = np.eye(len(model.Phi_prime))
    return model.alpha_s * one + np.sqrt(model.alpha_s) * model.alpha_c * model.Phi_prime.T


def recurrent_weights(model: GSEMM) -> Float[np.ndarray, "N_f N_f"]:
    """Return ``W = Xi Phi Xi^dagger``, the weights of Eqs. (2) and (20).

    Parameters
    ----------
    model
        The model, see `effective_interactions`.
    """
    return operator(effective_interactions(model), model.Xi, model.Xi_dagger)


def memory_step(
    W: Float[np.ndarray, "N N"],
    V: Float[np.ndarray, " N"],
    sigma: Callable[[np.ndarray], np.ndarray] = np.tanh,
    T_f: float = 1.0,
) -> Float[np.ndarray, " N"]:
    """Return V(t+1) of ``T_f (V(t+1) - V(t)) = W sigma(V(t)) - V(t)``; Eqs. (18), (19).

    At T_f = 1 it is the map ``V -> W sigma(V)`` of Eq. (20).

    Parameters
    ----------
    W
        See `recurrent_weights`.
    V
        The features.
    sigma
        sigma_f.
    T_f
        Time constant, in steps; above 0.
    """
    W = checks.square("W", W)
    V = checks.array("V", V, len(W))
    return V + (W @ sigma(V) - V) / checks.real("T_f", T_f, least=1e-12)


def elman_step(
    W: Float[np.ndarray, "N N"],
    h: Float[np.ndarray, " N"],
    sigma: Callable[[np.ndarray], np.ndarray] = np.tanh,
) -> Float[np.ndarray, " N"]:
    """Return ``h(t+1) = sigma(W h(t))``; Eqs. (2), (23), with Eqs. (21), (22) before the sigma.

    Parameters
    ----------
    W
        See `recurrent_weights`.
    h
        Hidden state.
    sigma
        sigma_f.
    """
    W = checks.square("W", W)
    return sigma(W @ checks.array("h", h, len(W)))


def conjugated(
    W: Float[np.ndarray, "N N"], V: Float[np.ndarray, " N"], sigma: Activation
) -> Float[np.ndarray, " N"]:
    """Return ``(sigma^-1 o g o sigma)(V)`` of the Elman step g, composed as written; Eq. (24).

    In exact arithmetic this is `memory_step`. In float64 sigma^-1 loses digits where sigma is
    flat (see `conditioning`), and is infinite where sigma has rounded to its limit.

    Parameters
    ----------
    W
        Recurrent weights.
    V
        Features.
    sigma
        With an inverse.

    Raises
    ------
    ValueError
        If sigma has no inverse.
    """
    inverse, V = _inverse(sigma), checks.array("V", V, len(checks.square("W", W)))
    return inverse(elman_step(W, sigma.function(V), sigma.function))


def conditioning(
    x: Float[np.ndarray, "*points"], sigma: Activation
) -> Float[np.ndarray, "*points"]:
    """Return by how much rounding sigma(x) moves ``sigma^-1(sigma(x))``, in multiples of epsilon.

    ``|sigma(x)| / sigma'(x)``: the change of the inverse for a relative change of its argument.

    Parameters
    ----------
    x
        Arguments of sigma.
    sigma
        With an inverse.

    Raises
    ------
    ValueError
        If sigma has no inverse.
    """
    _inverse(sigma)
    x = checks.array("x", x, ...)
    with np.errstate(divide="ignore"):
        return abs(sigma.function(x)) / sigma.derivative(x)


def overlaps(
    Xi: Float[np.ndarray, "N_f N_h"], V_f: Float[np.ndarray, "N_f *times"]
) -> Float[np.ndarray, "N_h *times"]:
    """Return the cosine of the angle between the features and each stored memory.

    Parameters
    ----------
    Xi
        Stored memories, one a column, none of them zero.
    V_f
        Features, at one time or along a last axis of times; zero features overlap with nothing.

    Raises
    ------
    ValueError
        If a memory is zero.
    """
    Xi = checks.array("Xi", Xi, None, None)
    norms = np.linalg.norm(Xi, axis=0)
    if not norms.all():
        raise ValueError(f"Xi must hold no zero memory, but column {norms.argmin()} is zero")
    V_f = _features(V_f, len(Xi))
    lengths = np.linalg.norm(V_f, axis=0)
    return (Xi / norms).T @ (V_f / np.where(lengths > 0, lengths, 1.0))


def retrieved(
    overlaps: Float[np.ndarray, "N_h times"], least: float = 0.0
) -> tuple[list[int], list[float]]:
    """Return which memories have the largest overlap, in order of time, and how large it gets.

    Parameters
    ----------
    overlaps
        See `emt.gsemm.overlaps`; one column a time.
    least
        A plateau must rise above this to count; in [0, 1].

    Returns
    -------
    order
        Memories, from 0; each as often as it takes the lead anew.
    plateaus
        The largest overlap while it leads.
    """
    overlaps = checks.array("overlaps", overlaps, None, None)
    checks.integer("the number of memories in overlaps", len(overlaps))
    checks.real("least", least, 0.0, 1.0)
    best, height = overlaps.argmax(axis=0), overlaps.max(axis=0, initial=-np.inf)
    runs = np.split(np.arange(len(best)), np.flatnonzero(np.diff(best)) + 1)
    led = [(int(best[r[0]]), float(height[r].max())) for r in runs if len(r)]
    led = [(k, top) for k, top in led if top > least]
    return [k for k, _ in led], [top for _, top in led]


def _features(V_f: np.ndarray, N_f: int) -> np.ndarray:
    times = [None] if np.ndim(V_f) == 2 else []
    return checks.array("V_f", V_f, N_f, *times)


def _state(model: GSEMM, name: str, state: State, times: list[None]) -> State:
    N_f, N_h = model.Xi.shape
    sizes = zip(state._fields, state, (N_f, N_h, N_f), strict=True)
    return State(*(checks.array(f"{name}.{k}", values, n, *times) for k, values, n in sizes))


def _inverse(sigma: Activation) -> Callable[[np.ndarray], np.ndarray]:
    if sigma.inverse is None:
        raise ValueError("sigma must have an inverse: without one it is no change of variable")
    return sigma.inverse


def _integrate(derivative, y0: np.ndarray, times: np.ndarray, accuracy: float) -> np.ndarray:
    times = checks.array("times", times, None)
    if len(times) < 2 or (np.diff(times) <= 0).any():
        raise ValueError("times must be at least two, each later than the one before")
    checks.real("accuracy", accuracy, 1e-13, 1.0)
    span = times[0], times[-1]
    solution = solve_ivp(
        derivative,
        span,
        y0,
        method="BDF",
        t_eval=times,
        vectorized=True,
        rtol=accuracy,
        atol=accuracy,
    )
    if not solution.success:
        raise ValueError(f"the integration of the model failed: {solution.message}")
    return solution.y


checks.guard(globals())
