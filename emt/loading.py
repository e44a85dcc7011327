"""Networks of other programs, in and out."""

import numpy as np
import torch

from emt import checks
from emt.network import RELU, TANH, Network


def to_torch(network: Network) -> tuple[torch.nn.RNN, torch.nn.Linear]:
    """Return a ``torch.nn.RNN`` and a ``torch.nn.Linear`` that compute the network.

    Both are float64 and batch-first. h(0) is the caller's: torch takes it as an argument.

    Parameters
    ----------
    network
        With tanh or ReLU, and without leak.

    Raises
    ------
    ValueError
        If the network is another, which torch's RNN cannot be.
    """
    names = {TANH: "tanh", RELU: "relu"}
    if network.activation not in names or np.any(network.leak != 1.0) or network.rates:
        raise ValueError("network must have tanh or ReLU and no leak, as torch.nn.RNN has")

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


def from_torch(rnn: torch.nn.RNN, readout: torch.nn.Linear) -> Network:
    """Return the `Network` of a one-layer ``torch.nn.RNN`` with a ``torch.nn.Linear`` on top.

    Parameters
    ----------
    rnn
        One layer, one direction, tanh or ReLU; its two biases are added.
    readout
        Reads the hidden state.

    Raises
    ------
    ValueError
        If it is another network or has more layers or directions.
    """
    if rnn.num_layers != 1 or rnn.bidirectional:
        raise ValueError("rnn must have one layer and one direction: Eq. (6) is one recurrence")

    def values(parameter):
        return parameter.detach().cpu().double().numpy()

    b = values(rnn.bias_hh_l0) + values(rnn.bias_ih_l0) if rnn.bias else None
    c = None if readout.bias is None else values(readout.bias)
    activation = RELU if rnn.nonlinearity == "relu" else TANH
    arrays = rnn.weight_hh_l0, rnn.weight_ih_l0, readout.weight
    return Network(*map(values, arrays), b, c, activation=activation)


checks.guard(globals())
