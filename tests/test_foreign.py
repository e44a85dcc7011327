"""PyTorch's own networks: the same twice, opened as they run, asked what they are taught."""

import itertools

import numpy as np
import pytest
import torch
import your_network
from your_network import DRAWN, SETTINGS, foreign, learned, right

import emt


@pytest.fixture(autouse=True)
def _few_updates(monkeypatch):
    for name, setting in SETTINGS.items():
        stages = tuple((steps, 2, rate) for steps, _, rate in setting.stages[:2])
        monkeypatch.setitem(SETTINGS, name, setting._replace(stages=stages))


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_seed_is_the_same_network_and_another_another(name):
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    models = [learned(name, seed) for seed in (0, 0, 1)]
    assert torch.rand(1) == before  # nobody else's random numbers are touched
    first, again, other = ([p.detach().numpy() for p in m.parameters()] for m in models)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not any((a == b).all() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("name", SETTINGS)
def test_emt_runs_what_pytorch_runs(name):
    found = foreign(name, 0)
    u = torch.randn(4, 9, found.network.inputs, dtype=torch.float64)
    with torch.no_grad():
        h, y = found.model.states(u).numpy(), found.model(u).numpy()
    whole = h if found.network.hidden == h.shape[2] else None  # an LSTM's state is longer
    assert emt.reproduces(found.network, u.numpy(), whole, y).error < 1e-12


@pytest.mark.parametrize("name", [name for name, s in SETTINGS.items() if s.s is not None])
def test_it_is_asked_about_what_it_is_taught(name):
    found, setting = foreign(name, 0), SETTINGS[name]
    torch.manual_seed(0)
    u, y, asked = DRAWN[setting.given](setting, 7, 3 * setting.s)
    bits = np.where(u[:, : setting.s, : setting.kappa].numpy() > 0, 1.0, -1.0)
    said = emt.continuation(found.task, bits, 3 * setting.s)
    np.testing.assert_array_equal(y[:, asked].numpy(), said)
    assert asked.tolist() == [False] * setting.s + [True] * 3 * setting.s
    assert 0 <= emt.accuracy(*emt_pair(found), last=2 * setting.s).value <= 1
    steps = 2 * setting.s
    assert (
        abs(right(found.model, name, steps) - emt.accuracy(*emt_pair(found), last=steps).value)
        < 0.1
    )


def emt_pair(found):
    if found.task.trials is None:
        return found.network, found.task
    network, trials = emt.centred(found.network, found.task.trials)
    return network, emt.Task(found.task.s, found.task.kappa, found.task.F, trials=trials)


def test_every_sequence_comes_once():
    u, _, _ = DRAWN["all"](SETTINGS["smallest GRU"], 1, 2)
    bits = {tuple(x) for x in u[:, :3, 0].tolist()}
    assert bits == set(itertools.product((-1.0, 1.0), repeat=3)) and len(u) == 8


def test_a_flip_flop_holds_the_last_pulse():
    torch.manual_seed(1)
    u, y, asked = DRAWN["flip-flop"](SETTINGS["flip-flop"], 5, 40)
    held = torch.zeros(5, 3)
    for t in range(40):
        held = torch.where(u[:, t] != 0, u[:, t], held)
        assert (y[:, t] == held).all()
    assert asked.all() and 0.05 < (u != 0).float().mean() < 0.2


def test_integration_asks_for_the_sign_of_the_sum():
    torch.manual_seed(1)
    u, y, asked = DRAWN["integration"](SETTINGS["integration"], 50, 10)
    assert (y[:, -1] == u.sum(dim=1).sign()).all() and not u[:, asked].any()


def test_a_cue_is_on_while_the_network_speaks():
    torch.manual_seed(1)
    u, _, asked = DRAWN["cue"](SETTINGS["bits 0 and 1, a cue"], 5, 8)
    assert (u[:, :, -1] == asked).all() and set(u.unique().tolist()) == {0.0, 1.0}


def test_noise_is_in_training_only():
    layer = your_network.Loop(2, 5, outside=0.5)
    u = torch.randn(6, 3, 2)
    assert not torch.equal(layer(u)[0], layer(u)[0])
    layer.eval()
    assert torch.equal(layer(u)[0], layer(u)[0])


def test_training_lowers_the_error():
    name = "Elman, smaller"
    SETTINGS[name] = SETTINGS[name]._replace(stages=((5, 150, 3e-3),))
    assert right(learned(name, 0), name, 5) > 0.6


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="name must be one of Elman"):
        foreign("Elmann", 0)
