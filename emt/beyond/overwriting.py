"""Beyond the paper: the network that overwrites, and a number that tells it from one that adds.

One unit a bit, ``h_k = tanh(g h_(k+1))`` and ``h_s = tanh(g f(h) + c u)``. With g above 1 a bit
keeps its sign and finds its size; with c large enough what is written wins over what f brings.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from emt import checks
from emt.network import EVALUATION_SEED, Network, Recurrent, continued, last_state, same_kappa
from emt.tasks import Task, continuation, driven, random_bits, with_silence

HELD = 0.75
"""A network holds bits if it says more of them than this: chance says half, the worst that the book
trains nine in ten."""


def overwriting_network(task: Task, g: float, c: float) -> Network:
    """Return the network with ``W_hh = g Phi``, ``W_uh = c`` in memory s, ``W_r`` its reader.

    Run with tanh, and with `g` and `c` that are `guaranteed`, it continues the last s inputs of
    -1 and +1 by Eq. (5), however many there were, for ever. Every unit is one component of one
    memory.

    Parameters
    ----------
    task
        The rule f, one bit with a sign for each component or a threshold.
    g
        Gain of the recurrent weights; above 0.
    c
        Size of the write; above 0.
    """
    tiny = float(np.finfo(float).tiny)
    n, kappa = task.s * task.kappa, task.kappa
    newest = np.eye(n)[:, n - kappa :]
    W_hh = checks.real("g", g, least=tiny) * task.Phi
    return Network(W_hh, checks.real("c", c, least=tiny) * newest, newest.T)


class Sizes(NamedTuple):
    """Between which sizes every bit of an overwriting network lies, at every step.

    Attributes
    ----------
    least, most
        Of ``|h|``, from the s-th input on.
    """

    least: float
    most: float


def margin(task: Task) -> tuple[float, float]:
    """Return the least ``|f_c(x)|`` over all bits x, and the most.

    A threshold rule has a sign for every x only if the first is above 0.

    Parameters
    ----------
    task
        The rule f; a component may read at most 16 bits.

    Raises
    ------
    ValueError
        If a component reads more bits, or none.
    """
    values = []
    for row in task.F.transpose(1, 0, 2).reshape(task.kappa, -1):
        read = row[row != 0]
        checks.integer("the number of bits that a component reads", read.size)
        if read.size > 16:
            raise ValueError(f"task must read at most 16 bits a component, not {read.size}")
        values.append(abs(np.array(list(product((-1.0, 1.0), repeat=read.size))) @ read))
    return float(min(v.min() for v in values)), float(max(v.max() for v in values))


def guaranteed(task: Task, g: float, c: float) -> Sizes | None:
    """Return the sizes of bits that `g` and `c` guarantee for ever, or ``None`` if they do not.

    If sizes lie in [a, b], then f of them has the right sign and at least the size
    ``f_min (a + b) / 2 - f_max (b - a) / 2``, with the `margin` of f; a write gives ``tanh`` of
    ``c - g b f_max`` at least and of ``c + g b f_max`` at most; a move brings a bit nearer to the
    size at which it rests. From that size the interval is widened until it is kept. It must stay
    above 0.

    Parameters
    ----------
    task
        The rule f.
    g, c
        As for `overwriting`.

    Raises
    ------
    ValueError
        As `margin`.
    """
    overwriting_network(task, g, c)
    f_min, f_max = margin(task)
    a = b = _resting(g)
    while a > 0:
        slack = f_min * (a + b) / 2 - f_max * (b - a) / 2
        low = min(math.tanh(c - g * f_max * b), math.tanh(g * slack), a)
        high = max(math.tanh(c + g * f_max * b), b)
        if (low, high) == (a, b):
            return Sizes(a, b)
        a, b = low, high
    return None


def least_write(g: float, delay: int) -> float:
    """Return the `c` above which a bit read `delay` steps back is overwritten without error.

    The largest bit is one that was written over one of its own sign: A solves
    ``A = T(tanh(c + g A))``, with ``T`` the delay - 1 moves ``tanh(g .)``. A write over the
    largest bit of the other sign needs ``c > g A``; at equality A is ``T(tanh(2 c))``.

    Parameters
    ----------
    g
        Gain; above 1.
    delay
        At least 1.
    """
    g = checks.real("g", g, least=float(np.nextafter(1.0, 2.0)))
    moves = checks.integer("delay", delay) - 1

    def excess(c: float) -> float:
        A, moved = math.tanh(2 * c), 0.0
        for _ in range(moves):
            moved, A = A, math.tanh(g * A)
            if moved == A:  # and stays
                break
        return c - g * A

    return float(brentq(excess, g * _resting(g) / 2, g))


def _resting(g: float) -> float:
    """Return the size a with ``a = tanh(g a)`` that a bit comes to; 0 unless g is above 1."""
    if g <= 1:
        return 0.0
    return float(brentq(lambda a: a - math.tanh(g * a), math.sqrt((g - 1) / g**3) / 2, 1.0))


def overwrite_index(
    network: Recurrent,
    task: Task,
    sequences: int = 256,
    wait: int | None = None,
    seed: int = EVALUATION_SEED,
) -> float:
    """Return 0 if a write adds to what is stored, 1 if what was stored leaves no trace.

    Two runs have inputs that differ in one bit, which f reads at step s+1. With no further input
    their states then differ by D. If at step s+1 the same random bits are written to both, they
    differ by D' instead: by D still where writing adds, by nothing where it overwrites. The index
    is ``1 - <D', D> / <D, D>`` over all runs, taken `wait` steps after the write.

    It says what becomes of the old bit, in the state. It does not say that the new bit is kept, nor
    the others, nor which part of the state is read: see `change_by_stored` and `answers`. Learned
    networks need some steps for it. Where writes are so large that units saturate, whatever the
    network, nothing of the old bit is left either: so it is asked only of one that holds bits, by
    what it says of its inputs in the first cycle.

    Parameters
    ----------
    network, task
        The network, and its task: a selection by a permutation, so that every bit is read once.
    sequences
        Runs.
    wait
        Steps; by default s, one cycle.
    seed
        Of the inputs.

    Raises
    ------
    ValueError
        If `task` reads a bit twice or not at all, or the network does not hold it, or not so long.
    """
    same_kappa(network, task)
    wait = task.s if wait is None else checks.integer("wait", wait, least=0)
    checks.fits("wait", wait, sequences, network.hidden)
    rng = checks.generator(seed)
    u = random_bits(task, sequences, rng)
    flipped = _flipped(task, u, rng)
    said = max(answers(network, task, rounds=1, steps=task.s))
    if said < HELD:
        raise ValueError(
            f"network must hold what is to be written over, but only {said:.2f} of its outputs in "
            "the first cycle say its inputs, or their total"
        )
    bits = rng.choice([-1.0, 1.0], size=(sequences, 1, task.kappa))

    def difference(written):
        inputs = (with_silence(np.concatenate([x, written], axis=1), wait) for x in (u, flipped))
        one, other = (last_state(network, x) for x in inputs)
        return one - other

    D, D_written = difference(0 * bits), difference(bits)
    size = (D * D).sum()
    if not size:
        raise ValueError("network must give states that depend on the inputs after wait steps")
    return float(1 - (D_written * D).sum() / size)


class Change(NamedTuple):
    """What a write does to what a memory holds, over many bits, in units of the written bit.

    Attributes
    ----------
    stored
        Without the write: from the most of the other sign to the most of the same sign.
    change
        With the write, less `stored`. A network that adds has the same change everywhere, one
        that overwrites ``1 - stored``.
    """

    stored: Float[np.ndarray, " n"]
    change: Float[np.ndarray, " n"]


def change_by_stored(
    network: Recurrent,
    task: Task,
    sizes: Float[np.ndarray, " sizes"],
    sequences: int = 256,
    seed: int = EVALUATION_SEED,
) -> Change:
    """Measure the change that a write makes, as a function of what was stored.

    After s inputs, random bits are written at step s+1, or nothing. A content is what is heard of
    it when f next brings it to the output.

    Parameters
    ----------
    network, task
        The network, and its task: a selection by a permutation, so that every bit is read once.
    sizes
        Of the s inputs; the bits written over them have size 1.
    sequences, seed
        Of the inputs.

    Returns
    -------
    change
        Two means a size: over the bits that have the sign of what is stored, over the others.

    Raises
    ------
    ValueError
        If `task` reads a bit twice or not at all, or there are too few sequences to have bits of
        both kinds.
    """
    same_kappa(network, task)
    sizes = checks.array("sizes", sizes, None)
    checks.integer("the number of sizes", sizes.size)
    rng = checks.generator(seed)
    u = random_bits(task, sequences, rng)
    bits = rng.choice([-1.0, 1.0], size=(sequences, 1, task.kappa))
    memory, reader, component = _places(task)
    written = bits[:, 0, component]
    same = written * continuation(task, u, 1)[:, 0, component] > 0
    if same.all() or not same.any():
        raise ValueError(
            f"sequences must be more than {sequences}: they must hold bits of both kinds"
        )
    unit = written * task.F[memory, reader, component]

    def heard(size: float, x: np.ndarray) -> np.ndarray:
        h = last_state(network, np.concatenate([size * u, x], axis=1))
        y = continued(network, h, task.s)[1]
        return unit * y[:, task.s - memory - 1, reader]

    points = []
    for size in sizes:
        stored, then = heard(size, 0 * bits), heard(size, bits)
        points += [(stored[kind].mean(), (then - stored)[kind].mean()) for kind in (same, ~same)]
    return Change(*np.array(sorted(points)).T)


def _places(task: Task) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return memory (from 0), reader and component of every bit that f reads; each must be once."""
    read = task.F != 0
    once = (read.sum(axis=(0, 1)) == 1).all() and (read.sum(axis=(0, 2)) == 1).all()
    if not once or (abs(task.F[read]) != 1).any():
        raise ValueError("task must be a selection that reads every component once")
    return tuple(np.argwhere(read).T)


