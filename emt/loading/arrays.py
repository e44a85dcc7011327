"""Recognising the network that named arrays are: by their names and by their rows.

A recurrent matrix of H columns has H rows in an Elman cell, 3H in a GRU, 4H in an LSTM. Where more
than one reading fits, the candidates are named and nothing is guessed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from emt import checks
from emt.gated import GRU, LSTM
from emt.loading import conventions
from emt.network import ACTIVATIONS, TANH, Activation, Network, Recurrent

LAYOUTS = (
    *("W @ h", "h @ W", "[x, h]", "[h, x]", "m @ n.T", "m @ n.T / H"),
    *("reset first", "reset after"),
)
PARTS = "W_hh", "W_uh", "W_r", "b", "c", "h0"
SIGMA = {name.lower(): sigma for name, sigma in ACTIVATIONS.items()}
SIGMA |= {"linear": ACTIVATIONS["identity"]}
"""Activations by the names that programs give them."""
_DEEP = 50
_NOT_WEIGHTS = re.compile(
    r"(^|[./_])(optim\w*|exp_avg\w*|momentum\w*|adam\w*|scheduler|ema|epochs?|"
    r"num_batches_tracked|running_(mean|var)|global_step|opt_state|slots?)([./_\d]|$)",
    re.IGNORECASE,
)
# The last parts of names, in small letters, of single numbers that may be a leak.
_CLOCK = "alpha dt tau tau_m leak leak_rate leaky_rate decay time_constant"
# The last parts of names, in small letters, of readouts that are written out.
_READOUT = "w_r w_out wout w_hy why w_yh wo w_o w_ro w_output output_weights readout_weights h2o"


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
    notes
        What else the file says that the network does not do, in words.
    """

    network: Recurrent
    used: dict[str, str]
    unused: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say what was used for what, a line each."""
        lines = [f"{part} from {name}" for part, name in self.used.items()]
        lines += [f"not used: {_few(self.unused)}"] * bool(self.unused) + [*self.notes]
        kind, how = type(self.network).__name__, ""
        if isinstance(self.network, Network):
            names = [n for n, a in ACTIVATIONS.items() if a == self.network.activation]
            sigma = names[0] if names else "an activation of its own"
            leak = self.network.leak
            how = f", {sigma}, leak {leak if np.ndim(leak) == 0 else 'by unit'}"
        head = f"{kind} of {self.network.W_hh.shape[1]} units{how}"
        return "\n  ".join([head, *lines])


def from_arrays(
    arrays: Mapping,
    activation: Activation | str = TANH,
    leak: Float[np.ndarray, "*units"] | float = 1.0,
    rates: bool = False,
    layout: str | None = None,
    names: Mapping | None = None,
    ignore: Sequence[str] = (),
) -> Opened:
    """Recognise a recurrent network with a linear readout in named arrays.

    Known are the names of PyTorch, Keras and ONNX, and those of networks that are written out
    (``W_rec``, ``Wxh``, ``h2o.weight``, ...). Prefixes do not matter; optimisers' slots are passed
    over. What no array says, activation, leak and the order of equations, is declared.

    Parameters
    ----------
    arrays
        By name, perhaps in folders; what is no array of numbers is passed over.
    activation
        Of an Elman network, or its name, such as ``"relu"``.
    leak, rates
        As for `Network`.
    layout
        Where shapes leave it open: how the recurrent matrix meets the state, ``"W @ h"`` or
        ``"h @ W"``; ``"[x, h]"``, ``"[h, x]"`` for one matrix of both; ``"m @ n.T"``, perhaps
        ``/ H``, for one of low rank, of arrays called m and n; of a GRU whether the reset gate
        stands ``"reset first"`` or ``"reset after"`` the recurrent matrix.
    names
        The name of the array that is ``W_hh``, ``W_uh``, ``W_r``, ``b``, ``c`` or ``h0``, where it
        is another than those known; a gated ``W_hh`` has PyTorch's order.
    ignore
        Names of arrays that do not count. Of a network that is written out every array counts, a
        factor or a mask too, unless it stands here.

    Raises
    ------
    ValueError
        If no network is recognised, or more than one reading fits.
    """
    if isinstance(activation, str):
        activation = SIGMA[checks.choice("activation", activation.lower(), tuple(SIGMA))]
    if layout is not None:
        checks.choice("layout", layout, LAYOUTS)
    names = {} if names is None else dict(names)
    flat = {n: a for n, a in _spelt_out(_flat(arrays)).items() if n not in ignore}
    single = [n for n, a in flat.items() if a.size == 1 and not _may_count(n, a, names)]
    clocks = [n for n in single if conventions.part(n) in _CLOCK.split()]
    clocks = [f"{n} = {flat[n].item():.4g}" for n in clocks]
    flat = {n: np.atleast_1d(a) for n, a in flat.items() if n not in single}
    if not flat:
        raise ValueError("arrays must hold weights, but hold no array of numbers")
    if clocks and np.all(leak == 1.0):
        raise ValueError(
            f"arrays hold {', '.join(clocks)}, which may be a leak: give leak=, the part of the "
            f"state that a step renews, or ignore={single}"
        )
    for part, name in names.items():
        checks.choice("names", part, PARTS)
        if name not in flat:
            raise ValueError(f"names must be of arrays that there are, {_few(flat)}, not {name!r}")
    found, called, layout = conventions.low_rank(flat, layout)
    if gone := [name for name in names.values() if name not in found]:
        raise ValueError(f"names must not give {_few(gone)}, of which a matrix is formed")
    weights, strict = conventions.recurrent_part(found, layout, names)
    for part in ("W_hh", "W_uh"):
        if weights[part][1].ndim != 2:
            raise ValueError(f"{weights[part][0]} must be a matrix, as {part} is")
    H = weights["W_hh"][1].shape[1]
    used = {part: name for part, (name, _) in weights.items()}
    weights |= _readout(found, _sources(used), H, names, strict, layout == "h @ W")
    used = {part: called.get(name, name) for part, (name, _) in weights.items()}
    values = {part: value for part, (_, value) in weights.items()}
    for part, value in values.items():
        if value.dtype.kind != "f":
            raise ValueError(f"{used[part]} must be of floating point numbers, not {value.dtype}")
    network = _built(values, H, activation, leak, rates, layout)
    left = tuple(n for n in flat if n not in _sources(used))
    if left and strict:
        shapes = [f"{n} {flat[n].shape}" for n in left]
        raise ValueError(
            f"arrays hold what is not understood, and may change what the others mean: "
            f"{_few(shapes)}; if they do not count, ignore={list(left[:8])}"
        )
    return Opened(network, used, (*left, *single))


def _few(names) -> str:
    """Name a few, and say how many more there are."""
    names = [checks.shown(n) if len(str(n)) > 200 else str(n) for n in names]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _sources(used: dict[str, str]) -> set[str]:
    """Return the names of the arrays that were used."""
    return {n for name in used.values() for n in name.split(" + ")}


def _flat(tree: Mapping) -> dict[str, np.ndarray]:
    """Return the arrays of numbers in a tree by their dotted names."""
    found, left = {}, [("", tree, 0)]
    while left:
        prefix, branch, depth = left.pop()
        if depth > _DEEP:
            raise ValueError(f"arrays must not be nested more than {_DEEP} deep")
        for key, value in branch.items():
            name = " ".join(f"{prefix}{key}".encode(errors="replace").decode().split())
            if _NOT_WEIGHTS.search(name):
                continue
            if isinstance(value, Mapping):
                left.append((f"{name}.", value, depth + 1))
                continue
            value = _numbers(value)
            if value is not None and value.ndim <= 3 and value.size:
                found[name.removesuffix(":0")] = value
    slots = [
        n for n in found if _slot_of(n) in found and found[_slot_of(n)].shape == found[n].shape
    ]
    return {n: a for n, a in found.items() if n not in slots}


def _numbers(value) -> np.ndarray | None:
    """Return an array of numbers, if a value is one: also a tensor, wherever it lies."""
    try:
        if hasattr(value, "detach"):  # a tensor of torch
            value = value.detach().cpu()
            value = (value.double() if value.dtype.is_floating_point else value).numpy()
        value = np.asarray(value)
    except Exception:  # an object's own: it is no array
        return None
    return value if value.dtype.kind in "fiuc" else None


def _slot_of(name: str) -> str:
    """Return what ``mWhh`` is the memory of: Adagrad, written out."""
    stem, dot, last = name.rpartition(".")
    return f"{stem}{dot}{last[1:]}" if last[:1] in "mv" else ""


def _spelt_out(found: dict) -> dict:
    """Give the numbered variables of Keras 3's files the names that they have in the model."""
    if not any(".cell.vars." in name for name in found):
        return found
    words, spelt = ("kernel", "recurrent_kernel", "bias"), {}
    for name, value in found.items():
        stem, numbered, number = name.rpartition(".vars.")
        order = words if stem.endswith(".cell") else words[::2]
        known = numbered and number in ("0", "1", "2")[: len(order)]
        spelt[f"{stem}.{order[int(number)]}" if known else name] = value
    return spelt


