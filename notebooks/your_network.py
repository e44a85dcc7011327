"""Networks as other programs train them: PyTorch's layers, automatic differentiation, Adam.

None of the book's trainer is in them, and `emt` opens what comes out. Only the last two are trained
by the book, with the recipe of the paper's authors.
"""

import itertools
import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, pad

import emt
from emt.network import Recurrent
from emt.workshop.parallel import one_thread


class Setting(NamedTuple):
    """How a network is made, what it is given and how it learns.

    Attributes
    ----------
    layer
        Of ``torch.nn``, or `Loop`.
    hidden
        Number of units.
    stages
        (steps asked, updates, learning rate of Adam), one after the other.
    s, kappa
        Of repeat copy; no s where no such rule is followed.
    given
        What is given and asked, one of `DRAWN`.
    options
        Of the layer.
    logits
        Whether the loss is the cross entropy of bits, else squares of outputs from -1 and 1.
    cost
        Of the states' mean square, added to the loss.
    """

    layer: str
    hidden: int
    stages: tuple[tuple[int, int, float], ...]
    s: int | None = None
    kappa: int = 1
    given: str = "signs"
    options: dict | None = None
    logits: bool = False
    cost: float = 0.0


SETTINGS = {
    "Elman": Setting("RNN", 96, ((5, 300, 1e-3), (10, 400, 1e-3), (20, 400, 5e-4)), 5, 2),
    "Elman, smaller": Setting("RNN", 40, ((5, 300, 3e-3), (10, 400, 3e-3), (20, 400, 1e-3)), 5, 2),
    "GRU": Setting("GRU", 64, ((8, 800, 3e-3), (32, 1500, 3e-3), (32, 500, 5e-4)), 8, 3),
    "LSTM": Setting("LSTM", 64, ((8, 800, 3e-3), (32, 1500, 3e-3), (32, 500, 5e-4)), 8, 3),
    # Two units for three variables: few starts learn it.
    "smallest GRU": Setting(
        "GRU", 2, ((6, 6000, 3e-2), (6, 1500, 8e-3), (6, 500, 2e-3)), 3, 1, "all", logits=True
    ),
    "flip-flop": Setting("RNN", 64, ((50, 1500, 2e-3),), kappa=3, given="flip-flop"),
    "integration": Setting("RNN", 64, ((10, 1500, 1e-3),), given="integration"),
    "ReLU rates": Setting(
        "Loop",
        64,
        ((4, 800, 2e-3), (12, 2000, 1e-3)),
        4,
        2,
        options={"activation": "relu", "leak": 0.5, "inside": 0.02, "spread": 1.0},
        cost=1e-4,
    ),
    "bits 0 and 1, a cue": Setting(
        "RNN", 48, ((6, 500, 2e-3), (18, 1500, 1e-3)), 6, 2, "cue", logits=True
    ),
    "noise": Setting(
        "Loop", 64, ((6, 500, 2e-3), (18, 1500, 1e-3)), 6, 2, options={"outside": 0.05}
    ),
}
AUTHORS = {
    "authors, repeat copy": emt.repeat_copy(8, 8),
    "authors, compose copy": emt.compose_copy(8),
}
NETWORKS = (*SETTINGS, *AUTHORS)
BATCH, CLIP, TRIALS = 64, 1.0, 200


class Foreign(NamedTuple):
    """A network that was trained elsewhere, and what it was trained for.

    Attributes
    ----------
    network
        As `emt` opened it.
    task
        The rule that it should follow, with trials of its own unless its inputs are -1 and 1 and
        then silence; ``None`` where there is no such rule.
    channels
        The inputs that carry data, where others are cues; else ``None``.
    model
        PyTorch's, called with inputs batch first: outputs; or ``None``.
    """

    network: Recurrent
    task: emt.Task | None
    channels: tuple[int, ...] | None = None
    model: torch.nn.Module | None = None


