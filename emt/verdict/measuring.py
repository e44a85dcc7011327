"""What a verdict on a network rests on: numbers, and the same numbers of what should fail."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import is_dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import linalg
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from emt import checks
from emt.algorithm1 import (
    VariableMemories,
    as_printed,
    corrected,
    forward_blocks,
    read_covectors,
)
from emt.basis import moduli
from emt.beyond.alignment import aligned, interchanged, probe, reread
from emt.beyond.bases import baseline, fitted, in_flight, random_basis, sized
from emt.beyond.faithfulness import Faithfulness, dose_response, scored
from emt.beyond.interventions import columns_of
from emt.beyond.overwriting import answers, overwrite_index
from emt.evidence import agreement, rotated
from emt.impulse import Inference, impulse_response, infer_rule, task_response
from emt.linearization import explained, linear
from emt.loading.operating import operating_point
from emt.network import EVALUATION_SEED, Network, Recurrent, begun, continued
from emt.scoring import Proportion, centred, counted
from emt.spectrum import Spectrum, compare
from emt.tasks import Task, repeat_copy

ANSWERS, SEQUENCES, LATE = 512, 64, 1000
"""Sequences by which right answers are counted, and edits; the step around which surgery is."""
DOSE, WAIT, NOMINAL, WHOLE = 0.3, 10, 8, 0.1
MEASURES = {
    "accuracy": ("right answers in the first two cycles", "1"),
    "accuracy_least": ("lower end of its 95 % interval", ""),
    "accuracy_most": ("upper end of its 95 % interval", ""),
    "component": ("the same, of the best component", "1"),
    "activity": ("mean square of a unit, counted from the operating point", "small"),
    "explained": ("part of the next step that the linear network predicts", "1"),
    "live": ("modes that last, of modulus above 0.99", "n"),
    "last": ("modulus of the n-th mode", "1"),
    "next": ("modulus of the one after it", "less"),
    "angle": ("mean angle to the task's eigenvalues, in degrees", "0"),
    "Phi_cosine": ("cosine of Phi_learned with the task's Phi", "1"),
    "Phi_gain": ("factor that brings Phi nearest to Phi_learned", "1"),
    "read_write": ("relative error of G = Psi*_read Psi_write", "0"),
    "response": ("cosine of the impulse response with the task's", "1"),
    "distance": ("relative distance from the constructed network", "0"),
    "leak": ("part of the states' norm outside the memories", "small"),
    "sizes": ("largest over smallest scale of what the memories hold", "1"),
    "index": ("overwrite index: 0 a write adds, 1 it replaces", "0"),
    "last_round": ("right answers after three rounds, by the last", ""),
    "total": ("the same, by the sum of all rounds", "1"),
    "dose": ("heard ten cycles after 0.3 of two memories was exchanged", "0.4"),
    "fitted": ("efficacy of memories that are fitted to the states", ""),
    "same": ("largest cosine of the directions of two memories", "0"),
    "unequal": ("ratio of the sizes of these two", "1"),
}
"""What is measured of a network, and what the linear theory says of it."""


class Evidence(NamedTuple):
    """What was measured of a network.

    Attributes
    ----------
    network
        That was run: the given one, its cue and decision counted away if it had any.
    task
        The rule that it is held against; ``None`` if none was given and none was found.
    rule
        What the impulse response says, if no task was given.
    at
        The operating point; ``None`` for the origin.
    linear
        The linear network there, of the data channels; ``None`` if there is no such point.
    memories
        Its variable memories, scaled to contents of size 1, or ``None``.
    spectrum
        Its eigenvalues beside the task's, or ``None``.
    components
        Right answers of each component in the first two cycles.
    values
        By the names in `MEASURES`; NaN where a number cannot be had.
    scores
        Edits in the memories, and in what should fail.
    exchanges
        Cause and isolate of one memory taken from another run, by several subspaces.
    missing
        Why what is missing could not be had.
    """

    network: Recurrent
    task: Task | None
    rule: Inference | None
    at: Float[np.ndarray, " H"] | None
    linear: Network | None
    memories: VariableMemories | None
    spectrum: Spectrum | None
    components: Float[np.ndarray, " kappa"] | None
    values: dict[str, float]
    scores: dict[str, Faithfulness]
    exchanges: dict[str, tuple[float, float]]
    missing: dict[str, str]


def measured(
    network: Recurrent,
    task: Task | int | None = None,
    channels: Sequence[int] | None = None,
    seed: int = EVALUATION_SEED,
    alignments: bool = True,
    progress: bool = True,
) -> Evidence:
    """Measure a network: what it holds, how, and what of that would be so of any network.

    Parameters
    ----------
    network, task, channels, seed, alignments, progress
        As for `emt.report`.

    Raises
    ------
    ValueError
        As `emt.report`.
    """
    with threadpool_limits(1):  # the same sums on any number of cores, and no waiting
        return _measured(network, task, _data(network, channels), seed, alignments, progress)


def _measured(network, task, channels, seed, alignments, progress) -> Evidence:
    """Measure a network, on one thread."""
    if isinstance(task, int):
        checks.fits("task", checks.integer("task", task), len(channels), len(channels))
        task = repeat_copy(task, len(channels))
    if task is not None and task.trials is not None:
        network, trials = centred(network, task.trials)
        task = replace(task, trials=trials)
    elif isinstance(network, Network) and channels != list(range(network.inputs)):
        network, channels = network.channels(channels), list(range(len(channels)))
    missing: dict[str, str] = {}
    tried = partial(_tried, missing)
    at, local = tried("linear", _linear, network, task, channels, seed) or (None, None)
    rule = infer_rule(local) if task is None and local is not None else None
    task = _said(rule) if task is None else task
    found = Evidence(network, task, rule, at, local, None, None, None, {}, {}, {}, missing)
    if task is None:
        return found
    begun(network, task, 2, seed)  # trials that do not fit are an error, not a finding
    rest = _mean(network, task, seed) if local is None else at
    parts = {
        "index": lambda: _rounds(network, task, seed),
        "same": lambda: _alike(network, task, seed),
        "fitted": lambda: _fitted(network, task, rest, seed),
    }
    memories = spectrum = None
    if local is not None:
        memories = tried("memories", _memories, network, task, at, local)
        spectrum = tried("spectrum", compare, local, task)
        parts["response"] = lambda: _response(local, task)
    if spectrum is not None:
        parts["modes"] = lambda: _modes(spectrum)
    if memories is not None:
        parts["theory"] = lambda: _theory(network, task, at, local, memories, seed)
        parts["dose"] = lambda: _dose(network, task, memories, seed)
    components, values = _said_right(network, task, seed)
    values |= _visited(network, task, rest, seed)
    for name, part in parts.items():
        values |= tried(name, part) or {}
    values = {name: float(values.get(name, math.nan)) for name in MEASURES}
    rivals = _rivals(network, task, rest, channels, memories, seed)
    scores, exchanges = {}, {}
    for name, make in tqdm(rivals.items(), disable=None if progress else True, desc="editing"):
        result = tried(name, make)
        scores |= {} if result is None else {name: result}
    subspaces = _subspaces(network, task, memories, seed, alignments)
    for name, make in tqdm(subspaces.items(), disable=None if progress else True, desc="aligning"):
        result = tried(name, make)
        exchanges |= {} if result is None else {name: (result.cause, result.isolate)}
    return found._replace(
        memories=memories,
        spectrum=spectrum,
        components=components,
        values=values,
        scores=scores,
        exchanges=exchanges,
    )


def _tried(missing: dict[str, str], name: str, function: Callable, *arguments):
    """Return what a function returns, or ``None`` and note why not."""
    try:
        return function(*arguments)
    except (ValueError, linalg.LinAlgError) as error:
        missing[name] = " ".join(str(error).split())
        return None


def _data(network: Recurrent, channels: Sequence[int] | None) -> list[int]:
    """Return the numbers of the inputs that are data, as many as there are outputs."""
    if channels is None:
        channels = range(network.inputs)
        if network.inputs != network.outputs:
            raise ValueError(
                f"channels must say which {network.outputs} of the {network.inputs} inputs are "
                f"data, one for each output, such as {list(range(network.outputs))}"
            )
    checks.whole_numbers("channels", list(channels), network.outputs, range(network.inputs))
    return list(channels)


def _said(rule: Inference | None) -> Task | None:
    """Return the rule that was inferred, its coefficients whole numbers where they nearly are.

    Where each component of f is another one with a factor, only its sign counts for bits.
    """
    if rule is None or rule.verdict != "rule":
        return None
    task = rule.candidates[0].task
    size = abs(task.F).max(axis=(0, 2))[:, None]
    picked = task.F / np.where(size > 0, size, 1.0)
    picked = np.where(abs(picked) < WHOLE, 0.0, np.sign(picked))
    if (np.count_nonzero(picked, axis=(0, 2)) == 1).all():
        return replace(task, F=picked)
    whole = np.rint(task.F)
    return replace(task, F=whole) if abs(task.F - whole).max() < WHOLE else task


def _linear(network, task, channels, seed) -> tuple[np.ndarray | None, Network]:
    """Return the operating point, ``None`` for the origin, and the linear network there."""
    with suppress(ValueError):
        return None, linear(network).channels(channels)
    nominal = repeat_copy(NOMINAL, len(channels)) if task is None else task
    at = operating_point(network, nominal, seed=seed).h
    return at, linear(network, at).channels(channels)


def _memories(network, task, at, local) -> VariableMemories:
    """Return the memories by the corrected Algorithm 1, of size 1.

    Where it does not see which modes last, they are as many as the task needs. Trials of one's own
    may have a gap before the output phase; then memories are numbered by when they are read.
    """
    alpha = 1.0 if task.trials is None else 0.0
    try:
        found = corrected(local, task, alpha)
    except ValueError:
        lengths = np.append(moduli(local.W_hh), 0.0)
        n = min(task.modes, local.hidden)
        found = corrected(local, task, alpha, float(np.sqrt(lengths[n - 1] * lengths[n])))
    return sized(network, task, replace(found, at=at))


def _mean(network, task, seed) -> np.ndarray:
    """Return the mean of visited states, where there is no point of rest."""
    return in_flight(network, task, SEQUENCES, seed).h.reshape(-1, network.hidden).mean(axis=0)


def _said_right(network, task, seed) -> tuple[np.ndarray, dict]:
    """Return which answers of the first two cycles are right, by component and in all."""
    tally = counted(network, task, last=2 * task.s, sequences=ANSWERS, seed=seed)
    said = Proportion(int(tally.right.sum()), int(tally.bits.sum()))
    components = tally.right.sum(axis=0) / tally.bits.sum(axis=0).clip(1)
    least, most = said.interval
    return components, {
        "accuracy": said.value,
        "accuracy_least": least,
        "accuracy_most": most,
        "component": components.max(),
    }


def _visited(network, task, at, seed) -> dict:
    """Return how far states go from the operating point, and how linear they are there."""
    h, _ = continued(network, begun(network, task, SEQUENCES, seed).h, 2 * task.s)
    visited = h.reshape(-1, network.hidden)
    rest = np.zeros(network.hidden) if at is None else at
    straight = explained(network, visited, rest)
    return {"activity": ((visited - rest) ** 2).mean(), "explained": straight}


def _rounds(network, task, seed) -> dict:
    """Return what becomes of what was stored when more is written."""
    if task.trials is not None:
        raise ValueError("trials of one's own have no second round of inputs")
    said = answers(network, task, rounds=3, steps=2 * task.s, seed=seed)
    rounds = {"last_round": said.last, "total": said.total}
    with suppress(ValueError):
        rounds["index"] = overwrite_index(network, task, seed=seed)
    return rounds


def _alike(network, task, seed) -> dict:
    """Compare the directions in which the states hold the two memories that are most alike."""
    h, held = in_flight(network, task, 256, seed)
    h, s, kappa = h.reshape(-1, network.hidden), task.s, task.kappa
    vectors = linalg.lstsq(held.reshape(len(h), -1), h - h.mean(axis=0))[0].reshape(s, kappa, -1)
    sizes = np.linalg.norm(vectors, axis=-1).clip(1e-300)
    unit = vectors / sizes[..., None]
    cosines = np.triu(abs(np.einsum("icx,jcx->cij", unit, unit)), k=1)
    c, one, other = np.unravel_index(cosines.argmax(), cosines.shape)
    pair = sizes[[one, other], c]
    return {"same": cosines[c, one, other], "unequal": pair.max() / pair.min()} if s > 1 else {}


def _fitted(network, task, at, seed) -> dict:
    """Score memories that are fitted to the states."""
    return {"fitted": scored(network, task, fitted(network, task, at=at), 1, seed=seed).efficacy}


def _response(local, task) -> dict:
    """Compare the impulse response with the task's."""
    if task.trials is not None:
        raise ValueError("trials of one's own may have a gap, by which the answer is late")
    steps = 2 * task.s
    response = impulse_response(local, steps)
    return {"response": agreement(response, task_response(task, steps)).cosine}


