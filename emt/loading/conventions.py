"""How programs name the arrays of a recurrent layer: PyTorch, Keras, ONNX, and those by hand."""

import re
from collections.abc import Mapping

import numpy as np

from emt import checks

# The last parts of names, in small letters, of Elman networks that are written out.
HIDDEN = (
    "w_hh whh w_rec wrec wr w_rr w_h2h j recurrent recurrent_weights w_res h2h hh rec w_recurrent "
    "internal_weights"
)
INPUT = "w_uh w_ih wih w_xh wxh w_in win wi w_i i2h x2h in2h input2h ih input_weights w_input w_inp"
BIAS = "b bh b_h b_rec brec b_hh bx bias_h recurrent_bias hidden_bias"
START = "h0 h_0 init_state initial_state x0 hidden0 h_init"
WHICH = "say which is which, names={'W_hh': ..., 'W_uh': ..., 'W_r': ...}"
READ_BIAS = "c by b_y b_out bout bo b_o readout_bias output_bias"
KNOWN = {word for words in (HIDDEN, INPUT, BIAS, START, READ_BIAS) for word in words.split()}


def part(name: str) -> str:
    """Return what a name says of an array: its last part, or the one before ``weight``."""
    parts = [p for p in re.split(r"[./]", name.lower()) if p not in ("data", "value")]
    last = parts[-1] if parts else name
    return parts[-2] if last in ("weight", "kernel") and len(parts) > 1 else last


def recurrent_part(
    found: Mapping[str, np.ndarray], layout: str | None, names: dict
) -> tuple[dict, bool]:
    """Return name and value of the recurrent part's arrays, PyTorch's way up.

    And whether every other array must be understood, since nobody's convention says what it is.
    """
    if not {"W_hh", "W_uh"} & set(names):
        if weights := _torch(found) or _keras(found, layout) or _onnx(found):
            return weights | _named(found, weights, names), False
    weights = _written_out(found, layout, names)
    return weights | _named(found, weights, names), True


def _named(found: dict, weights: dict, names: dict) -> dict:
    """Return h(0), and the bias where it is named, whatever the convention of the others."""
    parts, shape = {}, weights["W_hh"][1].shape
    starts = [n for n, a in found.items() if a.size == shape[-1] and part(n) in START.split()]
    starts = [names["h0"]] if "h0" in names else starts
    if len(starts) == 1:
        parts["h0"] = starts[0], np.ravel(found[starts[0]])
    if "b" in names:
        if len(shape) < 2 or shape[0] != shape[1] or "b_uh" in weights:
            raise ValueError("names must give b of an Elman network that has no other bias")
        parts["b_hh"] = names["b"], np.ravel(found[names["b"]])
    return parts


def _one(groups: dict, what: str) -> dict:
    """Return the one group there is."""
    if len(groups) > 1:
        raise ValueError(
            f"arrays must hold one recurrent layer, for Eq. (6) is one recurrence, but there are "
            f"{len(groups)} {what}: {', '.join(map(str, groups))}"
        )
    return next(iter(groups.values()), {})


def _torch(found: dict) -> dict:
    groups, pattern = {}, re.compile(r"(.*?)(weight|bias)_(hh|ih)((?:_l\d+)?(?:_reverse)?)$")
    for name in found:
        if m := pattern.match(name):
            groups.setdefault(f"{m[1]}*{m[4]}", {})[f"{m[2]}_{m[3]}"] = name
    groups = {k: g for k, g in groups.items() if {"weight_hh", "weight_ih"} <= set(g)}
    names = _one(groups, "layers or directions")
    parts = {"W_hh": "weight_hh", "W_uh": "weight_ih", "b_hh": "bias_hh", "b_uh": "bias_ih"}
    return {p: (names[key], found[names[key]]) for p, key in parts.items() if key in names}


