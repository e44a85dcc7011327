"""What a network answers to an impulse, and the rule and the smallest network that answer so.

The response ``W_r W_hh^m W_uh`` depends on no basis. The response of a network that follows
``x(t) = sum_k F_k x(t-s+k-1)`` follows the same rule, so F is found by linear prediction; nothing
about the task is needed. How many earlier vectors are needed, and which of their components, is
found on the way: s is the largest observability index.
"""

from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view
from scipy import linalg

from emt import checks
from emt.basis import LIVE, complement, invariant_subspaces, moduli, propagate
from emt.linearization import linear
from emt.network import IDENTITY, Network, Recurrent
from emt.tasks import Task, driven

TOLERANCES = (0.05, 0.1, 0.2, 0.4)
LASTING = 0.9
MANY = 0.75
EXACT = 1e-6
MISSED = 0.2
"""A rule that misses more than this part of what is heard at any one step is none: those that
trained networks follow miss up to 0.15, wrong ones 0.28 and more."""


def impulse_response(
    network: Recurrent, steps: int, at: Float[np.ndarray, " H"] | None = None
) -> Float[np.ndarray, "steps p m"]:
    """Return ``W_r W_hh^m W_uh``, m = 1 ... steps: what is read m steps after an impulse.

    It depends on no basis.

    Parameters
    ----------
    network
        The network.
    steps
        At least 1.
    at
        The fixed point around which it is linear: see `emt.linearization.linear`.

    Raises
    ------
    ValueError
        If the network does not rest there.
    """
    network = linear(network, at)
    checks.fits("steps", checks.integer("steps", steps), *network.W_uh.shape)
    blocks = propagate(network.W_hh, network.W_uh, steps + 1, "steps")
    return np.stack([network.W_r @ block for block in blocks[1:]])


