"""Graded contents: measures with known answers, and recall against a plain run."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import straight

from emt import Network, constructed, repeat_copy, run, with_silence
from emt.beyond.lifetime import fidelity, recalled
from emt.network import IDENTITY, TANH

RNG = np.random.default_rng(5)
TASK = repeat_copy(3, 2)
NETWORK = constructed(TASK, RNG.normal(size=(9, 6)))
U = RNG.normal(size=(4, 3, 2))


@pytest.mark.parametrize("gain", [0.01, 1.0, 7.0])
def test_a_factor_costs_no_correlation(gain):
    got = fidelity(U, gain * U)
    assert got.correlation == pytest.approx(1)
    assert got.gain == pytest.approx(gain)
    assert got.signs == 1


def test_the_opposite_and_nothing():
    opposite = fidelity(U, -U)
    assert (opposite.correlation, opposite.gain) == pytest.approx((-1, -1))
    assert opposite.signs == 0
    assert fidelity(U, 0 * U) == (0.0, 0.0, 0.0)


def test_what_is_perpendicular_does_not_correlate():
    got = fidelity(np.array([3.0, 4.0]), np.array([-4.0, 3.0]))
    assert got.correlation == got.gain == 0
    assert got.signs == 0.5


def test_the_gain_is_that_of_least_squares():
    read = U + RNG.normal(size=U.shape)
    (gain,), (rest,), *_ = np.linalg.lstsq(U.reshape(-1, 1), read.ravel(), rcond=None)
    got = fidelity(U, read)
    assert got.gain == pytest.approx(gain)
    assert got.correlation == pytest.approx(np.sqrt(1 - rest / (read**2).sum()))


def test_signs_of_uniform_numbers_correlate_by_half_the_root_of_three():
    x = RNG.uniform(-1, 1, size=200_000)
    assert fidelity(x, np.sign(x)).correlation == pytest.approx(np.sqrt(3) / 2, abs=2e-3)


@pytest.mark.parametrize("sigma", [TANH, IDENTITY])
@pytest.mark.parametrize("cycles", [[1], [1, 2, 3], [2, 5], [4]])
def test_recall_is_the_outputs_of_these_cycles(sigma, cycles):
    network = replace(NETWORK, activation=sigma)
    y = run(network, with_silence(U, 15))[1]
    for cycle, read in zip(cycles, recalled(network, U, cycles), strict=True):
        np.testing.assert_allclose(read, y[:, 3 * cycle : 3 * cycle + 3], atol=1e-13)


def test_the_linear_network_recalls_numbers():
    np.testing.assert_allclose(recalled(straight(NETWORK), U, [1, 20]), [U, U], atol=1e-10)


def test_gain_above_one_rounds_numbers_to_bits():
    lone = constructed(TASK, np.eye(6))
    (read,) = recalled(Network(1.5 * lone.W_hh, lone.W_uh, lone.W_r), U, [60])
    size = abs(read).mean()
    np.testing.assert_allclose(read, size * np.sign(U), atol=1e-9)
    assert np.arctanh(size) == pytest.approx(1.5 * size)