def _keras(found: dict, layout: str | None = None) -> dict:
    groups = {}
    for name in found:
        if m := re.match(r"(.*?)recurrent_kernel$", name):
            parts = {p: f"{m[1]}{p}" for p in ("recurrent_kernel", "kernel", "bias")}
            groups[m[1]] = {p: n for p, n in parts.items() if n in found}
    names = _one(groups, "layers")
    if not names:
        return {}
    if "kernel" not in names:
        raise ValueError(f"arrays must hold kernel beside {names['recurrent_kernel']}")
    U, W = found[names["recurrent_kernel"]].T, found[names["kernel"]].T
    bias = found.get(names.get("bias", ""))
    rows = {len(U), len(W), *([] if bias is None else bias.shape[-1:])}
    if U.ndim != 2 or W.ndim != 2 or len(rows) > 1:
        shapes = ", ".join(f"{n} {found[n].shape}" for n in names.values())
        raise ValueError(f"arrays of Keras must have one number of columns, not {shapes}")
    order = [1, 0, 2] if len(U) == 3 * U.shape[1] else None  # z, r, h there; r, z, n here
    if order and bias is None and layout not in ("reset first", "reset after"):
        raise ValueError(
            "a GRU of Keras without bias does not show where its reset gate stands: give layout=, "
            "'reset after' (reset_after=True, which is the default there) or 'reset first'"
        )

    def turned(x):
        return x if order is None else np.concatenate([np.split(x, 3)[n] for n in order])

    weights = {"W_hh": (names["recurrent_kernel"], turned(U)), "W_uh": (names["kernel"], turned(W))}
    if "bias" in names:
        if bias.ndim == 2 and len(bias) == 2:
            both = zip(("b_uh", "b_hh"), bias, strict=True)
            weights |= {part: (names["bias"], turned(x)) for part, x in both}
        else:
            weights["b_uh"] = names["bias"], turned(bias)
    if order and (layout == "reset first" if bias is None else bias.ndim == 1):
        weights["reset_first"] = "the layout" if bias is None else "one bias only", np.array(1.0)
    return weights


def _onnx(found: dict) -> dict:
    names = {part(n).upper(): n for n in found if found[n].ndim == 3 and part(n) in ("w", "r")}
    if set(names) != {"W", "R"}:
        return {}
    W, R = found[names["W"]], found[names["R"]]
    if len(W) != 1 or len(R) != 1:
        raise ValueError(f"{names['R']} must have one direction, not {len(R)}")
    if R.shape[1] != R.shape[2]:
        raise ValueError(
            f"{names['R']} is of a gated cell of ONNX, whose graph says what its gates do: "
            "export its weights by name"
        )
    weights = {"W_hh": (names["R"], R[0]), "W_uh": (names["W"], W[0])}
    for n in found:
        if part(n) == "b" and found[n].shape == (1, 2 * R.shape[1]):
            weights["b_hh"] = n, found[n][0].reshape(2, -1).sum(axis=0)
    return weights


def _written_out(found: dict, layout: str | None, names: dict) -> dict:
    """Recognise a network by the names that people give its matrices, or by those given."""
    matrices = {n: a for n, a in found.items() if a.ndim == 2}
    hidden = [n for n in matrices if part(n) in HIDDEN.split() and len(set(matrices[n].shape)) == 1]
    inputs = [n for n in matrices if part(n) in INPUT.split()]
    hidden = [names["W_hh"]] if "W_hh" in names else hidden
    inputs = [names["W_uh"]] if "W_uh" in names else inputs
    for name in (*hidden, *inputs):
        if name not in matrices:
            raise ValueError(f"{name} must be a matrix, not of shape {found[name].shape}")
    if len(hidden) > 1 or (hidden and len(inputs) != 1):
        raise ValueError(
            f"arrays must hold one recurrent and one input matrix, not {hidden} and {inputs}: "
            f"{WHICH}"
        )
    if not hidden:
        return _both_in_one(matrices, inputs, found, layout)
    (U,), (W,) = hidden, inputs
    recurrent, write = matrices[U], matrices[W]
    rows, H = recurrent.shape
    if rows not in (H, 3 * H, 4 * H):
        raise ValueError(
            f"{U} must have H rows for its H columns, or 3H (GRU), 4H (LSTM) in PyTorch's order, "
            f"not shape {recurrent.shape}"
        )
    if rows not in write.shape:
        raise ValueError(f"{W} must have {rows} rows as {U} has, not shape {write.shape}")
    if layout is None and write.shape[1] == rows:
        raise ValueError(
            f"{W} of shape {write.shape} may stand in rows, and {U} then too or not: "
            "give layout=, 'W @ h' or 'h @ W'"
        )
    turned = layout == "h @ W" and rows == H
    weights = {"W_hh": (U, recurrent.T if turned else recurrent)}
    square = write.shape == (rows, rows)
    weights["W_uh"] = W, write.T if write.shape[0] != rows or (square and turned) else write
    biases = [n for n, a in found.items() if a.size == rows and _is_bias(n, (U, W))]
    if biases and "b" not in names:
        total = sum(np.ravel(found[n]) for n in biases)
        weights["b_hh"] = " + ".join(biases), total
    return weights