def task_response(task: Task, impulses: int) -> Float[np.ndarray, "impulses kappa kappa"]:
    """Return what a network must answer m = 1 ... `impulses` steps after a single input.

    Column c is the answer to an impulse in component c, by the driven recursion.

    Parameters
    ----------
    task
        A linear rule.
    impulses
        At least 1.

    Raises
    ------
    ValueError
        If the task takes signs.
    """
    u = np.zeros((task.kappa, checks.integer("impulses", impulses) + 1, task.kappa))
    u[:, 0] = np.eye(task.kappa)
    return driven(task, u)[:, 1:].transpose(1, 2, 0)


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
        What it misses of the step that it misses most of, s+1 ... steps, as part of the loudest of
        that step and the s before it.
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
    component, until the ones before already predict it. What is left out of a component is so
    small only on the whole: where modes fade or grow, what remains at the end says little of the
    others. So the rule must be followed at every single step too, the first ones included.

    Of a network, `infer_rule` asks with several tolerances and without growth.

    Parameters
    ----------
    response
        ``W_r W_hh^m W_uh``, m = 1 ... steps, as `emt.impulse.impulse_response` returns it; at
        least 3 (s + 1) steps are needed for the largest s that is to be found.
    tolerance
        A component counts as new if at least this part of it (root mean square) is not predicted.

    Raises
    ------
    ValueError
        If the response is zero, or too short for the rule that it follows, or follows what was
        found at most of its steps only.
    """
    response = _checked(response)
    steps, kappa, _ = response.shape
    checks.integer("the number of steps of response", steps, least=3)
    checks.real("tolerance", tolerance, 1e-12, 1.0)
    most = steps // 3
    target, earlier = _earlier(response, range(1, most + 1))
    kept, Q, open_ = [], np.zeros((0, target.shape[1])), np.ones(kappa, bool)
    rounding = 1e-12 * abs(earlier).max()
    for row, values in enumerate(earlier):
        new = values - (values @ Q.T) @ Q
        new -= (new @ Q.T) @ Q
        heard = abs(values).max() > rounding
        # What is predicted now is so from any step on: of older ones nothing can be new.
        open_[row % kappa] &= heard and linalg.norm(new) > tolerance * linalg.norm(values)
        if open_[row % kappa]:
            Q = np.vstack([Q, new / linalg.norm(new)])
            kept.append(row)
    lag, component = np.divmod(np.array(kept, int), kappa) + np.array([[1], [1]])
    ends = delay_line(response)
    if ends is not None:
        raise ValueError(
            f"response must go on to show a rule, but it ends after {ends} steps: a delay line, "
            f"whose memories as_printed(network, {ends}, removal='none') reads"
        )
    if not kept or lag.max() == most:
        raise ValueError(
            f"response must be longer to show its rule: {steps} steps decide rules of up to "
            f"{most - 1} memories, and this one is zero or needs more"
        )
    s = int(lag.max())
    coefficients, _ = _fit(target, earlier[kept])
    F = np.zeros((s, kappa, kappa))
    F[s - lag, :, component - 1] = coefficients
    part = _missed(response, F)
    worst = int(part.argmax())
    if part[worst] > MISSED:
        raise ValueError(
            f"response must follow one rule at every step, but what is found, of s = {s}, misses "
            f"{part[worst]:.2f} of step {s + 1 + worst}: its modes may grow or fade apart, so "
            "take fewer steps or a smaller tolerance"
        )
    indices = np.array([max(lag[component == c], default=0) for c in range(1, kappa + 1)])
    return Rule(F, np.stack([s - lag + 1, component], axis=1), indices, float(part[worst]))


class Inference(NamedTuple):
    """What a network's impulse response says of its rule.

    Attributes
    ----------
    verdict
        ``"rule"``: one that lasts, or is exact; ``"delay line"``: the response ends;
        ``"ambiguous"``: several, or one that does not last; ``"nothing"``: none fits.
    s
        Number of memories, or ``None`` unless it is one rule or a delay line.
    candidates
        The rules that fit, those that leave least unexplained first.
    evidence
        What speaks for it, in words.
    """

    verdict: str
    s: int | None
    candidates: tuple[Rule, ...]
    evidence: str


def infer_rule(
    network: Recurrent, most: int | None = None, at: Float[np.ndarray, " H"] | None = None
) -> Inference:
    """Infer s and the rule of a network from its impulse response, if that says which.

    `estimate_rule` is asked how far back a rule must look if a twentieth, a tenth, a fifth or two
    fifths of a component may be left to chance, of a response without its growth. It is one rule if
    all the answers have one s, nine in ten of its modes last, and no output only follows the
    others. Otherwise it is not decided, nor where a rule that does not only select takes nearly as
    many modes as there are units: any matrix follows such a one, its characteristic polynomial.

    Parameters
    ----------
    network
        With as many inputs as outputs: see `emt.network.Network.channels`.
    most
        Largest s that is considered; by default what the units can hold, and not above 64.
    at
        As for `impulse_response`.

    Raises
    ------
    ValueError
        If the network has not as many outputs as inputs, or does not rest there.
    """
    network = linear(network, at)
    most = max(1, min(network.hidden // network.kappa, 64)) if most is None else most
    checks.fits("most", checks.integer("most", most), 3 * network.hidden, network.kappa)
    steps = 3 * (most + 1)
    growth = max(1.0, moduli(network.W_hh)[0])
    response = impulse_response(replace(network, W_hh=network.W_hh / growth), steps)
    heard = abs(response).max()
    if heard <= 1e-9 * np.linalg.norm(network.W_r) * np.linalg.norm(network.W_uh):
        return Inference("nothing", None, (), "No output hears any input.")
    ends = delay_line(response)
    if ends is not None:
        said = f"The response ends for good after {ends} steps."
        return Inference("delay line", ends, (), said)
    exact = [
        rule
        for rule in _followed(response, (EXACT,))
        if len(rule.reads) < LASTING * network.hidden and rule.error < EXACT
    ]
    rules = tuple(
        rule._replace(F=rule.F * growth ** np.arange(rule.s, 0, -1)[:, None, None])
        for rule in exact or _followed(response, TOLERANCES)
    )
    if not rules:
        return Inference(
            "nothing", None, (), f"No rule of up to {most} memories fits the response."
        )
    said = ", ".join(f"s = {r.s} leaves {r.error:.2%}" for r in rules) + " of a step unexplained"
    if len(rules) > 1:
        return Inference("ambiguous", None, rules, f"{said}.")
    (rule,) = rules
    lasting = int((moduli(rule.task.Phi) > LIVE).sum())
    modes, silent = int(rule.indices.sum()), int((rule.indices == 0).sum())
    said += f"; {lasting} of its {modes} modes last"
    selects = abs(rule.F - np.rint(rule.F)).max() < 0.1
    why = f"{silent} outputs follow the others" if silent else ""
    if not exact and (modes >= MANY * network.hidden or rule.s == most) and not selects:
        why = f"any matrix of {network.hidden} units follows some rule so long"
    elif not exact and lasting < LASTING * modes:
        why = "what fades may be more"
    if why:
        return Inference("ambiguous", None, rules, f"{said}, and {why}.")
    return Inference("rule", rule.s, rules, f"{said}.")


def _followed(response: np.ndarray, tolerances: tuple[float, ...]) -> list[Rule]:
    """Return the rules found at rising tolerances, of each s that of fewest reads, best first."""
    found = {}
    for tolerance in tolerances:
        with suppress(ValueError):
            rule = estimate_rule(response, tolerance)
            found[rule.s] = rule
    return sorted(found.values(), key=lambda rule: rule.error)


def delay_line(response: Float[np.ndarray, "steps kappa kappa"]) -> int | None:
    """Return after how many steps a response ends for good, or ``None`` if it does not.

    A network whose response ends holds what it was given for so long, and says it once.

    Parameters
    ----------
    response
        As for `estimate_rule`. It ends where, in its first half, less than a hundred thousandth
        of what is heard follows ever after.
    """
    size = abs(_checked(response)).max(axis=(1, 2), initial=0.0)
    later = np.maximum.accumulate(size[::-1])[::-1]
    ends = np.flatnonzero(later[1:] < 1e-5 * size[:-1]) + 1  # float32 has seven digits
    return int(ends[0]) + 1 if len(ends) and ends[0] <= len(size) // 2 else None


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
    """
    response = _checked(response)
    half = checks.integer("the number of steps of response", len(response), least=2) // 2
    blocks = response[np.arange(half)[:, None] + np.arange(half)]
    return blocks.transpose(0, 2, 1, 3).reshape(half * response.shape[1], -1)


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