class Loop(torch.nn.Module):
    """A cell in a loop of its own: ``h = (1 - leak) h + leak sigma(W h + U u + b)``, with noise.

    Parameters
    ----------
    inputs, hidden
        Number of input channels and of units.
    activation
        sigma: ``"tanh"`` or ``"relu"``.
    leak
        The part of the state that a step renews, dt / tau.
    inside, outside
        Standard deviation of the noise inside sigma, and of that on the new state, in training.
    spread
        W starts normal with this standard deviation, over sqrt(hidden); 0 is PyTorch's own start.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        activation: str = "tanh",
        leak: float = 1.0,
        inside: float = 0.0,
        outside: float = 0.0,
        spread: float = 0.0,
    ):
        super().__init__()
        self.write = torch.nn.Linear(inputs, hidden)
        self.recurrent = torch.nn.Linear(hidden, hidden, bias=False)
        self.activation, self.leak = activation, leak
        self.inside, self.outside = inside, outside
        if spread:
            torch.nn.init.normal_(self.recurrent.weight, std=spread / math.sqrt(hidden))

    def forward(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return all states, time first as PyTorch's layers do, and the last one."""
        inside, outside = (self.training * size for size in (self.inside, self.outside))
        h = u.new_zeros(u.shape[1], self.recurrent.out_features)
        states = []
        for written in self.write(u):
            x = written + self.recurrent(h)
            x = x + inside * torch.randn_like(x) if inside else x
            h = (1 - self.leak) * h + self.leak * getattr(torch, self.activation)(x)
            h = h + outside * torch.randn_like(h) if outside else h
            states.append(h)
        return torch.stack(states), h


class Model(torch.nn.Module):
    """A recurrent layer and a linear readout; called with inputs, batch first.

    Parameters
    ----------
    layer
        Of PyTorch, or a `Loop`.
    hidden, outputs
        Number of its units, and of output channels.
    """

    def __init__(self, layer: torch.nn.Module, hidden: int, outputs: int):
        super().__init__()
        self.layer, self.readout = layer, torch.nn.Linear(hidden, outputs)

    def forward(self, u: torch.Tensor) -> torch.Tensor:
        """Return outputs of all steps."""
        return self.readout(self.states(u))

    def states(self, u: torch.Tensor) -> torch.Tensor:
        """Return states of all steps."""
        return self.layer(u.transpose(0, 1))[0].transpose(0, 1)


class Batch(NamedTuple):
    """What a network is given and asked.

    Attributes
    ----------
    u
        Inputs, (sequences, T, m).
    y
        Targets, -1 or 1, (sequences, T, p).
    asked
        Which steps count, (T,).
    """

    u: torch.Tensor
    y: torch.Tensor
    asked: torch.Tensor


def _repeated(bits: torch.Tensor, steps: int) -> Batch:
    """Give bits and then silence; ask for the bits again and again."""
    time = torch.arange(-bits.shape[1], steps)
    return Batch(pad(bits, (0, 0, 0, steps)), bits[:, time % bits.shape[1]], time >= 0)


def _signs(setting: Setting, sequences: int, steps: int) -> Batch:
    """Draw bits that are to be repeated."""
    return _repeated(2.0 * torch.randint(2, (sequences, setting.s, setting.kappa)) - 1, steps)


def _all(setting: Setting, sequences: int, steps: int) -> Batch:
    """Give every sequence of bits once."""
    every = itertools.product((-1.0, 1.0), repeat=setting.s * setting.kappa)
    return _repeated(torch.tensor(list(every)).reshape(-1, setting.s, setting.kappa), steps)


def _cue(setting: Setting, sequences: int, steps: int) -> Batch:
    """Draw bits of 0 and 1 that are to be repeated while a last channel, the cue, is 1."""
    u, y, asked = _signs(setting, sequences, steps)
    cue = asked.to(u).expand(sequences, -1).unsqueeze(2)
    return Batch(torch.cat([(u + 1) / 2 * (1 - cue), cue], dim=2), y, asked)


def _flip_flop(setting: Setting, sequences: int, steps: int) -> Batch:
    """Draw rare pulses; each output holds its channel's last one (Sussillo and Barak, 2013)."""
    u = 2.0 * torch.randint(2, (sequences, steps, setting.kappa)) - 1
    pulse = torch.rand(u.shape) < 0.1
    pulse[:, 0] = True
    last = torch.where(pulse, torch.arange(steps).unsqueeze(1), 0).cummax(dim=1).values
    return Batch(u * pulse, u.gather(1, last), torch.ones(steps, dtype=torch.bool))