def low_rank(found: Mapping[str, np.ndarray], layout: str | None) -> tuple[dict, dict, str | None]:
    """Form a recurrent matrix of low rank, m n^T; scales ``si``, ``so`` go into ``wi``, ``wo``."""
    parts = {part(n): n for n in found if found[n].ndim == 2 and part(n) in ("m", "n")}
    m, n = parts.get("m"), parts.get("n")
    if m is None or n is None or found[n].shape not in (found[m].shape, found[m].shape[::-1]):
        return found, {}, layout
    if layout not in ("m @ n.T", "m @ n.T / H"):
        raise ValueError(
            f"{m} and {n} look like a recurrent matrix of low rank: say how it is formed, "
            "layout='m @ n.T' or 'm @ n.T / H', beside leak and rates"
        )
    right = found[n] if found[n].shape != found[m].shape else found[n].T
    W_hh = found[m] @ right / (len(found[m]) if layout.endswith("H") else 1)
    formed, called = {**found, "W_hh": W_hh}, {"W_hh": f"{m} + {n}"}
    del formed[m], formed[n]
    for name in [name for name in found if part(name) in ("wi", "wo")]:
        scale = f"{name[:-2]}s{name[-1]}"
        factor = found.get(scale, np.zeros((0, 0)))
        if factor.ndim == 1 and len(factor) in found[name].shape:
            axis = found[name].shape.index(len(factor))
            formed[name] = found[name] * np.expand_dims(formed.pop(scale), 1 - axis)
            called[name] = f"{name} + {scale}"
    return formed, called, "W @ h"


def _is_bias(name: str, of: tuple[str, ...]) -> bool:
    stems = {n.rpartition(".")[0] for n in of if n.endswith((".weight", ".kernel"))}
    stem, _, last = name.rpartition(".")
    return (last == "bias" and stem in stems) or part(name) in BIAS.split()


def _both_in_one(matrices: dict, inputs: list, found: dict, layout: str | None) -> dict:
    """Recognise one matrix of inputs and state side by side."""
    wide = [n for n in inputs if matrices[n].shape[1] > matrices[n].shape[0]]
    wide = wide or [n for n in matrices if part(n) in "cell rnn_cell rnn combined cat".split()]
    if len(wide) != 1:
        largest = sorted(found.items(), key=lambda item: (-item[1].ndim, -item[1].size))[:12]
        shapes = ", ".join(f"{n} {a.shape}" for n, a in largest)
        raise ValueError(
            f"arrays must hold a recurrent network, but none is recognised among {shapes}: {WHICH}"
        )
    (name,) = wide
    H, columns = matrices[name].shape
    if layout not in ("[x, h]", "[h, x]"):
        raise ValueError(
            f"{name} of shape {(H, columns)} may be one matrix of {columns - H} inputs and "
            f"{H} units: say in which order, layout='[x, h]' or '[h, x]'"
        )
    m = columns - H
    parts = np.split(matrices[name], [m] if layout == "[x, h]" else [H], axis=1)
    write, recurrent = parts if layout == "[x, h]" else parts[::-1]
    weights = {"W_hh": (name, recurrent), "W_uh": (name, write)}
    bias = f"{name.rpartition('.')[0]}.bias"
    if bias in found:
        weights["b_hh"] = bias, np.ravel(found[bias])
    return weights


checks.guard(globals())
