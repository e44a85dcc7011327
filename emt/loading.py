"""Networks of other programs, in and out."""

import torch

from emt import checks
from emt.network import Network


def to_torch(network: Network) -> tuple[torch.nn.RNN, torch.nn.Linear]:
    """Return a ``torch.nn.RNN`` and a bias-free ``torch.nn.Linear`` that compute Eq. (6).

    Both are float64 and batch-first.

    Parameters
    ----------
    network
        The network, with or without bias.
    """

    def tensor(x):
        return torch.nn.Parameter(torch.tensor(x))

    size = {"batch_first": True, "bias": network.b is not None, "dtype": torch.float64}
    rnn = torch.nn.RNN(network.kappa, network.hidden, **size)
    readout = torch.nn.Linear(network.hidden, network.kappa, bias=False, dtype=torch.float64)
    rnn.weight_hh_l0, rnn.weight_ih_l0 = tensor(network.W_hh), tensor(network.W_uh)
    readout.weight = tensor(network.W_r)
    if network.b is not None:
        rnn.bias_hh_l0, rnn.bias_ih_l0 = tensor(network.b), tensor(0 * network.b)
    return rnn, readout


def from_torch(rnn: torch.nn.RNN, readout: torch.nn.Linear) -> Network:
    """Return the `Network` of a one-layer ``torch.nn.RNN`` with a ``torch.nn.Linear`` on top.

    Parameters
    ----------
    rnn
        One layer, one direction; its two biases are added.
    readout
        Reads the hidden state; without bias, since Eq. (6) has none.

    Raises
    ------
    ValueError
        If it is another network or has more layers or directions, the readout has a bias, or the
        sizes disagree.
    """
    if rnn.num_layers != 1 or rnn.bidirectional:
        raise ValueError("rnn must have one layer and one direction: Eq. (6) is one recurrence")
    if rnn.nonlinearity != "tanh":
        raise ValueError(f"rnn must use tanh, as Eq. (6) does, not {rnn.nonlinearity!r}")
    if readout.bias is not None and readout.bias.detach().abs().max() > 0:
        raise ValueError("readout must have no bias (bias=False): Eq. (6) reads y = W_r h")

    def values(parameter):
        return parameter.detach().cpu().double().numpy()

    b = values(rnn.bias_hh_l0) + values(rnn.bias_ih_l0) if rnn.bias else None
    return Network(values(rnn.weight_hh_l0), values(rnn.weight_ih_l0), values(readout.weight), b)


checks.guard(globals())