def _integration(setting: Setting, sequences: int, steps: int, told: int = 20) -> Batch:
    """Draw a noisy input of small mean; the output is the sign of its sum, from its end on."""
    means = torch.tensor([-0.4, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.4])
    mean = means[torch.randint(len(means), (sequences, 1, 1))]
    u = mean + 0.5 * torch.randn(sequences, told, 1)
    sign = u.sum(dim=1, keepdim=True).sign().expand(-1, told + steps, -1)
    return Batch(pad(u, (0, 0, 0, steps)), sign, torch.arange(told + steps) >= told)


DRAWN = {
    "signs": _signs,
    "all": _all,
    "cue": _cue,
    "flip-flop": _flip_flop,
    "integration": _integration,
}


def foreign(name: str, seed: int) -> Foreign:
    """Train a network and open it.

    Parameters
    ----------
    name
        One of `NETWORKS`.
    seed
        Of the initial weights, the sequences and the noise.

    Raises
    ------
    ValueError
        If there is no network of this name.
    """
    if name in AUTHORS:
        task = AUTHORS[name]
        return Foreign(emt.trained(task, emt.published(seed), progress=False).network, task)
    if name not in SETTINGS:
        raise ValueError(f"name must be one of {', '.join(NETWORKS)}, not {name}")
    setting, model = SETTINGS[name], learned(name, seed)
    task, channels = None, None
    if setting.s is not None:
        task = emt.repeat_copy(setting.s, setting.kappa)
    if setting.given == "cue":
        task, channels = replace(task, trials=_trials(setting)), tuple(range(setting.kappa))
    return Foreign(_opened(model), task, channels, model)


def learned(name: str, seed: int) -> Model:
    """Return the model after its training; the same seed gives the same weights.

    Parameters
    ----------
    name
        One of `SETTINGS`.
    seed
        As for `foreign`.
    """
    one_thread()
    setting = SETTINGS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _trained(setting)


def right(model: Model, name: str, steps: int, sequences: int = 1000) -> float:
    """Return the part of right answers on fresh sequences.

    Parameters
    ----------
    model, name
        The model, and its name in `SETTINGS`.
    steps
        For how long it is asked.
    sequences
        How many.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(10**6)
        u, y, asked = DRAWN[SETTINGS[name].given](SETTINGS[name], sequences, steps)
        return float((model(u.to(next(model.parameters()))).sign() == y)[:, asked].float().mean())


def _trained(setting: Setting) -> Model:
    """Train one network."""
    u, y, _ = DRAWN[setting.given](setting, 1, 1)
    make = Loop if setting.layer == "Loop" else getattr(torch.nn, setting.layer)
    layer = make(u.shape[2], setting.hidden, **setting.options or {})
    model = Model(layer, setting.hidden, y.shape[2])
    adam = torch.optim.Adam(model.parameters(), fused=True)
    for steps, updates, rate in setting.stages:
        adam.param_groups[0]["lr"] = rate
        for _ in range(updates):
            u, y, asked = DRAWN[setting.given](setting, BATCH, steps)
            h = model.states(u)
            said, wanted = model.readout(h)[:, asked], y[:, asked]
            if setting.logits:
                loss = binary_cross_entropy_with_logits(said, (wanted + 1) / 2)
            else:
                loss = mse_loss(said, wanted)
            adam.zero_grad()
            (loss + setting.cost * h.square().mean()).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            adam.step()
    return model.double().eval()


def _opened(model: Model) -> Recurrent:
    """Return the network that a model is."""
    if not isinstance(model.layer, Loop):
        return emt.from_torch(model)
    layer, readout = model.layer, model.readout
    names = {"W_hh": layer.recurrent.weight, "W_uh": layer.write.weight, "W_r": readout.weight}
    names |= {"b": layer.write.bias, "c": readout.bias}
    arrays = {name: value.detach().numpy() for name, value in names.items()}
    return emt.from_arrays(arrays, layer.activation, layer.leak, layout="W @ h").network


def _trials(setting: Setting) -> emt.Trials:
    """Return trials of three cycles."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(10**6)
        u, y, asked = DRAWN[setting.given](setting, TRIALS, 3 * setting.s)
    mask = asked.expand(TRIALS, -1)
    return emt.Trials(u.double().numpy(), y.double().numpy(), mask.numpy().copy())
