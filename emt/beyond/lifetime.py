"""How long a learned memory lasts: a prediction from spectrum and activity, and what is left.

While activity is small a network is the linear theory plus three small faults. Each turns or
scatters the contents a little every step; the theory of each is a line, and none has a parameter
to be fitted. Below, activity is the mean square of a hidden unit in the output phase.
"""

import itertools
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float
from scipy.stats import norm

from emt import checks
from emt.algorithm1 import VariableMemories
from emt.network import (
    EVALUATION_SEED,
    Network,
    Recurrent,
    begun,
    continued,
    last_state,
    silent_states,
)
from emt.scoring import counted
from emt.tasks import Task


class FaultVariances(NamedTuple):
    """Variance of what an output holds besides its own bit, over the square of that bit.

    Attributes
    ----------
    turning
        Modes whose angle is off turn away from each other.
    growing
        Modes of different modulus grow apart.
    spectrum
        Both together.
    mixing
        tanh mixes the contents.
    noise
        What is added to the units.
    """

    turning: Float[np.ndarray, " times"]
    growing: Float[np.ndarray, " times"]
    spectrum: Float[np.ndarray, " times"]
    mixing: Float[np.ndarray, " times"]
    noise: Float[np.ndarray, " times"]

    @property
    def total(self) -> Float[np.ndarray, " times"]:
        """Of independent faults."""
        return self.spectrum + self.mixing + self.noise


def activity(
    network: Recurrent,
    task: Task,
    first: int,
    last: int,
    sequences: int = 256,
    seed: int = EVALUATION_SEED,
) -> float:
    """Return the mean square of a hidden unit over the output steps `first` ... `last`.

    Parameters
    ----------
    network, task
        The network, and the task whose inputs it is given.
    first, last
        Output steps, 1 <= first <= last.
    sequences, seed
        Inputs.
    """
    checks.integer("last", last, least=checks.integer("first", first))
    checks.fits("last", last, sequences, network.hidden)
    h, _ = continued(network, begun(network, task, sequences, seed).h, last)
    return float((h[:, first - 1 :] ** 2).mean())


def faults(
    modes: Complex[np.ndarray, " n"],
    roots: Complex[np.ndarray, " n"],
    times: Float[np.ndarray, " times"],
    s: int,
    hidden: int,
    activity: float,
    noise: float = 0.0,
    stretch: float = 1.0,
) -> FaultVariances:
    """Predict how the faults of a repeat-copy network add up.

    A mode that theory has at ``roots[j]`` is at ``modes[j]``: after t steps it is wrong by the
    factor ``z_j = (modes[j] / roots[j])^t``, its modulus taken relative to the mean one, which
    tanh holds at 1. The bit itself is read with ``m = mean(Re z)``, and what is left of the power
    ``mean(|z|^2) - m^2`` falls on other bits.

    For Gaussian preactivations of variance q, what tanh adds to a line has variance 2 q^3 / 3. A
    part n / H of it falls into the memories. It is the same in every cycle of s steps, and
    independent within a cycle, so after t steps its share is ``(2/3) (n/H) q^2 t^2 / s``. That
    is first order in q t: later tanh has evened the contents out and bends them less.

    Noise of standard deviation eta in every unit at every step adds up to
    ``t (n/H) eta^2 c / q``, with c the `stretch` of the covectors.

    Parameters
    ----------
    modes, roots
        The long-lived eigenvalues and the theory's, in the same order: `emt.spectrum.compare`.
    times
        Steps since the input.
    s, hidden
        Number of memories; hidden units H.
    activity
        q, above 0.
    noise
        eta.
    stretch
        c: 1 for orthogonal memories, see `stretch`.
    """
    times = checks.array("times", times, None)
    if (times < 0).any():
        raise ValueError(f"times must be at least 0, not {times.min()}")
    if not modes.size:
        raise ValueError("modes must be at least one eigenvalue, not none")
    checks.integer("hidden", hidden, least=max(roots.size, checks.integer("s", s)))
    q = checks.real("activity", activity, least=float(np.finfo(float).tiny))
    eta = checks.real("noise", noise, least=0.0)
    for name, values in {"modes": modes, "roots": roots}.items():
        if values.shape != roots.shape or not np.isfinite(values).all() or not abs(values).all():
            raise ValueError(
                f"{name} must be {roots.size} finite eigenvalues other than 0, not {values}"
            )
    share = len(modes) / hidden
    factor = np.log(modes / roots)
    factor -= factor.real.mean()
    return FaultVariances(
        turning=_scattered(1j * factor.imag, times),
        growing=_scattered(factor.real + 0j, times),
        spectrum=_scattered(factor, times),
        mixing=2 / 3 * share * q**2 * times**2 / s,
        noise=checks.real("stretch", stretch, least=0.0) * share * eta**2 / q * times,
    )


