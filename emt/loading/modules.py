"""Models of PyTorch, in and out again."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float

from emt import checks
from emt.loading.arrays import from_arrays
from emt.network import RELU, TANH, Activation, Network, Recurrent

_RECURRENT = torch.nn.RNNBase, torch.nn.RNNCellBase
_NORMS = (
    *(torch.nn.LayerNorm, torch.nn.GroupNorm, torch.nn.RMSNorm, torch.nn.LocalResponseNorm),
    torch.nn.modules.batchnorm._BatchNorm,
)
# What bends a state before it is read; a sigmoid or a softmax comes after.
_BENDS = (
    *(torch.nn.ReLU, torch.nn.Tanh, torch.nn.GELU, torch.nn.ELU, torch.nn.SELU, torch.nn.SiLU),
    *(torch.nn.LeakyReLU, torch.nn.PReLU, torch.nn.Softplus, torch.nn.Hardtanh, torch.nn.Mish),
)


def from_torch(
    model: torch.nn.Module,
    readout: torch.nn.Module | str | None = None,
    activation: Activation | str | None = None,
    layout: str | None = None,
    leak: Float[np.ndarray, "*units"] | float = 1.0,
    rates: bool = False,
) -> Recurrent:
    """Return the network of a model with one recurrent part and one linear readout.

    The recurrent part is an ``RNN``, ``GRU``, ``LSTM`` or one of their cells, of one layer and one
    direction, or linear layers that make a cell; wherever it stands in the model, also compiled,
    data-parallel, scripted or parametrised. Inputs are batch-first here, ``(..., T, m)``, whatever
    the model's ``batch_first``.

    Parameters
    ----------
    model
        The whole model, or its recurrent part alone.
    readout
        The layer that reads the hidden state, or its name, if it is not in the model or there are
        several. Without any, the state itself is the output.
    activation, layout, leak, rates
        As for `emt.loading.arrays.from_arrays`, for cells made of linear layers, which do not say.
        What ``forward`` does beside, such as a sigmoid on what is read, is left out: see
        `emt.loading.comparing.reproduces`.

    Raises
    ------
    ValueError
        If there are several recurrent layers or directions, or no reading or more than one fits.
    """
    inner = [m for m in _plain(model).modules() if isinstance(m, _RECURRENT)]
    for rnn in inner:
        layers = getattr(rnn, "num_layers", 1)
        if layers != 1 or getattr(rnn, "bidirectional", False):
            raise ValueError(
                "model must have one layer and one direction: Eq. (6) is one recurrence; "
                f"this {type(rnn).__name__} has {layers} layers"
            )
        if getattr(rnn, "proj_size", 0):
            raise ValueError("model must have no projection of its state (proj_size=0)")
    bends = _NORMS + (_BENDS if inner else ())
    norms = [n for n, m in _plain(model).named_modules() if isinstance(m, bends)]
    if norms:
        raise ValueError(
            f"model must read its state linearly, but {', '.join(norms)} may change it: pass "
            "its recurrent part alone, and the readout"
        )
    arrays = _arrays(model)
    name = readout if isinstance(readout, str) else None
    name = f"{name}.weight" if f"{name}.weight" in arrays else name
    if isinstance(readout, torch.nn.Module):
        parts = list(_plain(readout).modules())
        linear = [m for m in parts if isinstance(m, torch.nn.Linear)]
        if len(linear) != 1 or any(isinstance(m, _NORMS + _BENDS) for m in parts):
            raise ValueError(f"readout must hold one linear layer and no more, not {readout}")
        arrays = {f"model.{k}": v for k, v in arrays.items()}
        arrays |= {f"readout.{k}": v for k, v in _arrays(linear[0]).items()}
        name = "readout.weight"
    said = None if activation is not None and not inner else _activation(model, inner)
    names = None if name is None else {"W_r": name}
    network = from_arrays(arrays, activation or said, leak, rates, layout, names).network
    if said not in (None, getattr(network, "activation", said)):
        raise ValueError("activation must be that of the model's recurrent layer, which says it")
    return network


def to_torch(
    network: Network, like: torch.nn.Module | None = None
) -> tuple[torch.nn.RNN, torch.nn.Linear] | torch.nn.Module:
    """Return a ``torch.nn.RNN`` and a ``torch.nn.Linear`` that compute the network.

    Both are float64 and batch-first. h(0) is the caller's: torch takes it as an argument.

    Parameters
    ----------
    network
        With tanh or ReLU, and without leak.
    like
        A model with one ``RNN`` or ``RNNCell`` and one readout, from which the network came: then a
        copy of it, with the network's weights in their places, is returned instead.

    Raises
    ------
    ValueError
        If the network is another, which torch's RNN cannot be, or `like` has no place for a part.
    """
    names = {TANH: "tanh", RELU: "relu"}
    if network.activation not in names or np.any(network.leak != 1.0) or network.rates:
        raise ValueError("network must have tanh or ReLU and no leak, as torch.nn.RNN has")
    if like is not None:
        return _put_back(network, like)

    def tensor(x):
        return torch.nn.Parameter(torch.tensor(x))

    size = {"bias": network.b is not None, "nonlinearity": names[network.activation]}
    size |= {"batch_first": True, "dtype": torch.float64}
    rnn = torch.nn.RNN(network.inputs, network.hidden, **size)
    biased = network.c is not None
    readout = torch.nn.Linear(network.hidden, network.outputs, bias=biased, dtype=torch.float64)
    rnn.weight_hh_l0, rnn.weight_ih_l0 = tensor(network.W_hh), tensor(network.W_uh)
    readout.weight = tensor(network.W_r)
    if network.b is not None:
        rnn.bias_hh_l0, rnn.bias_ih_l0 = tensor(network.b), tensor(0 * network.b)
    if biased:
        readout.bias = tensor(network.c)
    return rnn, readout


def on_arrays(function: Callable) -> Callable:
    """Return a function of tensors, input and state, as one of arrays: for `emt.loading.stepping`.

    Parameters
    ----------
    function
        ``f(input, h)``, a cell of PyTorch's too; in float64: ``model.double()``.

    Raises
    ------
    ValueError
        When it is called, if the function takes no float64.
    """

    def stepped(u: np.ndarray, h: np.ndarray) -> np.ndarray:
        try:
            with torch.no_grad():
                return function(torch.tensor(u), torch.tensor(h)).numpy()
        except RuntimeError as error:
            raise ValueError(
                f"function must take float64, shapes {u.shape} and {h.shape}; model.double() makes "
                f"a model take it ({error})"
            ) from None

    return stepped


def _put_back(network: Network, like: torch.nn.Module) -> torch.nn.Module:
    model = copy.deepcopy(_plain(like))
    found = from_arrays(_arrays(model))
    places = dict(model.named_parameters())
    values = {part: getattr(network, part, None) for part in ("W_hh", "W_uh", "W_r", "c")}
    H = network.hidden
    values["b_hh"] = np.zeros(H) if network.b is None else network.b
    values["b_uh"], values["h0"] = np.zeros(H), network.h0
    inner = [m for m in model.modules() if isinstance(m, _RECURRENT)]
    if inner and _activation(model, inner) != network.activation:
        raise ValueError("like must have the network's activation")
    if network.h0 is not None and network.h0.any() and "h0" not in found.used:
        raise ValueError("like must have an initial state of its own to hold the network's h0")
    if "b_hh" not in found.used and network.b is not None:
        raise ValueError("like must have a bias of the hidden units to hold the network's")
    if "c" not in found.used and network.c is not None:
        raise ValueError("like must have a bias of the readout to hold the network's")
    with torch.no_grad():
        for part, name in found.used.items():
            place = places.get(name)
            if place is None:
                raise ValueError(f"like must hold {part} in one plain parameter, not in {name}")
            value = np.zeros(tuple(place.shape)) if values[part] is None else values[part]
            value = value.reshape(place.shape) if part == "h0" else value
            if value.shape != tuple(place.shape):
                raise ValueError(f"like must have {name} of shape {value.shape}")
            place.copy_(torch.as_tensor(value))
    return model


def _activation(model: torch.nn.Module, inner: list) -> Activation:
    """Return what torch's recurrent layers say, also scripted ones."""
    kinds = {getattr(m, "nonlinearity", "tanh") for m in inner}
    modes = {getattr(m, "mode", None) for m in _plain(model).modules()} - {None}
    kinds |= {"relu" if mode == "RNN_RELU" else "tanh" for mode in modes}
    if len(kinds) != 1:
        raise ValueError(
            "activation must be given: the model has no recurrent layer of torch's own that says it"
        )
    return RELU if kinds == {"relu"} else TANH


def _plain(model: torch.nn.Module) -> torch.nn.Module:
    """Return the module inside a compiled or a data-parallel one."""
    for name in ("_orig_mod", "module"):
        inner = getattr(model, name, None)
        if isinstance(inner, torch.nn.Module):
            return _plain(inner)
    return model


def _arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Return a model's weights by name; parametrised ones as they act."""
    model, found = _plain(model), {}
    for path, module in model.named_modules():
        if "parametrizations" in path:
            continue
        names = [n for n, _ in module.named_parameters(recurse=False)]
        names += list(getattr(module, "parametrizations", {}))
        for name in names:
            value = getattr(module, name).detach()
            if value.device.type == "meta":
                raise ValueError("model must hold its weights, but they are on the meta device")
            found[f"{path}.{name}" if path else name] = value.cpu().double().numpy()
    return found


checks.guard(globals())
