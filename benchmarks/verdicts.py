"""How often a verdict is wrong: networks made so that the right one is known."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.stats import ortho_group

import emt
from emt.beyond.alignment import reread
from emt.beyond.faithfulness import Faithfulness
from emt.beyond.overwriting import overwriting_network
from emt.evidence import rotated, shuffled
from emt.linearization import placed
from emt.tasks import Task
from emt.training.recipes import three_stages, to_overwrite
from emt.verdict.criteria import (
    CANNOT_TELL,
    LINEAR,
    NOT_FOUND,
    OVERWRITING,
    PARTLY,
    judged,
)
from emt.verdict.measuring import Evidence, measured


class Made(NamedTuple):
    """A network of which the right verdict is known.

    Attributes
    ----------
    network, task
        The network, and the task that it is asked about.
    """

    network: emt.Network
    task: Task


def _sizes(rng) -> tuple[int, int]:
    return int(rng.integers(3, 11)), int(rng.integers(1, 5))


def _rule(rng, s: int, kappa: int) -> Task:
    """Return repeat copy, a selection by a permutation with signs, or a rotation."""
    kind = rng.random()
    if kind < 0.5:
        return emt.repeat_copy(s, kappa)
    if kind < 0.65 and kappa > 1:
        F = np.zeros((s, kappa, kappa))
        F[0] = ortho_group.rvs(kappa, random_state=rng)
        return Task(s, kappa, F)
    sign = rng.choice([-1, 1], kappa)
    return emt.selection(s, np.full(kappa, s), rng.permutation(kappa) + 1, sign)


def _planted(rng, task: Task, hold=None) -> emt.Network:
    """Return a constructed network with small writes, tanh, and fading modes beside the memories.

    `hold` are the components of each vector that it holds; by default all.
    """
    n = task.n
    H = n + int(rng.integers(5, 40))
    basis = rng.normal(size=(H, H)) / math.sqrt(H)
    basis = linalg.qr(basis)[0] @ (np.eye(H) + 0.3 * basis)
    dual = linalg.inv(basis)
    size = rng.uniform(0.02, 0.1)
    Psi, Psi_dual = size * basis[:, :n], dual[:n] / size
    plain = emt.constructed(task, Psi, Psi_dual, activation=emt.TANH)
    rest = rng.normal(size=(H - n, H - n))
    rest *= rng.uniform(0.3, 0.9) / abs(linalg.eigvals(rest)).max()
    W_hh = plain.W_hh + basis[:, n:] @ rest @ dual[n:]
    mixed = size * basis[:, n:] @ rng.normal(size=(H - n, task.kappa))
    network = replace(plain, W_hh=W_hh, W_uh=plain.W_uh + 0.3 * mixed)
    if hold is None:
        return network
    lost = np.setdiff1d(np.arange(task.kappa), hold)
    W_uh = network.W_uh.copy()
    W_uh[:, lost] = size * rng.normal(size=(H, len(lost))) / math.sqrt(H)
    W_hh = network.W_hh.copy()
    gone = np.isin(np.arange(n) % task.kappa, lost)
    W_hh -= Psi[:, gone] @ Psi_dual[gone] @ network.W_hh
    return replace(network, W_hh=W_hh, W_uh=W_uh)


def planted_linear(seed: int) -> Made:
    """Plant a linear network in random directions."""
    rng = np.random.default_rng([seed, 1])
    task = _rule(rng, *_sizes(rng))
    return Made(_planted(rng, task), task)


def planted_biased(seed: int) -> Made:
    """Plant a network that is linear around a fixed point far from the origin, and starts there."""
    network, task = planted_linear(seed)
    h = np.random.default_rng([seed, 11]).uniform(-0.6, 0.6, network.hidden)
    moved = placed(replace(network, activation=emt.IDENTITY), h)
    return Made(replace(moved, h0=h, c=-network.W_r @ h), task)


def planted_half(seed: int) -> Made:
    """Plant a linear network that holds some components of each vector only."""
    rng = np.random.default_rng([seed, 2])
    s, kappa = int(rng.integers(3, 9)), int(rng.integers(2, 5))
    task = emt.repeat_copy(s, kappa)
    return Made(_planted(rng, task, np.arange(kappa - 1)), task)


def planted_overwriting(seed: int) -> Made:
    """Plant a network that overwrites, one unit a bit, with idle units beside them."""
    rng = np.random.default_rng([seed, 3])
    s, kappa = _sizes(rng)
    task = (emt.repeat_copy(s, kappa), emt.compose_copy(max(kappa, 3)))[seed % 2]
    small = overwriting_network(task, rng.uniform(1.3, 2.5), rng.uniform(3.0, 5.0))
    idle = int(rng.integers(5, 40))
    W_hh = linalg.block_diag(small.W_hh, 0.5 * rng.normal(size=(idle, idle)) / math.sqrt(idle))
    W_uh = np.vstack([small.W_uh, 0.3 * rng.normal(size=(idle, task.kappa))])
    order = rng.permutation(len(W_hh))
    W_r = np.hstack([small.W_r, np.zeros((task.kappa, idle))])
    return Made(emt.Network(W_hh[order][:, order], W_uh[order], W_r[:, order]), task)


def planted_delay_line(seed: int) -> Made:
    """Plant a network that says each input once, s steps later, and then forgets it."""
    rng = np.random.default_rng([seed, 4])
    s, kappa = _sizes(rng)
    n = (s + 1) * kappa
    once = emt.Task(s + 1, kappa, np.zeros((s + 1, kappa, kappa)))
    Psi = 0.1 * rng.normal(size=(n + 9, n)) / math.sqrt(n)
    line = emt.constructed(once, Psi, activation=emt.TANH)
    return Made(replace(line, W_r=linalg.pinv(Psi)[:kappa]), emt.repeat_copy(s, kappa))


def _trained(seed: int, stream: int, write_scale: float, updates=None) -> Made:
    rng = np.random.default_rng([seed, stream])
    s, kappa = int(rng.integers(4, 9)), int(rng.integers(2, 5))
    task = emt.repeat_copy(s, kappa)
    stages = three_stages(s, updates=updates or (350, 200, 300))
    config = emt.TrainingConfig(hidden=8 * s, seed=seed, write_scale=write_scale, stages=stages)
    return Made(emt.train(task, config, progress=False).network, task)


def trained_small(seed: int) -> Made:
    """Train with small writes."""
    return _trained(seed, 5, (0.03, 0.1)[seed % 2])


def trained_loud(seed: int) -> Made:
    """Train with full writes."""
    return _trained(seed, 6, (0.3, 1.0)[seed % 2])


def trained_compose(seed: int) -> Made:
    """Train to overwrite on compose copy."""
    kappa = 4 + seed % 4
    task = emt.compose_copy(kappa)
    config = to_overwrite(kappa, 2 * kappa * kappa + 16, seed, updates=1500)
    return Made(emt.train(task, config, progress=False).network, task)


def trained_rounds(seed: int) -> Made:
    """Train to overwrite by more inputs than count."""
    s, kappa = 4 + seed % 4, 2 + seed % 2
    config = to_overwrite(s, 8 * s, seed, updates=900, most_inputs=3 * s)
    task = emt.repeat_copy(s, kappa)
    return Made(emt.train(task, config, progress=False).network, task)


def untrained(seed: int) -> Made:
    """Start, and do not train."""
    rng = np.random.default_rng([seed, 7])
    s, kappa = _sizes(rng)
    task = emt.repeat_copy(s, kappa)
    start = ("orthogonal", "permutation", "torch")[seed % 3]
    config = emt.TrainingConfig(hidden=s * kappa + 20, seed=seed, initialisation=start)
    return Made(emt.untrained(task, config), task)


def barely_trained(seed: int) -> Made:
    """Train by a few updates."""
    return _trained(seed, 8, 0.03, (10 + 10 * (seed % 4), 0, 0))


def turned(seed: int) -> Made:
    """Turn a planted or trained network."""
    network, task = (planted_linear, trained_small)[seed % 2](seed)
    return Made(rotated(network, seed), task)


def mixed(seed: int) -> Made:
    """Shuffle the weights of a planted or trained network."""
    network, task = (planted_linear, trained_small)[seed % 2](seed)
    return Made(shuffled(network, seed), task)


def reservoir(seed: int) -> Made:
    """Draw Gaussian weights at the edge, and fit the readout."""
    rng = np.random.default_rng([seed, 9])
    s, kappa = _sizes(rng)
    H, task = s * kappa + 40, emt.repeat_copy(s, kappa)
    W = rng.normal(size=(H, H))
    W /= abs(linalg.eigvals(W)).max() / rng.uniform(0.9, 1.1)
    network = emt.Network(W, rng.normal(size=(H, kappa)) / H, np.zeros((kappa, H)))
    return Made(reread(network, task), task)


def wrong_rule(seed: int) -> Made:
    """Ask a network about another number of memories than it has."""
    network, task = (planted_linear, trained_small)[seed % 2](seed)
    return Made(network, emt.repeat_copy((task.s - 1, 2 * task.s)[seed // 2 % 2], task.kappa))


def products(seed: int) -> Made:
    """Plant a network that does the task and keeps products of bits, none of them alone.

    What it holds is ``p_s = v_s``, ``p_k = p_(k+1) v_k``: newest first, one more bit each.
    """
    rng = np.random.default_rng([seed, 10])
    s, kappa = int(rng.integers(3, 7)), int(rng.integers(1, 4))
    n = s * kappa

    def step(u, h):
        p = h.reshape(len(h), s, kappa)
        v = p * np.concatenate([p[:, 1:], np.ones_like(p[:, :1])], axis=1)
        newest = u + (1 - u**2) * v[:, 0]
        v = np.concatenate([v[:, 1:], newest[:, None]], axis=1)
        return np.cumprod(v[:, ::-1], axis=1)[:, ::-1].reshape(len(h), n)

    return Made(emt.Cell(step, np.eye(n)[n - kappa :], inputs=kappa), emt.repeat_copy(s, kappa))


MADE: dict[str, tuple[Callable[[int], Made], tuple[str, ...]]] = {
    "planted, linear": (planted_linear, (LINEAR,)),
    "planted, linear, with a bias": (planted_biased, (LINEAR,)),
    "planted, linear in part": (planted_half, (PARTLY,)),
    "planted, overwriting": (planted_overwriting, (OVERWRITING,)),
    "planted, delay line": (planted_delay_line, (PARTLY, NOT_FOUND)),
    "planted, products of bits": (products, (NOT_FOUND,)),
    "trained, small writes": (trained_small, (LINEAR,)),
    "trained, full writes": (trained_loud, (LINEAR, OVERWRITING)),
    "trained, compose copy": (trained_compose, (OVERWRITING,)),
    "trained, more inputs": (trained_rounds, (OVERWRITING,)),
    "untrained": (untrained, (NOT_FOUND,)),
    "barely trained": (barely_trained, (NOT_FOUND,)),
    "rotated": (turned, (NOT_FOUND,)),
    "shuffled": (mixed, (NOT_FOUND,)),
    "untrained, readout fitted": (reservoir, (NOT_FOUND,)),
    "asked about another rule": (wrong_rule, (NOT_FOUND,)),
}
"""How networks are made, and the verdicts that are right."""
SHOWN = ("accuracy", "explained", "Phi_cosine", "index", "dose", "fitted", "last", "next")


def shown(evidence: Evidence) -> dict[str, float]:
    """Return the numbers that a table shows; infinite where one cannot be had."""
    own = evidence.scores.get("memories", Faithfulness(*6 * (math.nan,)))
    rivals = [score.efficacy for name, score in evidence.scores.items() if name != "memories"]
    values = {name: evidence.values.get(name, math.nan) for name in SHOWN}
    values |= own._asdict() | {"rival": max(rivals, default=math.nan)}
    return {name: math.inf if math.isnan(value) else value for name, value in values.items()}


def outcome(made: str, seed: int) -> dict:
    """Make a network, judge it, and say whether that is right.

    Two of four seeds are judged without being told what they should do. A verdict that is neither
    right nor says less than it might is wrong.
    """
    make, right = MADE[made]
    network, task = make(seed)
    told = seed % 4 < 2 or make is wrong_rule
    evidence = measured(network, task if told else None, alignments=False, progress=False)
    word = judged(evidence).word
    less = word == CANNOT_TELL or (word == PARTLY and NOT_FOUND not in right)
    return {
        "told": told,
        "units": network.hidden,
        "s": task.s,
        "kappa": task.kappa,
        "known": " or ".join(right),
        "verdict": word,
        "outcome": "right" if word in right else "undecided" if less else "wrong",
        **shown(evidence),
    }