def _flipped(task: Task, u: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the inputs with one of the bits that f reads at step s+1 turned in each sequence."""
    memory, _, component = _places(task)
    which = rng.integers(len(memory), size=len(u))
    turned = u.copy()
    turned[np.arange(len(u)), memory[which], component[which]] *= -1
    return turned


class RuleScores(NamedTuple):
    """Parts of output signs that are right after more than s inputs, by two rules.

    Attributes
    ----------
    last
        Eq. (5) started from the last s inputs: what a network that overwrites says.
    total
        The driven recursion, which adds all inputs: what a linear network says. Bits at which the
        sum is 0 are left out.
    """

    last: float
    total: float


def answers(
    network: Recurrent,
    task: Task,
    rounds: int = 3,
    silence: int = 0,
    scale: float = 1.0,
    steps: int = 200,
    sequences: int = 256,
    seed: int = EVALUATION_SEED,
) -> RuleScores:
    """Write s inputs several times over and ask which rule the outputs follow.

    Parameters
    ----------
    network, task
        The network, and a task whose rule is linear.
    rounds
        How often s fresh inputs are written; at least 1.
    silence
        Output steps between two rounds; at least 0.
    scale
        Size of the inputs; above 0.
    steps
        Output steps scored after the last round; at least 1.
    sequences, seed
        Of the inputs.
    """
    same_kappa(network, task)
    scale = checks.real("scale", scale, least=float(np.finfo(float).tiny))
    silence = checks.integer("silence", silence, least=0)
    rng = checks.generator(seed)
    checks.fits("rounds", checks.integer("rounds", rounds), sequences, task.s, task.kappa)
    rows = [random_bits(task, sequences, rng) for _ in range(rounds)]
    u = np.concatenate([*(with_silence(row, silence) for row in rows[:-1]), rows[-1]], axis=1)
    h = last_state(network, scale * u)
    said = np.sign(continued(network, h, steps)[1])
    total = np.sign(driven(task, with_silence(u, steps))[:, -steps:])
    return RuleScores(
        float((said == np.sign(continuation(task, rows[-1], steps))).mean()),
        float((said == total)[total != 0].mean()) if total.any() else 0.0,
    )


checks.guard(globals())