def _modes(spectrum: Spectrum) -> dict:
    """Return the moduli around the gap, and how far the angles are from the task's."""
    last, following = spectrum.gap
    angle = spectrum.angle_error.mean()
    return {"live": spectrum.live, "last": last, "next": following, "angle": angle}


def _theory(network, task, at, local, memories, seed) -> dict:
    """Compare the memories, and how they interact, with the theory's."""
    Psi, Psi_dual, held = memories.Psi, memories.Psi_dual, columns_of(memories, task)
    Phi, learned, P = task.Phi[np.ix_(held, held)], Psi_dual @ local.W_hh @ Psi, Psi @ Psi_dual
    newest = memories.labels[:, 0] == task.s
    spoken = (local.W_r @ P)[memories.labels[newest, 1] - 1]
    recurrent = agreement(P @ local.W_hh @ P, Psi @ Phi @ Psi_dual).relative_error
    off = in_flight(network, task, SEQUENCES, seed).h - (0.0 if at is None else at)
    values = {
        "Phi_cosine": agreement(learned, Phi).cosine,
        "Phi_gain": (learned * Phi).sum() / (Phi**2).sum(),
        "distance": max(recurrent, agreement(spoken, Psi_dual[newest]).relative_error),
        "leak": np.linalg.norm(off - off @ P.T) / np.linalg.norm(off),
    }
    if task.trials is None:  # else a gap may part what is written from what is read
        written = P @ forward_blocks(local, task)[:, held]
        scale = np.linalg.norm(Psi, axis=0) / np.linalg.norm(written, axis=0)
        G = read_covectors(local, task)[held] @ written
        values["read_write"] = agreement(G, np.eye(len(held))).relative_error
        values["sizes"] = scale.max() / scale.min()
    return values


