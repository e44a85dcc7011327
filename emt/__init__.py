"""Open a recurrent network and read it as variable memories.

The paper's thread, in its order: `tasks`, `basis`, `network`, `scoring`, `gsemm`, `linear_network`,
`training`, `linearization`, `algorithm1`, `evidence`, `spectrum`, `impulse`. What goes further:
`beyond`. Somebody else's network in and out: `loading`; gated
cells: `gated`. What draws: `figures`. What the book is
made with: `workshop`.

An argument of another kind, shape or range than its docstring says, or one that is not finite, is a
``ValueError`` that names it; a section *Raises* says only what else can be wrong.
"""

from importlib import import_module

from emt.algorithm1 import VariableMemories, as_printed, corrected
from emt.linear_network import constructed
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
from emt.training.recipes import Stage, TrainingConfig, published

# Loaded when first asked for: what trains or converts needs torch, what opens files their readers.
_LATER = {
    **dict.fromkeys(("load", "save"), "loading.files"),
    "reproduces": "loading.comparing",
    **dict.fromkeys(("from_torch", "to_torch"), "loading.modules"),
    **dict.fromkeys(("train", "untrained"), "training.descent"),
    "trained": "workshop.store",
}

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
    "linear_at",
    "load",
    "published",
    "random_bits",
    "repeat_copy",
    "reproduces",
    "run",
    "running_sums",
    "sample_states",
    "save",
    "selection",
    "to_torch",
    "train",
    "trained",
    "untrained",
    "with_silence",
]


def __getattr__(name: str):
    """Load what `import emt` left out."""
    if name not in _LATER:
        raise AttributeError(f"module 'emt' has no attribute {name!r}")
    try:
        return getattr(import_module(f"emt.{_LATER[name]}"), name)
    except ModuleNotFoundError as error:
        extra = "pip install 'episodic-memory-theory[torch]'"
        raise ImportError(f"emt.{name} needs {error.name}: {extra}", name=error.name) from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
