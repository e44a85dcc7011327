"""Learned alignments and probes, of networks that learned and of networks that did not."""

import time
from dataclasses import replace

import numpy as np
from scipy import linalg

import emt
from emt.beyond.alignment import aligned, decoded, interchanged, probe, reread
from emt.beyond.bases import in_flight, random_basis
from emt.beyond.faithfulness import scored
from emt.beyond.interventions import replace_rest
from emt.evidence import shuffled
from emt.impulse import impulse_response
from emt.network import continued
from emt.training.recipes import three_stages

S, KAPPA, MEMORY = 16, 5, 5
WHAT = ("trained", "untrained", "shuffled weights", "shuffled labels")


def learned(what: str, dimensions: int, seed: int) -> dict:
    """Align a subspace with one memory, and fit a probe of it.

    A network that has not learned is given the read weights that suit the task best.
    """
    task, config = emt.repeat_copy(S, KAPPA), emt.TrainingConfig(seed=seed, stages=three_stages(S))
    network, other = emt.trained(task, config, progress=False).network, what == WHAT[3]
    if what == "untrained":
        network = reread(emt.untrained(task, config), task)
    if what == "shuffled weights":
        network = reread(shuffled(network, seed), task)
    plain = what in (WHAT[0], WHAT[3])
    memories = emt.corrected(network, S) if plain else emt.as_printed(network, S, removal="none")
    began = time.process_time()
    found = aligned(network, task, MEMORY, dimensions, shuffled=other)
    seconds = time.process_time() - began
    read = probe(network, task, MEMORY, shuffled=other)
    edited = interchanged(network, task, MEMORY, read.covectors.T)
    vectors = linalg.orth(memories.Psi[:, memories.labels[:, 0] == MEMORY])
    return {
        "cause": found.cause,
        "isolate": found.isolate,
        "cosine_least": float(linalg.svdvals(vectors.T @ found.basis).min()),
        "unedited": emt.accuracy(network, task, last=2 * S, sequences=512).value,
        "probe": read.accuracy,
        "probe_cause": edited.cause,
        "probe_isolate": edited.isolate,
        "core_seconds": seconds,
    }


def rest(write_scale: float, seed: int) -> dict:
    """Measure what the part of the state outside the memories is, knows and says.

    Its share of the state's norm; how much of it is a linear function of the bits; its part of the
    impulse response where a bit is written, beside the whole, and a cycle later; how often it alone
    says a bit right, also where nothing but memories was written, so that tanh alone made it, and
    for the first time and later; and the bits that a linear decoder reads from it, with two
    controls: contents of other sequences, and as many random directions of the whole state.
    """
    task = emt.repeat_copy(S, KAPPA)
    config = emt.TrainingConfig(seed=seed, write_scale=write_scale, stages=three_stages(S))
    network = emt.trained(task, config, progress=False).network
    memories = emt.corrected(network, S)
    h, held = (x[S // 2] for x in in_flight(network, task, 2048))
    bits, left = held.reshape(len(h), -1), h - replace_rest(memories, h)
    kept = memories.Psi @ memories.Psi_dual @ network.W_uh
    outside, neat = (replace(network, W_uh=W) for W in (network.W_uh - kept, kept))
    said = emt.continuation(task, held, 2 * S)
    right = np.sign(continued(network, left, 2 * S)[1]) == said
    first = S // 2 - 1  # outputs that say a bit for the first time
    some, _ = random_basis(network.hidden, network.hidden - task.n, np.random.default_rng(seed))
    turned = np.roll(bits, 1, axis=0)
    return {
        "share": float(np.linalg.norm(left) / np.linalg.norm(h)),
        "straight": _explained(bits, left),
        "whole_0": float(np.trace(network.W_r @ network.W_uh) / KAPPA),
        "echo_0": float(np.trace(outside.W_r @ outside.W_uh) / KAPPA),
        "echo_s": float(np.trace(impulse_response(outside, S)[-1]) / KAPPA),
        "necessity": float(right.mean()),
        "necessity_tanh": scored(neat, task, memories, step=1).necessity,
        "right_first": float(right[:, :first].mean()),
        "right_later": float(right[:, first:].mean()),
        "decoded": decoded(left, bits).accuracy,
        "decoded_shuffled": decoded(left, turned).accuracy,
        "decoded_random": decoded(h @ some, bits).accuracy,
    }


def _explained(bits, left):
    """Return the part of the variance that is linear in the bits, on states not fitted to."""
    half = len(bits) // 2
    fit = linalg.lstsq(bits[:half], left[:half])[0]
    off = left[half:] - bits[half:] @ fit
    return float(1 - (off**2).sum() / (left[half:] ** 2).sum())
