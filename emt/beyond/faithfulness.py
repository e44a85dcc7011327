"""Does the network use these memories? Edits scored against what the theory says will follow.

Every score is a part of bits, and takes a basis as its argument: the memories, or any of
`emt.beyond.bases`.
"""

from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from emt import checks
from emt.algorithm1 import VariableMemories, contents
from emt.beyond.bases import in_flight
from emt.beyond.interventions import columns_of, erase, interchange, replace_rest, shared, surgery
from emt.linearization import linear
from emt.network import EVALUATION_SEED, Network, Recurrent, begun, continued, silent_states
from emt.scoring import SILENT
from emt.tasks import Task, continuation


class Faithfulness(NamedTuple):
    """Parts of bits that are right; what knows nothing of them gets one half.

    Contents and outputs that should be 0 have no sign, and do not count.

    Attributes
    ----------
    decoded
        Bits of all memories read from the state, over a cycle of the output phase.
    efficacy
        After two memories were interchanged, those later outputs that this should change. An edit
        that does nothing gets 0.
    specificity
        Those that it should not change.
    sufficiency
        Outputs after everything but the memories was removed from the state.
    necessity
        Outputs after the memories were removed from the state: where they are necessary, one half
        or less. What was written beside them fades, and can echo the bits with the wrong sign.
    surgery
        Outputs around `step` of the network whose ``W_hh`` is ``Psi Phi Psi*``, on the sequences of
        `emt.accuracy_around` and from what the unedited network holds after them; NaN for a cell
        that has no ``W_hh``, or one that does not rest where its states are counted from.
    """

    decoded: float
    efficacy: float
    specificity: float
    sufficiency: float
    necessity: float
    surgery: float


def scored(
    network: Recurrent,
    task: Task,
    memories: VariableMemories,
    step: int = 1000,
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
) -> Faithfulness:
    """Score a basis by what it reads and by what follows from edits in it.

    The first memory is interchanged with the last, the second with the last but one, and so on,
    each pair in turn, in the middle of the first cycle of the output phase, and the outputs of the
    next 2s steps are scored. Memories without persistent components are passed over.

    Parameters
    ----------
    network, task
        The network, and the rule that it follows.
    memories
        The basis, with labels.
    step
        Output step around which surgery is scored.
    sequences, seed
        Inputs.

    Raises
    ------
    ValueError
        If the memories' labels are not those of the task, or there are not two memories.
    """
    checks.fits("step", checks.integer("step", step), sequences, network.hidden)
    h, held = in_flight(network, task, sequences, seed)
    read = contents(memories, h)
    columns = columns_of(memories, task)
    wanted = held.reshape(*held.shape[:2], -1)[..., columns]
    read = read if task.trials is None else read - _halfway(read, wanted)
    decoded = _right(read, wanted)
    middle = task.s // 2
    h, held = h[middle], held[middle]
    efficacy, specificity = _interchanged(network, task, memories, h, held)
    y = _heard(network, task, replace_rest(memories, h))
    without = _heard(network, task, h - contents(memories, h) @ memories.Psi.T)
    said = _said(task, held)
    return Faithfulness(
        decoded=decoded,
        efficacy=efficacy,
        specificity=specificity,
        sufficiency=_right(y, said),
        necessity=_right(without, said),
        surgery=_replaced(network, task, memories, step, sequences),
    )


def dose_response(
    network: Recurrent,
    task: Task,
    memories: VariableMemories,
    doses: Float[np.ndarray, " doses"],
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
    wait: int = 0,
) -> Float[np.ndarray, " doses"]:
    """Return how much outputs that a swap should turn still say what they would have said.

    The mean of output times the change that a swap should make, divided by the same without a swap.
    Theory: 1 - 2 dose, whenever one listens.

    Parameters
    ----------
    network, task, memories, sequences, seed
        As for `scored`.
    doses
        Parts of the contents of the first and the last memory that are exchanged.
    wait
        Steps between the swap and the 2s steps that are listened to.

    Raises
    ------
    ValueError
        As `scored`.
    """
    checks.fits("wait", checks.integer("wait", wait, least=0), sequences, network.hidden)
    doses = checks.array("doses", doses, None)
    h, held, (first, last) = _stopped(network, task, memories, sequences, seed)
    said = _said(task, held, wait)
    change = said - _said(task, _exchanged(memories, held, first, last), wait)
    edited = (interchange(memories, h, first, last, float(dose)) for dose in (0.0, *doses))
    strength = [(change * _heard(network, task, now, wait)).sum() for now in edited]
    return np.array(strength[1:]) / strength[0]


class Remnant(NamedTuple):
    """What is heard of contents that were erased.

    Attributes
    ----------
    size
        Mean size of the outputs that should be silent, as part of that of the others. Theory: 0,
        whenever one listens.
    agreement
        Part of these outputs with the sign that they had without the edit; one half if nothing of
        the content is left.
    """

    size: float
    agreement: float


