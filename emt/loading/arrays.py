"""Recognising the network that named arrays are: by their names and by their rows.

A recurrent matrix of H columns has H rows in an Elman cell, 3H in a GRU, 4H in an LSTM. Where more
than one reading fits, the candidates are named and nothing is guessed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from emt import checks
from emt.gated import GRU, LSTM
from emt.network import ACTIVATIONS, TANH, Activation, Network, Recurrent

LAYOUTS = ("W @ h", "h @ W", "[x, h]", "[h, x]")
_NOT_WEIGHTS = re.compile(
    r"(^|[./_])(optim\w*|exp_avg\w*|momentum\w*|adam\w*|scheduler|ema|masks?|epochs?|"
    r"num_batches_tracked|running_(mean|var)|global_step|opt_state|slots?)([./_\d]|$)",
    re.IGNORECASE,
)
# The last parts of names, in small letters, of Elman networks that are written out.
_HIDDEN = (
    "w_hh whh w_rec wrec wr w_rr w_h2h j recurrent recurrent_weights w_res h2h hh rec w_recurrent"
)
_INPUT = "w_uh w_ih wih w_xh wxh w_in win wi w_i i2h x2h in2h input2h ih b_in input_weights w_input"
_BIAS = "b bh b_h b_rec brec b_hh bx bias_h recurrent_bias hidden_bias"
_START = "h0 h_0 init_state initial_state x0 hidden0 h_init"


class Opened(NamedTuple):
    """A network, and what it was made of.

    Attributes
    ----------
    network
        A `Network`, or a gated cell of `emt.gated`.
    used
        The name of the array behind each part of it.
    unused
        Names of the other arrays.
    """

    network: Recurrent
    used: dict[str, str]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        """Say what was used for what."""
        parts = ", ".join(f"{part} from {name}" for part, name in self.used.items())
        left = f"; not used: {', '.join(self.unused)}" if self.unused else ""
        kind, how = type(self.network).__name__, ""
        if isinstance(self.network, Network):
            names = [n for n, a in ACTIVATIONS.items() if a == self.network.activation]
            sigma = names[0] if names else "an activation of its own"
            how = f"; declared: {sigma}, leak {self.network.leak}"
        return f"{kind} of {self.network.hidden} units: {parts}{left}{how}"


def from_arrays(
    arrays: Mapping,
    activation: Activation | str = TANH,
    leak: float = 1.0,
    rates: bool = False,
    layout: str | None = None,
    readout: str | None = None,
    ignore: Sequence[str] = (),
) -> Opened:
    """Recognise a recurrent network with a linear readout in named arrays.

    Known are the names of PyTorch, Keras and ONNX, and those of networks that are written out
    (``W_rec``, ``Wxh``, ``h2o.weight``, ...). Prefixes do not matter; optimisers' slots and masks
    are passed over. What no array says, activation, leak and the order of equations, is declared.

    Parameters
    ----------
    arrays
        By name, perhaps in folders; what is no array of numbers is passed over.
    activation
        Of an Elman network, or the name of one of `emt.network.ACTIVATIONS`.
    leak, rates
        As for `Network`.
    layout
        Where shapes leave it open: how the recurrent matrix meets the state, ``"W @ h"`` or
        ``"h @ W"``; or ``"[x, h]"``, ``"[h, x]"`` for one matrix of both.
    readout
        Name of the readout's weights where there are several.
    ignore
        Names of arrays that do not count. Of a network that is written out every array counts, a
        factor or a mask too, unless it stands here.

    Raises
    ------
    ValueError
        If no network is recognised, or more than one reading fits.
    """
    if isinstance(activation, str):
        activation = ACTIVATIONS[checks.choice("activation", activation, tuple(ACTIVATIONS))]
    if layout is not None:
        checks.choice("layout", layout, LAYOUTS)
    found = {n: a for n, a in _flat(arrays).items() if n not in ignore}
    if not found:
        raise ValueError("arrays must hold weights, but hold no array of numbers")
    weights = _recurrent(found, layout)
    H = weights["W_hh"][1].shape[1]
    used = {part: name for part, (name, _) in weights.items()}
    values = {part: value for part, (_, value) in weights.items()}
    W_r = _readout(found, {n for names in used.values() for n in names.split(" + ")}, H, readout)
    used |= {part: name for part, (name, _) in W_r.items()}
    values |= {part: value for part, (_, value) in W_r.items()}
    for part, value in values.items():
        if value.dtype.kind != "f":
            raise ValueError(f"{used[part]} must be of floating point numbers, not {value.dtype}")
    network = _built(values, H, activation, leak, rates)
    names = {n for name in used.values() for n in name.split(" + ")}
    left = tuple(n for n in found if n not in names)
    if left and not any(reader(found) for reader in (_torch, _keras, _onnx)):
        shapes = ", ".join(f"{n} {found[n].shape}" for n in left)
        raise ValueError(
            f"arrays hold what is not understood, and may change what the others mean: {shapes}; "
            f"if they do not count, ignore={list(left)}"
        )
    return Opened(network, used, left)


def _flat(tree: Mapping, prefix: str = "") -> dict[str, np.ndarray]:
    """Return the arrays of numbers in a tree by their dotted names."""
    found = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if _NOT_WEIGHTS.search(name):
            continue
        if isinstance(value, Mapping):
            found |= _flat(value, f"{name}.")
            continue
        if hasattr(value, "detach"):  # a tensor of torch
            value = value.detach().cpu()
            value = (value.double() if value.dtype.is_floating_point else value).numpy()
        value = np.asarray(value)
        if value.dtype.kind in "fiuc" and 0 < value.ndim <= 3 and value.size:
            found[name.removesuffix(":0")] = value
    return found


def _part(name: str) -> str:
    """Return what a name says of an array: its last part, or the one before ``weight``."""
    parts = [p for p in re.split(r"[./]", name.lower()) if p not in ("data", "value")]
    last = parts[-1]
    return parts[-2] if last in ("weight", "kernel") and len(parts) > 1 else last


def _recurrent(found: dict[str, np.ndarray], layout: str | None) -> dict:
    """Return name and value of the recurrent part's arrays, PyTorch's way up."""
    for reader in (_torch, _keras, _onnx):
        if weights := reader(found):
            return weights
    return _written_out(found, layout)


def _one(groups: dict, what: str) -> dict:
    """Return the one group there is."""
    if len(groups) > 1:
        raise ValueError(
            f"arrays must hold one recurrent layer, but there are {len(groups)} {what}: "
            f"{', '.join(map(str, groups))}; pass the arrays of one of them"
        )
    return next(iter(groups.values()), {})


def _torch(found: dict) -> dict:
    groups, pattern = {}, re.compile(r"(.*?)(weight|bias)_(hh|ih)((?:_l\d+)?(?:_reverse)?)$")
    for name in found:
        if m := pattern.match(name):
            groups.setdefault(f"{m[1]}*{m[4]}", {})[f"{m[2]}_{m[3]}"] = name
    groups = {k: g for k, g in groups.items() if {"weight_hh", "weight_ih"} <= set(g)}
    names = _one(groups, "layers or directions")
    weights = {}
    for part, key in {"W_hh": "weight_hh", "W_uh": "weight_ih"}.items():
        if names:
            weights[part] = names[key], found[names[key]]
    biases = {k: names[k] for k in ("bias_hh", "bias_ih") if k in names}
    for part, key in {"b_hh": "bias_hh", "b_uh": "bias_ih"}.items():
        if key in biases:
            weights[part] = biases[key], found[biases[key]]
    return weights


def _keras(found: dict) -> dict:
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
    order = [1, 0, 2] if len(U) == 3 * U.shape[1] else None  # z, r, h there; r, z, n here

    def turned(x):
        return x if order is None else np.concatenate([np.split(x, 3)[n] for n in order])

    weights = {"W_hh": (names["recurrent_kernel"], turned(U)), "W_uh": (names["kernel"], turned(W))}
    if "bias" in names:
        b = found[names["bias"]]
        if b.ndim == 2 and len(b) == 2:
            both = zip(("b_uh", "b_hh"), b, strict=True)
            weights |= {part: (names["bias"], turned(x)) for part, x in both}
        else:
            weights["b_uh"] = names["bias"], turned(b)
    if order and not (found.get(names.get("bias", ""), np.zeros(1)).ndim == 2):
        weights["reset_first"] = "one bias only", np.array(1.0)
    return weights


def _onnx(found: dict) -> dict:
    names = {_part(n).upper(): n for n in found if found[n].ndim == 3 and _part(n) in ("w", "r")}
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
        if _part(n) == "b" and found[n].shape == (1, 2 * R.shape[1]):
            weights["b_hh"] = n, found[n][0].reshape(2, -1).sum(axis=0)
    return weights


def _written_out(found: dict, layout: str | None) -> dict:
    """Recognise an Elman network by the names that people give its matrices."""
    matrices = {n: a for n, a in found.items() if a.ndim == 2}
    low = [n for n in matrices if _part(n) in ("m", "n")]
    if len(low) == 2 and matrices[low[0]].shape == matrices[low[1]].shape:
        raise ValueError(
            f"{low[0]} and {low[1]} look like a recurrent matrix of low rank, perhaps m n^T / H: "
            "form it as your program does, and name it W_hh beside W_uh and W_r"
        )
    hidden = [
        n for n in matrices if _part(n) in _HIDDEN.split() and len(set(matrices[n].shape)) == 1
    ]
    inputs = [n for n in matrices if _part(n) in _INPUT.split()]
    if len(hidden) > 1 or (hidden and len(inputs) != 1):
        raise ValueError(
            f"arrays must hold one recurrent and one input matrix, not {hidden} and {inputs}: "
            "name them W_hh, W_uh and W_r"
        )
    if not hidden:
        return _both_in_one(matrices, inputs, found, layout)
    (U,), (W,) = hidden, inputs
    recurrent, write, H = matrices[U], matrices[W], len(matrices[U])
    if H not in write.shape:
        raise ValueError(f"{W} must have {H} rows as {U} has, not shape {write.shape}")
    if layout is None and write.shape[1] == H:
        raise ValueError(
            f"{W} of shape {write.shape} may stand in rows, and {U} then too or not: "
            "give layout=, 'W @ h' or 'h @ W'"
        )
    turned = layout == "h @ W"
    weights = {"W_hh": (U, recurrent.T if turned else recurrent)}
    square = write.shape == (H, H)
    weights["W_uh"] = W, write.T if write.shape[0] != H or (square and turned) else write
    biases = [n for n, a in found.items() if a.size == H and _is_bias(n, (U, W))]
    if biases:
        total = sum(np.ravel(found[n]) for n in biases)
        weights["b_hh"] = " + ".join(biases), total
    starts = [n for n, a in found.items() if a.size == H and _part(n) in _START.split()]
    if len(starts) == 1:
        weights["h0"] = starts[0], np.ravel(found[starts[0]])
    return weights


def _is_bias(name: str, of: tuple[str, ...]) -> bool:
    stems = {n.rpartition(".")[0] for n in of if n.endswith((".weight", ".kernel"))}
    stem, _, last = name.rpartition(".")
    return (last == "bias" and stem in stems) or _part(name) in _BIAS.split()


def _both_in_one(matrices: dict, inputs: list, found: dict, layout: str | None) -> dict:
    """Recognise one matrix of inputs and state side by side."""
    wide = [n for n in inputs if matrices[n].shape[1] > matrices[n].shape[0]]
    wide = wide or [n for n in matrices if _part(n) in "cell rnn_cell rnn combined cat".split()]
    if len(wide) != 1:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in list(found.items())[:12])
        raise ValueError(
            f"arrays must hold a recurrent network, but none is recognised among {shapes}: "
            "name its matrices W_hh, W_uh and W_r"
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


def _readout(found: dict, taken: set[str], H: int, named: str | None) -> dict:
    """Return the matrix that reads H units, and its bias; the state itself if there is none."""
    left = {n: a for n, a in found.items() if n not in taken and a.ndim == 2}
    if named is not None and named not in left:
        raise ValueError(f"readout must be one of {sorted(left)}, not {named!r}")
    ways = {}
    for n, a in left.items():
        if named in (None, n) and H in a.shape:
            kernel = n.endswith("kernel")
            if a.shape[1] == H and not (kernel and a.shape[0] != H):
                ways[n] = a
            elif a.shape[0] == H:
                ways[n] = a.T
    if len(ways) > 1:
        shapes = ", ".join(f"{n} {found[n].shape}" for n in ways)
        raise ValueError(f"the readout may be any of {shapes}: give readout=, its name")
    if not ways:
        if named is not None or any(
            _part(n) in ("fc", "readout", "out", "w_out", "why") for n in left
        ):
            raise ValueError(
                f"a readout must have {H} columns, as many as units; there are "
                f"{', '.join(f'{n} {a.shape}' for n, a in left.items())}"
            )
        return {"W_r": ("the state itself", np.eye(H))}
    ((name, W_r),) = ways.items()
    after = [
        n for n, a in left.items() if n != name and a.shape[1] == len(W_r) and _follows(name, n)
    ]
    if after and named is None:
        raise ValueError(
            f"the readout has two layers, {name} and {after[0]}: it is not linear; give readout=, "
            "the name of the matrix that reads the state"
        )
    parts = {"W_r": (name, W_r)}
    stem = re.sub(r"(weight|kernel)$", "bias", name)
    candidates = [n for n in (stem, *_partners(found)) if n in found]
    biases = [n for n in candidates if n != name and n not in taken]
    if biases and found[biases[0]].size == len(W_r):
        parts["c"] = biases[0], np.ravel(found[biases[0]])
    return parts


def _follows(first: str, second: str) -> bool:
    """Say whether a matrix may come after another: of the same module or numbered on."""
    return re.sub(r"\d+", "#", first) == re.sub(r"\d+", "#", second)


def _partners(found: dict) -> list[str]:
    """Return the readout's bias by the names that people give it."""
    known = "c by b_y b_out bout bo b_o readout_bias".split()
    return [n for n in found if _part(n) in known]


def _built(values: dict, H: int, activation, leak, rates) -> Recurrent:
    """Make the cell that the recurrent matrix has the rows of."""
    rows = len(values["W_hh"])
    biases = [values.pop(p, None) for p in ("b_hh", "b_uh")]
    biases = [None if b is None else np.ravel(b) for b in biases]
    reset_first = bool(values.pop("reset_first", 0))
    given = [b for b in biases if b is not None]
    if rows == H:
        b = sum(given) if given else None
        return Network(**values, b=b, activation=activation, leak=leak, rates=rates)
    if activation != TANH or leak != 1.0 or rates:
        raise ValueError(
            "activation, leak and rates are those of Elman networks: this cell is gated"
        )
    if rows == 3 * H:
        return GRU(**values, b_hh=biases[0], b_uh=biases[1], reset_first=reset_first)
    if rows == 4 * H:
        return LSTM(**values, b=sum(given) if given else None)
    raise ValueError(
        f"W_hh must have H, 3H (GRU) or 4H (LSTM) rows for its H = {H} columns, not {rows}"
    )


checks.guard(globals())