def accuracy_of(variance: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
    """Return the part of signs that are right if what disturbs a bit of size 1 is Gaussian.

    Parameters
    ----------
    variance
        Of the disturbance; at least 0.
    """
    if not (variance >= 0).all():
        raise ValueError(f"variance must be at least 0, not {variance}")
    with np.errstate(divide="ignore"):
        return norm.cdf(1 / np.sqrt(variance))


def last_step(
    steps: Float[np.ndarray, " steps"], accuracy: Float[np.ndarray, " steps"], bar: float = 0.9
) -> float:
    """Return the step at which accuracy first falls below `bar`, between the steps given.

    Parameters
    ----------
    steps
        Ascending, above 0.
    accuracy
        At these steps.
    bar
        In (0, 1).

    Returns
    -------
    step
        Interpolated on a logarithmic scale of steps; the last one if accuracy never falls so low,
        0 if it is so low from the first one on.
    """
    steps = _ascending(steps)
    accuracy = checks.array("accuracy", accuracy, len(steps))
    if not 0 < checks.real("bar", bar) < 1:
        raise ValueError(f"bar must lie between 0 and 1, not {bar}")
    below = np.flatnonzero(accuracy < bar)
    if not len(below):
        return float(steps[-1])
    n = below[0]
    if not n:
        return 0.0
    part = (accuracy[n - 1] - bar) / (accuracy[n - 1] - accuracy[n])
    return float(steps[n - 1] * (steps[n] / steps[n - 1]) ** part)


def accuracy_curve(
    network: Network,
    task: Task,
    steps: Float[np.ndarray, " steps"],
    noise: float = 0.0,
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
) -> Float[np.ndarray, " steps"]:
    """Return the accuracy over the 2s output steps from each of `steps` on.

    Parameters
    ----------
    network, task
        The network, and the rule that it should follow.
    steps
        First output steps, ascending whole numbers.
    noise
        Standard deviation of what is added to every unit at every step.
    sequences, seed
        Of the inputs, and of the noise.
    """
    steps, window = _ascending(steps), 2 * task.s
    if (steps % 1).any():
        raise ValueError(f"steps must be whole numbers, not {steps}")
    network = noisy(network, noise, checks.generator(seed, 1)) if noise else network
    last = int(steps[-1]) + window - 1
    found = counted(network, task, 1, last, sequences, seed)
    right, bits = (np.add.accumulate(np.append(0, x.sum(axis=1))) for x in found)
    begin, end = steps.astype(int) - 1, steps.astype(int) - 1 + window
    if not (bits[end] > bits[begin]).all():
        raise ValueError("task must have targets with a sign at all of steps")
    return (right[end] - right[begin]) / (bits[end] - bits[begin])


def noisy(network: Network, noise: float, rng: np.random.Generator) -> Network:
    """Return the network with Gaussian noise added to every unit each time it is used.

    Parameters
    ----------
    network
        The network.
    noise
        Standard deviation; at least 0.
    rng
        Source of randomness.
    """
    noise, sigma = checks.real("noise", noise, least=0.0), network.activation
    shaken = sigma._replace(
        function=lambda x: sigma.function(x) + noise * rng.standard_normal(x.shape)
    )
    return replace(network, activation=shaken)


def stretch(covectors: Float[np.ndarray, "n H"], activity: float) -> float:
    """Return how much more noise covectors pick up than those of orthogonal memories would.

    The mean of their squared norms, over ``n / (H q)``, which it is for orthogonal memories of
    equal length that hold all the activity.

    Parameters
    ----------
    covectors
        Rows that read contents of size 1, such as `VariableMemories.Psi_dual`.
    activity
        q; above 0.
    """
    covectors = checks.array("covectors", covectors, None, None)
    checks.real("activity", activity, least=float(np.finfo(float).tiny))
    n, H = covectors.shape
    checks.integer("the number of covectors", n)
    return float((covectors**2).sum(axis=1).mean() * activity * H / n)


def longest_lifetime(
    noise: float, s: int, share: float, bar: float = 0.9, stretch: float = 1.0
) -> tuple[float, float]:
    """Return the longest time that accuracy can stay above `bar`, and the activity for it.

    At the best activity the total is ``(3/2) share c eta^2 t / q``; so time is inverse to the
    noise, and the activity proportional to it.

    Parameters
    ----------
    noise
        eta; above 0.
    s
        Number of memories.
    share
        Part n / H of all dimensions that the memories take.
    bar
        Above one half.
    stretch
        c.
    """
    checks.real("noise", noise, least=1e-150)  # its square is needed
    checks.real("share", share, least=float(np.finfo(float).tiny), most=1.0)
    picked = checks.real("stretch", stretch, least=float(np.finfo(float).tiny)) * noise**2
    if not 0.5 < checks.real("bar", bar) < 1:
        raise ValueError(f"bar must lie between 0.5 and 1, not {bar}")
    allowed = norm.ppf(bar) ** -2
    # t = (2/3) allowed q / (share c eta^2) in q^3 = (3/4) c s eta^2 / t
    q = (9 / 8 * checks.integer("s", s) * share * picked**2 / allowed) ** 0.25
    return float(2 / 3 * allowed * q / (share * picked)), float(q)


def saturation(
    memories: VariableMemories, preactivation: Float[np.ndarray, "*batch H"]
) -> tuple[float, float]:
    """Predict ``|lambda| - 1`` over activity, for Gaussian states and for those given.

    tanh x = x - x^3 / 3 takes from every content the part ``sum_i Psi*_ji E[c_j x_i^3] / 3``.
    ``|lambda| - 1`` must make up for it. For Gaussian x that is the variance of x_i, weighted with
    the memories' share in unit i. Of real states, whose kurtosis is not 3, it is what is measured
    here.

    Parameters
    ----------
    memories
        Vectors and covectors.
    preactivation
        x of states in the output phase: ``arctanh h``.

    Returns
    -------
    gaussian, found
        Both divided by the activity.

    Raises
    ------
    ValueError
        If all states are 0.
    """
    x = checks.array("preactivation", preactivation, ..., len(memories.Psi))
    if not (x**2).any():
        raise ValueError("preactivation must hold states other than 0")
    x = x.reshape(-1, x.shape[-1])
    q = (np.tanh(x) ** 2).mean()
    overlap = (memories.Psi * memories.Psi_dual.T).sum(axis=1) / memories.Psi.shape[1]
    held, lost = x @ memories.Psi_dual.T, (x - np.tanh(x)) @ memories.Psi_dual.T
    gaussian = (overlap * (x**2).mean(axis=0)).sum()
    return float(gaussian / q), float((held * lost).sum() / (held**2).sum() / q)


def _scattered(factor: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return ``(mean |z|^2 - m^2) / m^2`` with z = exp(factor t), infinite where m <= 0."""
    exponent = times[:, None] * factor
    z = np.exp(exponent - exponent.real.max(axis=1, keepdims=True))  # a common factor cancels
    m = z.real.mean(axis=1)
    rest = (abs(z) ** 2).mean(axis=1) - m**2
    with np.errstate(divide="ignore", invalid="ignore"):  # what is not taken
        return np.where(m > 0, np.maximum(rest, 0.0) / np.maximum(m, 0.0) ** 2, np.inf)


def _ascending(steps: np.ndarray) -> np.ndarray:
    steps = checks.array("steps", steps, None)
    if not len(steps) or steps[0] <= 0 or (np.diff(steps) <= 0).any():
        raise ValueError(f"steps must ascend from above 0, not {steps}")
    return steps


class Retained(NamedTuple):
    """What is left of numbers that were stored.

    Attributes
    ----------
    correlation
        Cosine between what is read and what was stored: 1 if every ratio of contents is kept,
        0 if nothing is.
    gain
        The factor that brings what was stored nearest to what is read.
    signs
        Part of the signs that are right.
    """

    correlation: float
    gain: float
    signs: float


def fidelity(
    stored: Float[np.ndarray, "*batch kappa"], read: Float[np.ndarray, "*batch kappa"]
) -> Retained:
    """Compare what is read with what was stored.

    Numbers with the sign of what was stored and all of one size have the correlation
    ``E|x| / sqrt(E x^2)``, which is sqrt(3)/2 for uniform x.

    Parameters
    ----------
    stored
        Numbers, not all 0.
    read
        As many.

    Raises
    ------
    ValueError
        If everything stored is 0.
    """
    stored = checks.array("stored", stored, ...)
    read = checks.array("read", read, *stored.shape)
    power = (stored**2).sum()
    if not power:
        raise ValueError("stored must hold a number other than 0: there is nothing to compare")
    together, said = (stored * read).sum(), np.sqrt((read**2).sum())
    correlation = together / np.sqrt(power) / said if said else 0.0
    signs = (np.sign(stored) == np.sign(read)).mean()
    return Retained(float(correlation), float(together / power), float(signs))


def recalled(
    network: Recurrent,
    u: Float[np.ndarray, "batch s kappa"],
    cycles: list[int],
) -> list[Float[np.ndarray, "batch s kappa"]]:
    """Return the outputs of some cycles of s steps after the input: of repeat copy, u itself.

    Parameters
    ----------
    network
        The network.
    u
        Inputs u(1) ... u(s).
    cycles
        Which, ascending from 1 or later.
    """
    u = checks.array("u", u, None, None, network.inputs)
    s = checks.integer("the number of steps of u", u.shape[1])
    h = last_state(network, u)
    spoken = silent_states(network, h)
    found, done = [], 0
    checks.fits("cycles", max(cycles, default=1), *h.shape)
    for cycle in cycles:
        skipped = (checks.integer("cycles", cycle, least=done + 1) - 1 - done) * s
        h = list(itertools.islice(spoken, skipped, skipped + s))
        found.append(network.read(np.stack(h, axis=1)))
        done = cycle
    return found


checks.guard(globals())
