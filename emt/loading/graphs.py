"""The graph of an ONNX model: its recurrent node, and what the nodes do with their weights."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from emt import checks

# PyTorch's order of gates, in ONNX's: input, output, forget, cell; update, reset, new.
_GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}
_USUAL = {"GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"]}
_AFTER = ("LogSoftmax", "Relu", "Sigmoid", "Softmax", "Tanh")


class Node(NamedTuple):
    """A node of a graph.

    Attributes
    ----------
    kind
        Its operation.
    inputs, outputs
        Names of what it takes and gives.
    attributes
        By name.
    """

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping


def read_graph(held: Mapping, nodes: list[Node]) -> tuple[dict, dict]:
    """Name a graph's arrays as PyTorch does, by what its nodes do with them.

    Of a graph with recurrent nodes their arrays and those of dense nodes after them count; of one
    without, where exporters have spelt the cell out, the names.

    Parameters
    ----------
    held
        Arrays by the names that they have in the graph.
    nodes
        In order.

    Returns
    -------
    arrays
        By name.
    said
        What the nodes say: ``activation``, ``layout`` and ``notes``.

    Raises
    ------
    ValueError
        If a recurrent node does what no cell of `emt` does.
    """
    rows = [node for node in nodes if node.kind in _GATES]
    arrays, said, notes = {} if rows else dict(held), {}, []
    for number, (kind, inputs, _, attributes) in enumerate(rows):
        if not all(name in held for name in inputs[1:3]):
            raise ValueError(f"its {kind} node computes its weights, {inputs[1:3]}, from others")
        renamed = _node(kind, [held.get(name) for name in inputs], attributes)
        layer = "rnn" if len(rows) == 1 else f"rnn{number}"
        arrays |= {f"{layer}.{name}": value for name, value in renamed.items()}
        names = [str(n).lower() for n in attributes.get("activations", ())]
        if kind == "RNN":
            said["activation"] = names[0] if names else "tanh"
        elif names and names != _USUAL[kind]:
            raise ValueError(f"its {kind} node must have the usual activations, not {names}")
        if kind == "GRU" and not attributes.get("linear_before_reset", 0):
            said["layout"] = "reset first"
    if rows:
        last = max(n for n, node in enumerate(nodes) if node.kind in _GATES)
        for number, node in enumerate(nodes[last + 1 :]):
            _dense(f"dense{number}", node, nodes, held, arrays)
            if node.kind in _AFTER:
                notes.append(f"the graph goes on with {node.kind}, which is left out")
    return arrays, said | {"notes": tuple(notes)}


def _node(kind: str, given: list, attributes: Mapping) -> dict[str, np.ndarray]:
    """Return one recurrent node's arrays by PyTorch's names, in PyTorch's order."""
    if attributes.get("direction", "forward") != "forward":
        raise ValueError(f"its {kind} node must go forwards, not {attributes['direction']}")
    if len(given) > 7 and given[7] is not None:
        raise ValueError("its LSTM node must have no peepholes")
    if attributes.get("input_forget", 0) or attributes.get("clip"):
        raise ValueError(f"its {kind} node must not clip, nor couple gates")
    order = _GATES[kind]

    def turned(x):
        return np.concatenate([np.split(x, len(order))[n] for n in order])

    arrays = {"weight_ih_l0": turned(given[1][0]), "weight_hh_l0": turned(given[2][0])}
    if len(given) > 3 and given[3] is not None:
        for name, b in zip(("bias_ih_l0", "bias_hh_l0"), np.split(given[3][0], 2), strict=True):
            arrays[name] = turned(b)
    return arrays


def _dense(name: str, node: Node, nodes: list[Node], held: Mapping, arrays: dict) -> None:
    """Give the weights of a dense node a name that says which way up they stand."""
    kind, inputs, outputs, attributes = node
    if kind not in ("Gemm", "MatMul") or len(inputs) < 2 or inputs[1] not in held:
        return
    kernel = kind == "MatMul" or not attributes.get("transB", 0)
    bias = inputs[2] if len(inputs) > 2 else None
    for other in nodes:
        if kind == "MatMul" and other.kind == "Add" and set(other.inputs) & set(outputs):
            bias = next((n for n in other.inputs if n in held), None)
    arrays[f"{name}.{'kernel' if kernel else 'weight'}"] = held[inputs[1]]
    if bias in held:
        arrays[f"{name}.bias"] = held[bias]


checks.guard(globals())