def _missed(response: np.ndarray, F: np.ndarray) -> np.ndarray:
    """Return the part missed by a rule of each step from s+1 on, of the loudest that it reads."""
    s = len(F)
    target, earlier = _earlier(response, range(1, s + 1))
    missed = target - np.concatenate(F[::-1], axis=1) @ earlier
    missed = linalg.norm(missed.reshape(len(target), -1, response.shape[2]), axis=(0, 2))
    loudest = sliding_window_view(linalg.norm(response, axis=(1, 2)), s + 1).max(axis=1)
    return np.divide(missed, loudest, out=np.zeros_like(missed), where=loudest > 0)


def _earlier(response: np.ndarray, lags: range) -> tuple[np.ndarray, np.ndarray]:
    """Return responses as columns, and one row for each lag and component of the earlier ones."""
    steps, kappa, _ = response.shape
    times = np.arange(lags[-1], steps)
    target = response[times].transpose(1, 0, 2).reshape(kappa, -1)
    earlier = np.stack([response[times - lag] for lag in lags])
    return target, earlier.transpose(0, 2, 1, 3).reshape(len(lags) * kappa, -1)


def minimal_realisation(
    network: Recurrent, tolerance: float = 1e-9, at: Float[np.ndarray, " H"] | None = None
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
        If the network does not rest there, or nothing is left because no output ever shows an
        input.
    """
    network = linear(network, at)
    checks.real("tolerance", tolerance, 1e-15, 0.1)
    A, B, C = _without_loud(network.W_hh, network.W_uh, network.W_r)
    R = _krylov(A, _in_units(B.T, B.T).T, tolerance)
    A, B, heard = R.T @ A @ R, R.T @ B, _in_units(C @ R, C)
    if not heard.any():
        raise ValueError("network must let some output show some input: the response is zero")
    O = _krylov(A.T, heard.T, tolerance)  # noqa: E741
    return Network(O.T @ A @ O, O.T @ B, C @ R @ O, activation=IDENTITY)


def _in_units(rows: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Return rows of length 1, or zero where they are but rounding of others: of any units."""
    sizes, whole = (linalg.norm(x, axis=1, keepdims=True) for x in (rows, of))
    return np.divide(rows, sizes, out=np.zeros_like(rows), where=sizes > 1e-12 * whole)


def _without_loud(A, B, C) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drop the loudest modes while no input reaches them or no output shows them.

    Beside modes twice as loud as the next, rounding would soon be all that is seen.
    """
    lengths = moduli(A) if A.size else np.zeros(0)
    cuts = np.flatnonzero(lengths[:-1] > 2 * lengths[1:])
    if not cuts.size or lengths[cuts[0] + 1] == 0:
        return A, B, C
    right, left = invariant_subspaces(A, float(np.sqrt(lengths[cuts[0]] * lengths[cuts[0] + 1])))
    reached, shown = _in_units((left @ B).T, B.T).any(), _in_units(C @ right, C).any()
    if reached and shown:
        return A, B, C
    Q = complement(right.T if reached else left)
    return _without_loud(Q.T @ A @ Q, Q.T @ B, C @ Q)


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
