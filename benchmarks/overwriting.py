"""Networks that learn to overwrite, of many seeds: adding or overwriting, and their memories."""

import math
from dataclasses import replace

import numpy as np
from all_networks import mixed

import emt
from emt import TrainingConfig
from emt.basis import LIVE
from emt.beyond.bases import fitted, sized
from emt.beyond.faithfulness import dose_response, erased, scored
from emt.beyond.interventions import columns_of
from emt.beyond.overwriting import answers, change_by_stored, overwrite_index
from emt.evidence import agreement
from emt.training.recipes import three_stages, to_overwrite

SCALES = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0)
SIZES = np.array([0.1, 0.25, 0.5, 1.0, 1.5])
S = 8


RULES = {
    "compose copy": emt.compose_copy(S),
    **{f"selection {n}": mixed(n) for n in (1, 2, 3)},
    "repeat copy": emt.repeat_copy(S, S),
    "repeat copy, kappa = 3": emt.repeat_copy(S, 3),
}
TRAININGS = {
    "permutation": to_overwrite(S),
    "orthogonal": replace(to_overwrite(S), initialisation="orthogonal"),
    "permutation, up to 3s inputs": to_overwrite(S, most_inputs=3 * S),
    "small writes": TrainingConfig(stages=three_stages(S)),
    "published": emt.published(),
}


def trainings(rule: str) -> tuple[str, ...]:
    """Return how the book trains for a rule."""
    if not rule.startswith("repeat copy"):
        return "permutation", "orthogonal"
    return "small writes", "permutation", "permutation, up to 3s inputs"


def learned(rule: str, training: str, seed: int) -> dict:
    """Train one network and put every question to it."""
    task = RULES[rule]
    config = replace(TRAININGS[training], seed=seed, hidden=128 if task.kappa == S else 64)
    weights = emt.trained(task, config, progress=False).network
    moduli = np.sort(abs(np.linalg.eigvals(weights.W_hh)))[::-1]
    wanted = int(task.persistent.sum())
    twice = answers(weights, task, rounds=2, silence=3 * S)
    scaled = {a: answers(weights, task, rounds=1, scale=a).last for a in SCALES}
    return {
        "accuracy_200": emt.accuracy(weights, task).value,
        "accuracy_1000": emt.accuracy_around(weights, task, 1000).value,
        "live": int((moduli > LIVE).sum()),
        "wanted": wanted,
        "largest": moduli[0],
        "least": moduli[wanted - 1],
        "index": overwrite_index(weights, task),
        "slope": np.polyfit(*change_by_stored(weights, task, SIZES), 1)[0],
        **answers(weights, task)._asdict(),
        "second last": twice.last,
        "second total": twice.total,
        **{f"inputs {a:g}": value for a, value in scaled.items()},
        **memories(weights, task),
    }


def memories(weights: emt.Network, task: emt.Task) -> dict:
    """Edit the memories found in the weights, the same sized by states, and those fitted to states.

    Where the live modes are not as many as the rule's persistent components, the weights hold no
    memories, and all that is said of them is infinite.
    """
    from_states, late = fitted(weights, task), 10 * task.s
    bases = {"fitted ": from_states}
    try:
        found = emt.corrected(weights, task)
        bases |= {"": found, "sized ": sized(weights, task, found)}
    except ValueError:
        bases |= {"": None, "sized ": None}
    return {
        **{
            prefix + k: v
            for prefix, m in bases.items()
            for k, v in scores(weights, task, m).items()
        },
        "dose 0.3": dose_response(weights, task, from_states, np.array([0.3]), wait=late)[0],
        "erased": erased(weights, task, from_states, wait=late).size,
    }


def scores(weights: emt.Network, task: emt.Task, basis: emt.VariableMemories | None) -> dict:
    """Score a basis, and compare the learned interactions with the theory's."""
    if basis is None:
        names = "decoded", "efficacy", "surgery", "gain", "cosine"
        return dict.fromkeys(names, math.inf)
    score = scored(weights, task, basis)
    columns = columns_of(basis, task)
    theory = task.Phi[np.ix_(columns, columns)]
    Phi = basis.Phi(weights)
    gain = (Phi * theory).sum() / (theory**2).sum()
    return {
        "decoded": score.decoded,
        "efficacy": score.efficacy,
        "surgery": score.surgery,
        "gain": gain,
        "cosine": agreement(Phi, theory).cosine,
    }
