"""Open a recurrent network and read it as variable memories.

The paper's thread, in its order: `tasks`, `basis`, `network`, `scoring`, `gsemm`, `linear_network`,
`training`, `linearization`, `algorithm1`, `evidence`, `spectrum`, `impulse`. What goes further:
`beyond`. Somebody else's network in and out: `loading`; gated cells: `gated`; the verdict on it:
`verdict`. What draws: `figures`. What the book is made with: `workshop`.

An argument of another kind, shape or range than its docstring says, or one that is not finite, is a
``ValueError`` that names it; a section *Raises* says only what else can be wrong.
"""

from importlib import import_module

from emt.algorithm1 import VariableMemories, as_printed, corrected
from emt.impulse import infer_rule
from emt.linear_network import constructed
from emt.linearization import linear_at
from emt.network import IDENTITY, TANH, Activation, Network, run, sample_states
from emt.scoring import (
    accuracy,
    accuracy_around,
    accuracy_by_variable,
    accuracy_on,
    centred,
    correct_bits,
)
from emt.tasks import (
    Task,
    Trials,
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

# Loaded when first asked for: what trains, what opens files, and what converts, which needs torch.
_LATER = {
    **dict.fromkeys(("load", "save"), "loading.files"),
    "from_arrays": "loading.arrays",
    "from_keras": "loading.layers",
    "Cell": "loading.stepping",
    "reproduces": "loading.comparing",
    "operating_point": "loading.operating",
    **dict.fromkeys(("from_torch", "to_torch"), "loading.modules"),
    **dict.fromkeys(("train", "untrained"), "training.descent"),
    "trained": "workshop.store",
    "sweep": "workshop.parallel",
    "report": "verdict.reporting",
}

__all__ = [
    "IDENTITY",
    "TANH",
    "Activation",
    "Cell",
    "Network",
    "Stage",
    "Task",
    "TrainingConfig",
    "Trials",
    "VariableMemories",
    "accuracy",
    "accuracy_around",
    "accuracy_by_variable",
    "accuracy_on",
    "as_printed",
    "bitmap",
    "centred",
    "compose_copy",
    "constructed",
    "continuation",
    "correct_bits",
    "corrected",
    "driven",
    "from_arrays",
    "from_keras",
    "from_torch",
    "infer_rule",
    "linear_at",
    "load",
    "operating_point",
    "published",
    "random_bits",
    "repeat_copy",
    "report",
    "reproduces",
    "run",
    "running_sums",
    "sample_states",
    "save",
    "selection",
    "sweep",
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
        missing = error.name
        raise ImportError(f"emt.{name} needs {missing}: pip install it", name=missing) from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
