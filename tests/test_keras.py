"""Models of Keras against Keras itself, live and from the files that it writes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from test_refusals import missing

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("KERAS_HOME", str(Path(os.environ.get("TMPDIR", "/tmp")) / "emt-keras"))
keras = pytest.importorskip("keras")

import emt  # noqa: E402
from emt.loading.layers import from_keras  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own
H, M, P = 7, 2, 3
U = np.random.default_rng(0).normal(size=(4, 9, M))
LIVELY = {"return_sequences": True, "bias_initializer": "random_normal"}
L = keras.layers


def built(*layers):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((None, M)), *layers])


def dense(**options):
    return L.Dense(P, bias_initializer="random_normal", **options)


CELLS = {
    "SimpleRNN": (lambda: L.SimpleRNN(H, **LIVELY), emt.Network),
    "ReLU": (lambda: L.SimpleRNN(H, activation="relu", **LIVELY), emt.Network),
    "linear": (lambda: L.SimpleRNN(H, activation="linear", **LIVELY), emt.Network),
    "a cell": (lambda: L.RNN(L.SimpleRNNCell(H), return_sequences=True), emt.Network),
    "GRU": (lambda: L.GRU(H, **LIVELY), emt.gated.GRU),
    "GRU, reset first": (lambda: L.GRU(H, reset_after=False, **LIVELY), emt.gated.GRU),
    "GRU, no bias": (lambda: L.GRU(H, use_bias=False, return_sequences=True), emt.gated.GRU),
    "LSTM": (lambda: L.LSTM(H, **LIVELY), emt.gated.LSTM),
}


def said(model):
    return np.asarray(model(U.astype("float32")).detach())


@pytest.mark.parametrize("name", CELLS)
def test_a_model_says_the_same_live_and_from_its_files(name, tmp_path):
    layer, kind = CELLS[name]
    model = built(layer(), dense())
    model.save(tmp_path / "x.keras")
    opened = emt.load(tmp_path / "x.keras")
    for network in (from_keras(model), opened.network):
        assert type(network) is kind
        np.testing.assert_allclose(emt.run(network, U)[1], said(model), atol=2e-6)
    assert opened.notes == () and not opened.unused
    model.save(tmp_path / "x.h5")
    np.testing.assert_allclose(
        emt.run(emt.load(tmp_path / "x.h5").network, U)[1], said(model), atol=2e-6
    )


def test_what_wraps_a_model_does_not_matter():
    inner = built(L.Masking(), L.GRU(H, **LIVELY), L.Dropout(0.1), L.TimeDistributed(dense()))
    outer = built(L.Dense(M, use_bias=False), inner)
    for model in (inner, outer):
        np.testing.assert_allclose(emt.run(from_keras(model), U)[1], said(inner), atol=2e-6)
    alone = from_keras(built(L.LSTM(H, **LIVELY)))
    np.testing.assert_array_equal(alone.W_r, np.eye(H))


def test_logits_are_read_and_it_is_said(tmp_path):
    model = built(L.GRU(H, **LIVELY), dense(activation="sigmoid"))
    model.save(tmp_path / "x.keras")
    opened = emt.load(tmp_path / "x.keras")
    assert "the readout goes on with sigmoid, which is left out" in str(opened)
    for network in (opened.network, from_keras(model)):
        y = 1 / (1 + np.exp(-emt.run(network, U)[1]))
        np.testing.assert_allclose(y, said(model), atol=2e-6)


REFUSED = {
    "two layers": (lambda: (L.GRU(H, **LIVELY), L.GRU(H, **LIVELY), dense()), "2 layers"),
    "two directions": (lambda: (L.Bidirectional(L.GRU(H, **LIVELY)), dense()), "2 layers"),
    "cells on cells": (
        lambda: (L.RNN([L.SimpleRNNCell(H)] * 2, return_sequences=True), dense()),
        "recognised|must",
    ),
    "two dense layers": (lambda: (L.GRU(H, **LIVELY), L.Dense(9), dense()), "two layers"),
    "other gates": (
        lambda: (L.GRU(H, recurrent_activation="hard_sigmoid", **LIVELY), dense()),
        "not tanh and hard_sigmoid",
    ),
    "another activation": (lambda: (L.SimpleRNN(H, activation="elu", **LIVELY), dense()), "elu"),
    "backwards": (lambda: (L.GRU(H, go_backwards=True, **LIVELY), dense()), "forwards"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_models_are_refused_live_and_from_files(name, tmp_path):
    layers, message = REFUSED[name]
    model = built(*layers())
    with pytest.raises(ValueError, match=r"must|linear"):
        from_keras(model)
    model.save(tmp_path / "x.keras")
    with pytest.raises(ValueError, match=message):
        emt.load(tmp_path / "x.keras")


NO_MODEL = {
    "normalised": (
        lambda: built(L.GRU(H, **LIVELY), L.LayerNormalization(), dense()),
        "without layer_norm",
    ),
    "not built": (
        lambda: keras.Sequential([L.GRU(H)]),
        "must hold the weights of gru.*: build it first",
    ),
    "a number": (lambda: 3, "must have one recurrent layer"),
}


@pytest.mark.parametrize("name", NO_MODEL)
def test_what_is_no_model_of_one_layer_is_refused(name):
    make, message = NO_MODEL[name]
    with pytest.raises(ValueError, match=message):
        from_keras(make())


def test_every_refusal_of_layers_is_reached():
    calls = [lambda m=make: from_keras(m()) for make, _ in NO_MODEL.values()]
    calls += [lambda m=layers: from_keras(built(*m())) for layers, _ in REFUSED.values()]
    calls += [lambda: emt.loading.layers.said_by_keras(BACKWARDS)]
    assert missing(calls, only="loading/layers.py") == []


BACKWARDS = {"class_name": "GRU", "config": {"go_backwards": True}}


def test_a_gru_without_bias_must_say_where_it_resets():
    model = built(L.GRU(H, use_bias=False, return_sequences=True), dense())
    arrays = dict(zip(("kernel", "recurrent_kernel"), model.layers[0].get_weights(), strict=True))
    arrays |= dict(zip(("out/kernel", "out/bias"), model.layers[1].get_weights(), strict=True))
    with pytest.raises(ValueError, match="does not show where its reset gate stands: give layout="):
        emt.loading.arrays.from_arrays(arrays)
    after, first = (
        emt.loading.arrays.from_arrays(arrays, layout=layout).network
        for layout in ("reset after", "reset first")
    )
    np.testing.assert_allclose(emt.run(after, U)[1], said(model), atol=2e-6)
    assert abs(emt.run(first, U)[1] - said(model)).max() > 1e-4


def test_a_configuration_that_is_no_models_says_nothing():
    for config in ({}, {"config": [1, None]}, json.loads('{"class_name": "GRU", "config": 3}')):
        assert emt.loading.layers.said_by_keras(config) == {"notes": []}
