"""Models of Keras. Keras itself is not imported: a model brings it along."""

from collections.abc import Mapping

import numpy as np

from emt import checks
from emt.loading.arrays import SIGMA, from_arrays
from emt.network import Activation, Recurrent

_CELLS = "SimpleRNN", "GRU", "LSTM"
_AFTER = "Dense", "Dropout", "InputLayer"


def from_keras(model: object) -> Recurrent:
    """Return the network of a model of Keras with one recurrent layer and one dense readout.

    The recurrent layer is a ``SimpleRNN``, ``GRU`` or ``LSTM``, whose inputs are the network's. Of
    a readout with an activation, such as a sigmoid, the logits are read.

    Parameters
    ----------
    model
        The model, with its weights built.

    Raises
    ------
    ValueError
        If there are several recurrent layers or directions, or no reading fits.
    """
    layers = list(_flat(model))
    rows = [n for n, layer in enumerate(layers) if hasattr(layer, "return_sequences")]
    names = [f"{layer.name} ({type(layer).__name__})" for layer in layers]
    if len(rows) != 1 or any("Bidirectional" in name for name in names):
        raise ValueError(
            "model must have one recurrent layer and one direction, but its layers are "
            f"{', '.join(names)}"
        )
    rnn, after = layers[rows[0]], layers[rows[0] + 1 :]
    kind = type(rnn.cell).__name__.removesuffix("Cell")
    if kind not in _CELLS or getattr(rnn, "go_backwards", False):
        raise ValueError(f"model must have a layer of {', '.join(_CELLS)} that goes forwards")
    sigma, layout = cell_of(kind, rnn.cell.get_config())
    other = [layer.name for layer in after if type(layer).__name__ not in _AFTER]
    if other:
        raise ValueError(f"model must have a dense readout alone, without {', '.join(other)}")
    dense = [layer for layer in after if type(layer).__name__ == "Dense"]
    if len(dense) > 1:
        raise ValueError(
            f"the readout has {len(dense)} layers, {', '.join(d.name for d in dense)}: it is not "
            "linear; pass a model that ends in the recurrent layer"
        )
    arrays = _arrays("recurrent", rnn, ("kernel", "recurrent_kernel", "bias"))
    if dense:
        arrays |= _arrays("readout", dense[0], ("kernel", "bias"))
    return from_arrays(arrays, sigma, layout=layout).network


def said_by_keras(config: Mapping) -> dict:
    """Return what a model's configuration says that its weights do not show.

    Parameters
    ----------
    config
        As Keras writes it into its files.

    Returns
    -------
    said
        ``activation`` and ``layout`` of the one recurrent layer, if there is one; ``notes`` of
        what the readout goes on with.

    Raises
    ------
    ValueError
        If the layer is none that `emt` has.
    """
    layers = list(_configured(config))
    said = [c for kind, c in layers if kind in (*_CELLS, "RNN")]
    notes = [
        f"the readout goes on with {c['activation']}, which is left out"
        for kind, c in layers
        if kind == "Dense" and c.get("activation", "linear") != "linear"
    ]
    kinds = [kind for kind, _ in layers if kind in _CELLS]
    if len(said) != 1 or not kinds:
        return {"notes": notes}
    if said[0].get("go_backwards"):
        raise ValueError("its recurrent layer must go forwards")
    sigma, layout = cell_of(kinds[0], said[0])
    return {"activation": sigma, "layout": layout, "notes": notes}


def cell_of(kind: str, config: Mapping) -> tuple[Activation, str | None]:
    """Return activation and layout that a cell's configuration says.

    Parameters
    ----------
    kind
        ``"SimpleRNN"``, ``"GRU"`` or ``"LSTM"``.
    config
        Of the cell, as Keras writes it.

    Raises
    ------
    ValueError
        If no cell of `emt` has these activations.
    """
    checks.choice("kind", kind, _CELLS)
    activation = config.get("activation", "tanh")
    gates = config.get("recurrent_activation", "sigmoid")
    known = SIGMA if kind == "SimpleRNN" else ("tanh",)
    if activation not in known or gates != "sigmoid":
        raise ValueError(
            f"its {kind} layer must have activations that emt has, not {activation} and {gates}"
        )
    after = config.get("reset_after", True)
    layout = {True: "reset after", False: "reset first"}[bool(after)] if kind == "GRU" else None
    return SIGMA[activation], layout


def _configured(config):
    """Yield class and configuration of every layer, also in wrappers and in models in models."""
    if isinstance(config, Mapping):
        kind, inner = config.get("class_name"), config.get("config")
        if isinstance(kind, str) and isinstance(inner, Mapping):
            yield kind, inner
        for value in config.values():
            yield from _configured(value)
    elif isinstance(config, list):
        for value in config:
            yield from _configured(value)


def _flat(model):
    """Yield the layers of a model and of models in it, and what a wrapper holds."""
    for layer in getattr(model, "layers", ()):
        inner = getattr(layer, "layer", None)
        if hasattr(layer, "layers") or hasattr(layer, "forward_layer"):
            yield from _flat(layer)
        if not hasattr(layer, "layers"):
            yield inner if type(layer).__name__ == "TimeDistributed" else layer


def _arrays(prefix: str, layer, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    weights = layer.get_weights()
    if not weights:
        raise ValueError(f"model must hold the weights of {layer.name}: build it first")
    return {f"{prefix}.{n}": np.asarray(w) for n, w in zip(names, weights, strict=False)}


checks.guard(globals())
