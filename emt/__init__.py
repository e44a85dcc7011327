"""Open a recurrent network and read it as variable memories.

The modules follow the paper's ideas: `basis`, `gsemm`, `tasks`, `network`, `scoring`,
`variable_binding`, `realisation`, `training`, `variable_memories`, `evidence`, `spectrum`,
`linearization`, `figures`.
Beyond the paper:
`interventions` and `faithfulness` edit memories and score the edits, `lifetime` predicts how long
they last, `rule` finds the rule that a network follows, `identification` fits one to it,
`overwriting` builds the network that replaces what it holds, `graded` asks how long numbers last.
`record`, `store`, `sweep`, `atlas` are plumbing.
"""

from importlib import import_module

from emt.linearization import linear_at
from emt.network import IDENTITY, TANH, Activation, Network, run, sample_states
from emt.scoring import accuracy, accuracy_around, correct_bits
from emt.tasks import (
    Task,
    bitmap,
    compose_copy,
    continuation,
    driven,
    random_bits,
    repeat_copy,
    running_sums,
    selection,
    with_silence,
)
from emt.variable_binding import constructed, interactions
from emt.variable_memories import VariableMemories, as_printed, corrected

__all__ = [
    "IDENTITY",
    "TANH",
    "Activation",
    "Network",
    "Stage",
    "Task",
    "TrainingConfig",
    "VariableMemories",
    "accuracy",
    "accuracy_around",
    "as_printed",
    "bitmap",
    "compose_copy",
    "constructed",
    "continuation",
    "correct_bits",
    "corrected",
    "driven",
    "from_torch",
    "interactions",
    "linear_at",
    "published",
    "random_bits",
    "repeat_copy",
    "run",
    "running_sums",
    "sample_states",
    "selection",
    "to_torch",
    "train",
    "trained",
    "untrained",
    "with_silence",
]

# What trains or converts needs torch, which is loaded when it is first asked for.
_WITH_TORCH = {
    **dict.fromkeys(("from_torch", "to_torch"), "loading"),
    **dict.fromkeys(("Stage", "TrainingConfig", "published", "train", "untrained"), "training"),
    "trained": "store",
}


def __getattr__(name: str):
    """Load what needs torch."""
    if name not in _WITH_TORCH:
        raise AttributeError(f"module 'emt' has no attribute {name!r}")
    return getattr(import_module(f"emt.{_WITH_TORCH[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