def _may_count(name: str, value: np.ndarray, names: dict) -> bool:
    """Say whether a single number may be an array of one: a bias, or of a network of one unit."""
    part = conventions.part(name)
    known = name in names.values() or part in conventions.KNOWN or "bias" in part
    return known or (value.ndim > 0 and name.endswith(("weight", "kernel")))


def _readout(found: dict, taken: set, H: int, names: dict, strict: bool, rows: bool) -> dict:
    """Return the matrix that reads H units, and its bias; the state itself if there is none."""
    left = {n: a for n, a in found.items() if n not in taken and a.ndim == 2}
    left = {n: a for n, a in left.items() if not re.search(r"embed|mask", n, re.IGNORECASE)}
    left = {n: a for n, a in left.items() if conventions.part(n) not in conventions.START.split()}
    named = names.get("W_r")
    if named is not None and named not in left:
        raise ValueError(f"names must give a readout of {_few(sorted(left))}, not {named!r}")
    ways = {}
    for n, a in left.items():
        if named in (None, n) and H in a.shape:
            kernel = n.endswith("kernel")
            if a.shape[1] == H and not (kernel and a.shape[0] != H):
                ways[n] = a.T if kernel or (strict and rows and a.shape[0] == H) else a
            elif a.shape[0] == H:
                ways[n] = a.T
    known = [n for n in ways if conventions.part(n) in _READOUT.split()]
    ways = {known[0]: ways[known[0]]} if len(known) == 1 else ways
    if len(ways) > 1:
        shapes = ", ".join(f"{n} {found[n].shape}" for n in ways)
        raise ValueError(f"the readout may be any of {shapes}: name it (names, readout or like)")
    if not ways:
        usual = ("fc", "readout", "out", "dense", *_READOUT.split())
        if named is not None or any(conventions.part(n) in usual for n in left):
            raise ValueError(
                f"a readout must have {H} columns, as many as units; there are "
                f"{_few(f'{n} {a.shape}' for n, a in left.items())}"
            )
        return {"W_r": ("the state itself", np.eye(H))}
    ((name, W_r),) = ways.items()
    after = [n for n, a in left.items() if n != name and _reads(n, a) == len(W_r)]
    if after and named is None and not strict:
        raise ValueError(
            f"the readout may have two layers, {name} and {_few(after)}, and be not linear; name "
            "the matrix that reads the state, names={'W_r': ...}"
        )
    parts = {"W_r": (name, W_r)}
    stem = re.sub(r"(weight|kernel)$", "bias", name)
    partners = [n for n in found if conventions.part(n) in conventions.READ_BIAS.split()]
    candidates = [names["c"]] if "c" in names else [n for n in (stem, *partners) if n in found]
    biases = [n for n in candidates if n != name and n not in taken]
    if biases and found[biases[0]].size == len(W_r):
        parts["c"] = biases[0], np.ravel(found[biases[0]])
    return parts


