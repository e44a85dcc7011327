"""Gated cells against PyTorch's, run, linearised and read."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import emt
from emt.gated import GRU, LSTM
from emt.linearization import fixed_points, jacobian, linear_at
from emt.network import under_input

RNG = np.random.default_rng(0)
U = RNG.normal(size=(4, 9, 3))


def pair(kind, hidden=6):
    """Return a module of torch's with a readout, and the cell that `emt` makes of it."""
    torch.manual_seed(0)
    cell = getattr(torch.nn, kind)(3, hidden, batch_first=True, dtype=torch.float64)
    model = torch.nn.ModuleDict(
        {"rnn": cell, "out": torch.nn.Linear(hidden, 2, dtype=torch.float64)}
    )
    return model, emt.from_torch(model)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_cells_are_those_of_torch(kind):
    model, cell = pair(kind)
    with torch.no_grad():
        h = model["rnn"](torch.tensor(U))[0]
        y = model["out"](h).numpy()
    states, said = emt.run(cell, U)
    np.testing.assert_allclose(states[..., :6], h.numpy(), atol=1e-12)
    np.testing.assert_allclose(said, y, atol=1e-12)
    assert (cell.inputs, cell.outputs, cell.hidden) == (3, 2, 12 if kind == "LSTM" else 6)


def test_the_reset_may_come_first():
    _, cell = pair("GRU")
    cell = replace(cell, b_hh=0 * cell.b_hh, reset_first=True)
    h, u = RNG.normal(size=6), RNG.normal(size=3)
    (U_r, U_z, U_n), (w_r, w_z, w_n) = (
        np.split(cell.W_hh, 3),
        np.split(cell.W_uh @ u + cell.b_uh, 3),
    )
    r, z = (1 / (1 + np.exp(-x)) for x in (w_r + U_r @ h, w_z + U_z @ h))
    expected = (1 - z) * np.tanh(w_n + U_n @ (r * h)) + z * h
    np.testing.assert_allclose(cell.step(h, u), expected, atol=1e-12)
    assert abs(replace(cell, reset_first=False).step(h, u) - expected).max() > 1e-3


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
@pytest.mark.parametrize("u", [None, np.array([0.3, -1.0, 0.7])])
def test_a_cell_is_linear_around_a_fixed_point(kind, u):
    _, cell = pair(kind)
    written = np.zeros(3) if u is None else u
    cued = cell if u is None else under_input(cell, u)
    rest = fixed_points(cued, cued.start(1)).points[0]
    linear = linear_at(cued, rest)
    for size in (1e-3, 1e-4):
        dh, du = size * RNG.normal(size=cell.hidden), size * RNG.normal(size=3)
        left = cell.step(rest + dh, written + du) - rest - linear.W_hh @ dh - linear.W_uh @ du
        assert abs(left).max() < 30 * size**2
    np.testing.assert_allclose(linear.W_r @ dh, cell.read(rest + dh) - cell.read(rest), atol=1e-12)
    step = 1e-6 * np.eye(cell.hidden)
    inputs = np.tile(written, (cell.hidden, 1))
    near = (cell.step(rest + step, inputs) - cell.step(rest - step, inputs)).T / 2e-6
    np.testing.assert_allclose(jacobian(cued, rest), near, atol=1e-8)


def holding():
    """Return a GRU that copies: its update gate is shut, so that n is all, and nearly linear."""
    task, H = emt.repeat_copy(3, 2), 6
    exact = emt.constructed(task, 0.01 * np.eye(H))
    zero, shut = np.zeros((H, H)), np.full(H, -40.0)
    W_hh = np.vstack([zero, zero, exact.W_hh])
    W_uh = np.vstack([np.zeros((2 * H, 2)), exact.W_uh])
    open_reset = np.concatenate([np.full(H, 40.0), shut, np.zeros(H)])
    return task, GRU(W_hh, W_uh, exact.W_r, b_uh=open_reset)


def test_memories_of_a_gated_cell_are_read_around_its_fixed_point():
    task, cell = holding()
    memories = emt.corrected(cell, task, at=np.zeros(6))
    np.testing.assert_allclose(memories.Psi, 0.01 * np.eye(6), atol=1e-10)
    np.testing.assert_allclose(memories.Phi(cell), task.Phi, atol=1e-9)
    assert emt.accuracy(cell, task, last=12, sequences=50).value == 1
    with pytest.raises(ValueError, match="around a fixed point only: give at="):
        emt.corrected(cell, task)


@pytest.mark.usefixtures("_no_shape_hook")
def test_cells_of_wrong_sizes_are_refused():
    good = np.ones((9, 3)), np.ones((9, 2)), np.ones((2, 3))
    GRU(*good)
    for spoil in (
        {"W_hh": np.ones((8, 3))},
        {"b_hh": np.ones(3)},
        {"h0": np.ones(6)},
        {"c": np.ones(3)},
    ):
        with pytest.raises(ValueError, match=f"{next(iter(spoil))} must have shape"):
            replace(GRU(*good), **spoil)
    with pytest.raises(ValueError, match=r"W_hh must have shape \(12, 3\), not \(9, 3\)"):
        LSTM(*good)