def _dose(network, task, memories, seed) -> dict:
    """Exchange a part of two memories and listen later."""
    doses, wait = np.array([DOSE]), WAIT * task.s
    return {"dose": dose_response(network, task, memories, doses, SEQUENCES, seed, wait)[0]}


def _rivals(network, task, at, channels, memories, seed) -> dict[str, Callable]:
    """Return, by name, what scores the memories, other bases, and those of other networks."""
    edited = partial(scored, step=LATE, sequences=SEQUENCES, seed=seed)

    def directions():
        return edited(network, task, baseline(network, task, "random directions", seed, at))

    def made(change):
        other = change(network, seed)
        if isinstance(other, Network) and change is not _rotated:  # which would be its own again
            other = reread(other, task)
        rest, local = _linear(other, task, channels, seed)
        try:
            found = _memories(other, task, rest, local)
        except ValueError:
            found = as_printed(local, task, removal="none")
            found = sized(other, task, replace(found, at=rest))
        return edited(other, task, found)

    own = {} if memories is None else {"memories": partial(edited, network, task, memories)}
    others = {name: partial(made, change) for name, change in OTHERS.items()}
    return own | {"random directions": directions} | others


def _untrained(network, seed: int):
    """Return a network of the same shape with the weights that PyTorch starts from."""
    rng, bound = checks.generator(seed, 6), network.hidden**-0.5
    return _changed(network, lambda x: rng.uniform(-bound, bound, x.shape))