def _reads(name: str, matrix: np.ndarray) -> int:
    """Return how many numbers a matrix reads."""
    return matrix.shape[0 if name.endswith("kernel") else 1]


def _built(values: dict, H: int, activation, leak, rates, layout) -> Recurrent:
    """Make the cell that the recurrent matrix has the rows of."""
    rows = len(values["W_hh"])
    biases = [values.pop(p, None) for p in ("b_hh", "b_uh")]
    biases = [None if b is None else np.ravel(b) for b in biases]
    reset_first = bool(values.pop("reset_first", 0))
    given = [b for b in biases if b is not None]
    if rows == H:
        b = sum(given) if given else None
        return Network(**values, b=b, activation=activation, leak=leak, rates=rates)
    if activation != TANH or np.any(leak != 1.0) or rates:
        raise ValueError(
            "activation, leak and rates are those of Elman networks: this cell is gated"
        )
    for b in given:
        if b.size == 2 * rows:
            raise ValueError(
                f"the bias has {b.size} numbers, twice as many as gates: a cell of CuDNN, whose "
                "order is another; convert the model to GRU or LSTM where it was made"
            )
    if rows == 3 * H:
        reset_first = reset_first or layout == "reset first"
        return GRU(**values, b_hh=biases[0], b_uh=biases[1], reset_first=reset_first)
    if rows == 4 * H:
        return LSTM(**values, b=sum(given) if given else None)
    raise ValueError(
        f"W_hh must have H, 3H (GRU) or 4H (LSTM) rows for its H = {H} columns, not {rows}"
    )


checks.guard(globals())
