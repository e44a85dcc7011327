"""Networks of many seeds and write scales: their memories edited, their lifetimes predicted."""

import math

import numpy as np

import emt
from emt import spectrum
from emt.algorithm1 import READINGS, read_covectors, read_write_product
from emt.basis import LIVE, spectral_projector
from emt.beyond.bases import BASELINES, baseline
from emt.beyond.faithfulness import scored
from emt.beyond.interventions import surgery
from emt.beyond.lifetime import (
    accuracy_curve,
    accuracy_of,
    activity,
    faults,
    last_step,
    saturation,
    stretch,
)
from emt.evidence import agreement, wrap_around
from emt.training.recipes import three_stages

SCALES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01, 0.003)
NOISES = (0.001, 0.003, 0.01)
CURVE = (100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000)
STEPS = np.unique(np.geomspace(1, CURVE[-1], 120).round())  # on which lifetimes are interpolated
NOISY_STEPS = STEPS[STEPS <= 2000]
LATE = 11, 12  # cycles in which activity is measured: the last that training saw
KAPPA, S = 5, 16
BASES = [(name, a) for name in READINGS for a in (1.0, 0.5, 0.0)]
BASES += [(name, 1.0) for name in (*BASELINES, "memories, untrained")]


def edited(basis: str, alpha: float, write_scale: float, seed: int) -> dict:
    """Score one basis of one network by reading, edits and surgery."""
    task, config, weights = _network(write_scale, seed)
    if basis == "memories, untrained":
        weights = emt.untrained(task, config)
        memories = emt.as_printed(weights, S, alpha, removal="none")
    elif basis in BASELINES:
        memories = baseline(weights, task, basis, seed)
    else:
        memories = READINGS[basis](weights, S, alpha)
    Phi = memories.Phi(weights)
    return {
        **scored(weights, task, memories)._asdict(),
        "whole_error": agreement(Phi, task.Phi).relative_error,
        "wrap_error": wrap_around(Phi, task).relative_error,
    }


def small(s: int, write_scale: float, seed: int) -> dict:
    """Measure what is left of the theory's exactness at one activity.

    With 8 s hidden units, as many for each memory as at the paper's size. The memories are the
    s * kappa largest modes, wherever the others are. Where no gap parts the two, or what is written
    is not read, there are no memories, and the errors are infinite.
    """
    task, _, weights = _network(write_scale, seed, s)
    found = spectrum.compare(weights, task)
    try:
        exactness = _exactness(weights, task, sum(found.gap) / 2)
    except ValueError:
        exactness = dict.fromkeys(("wrap", "G", "disagreement", "gaussian", "states"), math.inf)
    return {
        "live": found.live,
        "activity": activity(weights, task, LATE[0] * s + 1, LATE[1] * s),
        "modulus": float(found.radius_error.mean()),
        "gap": found.gap[0] - found.gap[1],
        **exactness,
    }


def _exactness(weights, task, threshold) -> dict:
    write, read = (emt.corrected(weights, task.s, alpha, threshold) for alpha in (1.0, 0.0))
    Phi = write.Phi(weights)
    G = read_write_product(weights, task.s, threshold)
    late = emt.run(weights, emt.with_silence(_bits(task), LATE[1] * task.s))[0][:, -task.s :]
    gaussian, states = saturation(write, np.arctanh(late))
    return {
        "wrap": agreement(Phi, task.Phi).relative_error,
        "G": float(np.trace(G) / len(G) - 1),
        "disagreement": agreement(read.Psi, write.Psi).relative_error,
        "gaussian": gaussian,
        "states": states,
    }


def predicted(write_scale: float, seed: int) -> dict:
    """Predict lifetimes and accuracies from spectrum and activity, before any is measured."""
    task, _, weights = _network(write_scale, seed)
    found = spectrum.compare(weights, task)
    q = activity(weights, task, LATE[0] * S + 1, LATE[1] * S)
    c = stretch(read_covectors(weights, S) @ spectral_projector(weights.W_hh, LIVE), q)
    known = found.matched, found.theory

    def lifetimes(eta: float) -> dict:
        expected = faults(*known, STEPS + S, S, weights.hidden, q, eta, c)
        terms = {**expected._asdict(), "total": expected.total}
        return {name: _life(STEPS, accuracy_of(v)) for name, v in terms.items()}

    quiet = faults(*known, np.array(CURVE, float) + S, S, weights.hidden, q).total
    return {
        "live": found.live,
        "activity": q,
        "stretch": c,
        **{k: v for k, v in lifetimes(0.0).items() if k != "noise"},
        **{f"noise {eta}": lifetimes(eta)["total"] for eta in NOISES},
        **{f"step {m}": float(a) for m, a in zip(CURVE, accuracy_of(quiet), strict=True)},
    }


def measured(write_scale: float, seed: int) -> dict:
    """Measure what `predicted` predicts, and how surgery fares."""
    task, _, weights = _network(write_scale, seed)
    curve = accuracy_curve(weights, task, STEPS)
    heard = {eta: accuracy_curve(weights, task, NOISY_STEPS, eta, sequences=32) for eta in NOISES}
    try:
        operated = surgery(weights, emt.corrected(weights, S), task)
        late = emt.accuracy_around(operated, task, 10_000).value
    except ValueError:  # no memories
        late = math.inf
    return {
        "total": _life(STEPS, curve),
        **{f"noise {eta}": _life(NOISY_STEPS, found) for eta, found in heard.items()},
        **{f"step {m}": float(np.interp(m, STEPS, curve)) for m in CURVE},
        "surgery 10000": late,
    }


def _life(steps: np.ndarray, accuracy: np.ndarray) -> float:
    """Return `last_step`, and the first step where accuracy is too low from there on."""
    return max(last_step(steps, accuracy), float(steps[0]))


def _network(write_scale: float, seed: int, s: int = S):
    task = emt.repeat_copy(s, KAPPA)
    stages = three_stages(s)
    config = emt.TrainingConfig(hidden=8 * s, seed=seed, write_scale=write_scale, stages=stages)
    return task, config, emt.trained(task, config, progress=False).network


def _bits(task):
    return emt.random_bits(task, 256, np.random.default_rng(0))