def erased(
    network: Recurrent,
    task: Task,
    memories: VariableMemories,
    sequences: int = 64,
    seed: int = EVALUATION_SEED,
    wait: int = 0,
) -> Remnant:
    """Erase the contents of the last memory and listen for them.

    Parameters
    ----------
    network, task, memories, sequences, seed
        As for `scored`; a selection, so that nothing else is silent.
    wait
        Steps between the edit and the 2s steps that are listened to.

    Raises
    ------
    ValueError
        As `scored`, or if the task is no selection.
    """
    checks.fits("wait", checks.integer("wait", wait, least=0), sequences, network.hidden)
    h, held, (_, last) = _stopped(network, task, memories, sequences, seed)
    before = _said(task, held, wait)
    held[:, last - 1] = 0
    silent = _said(task, held, wait) == 0
    if not silent.any() or silent.all():
        raise ValueError("task must be a selection: only what was erased may be silent")
    y = _heard(network, task, erase(memories, h, last), wait)
    size = abs(y[silent]).mean() / abs(y[~silent]).mean()
    return Remnant(float(size), _right(y[silent], before[silent]))


def _replaced(network, task, memories, step, sequences) -> float:
    """Return the accuracy after surgery, which only a `Network` can have, around a fixed point."""
    if not isinstance(network, Network):
        return float("nan")
    try:
        linear(network, memories.at)
    except ValueError:
        return float("nan")
    edited = surgery(network, memories, task)
    held = in_flight(network, task, sequences).held[0]
    last = step + 2 * task.s - 1
    said = np.concatenate([held[:, -1:], continuation(task, held, last)], axis=1)[
        :, step - 1 : last
    ]
    later = islice(silent_states(edited, begun(edited, task, sequences).h), step - 1, last)
    return _right(np.stack([edited.read(h) for h in later], axis=1), said)


def _stopped(network, task, memories, sequences, seed):
    """Return states and contents in the middle of the cycle, and the first and the last memory."""
    h, held = in_flight(network, task, sequences, seed)
    columns_of(memories, task)
    return h[task.s // 2], held[task.s // 2], _pairs(memories)[0]


def _interchanged(network, task, memories, h, held) -> tuple[float, float]:
    """Return the parts of right bits among those that a swap should change, and the others."""
    said, changed, others = _said(task, held), [], []
    for pair in _pairs(memories):
        now = _said(task, _exchanged(memories, held, *pair))
        y = _heard(network, task, interchange(memories, h, *pair))
        signed, turned = abs(now) > SILENT, np.sign(now) != np.sign(said)
        right = np.sign(y) == np.sign(now)
        changed.append(right[signed & turned])
        others.append(right[signed & ~turned])
    if not np.concatenate(changed).size or not np.concatenate(others).size:
        raise ValueError(
            "sequences must be more, or the task another: no swap would turn some outputs and "
            "leave others"
        )
    return tuple(float(np.concatenate(x).mean()) for x in (changed, others))


def _pairs(memories) -> list[tuple[int, int]]:
    """Return first and last memory, second and last but one, and so on."""
    numbers = np.unique(memories.labels[:, 0]).tolist()
    half = checks.integer("the number of memories", len(numbers), least=2) // 2
    return list(zip(numbers[:half], numbers[::-1][:half], strict=True))


def _exchanged(memories, held: np.ndarray, first: int, second: int) -> np.ndarray:
    """Return contents with those components exchanged that both memories have."""
    a, b = (tuple(memories.labels[x].T - 1) for x in shared(memories, first, second))
    result = held.copy()
    result[:, *a], result[:, *b] = held[:, *b], held[:, *a]
    return result


def _said(task: Task, held: np.ndarray, wait: int = 0) -> np.ndarray:
    """Return what follows, 2s steps after a wait, once the memories hold these contents."""
    return continuation(task, held, wait + 2 * task.s)[..., wait:, :]


def _heard(network: Recurrent, task: Task, h: np.ndarray, wait: int = 0) -> np.ndarray:
    """Return 2s outputs from these states, after a wait."""
    return continued(network, h, wait + 2 * task.s)[1][..., wait:, :]


def _right(y: np.ndarray, wanted: np.ndarray) -> float:
    """Return the part of right signs among those that have one."""
    return float((np.sign(y) == np.sign(wanted))[abs(wanted) > SILENT].mean())


def _halfway(read: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the value half way between what is read for a yes and for a no, in each column.

    One's own bits may be 0 and 1 in the state too, and a no the point of rest, of no sign.
    """
    yes = wanted > 0
    sums = [(read * part).sum(axis=(0, 1)) / part.sum(axis=(0, 1)).clip(1) for part in (yes, ~yes)]
    return sum(sums) / 2


checks.guard(globals())