def _shuffled(network, seed: int):
    """Return a network with the entries of each array of weights in random order."""
    rng = checks.generator(seed, 7)
    return _changed(network, lambda x: rng.permuted(x.ravel()).reshape(x.shape))


def _changed(network, change: Callable):
    """Return the network with its weights and biases changed one by one."""
    if not is_dataclass(network) or not hasattr(network, "W_hh"):
        raise ValueError("network must be made of weights for another to be made of them")
    held = {name: getattr(network, name, None) for name in WEIGHTS}
    return replace(network, **{k: change(x) for k, x in held.items() if x is not None})


def _rotated(network, seed: int) -> Network:
    """Return the network with its recurrent weights turned."""
    if not isinstance(network, Network):
        raise ValueError("network must have one recurrent matrix for it to be turned")
    return rotated(network, seed)


OTHERS = {
    "rotated weights": _rotated,
    "shuffled weights": _shuffled,
    "untrained": _untrained,
}
"""Networks that hold nothing of the task: of the same spectrum, sizes of weights, shape."""
WEIGHTS = ("W_hh", "W_uh", "W_r", "b", "c", "b_hh", "b_uh")


def _subspaces(network, task, memories, seed, alignments) -> dict[str, Callable]:
    """Return, by name, what takes the middle memory from another run, subspace by subspace."""
    if task.s == 1:
        return {}
    m, rng = (task.s + 1) // 2, checks.generator(seed, 8)
    d = int(task.persistent.reshape(task.s, -1)[m - 1].sum())
    exchanged = partial(interchanged, network, task, m, seed=seed)

    def probed():
        return exchanged(probe(network, task, m, seed=seed).covectors.T)

    own = {}
    if memories is not None:
        own["memory"] = partial(exchanged, memories.Psi[:, memories.labels[:, 0] == m])
    own["random directions"] = partial(exchanged, random_basis(network.hidden, d, rng)[0])
    own["supervised probe"] = probed
    if alignments and isinstance(network, Network):
        own["learned alignment"] = partial(aligned, network, task, m, d)
        own["alignment, shuffled labels"] = partial(aligned, network, task, m, d, shuffled=True)
    return own


checks.guard(globals())
