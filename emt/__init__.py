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

from emt.linearization import linear_at
from emt.loading import from_torch, to_torch
from emt.network import IDENTITY, TANH, Activation, Network, run, sample_states
from emt.scoring import accuracy, accuracy_around, correct_bits
from emt.store import trained
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
from emt.training import Stage, TrainingConfig, published, train, untrained
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
