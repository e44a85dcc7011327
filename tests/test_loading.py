"""Networks of other programs: what each format and layout gives, against the program itself."""

import os
import pickle
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from conftest import arrays as weights_of
from safetensors.numpy import save_file
from scipy import sparse
from test_refusals import missing

import emt
from emt import Network
from emt.gated import GRU, LSTM
from emt.loading.arrays import _few, _flat, from_arrays
from emt.loading.comparing import reproduces
from emt.loading.files import arrays_of, load, save
from emt.loading.graphs import Node, read_graph
from emt.loading.modules import on_arrays
from emt.loading.operating import operating_point
from emt.loading.stepping import Cell
from emt.network import ACTIVATIONS, RELU, TANH

RNG = np.random.default_rng(0)
H, M, P = 6, 3, 2
U = RNG.normal(size=(4, 7, M))
TRUE = Network(*(RNG.normal(size=n) / 2 for n in ((H, H), (H, M), (P, H), H, P)))
TORCH = {
    "rnn.weight_hh_l0": TRUE.W_hh,
    "rnn.weight_ih_l0": TRUE.W_uh,
    "rnn.bias_hh_l0": TRUE.b / 3,
    "rnn.bias_ih_l0": TRUE.b * 2 / 3,
    "fc.weight": TRUE.W_r,
    "fc.bias": TRUE.c,
}


def prefixed(prefix, tree=TORCH):
    return {f"{prefix}{name}": value for name, value in tree.items()}


def tensors(tree):
    return {k: tensors(v) if isinstance(v, dict) else torch.tensor(v) for k, v in tree.items()}


def same(network, other=TRUE):
    np.testing.assert_allclose(emt.run(network, U)[1], emt.run(other, U)[1], atol=1e-6)
    return True


NAMES = {"W_rec": TRUE.W_hh, "W_in": TRUE.W_uh, "W_out": TRUE.W_r}
PLAIN = replace(TRUE, b=None, c=None)
# One network in many hands.
HANDS = {
    "torch": TORCH,
    "in a model": prefixed("model."),
    "compiled and data-parallel": prefixed("_orig_mod.module."),
    "a cell": {k.replace("_l0", ""): v for k, v in TORCH.items()},
    "a checkpoint": {
        "epoch": np.array(3),
        "state_dict": TORCH,
        "optimizer": {"state": {"exp_avg": np.ones((H, H)), "W_hh": np.ones((H, H))}},
        "mask": np.ones((H, H)),
    },
    "written out": {"W_rec": TRUE.W_hh, "W_in": TRUE.W_uh, "W_out": TRUE.W_r, "b_rec": TRUE.b}
    | {"b_out": TRUE.c},
    "columns": {"Whh": TRUE.W_hh, "Wxh": TRUE.W_uh, "Why": TRUE.W_r, "bh": TRUE.b[:, None]}
    | {"by": TRUE.c[:, None]},
    "rows": {"W_rec": TRUE.W_hh.T, "W_in": TRUE.W_uh.T, "W_out": TRUE.W_r.T, "b_rec": TRUE.b}
    | {"b_out": TRUE.c},
    "linear layers": {"i2h.weight": TRUE.W_uh, "h2h.weight": TRUE.W_hh, "h2o.weight": TRUE.W_r}
    | {"i2h.bias": TRUE.b / 2, "h2h.bias": TRUE.b / 2, "h2o.bias": TRUE.c},
    "keras": {
        "simple_rnn/cell/kernel:0": TRUE.W_uh.T,
        "simple_rnn/cell/recurrent_kernel:0": TRUE.W_hh.T,
        "simple_rnn/cell/bias:0": TRUE.b,
        "dense/kernel:0": TRUE.W_r.T,
        "dense/bias:0": TRUE.c,
    },
    "onnx": {"W": TRUE.W_uh[None], "R": TRUE.W_hh[None], "fc.weight": TRUE.W_r, "fc.bias": TRUE.c}
    | {"B": np.concatenate([TRUE.b, 0 * TRUE.b])[None]},
}


@pytest.mark.parametrize("name", HANDS)
def test_one_network_in_many_hands(name):
    opened = from_arrays(HANDS[name], layout="h @ W" if name == "rows" else None)
    assert same(opened.network)
    assert set(opened.used) >= {"W_hh", "W_uh", "W_r", "c"}
    assert "W_hh from" in str(opened) and ", tanh, leak" in str(opened)


def test_what_does_not_count_is_named():
    assert same(from_arrays(NAMES | {"si": np.ones(M)}, ignore=["si"]).network, PLAIN)
    assert from_arrays(TORCH | {"embedding.weight": np.ones((9, M))}).unused == (
        "embedding.weight",
    )


@pytest.mark.parametrize("layout", ["W @ h", "h @ W"])
def test_layout_is_that_of_the_recurrent_matrix(layout):
    turned = NAMES | {"W_in": TRUE.W_uh.T, "W_rec": TRUE.W_hh.T if layout == "h @ W" else TRUE.W_hh}
    assert same(from_arrays(turned, layout=layout).network, PLAIN)


@pytest.mark.parametrize("over, way", [(1, "m @ n.T"), (H, "m @ n.T / H")])
@pytest.mark.parametrize("flat", [False, True])
def test_a_matrix_of_low_rank_is_formed_as_declared(over, way, flat):
    m, n, si, so = RNG.normal(size=(H, 2)), RNG.normal(size=(H, 2)), np.ones(M) + 1, np.ones(P) - 3
    tree = {"rnn.m": m, "rnn.n": n.T if flat else n, "rnn.wi": TRUE.W_uh.T, "rnn.wo": TRUE.W_r.T}
    tree |= {"rnn.si": si, "rnn.so": so}
    opened = from_arrays(tree, leak=0.2, rates=True, layout=way)
    W_hh = m @ n.T / over
    expected = Network(W_hh, TRUE.W_uh * si, TRUE.W_r * so[:, None], leak=0.2, rates=True)
    assert same(opened.network, expected) and opened.unused == ()
    assert opened.used["W_hh"] == "rnn.m + rnn.n" and opened.used["W_uh"] == "rnn.wi + rnn.si"


def test_arrays_of_any_name_are_what_they_are_said_to_be():
    tree = {"alpha": TRUE.W_hh, "beta": TRUE.W_uh, "gamma": TRUE.W_r, "delta": TRUE.b}
    tree |= {"epsilon": TRUE.c, "zeta": np.arange(H) / H}
    names = dict(zip(("W_hh", "W_uh", "W_r", "b", "c", "h0"), tree, strict=True))
    opened = from_arrays(tree, names=names)
    assert same(opened.network, replace(TRUE, h0=tree["zeta"]))
    assert opened.used["W_hh"] == "alpha" and opened.used["c"] == "epsilon"
    with pytest.raises(ValueError, match=r"not understood, .*: delta \(6,\)"):
        from_arrays(tree, names={k: v for k, v in names.items() if k != "b"})
    # Of PyTorch's names one readout is named, and keeps its bias.
    two = TORCH | {"value.weight": TRUE.W_r[:1], "value.bias": TRUE.c[:1] + 1}
    named = from_arrays(two, names={"W_r": "value.weight"}).network
    np.testing.assert_array_equal(named.c, TRUE.c[:1] + 1)
    gates = {"w": np.ones((3 * H, H)), "v": np.ones((3 * H, M)), "r": TRUE.W_r}
    gated = from_arrays(gates, names={"W_hh": "w", "W_uh": "v", "W_r": "r"})
    assert isinstance(gated.network, GRU)


def test_a_mask_is_not_passed_over_where_it_may_count():
    masked = NAMES | {"ei_mask": np.ones((H, H))}
    with pytest.raises(ValueError, match=r"not understood, .*: ei_mask \(6, 6\)"):
        from_arrays(masked)
    assert same(from_arrays(masked, ignore=["ei_mask"]).network, PLAIN)
    assert from_arrays(TORCH | {"rnn.mask": np.ones((H, H))}).unused == ("rnn.mask",)


START = np.linspace(-1, 1, H)


@pytest.mark.parametrize("shape", [(H,), (1, H), (H, 1), (1, 1, H)])
@pytest.mark.parametrize("name", ["h0", "rnn.init_state", "start"])
def test_an_initial_state_is_not_dropped(name, shape):
    names = {"h0": name} if name == "start" else None
    keras = {k: v for k, v in HANDS["keras"].items() if "optimizer" not in k}
    for tree in (TORCH, NAMES, keras):
        opened = from_arrays(tree | {name: START.reshape(shape)}, names=names)
        np.testing.assert_array_equal(opened.network.h0, START)
        assert opened.unused == ()
    rows = {"weight_hh": np.ones((3 * H, H)), "weight_ih": np.ones((3 * H, M)), "h0": START}
    np.testing.assert_array_equal(from_arrays(rows).network.h0, START)


def test_an_initial_state_of_a_model_comes_and_goes_with_it():
    model = model_of()
    model.h0 = torch.nn.Parameter(torch.tensor(START).reshape(1, 1, H))
    network = emt.from_torch(model)
    np.testing.assert_array_equal(network.h0, START)
    back = emt.to_torch(replace(network, h0=2 * START), like=model)
    np.testing.assert_array_equal(back.h0.detach().numpy().ravel(), 2 * START)


def test_a_bias_that_is_named_is_the_bias():
    plain = {k: v for k, v in TORCH.items() if "bias_" not in k}
    opened = from_arrays(plain | {"x": START}, names={"b": "x"})
    np.testing.assert_array_equal(opened.network.b, START)


@pytest.mark.parametrize("held", [np.float64(0.2), np.array([0.2]), 0.2, torch.tensor(0.2)])
@pytest.mark.parametrize("name", ["alpha", "rnn.dt", "tau", "model.leak_rate"])
def test_a_number_that_may_be_a_leak_is_not_passed_over(name, held):
    for tree in (NAMES, TORCH):
        with pytest.raises(ValueError, match=rf"{name} = 0.2, which may be a leak: give leak="):
            from_arrays(tree | {name: held})
        opened = from_arrays(tree | {name: held}, leak=0.2)
        assert opened.network.leak == 0.2 and opened.unused == (name,)
        assert from_arrays(tree | {name: held}, ignore=[name]).network.leak == 1
    assert from_arrays(TORCH | {"best": held}).unused == ("best",)


def test_units_may_leak_one_by_one(tmp_path):
    leak = np.linspace(0.1, 1, H)
    np.savez(tmp_path / "x.npz", **NAMES)
    opened = load(tmp_path / "x.npz", leak=leak)
    np.testing.assert_array_equal(opened.network.leak, leak)
    assert "leak by unit" in str(opened)


def test_a_square_readout_stands_as_the_rest_does():
    square = RNG.normal(size=(H, H))
    for layout, wanted in (("W @ h", square), ("h @ W", square.T)):
        opened = from_arrays(NAMES | {"W_out": square}, layout=layout, ignore=["b_out"])
        np.testing.assert_array_equal(opened.network.W_r, wanted)


def test_slots_written_out_are_passed_over():
    slots = {"Whh": TRUE.W_hh, "Wxh": TRUE.W_uh, "Why": TRUE.W_r}
    opened = from_arrays(slots | {f"m{name}": abs(value) for name, value in slots.items()})
    assert same(opened.network, PLAIN) and not opened.unused


@pytest.mark.parametrize("name", ["relu", "ReLU", "linear", "Leaky ReLU"])
def test_activations_have_the_names_that_programs_give_them(name):
    network = from_arrays(TORCH, activation=name).network
    wanted = {"relu": "ReLU", "linear": "identity", "Leaky ReLU": "leaky ReLU"}.get(name, name)
    assert network.activation == ACTIVATIONS[wanted]


def test_a_square_dense_readout_stands_as_keras_has_it():
    square = RNG.normal(size=(H, H))
    tree = {**HANDS["keras"], "dense/kernel:0": square, "dense/bias:0": np.ones(H)}
    np.testing.assert_array_equal(from_arrays(tree).network.W_r, square.T)


def test_one_matrix_of_both_needs_its_order():
    both = {"h2o.weight": TRUE.W_r, "i2h.bias": TRUE.b, "h2o.bias": TRUE.c}
    for layout, pair in {"[x, h]": "W_uh W_hh", "[h, x]": "W_hh W_uh"}.items():
        matrix = np.hstack([getattr(TRUE, part) for part in pair.split()])
        assert same(from_arrays({**both, "i2h.weight": matrix}, layout=layout).network)
        with pytest.raises(ValueError, match=r"say in which order, layout='\[x, h\]'"):
            from_arrays({**both, "i2h.weight": matrix})


def test_what_no_array_says_is_declared():
    other = replace(TRUE, activation=RELU, leak=0.3, rates=True)
    assert same(from_arrays(TORCH, "ReLU", 0.3, True).network, other)


@pytest.mark.parametrize("kind, cell", [("GRU", GRU), ("LSTM", LSTM)])
def test_gated_cells_are_known_by_their_rows(kind, cell):
    torch.manual_seed(0)
    rnn = getattr(torch.nn, kind)(M, H, batch_first=True)
    opened = from_arrays({f"rnn.{k}": v for k, v in rnn.state_dict().items()})
    assert isinstance(opened.network, cell) and opened.used["W_r"] == "the state itself"
    with torch.no_grad():
        said = rnn(torch.tensor(U, dtype=torch.float32))[0].numpy()
    np.testing.assert_allclose(emt.run(opened.network, U)[1], said, atol=1e-6)


@pytest.mark.parametrize("after", [True, False])
def test_a_gru_of_keras_is_written_out(after):
    """Its equations by hand: gates z, r, h; the reset before or after the recurrent product."""
    K, R = RNG.normal(size=(M, 3 * H)), RNG.normal(size=(H, 3 * H)) / 2
    b = RNG.normal(size=(2, 3 * H) if after else 3 * H)
    opened = from_arrays({"gru.kernel": K, "gru.recurrent_kernel": R, "gru.bias": b})
    x, h = RNG.normal(size=M), RNG.normal(size=H)
    b_x, b_h = b if after else (b, np.zeros(3 * H))
    (x_z, x_r, x_h), (R_z, R_r, R_h) = np.split(x @ K + b_x, 3), np.split(R, 3, axis=1)
    h_z, h_r, h_h = np.split(b_h, 3)
    z, r = (1 / (1 + np.exp(-v)) for v in (x_z + h @ R_z + h_z, x_r + h @ R_r + h_r))
    new = np.tanh(x_h + (r * (h @ R_h + h_h) if after else (r * h) @ R_h))
    np.testing.assert_allclose(opened.network.step(h, x), z * h + (1 - z) * new, atol=1e-12)


# Files


def written(folder: Path, kind: str, tree=TORCH) -> Path:
    path = folder / f"network.{kind}"
    if kind == "npz":
        np.savez(path, **tree)
    elif kind == "safetensors":
        save_file({k: np.ascontiguousarray(v) for k, v in tree.items()}, path)
    elif kind in ("pt", "legacy.pt"):
        torch.save(tensors(tree), path, _use_new_zipfile_serialization=kind == "pt")
    elif kind == "mat":
        names = {"W_rec": TRUE.W_hh, "W_in": TRUE.W_uh, "W_out": TRUE.W_r, "b_rec": TRUE.b}
        scipy.io.savemat(path, {"net": {**names, "b_out": TRUE.c}})
    return path


def test_a_matlab_file_keeps_its_shapes(tmp_path):
    """One input, one output, names that a reader of its own might take, a sparse matrix."""
    narrow = {"W_rec": sparse.csc_array(TRUE.W_hh), "W_in": TRUE.W_uh[:, :1], "W_out": TRUE.W_r[:1]}
    narrow |= {"b_out": 0.5, "file": np.ones((1, 1)), "allow_pickle": 3.0}
    scipy.io.savemat(tmp_path / "x.mat", narrow)
    opened = load(tmp_path / "x.mat")
    for part, value in (("W_hh", TRUE.W_hh), ("W_uh", TRUE.W_uh[:, :1]), ("W_r", TRUE.W_r[:1])):
        np.testing.assert_array_equal(getattr(opened.network, part), value)
    assert opened.network.c == 0.5 and set(opened.unused) == {"file", "allow_pickle"}


def test_matlab_writes_hdf5_columns_first(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
        for name, value in NAMES.items():
            file[f"net/{name}"] = value.T
    with open(tmp_path / "x.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    assert same(load(tmp_path / "x.mat").network, PLAIN)


@pytest.mark.parametrize("kind", ["npz", "safetensors", "pt", "legacy.pt", "mat"])
def test_files_are_known_by_what_they_hold(kind, tmp_path):
    path = written(tmp_path, kind)
    before = path.read_bytes()
    assert same(load(path).network)
    other = path.rename(tmp_path / "a file")
    assert same(load(str(other)).network) and other.read_bytes() == before


def test_a_checkpoint_in_half_precision_opens(tmp_path):
    model = {k: torch.tensor(v, dtype=torch.bfloat16) for k, v in TORCH.items()}
    torch.save({"model": model, "optimizer": {"lr": 0.1}}, tmp_path / "x.ckpt")
    got = load(tmp_path / "x.ckpt").network
    np.testing.assert_allclose(got.W_hh, TRUE.W_hh, atol=1e-2)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_was_saved_comes_back_as_it_was(name, tmp_path):
    leak = RNG.uniform(0.1, 1, size=H)
    network = replace(TRUE, activation=ACTIVATIONS[name], leak=leak, rates=True, h0=np.ones(H))
    back = load(save(network, tmp_path / "x.safetensors")).network
    for part, value in weights_of(network).items():
        np.testing.assert_array_equal(getattr(back, part), value)
    assert back.activation == network.activation and back.rates
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
    assert same(load(save(TRUE, tmp_path / "x.safetensors")).network)


class Opens:
    """What a hostile pickle does."""

    def __reduce__(self):
        """Make a file."""
        return os.mkdir, ("executed",)


def hostile(folder: Path, kind: str) -> Path:
    path = folder / f"x.{kind}"
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"W_hh": Opens()}))
    elif kind == "pt":
        torch.save({"W_hh": Opens()}, path)
    elif kind == "npz":
        np.savez(path, W_hh=np.array([Opens()], dtype=object))
    else:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("archive/constants.pkl", pickle.dumps(Opens()))
    return path


@pytest.mark.parametrize("kind", ["pickle", "pt", "npz", "script"])
def test_nothing_in_a_file_is_executed(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"TorchScript program|pickled objects"):
        load(hostile(tmp_path, kind))
    assert not (tmp_path / "executed").exists()
    assert "executed" not in os.listdir(tmp_path)


@pytest.mark.parametrize("kind", ["npz", "safetensors", "pt", "legacy.pt", "mat"])
def test_a_damaged_file_is_one_clear_error_and_stays(kind, tmp_path):
    path = written(tmp_path, kind)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:40], b"", b"PK" + whole, whole[::-1]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"x|network"):
            load(path)
        assert path.read_bytes() == content
    for seed in range(40):  # a few bytes turned: an error, or other numbers
        rng = np.random.default_rng(seed)
        content = bytearray(whole)
        for place in rng.integers(len(whole), size=5):
            content[place] ^= int(rng.integers(1, 256))
        path.write_bytes(content)
        try:
            load(path)
        except ValueError as error:
            assert str(path) in str(error)


def without_reader(folder, monkeypatch):
    """Open an HDF5 file where h5py is not installed."""
    path = folder / "x.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    monkeypatch.setitem(sys.modules, "h5py", None)
    return load(path)


def test_files_of_readers_that_are_not_installed_say_so(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"x\.h5: to read this HDF5 file, pip install h5py"):
        without_reader(tmp_path, monkeypatch)


def test_hdf5_is_read_where_its_reader_is(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name, value in HANDS["keras"].items():
            file[f"model_weights/{name}"] = value
    assert same(load(tmp_path / "x.h5").network)


def test_onnx_is_read_where_its_reader_is(tmp_path):
    onnx = pytest.importorskip("onnx")
    held = [onnx.numpy_helper.from_array(v, k) for k, v in HANDS["onnx"].items()]
    model = onnx.helper.make_model(onnx.helper.make_graph([], "x", [], [], held))
    onnx.save(model, tmp_path / "x.onnx")
    assert same(load(tmp_path / "x.onnx").network)


def graph(kind, gates, folder, reader="Gemm", **attributes):
    """Write an ONNX graph of one recurrent node and a dense one, with weights that are shaped."""
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    G = gates * H
    held = {"w": RNG.normal(size=(G, M)), "R": RNG.normal(size=(1, G, H)) / 3}
    held |= {"B": RNG.normal(size=(1, 2 * G)), "axis": np.array([0]), "flat": np.array([-1, H])}
    held |= {"D": RNG.normal(size=(H, P)), "d": RNG.normal(size=P)}
    held = {k: v.astype("f") if v.dtype.kind == "f" else v for k, v in held.items()}
    nodes = [
        helper.make_node("Unsqueeze", ["w", "axis"], ["W"]),
        helper.make_node(kind, ["u", "W", "R", "B"], ["y"], hidden_size=H, **attributes),
        helper.make_node("Reshape", ["y", "flat"], ["h"]),
    ]
    if reader == "Gemm":
        nodes.append(helper.make_node("Gemm", ["h", "D", "d"], ["o"]))
    else:
        nodes += [helper.make_node("MatMul", ["h", "D"], ["q"])]
        nodes += [helper.make_node("Add", ["d", "q"], ["o"])]
    nodes.append(helper.make_node("Sigmoid", ["o"], ["out"]))
    ends = [[helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None)] for n in ("u", "out")]
    weights = [numpy_helper.from_array(v, k) for k, v in held.items()]
    opset = [helper.make_opsetid("", 14)]
    model = helper.make_model(
        helper.make_graph(nodes, "x", *ends, weights), opset_imports=opset, ir_version=8
    )
    onnx.save(model, folder / "x.onnx")
    return model


NODES = {
    "RNN": ("RNN", 1, {}),
    "LSTM": ("LSTM", 4, {}),
    "GRU": ("GRU", 3, {}),
    "GRU, reset after": ("GRU", 3, {"linear_before_reset": 1}),
}


@pytest.mark.parametrize("reader", ["Gemm", "MatMul"])
@pytest.mark.parametrize("name", NODES)
def test_a_recurrent_node_of_onnx_does_what_its_evaluator_does(name, reader, tmp_path):
    kind, gates, attributes = NODES[name]
    model = graph(kind, gates, tmp_path, reader, **attributes)
    from onnx.reference import ReferenceEvaluator

    u = RNG.normal(size=(9, 1, M)).astype("f")
    (wanted,) = ReferenceEvaluator(model).run(None, {"u": u})
    opened = load(tmp_path / "x.onnx")
    said = 1 / (1 + np.exp(-emt.run(opened.network, u[:, 0])[1]))
    np.testing.assert_allclose(said, wanted, atol=1e-5)
    assert opened.notes == ("the graph goes on with Sigmoid, which is left out",)


def test_a_recurrent_node_says_its_activation(tmp_path):
    graph("RNN", 1, tmp_path, activations=["Relu"])  # which the evaluator does not know
    opened, tanh = load(tmp_path / "x.onnx"), PLAIN.activation
    assert opened.network.activation == RELU != tanh
    assert opened.used["W_hh"] == "rnn.weight_hh_l0"
    graph("RNN", 1, tmp_path)
    assert load(tmp_path / "x.onnx").network.activation == tanh


NODES_REFUSED = {
    "backwards": ({"direction": "reverse"}, "forwards, not reverse"),
    "clipped": ({"clip": 1.0}, "must not clip"),
    "other gates": ({"activations": ["HardSigmoid", "Tanh"]}, "usual activations, not"),
}


@pytest.mark.parametrize("name", NODES_REFUSED)
def test_a_node_that_does_something_else_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=NODES_REFUSED[name][1]):
        node_refused(name, tmp_path)


def node_refused(name, folder):
    graph("GRU", 3, folder, **NODES_REFUSED[name][0])
    load(folder / "x.onnx")


def peepholes():
    node = Node("LSTM", ["u", "W", "R", "", "", "", "", "P"], ["y"], {})
    read_graph({"W": np.ones((1, 8, 2)), "R": np.ones((1, 8, 2)), "P": np.ones((1, 6))}, [node])


def unknown_weights():
    read_graph({}, [Node("GRU", ["u", "W", "R"], ["y"], {})])


def branch(folder):
    """Return the path of a graph all of whose weights stand inside a branch."""
    from onnx import helper, save

    inner = helper.make_graph([], "y", [], [])
    node = helper.make_node("If", ["c"], ["o"], then_branch=inner, else_branch=inner)
    save(helper.make_model(helper.make_graph([node], "x", [], [])), folder / "x.onnx")
    return folder / "x.onnx"


# Files that hold more, or something else


def test_objects_beside_arrays_are_passed_over_and_named(tmp_path):
    np.savez(tmp_path / "x.npz", **NAMES, dale_ratio=np.array(None))
    opened = load(tmp_path / "x.npz")
    assert same(opened.network, PLAIN)
    assert "passed over, being Python objects: dale_ratio" in str(opened)


def test_an_lstm_says_its_units_not_its_state():
    rows = {"weight_hh": np.ones((4 * H, H)), "weight_ih": np.ones((4 * H, M))}
    assert str(from_arrays(rows)).startswith(f"LSTM of {H} units")


def pointer(folder):
    (folder / "x.pt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    return folder / "x.pt"


# Modules


class Own(torch.nn.Module):
    """A researcher's model."""

    def __init__(self, **options):
        super().__init__()
        self.encoder = torch.nn.RNN(M, H, batch_first=True, **options)
        self.readout = torch.nn.Linear(H, P)

    def forward(self, x):
        """Return the outputs."""
        return self.readout(self.encoder(x)[0])


def model_of(network=TRUE, **options):
    model = Own(**options).double()
    with torch.no_grad():
        model.encoder.weight_hh_l0.copy_(torch.tensor(network.W_hh))
        model.encoder.weight_ih_l0.copy_(torch.tensor(network.W_uh))
        model.encoder.bias_hh_l0.copy_(torch.tensor(network.b))
        model.encoder.bias_ih_l0.zero_()
        model.readout.weight.copy_(torch.tensor(network.W_r))
        model.readout.bias.copy_(torch.tensor(network.c))
    return model


WRAPPED = {
    "as it is": lambda m: m,
    "data-parallel": torch.nn.DataParallel,
    "compiled": torch.compile,
    "scripted": torch.jit.script,
    "in a sequence": lambda m: torch.nn.Sequential(m.encoder, m.readout),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("name", WRAPPED)
def test_a_model_comes_in_whole(name, nonlinearity):
    model = model_of(nonlinearity=nonlinearity)
    with torch.no_grad():
        said = model(torch.tensor(U)).numpy()
    network = emt.from_torch(WRAPPED[name](model))
    np.testing.assert_allclose(emt.run(network, U)[1], said, atol=1e-12)


def test_an_edited_network_goes_back_into_its_model():
    model = model_of()
    edited = replace(TRUE, W_hh=TRUE.W_hh + 0.1, c=TRUE.c - 1)
    back = emt.to_torch(edited, like=model)
    with torch.no_grad():
        said = back(torch.tensor(U)).numpy()
        before = model(torch.tensor(U)).numpy()
    np.testing.assert_allclose(said, emt.run(edited, U)[1], atol=1e-12)
    np.testing.assert_allclose(before, emt.run(TRUE, U)[1], atol=1e-12)  # which stays
    model.load_state_dict(back.state_dict())


def test_a_cell_of_linear_layers_says_no_activation():
    cell = torch.nn.ModuleDict({"i2h": torch.nn.Linear(M, H), "h2h": torch.nn.Linear(H, H)})
    cell["h2o"] = torch.nn.Linear(H, P)
    with pytest.raises(ValueError, match="activation must be given"):
        emt.from_torch(cell)
    network = emt.from_torch(cell, activation="ReLU")
    x, h = torch.randn(M), torch.rand(H)
    with torch.no_grad():
        new = torch.relu(cell["i2h"](x) + cell["h2h"](h)).numpy()
    np.testing.assert_allclose(network.step(h.numpy(), x.numpy()), new, atol=1e-6)


# Checking against what was recorded

LEAKY = replace(TRUE, leak=0.3)
SLIPS = {
    "W_hh is transposed": replace(TRUE, W_hh=TRUE.W_hh.T),
    "the activation is tanh": replace(TRUE, activation=RELU),
    "a bias b is missing": replace(TRUE, b=None),
    "a readout bias is missing": replace(TRUE, c=None),
    "the leak is 1": LEAKY,
    "the activation stands inside": replace(TRUE, rates=True),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_and_mended(slip):
    h, y = emt.run(TRUE, U)
    found = reproduces(SLIPS[slip], U, h, y)
    assert not found.agrees and any(s.startswith(slip) for s in found.slips), found
    assert slip in str(found) and found.where[0] in "hy" and found.where[2] >= 1
    for other in set(SLIPS) - {slip}:
        assert not any(s.startswith(other) for s in found.slips)


def test_what_agrees_agrees_and_time_first_is_noticed():
    h, y = emt.run(TRUE, U)
    assert reproduces(TRUE, U, h, y) == (True, 0.0, None, ())
    assert reproduces(TRUE, U, y=y).agrees and reproduces(TRUE, U, h).agrees
    turned = reproduces(TRUE, U.swapaxes(0, 1), y=y.swapaxes(0, 1))
    assert turned.slips == ("the recording is time first",)
    elsewhere = emt.run(replace(TRUE, h0=np.ones(H)), U)
    assert reproduces(TRUE, U, *elsewhere).slips == (
        "the recording starts in another state than h0",
    )
    spoilt = h.copy()
    spoilt[2, 4, 1] += 1
    assert reproduces(TRUE, U, spoilt).where == ("h", 2, 5, 1)
    assert "none of the usual slips" in str(reproduces(TRUE, U, spoilt))


# What is refused


def nested(depth):
    return {"a": nested(depth - 1) if depth else np.ones(3)}


def test_arrays_may_be_fifty_deep():
    assert list(_flat(nested(50))) == [".".join(51 * "a")]
    with pytest.raises(ValueError, match="nested more than 50 deep"):
        _flat(nested(51))


@pytest.mark.parametrize("size, known", [(9, True), (1 << 33, False)])
def test_a_head_of_an_impossible_size_is_no_safetensors_file(size, known, tmp_path):
    (tmp_path / "x").write_bytes(size.to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="safetensors file" if known else "npz, PyTorch, MATLAB"):
        load(tmp_path / "x")


LAYERS = TORCH | {k.replace("l0", "l1"): v for k, v in TORCH.items() if "l0" in k}
REFUSED = {
    "nothing": ({"x": "y"}, {}, "hold no array of numbers"),
    "two layers": (LAYERS, {}, r"2 layers or directions: rnn\.\*_l0, rnn\.\*_l1"),
    "two of Keras": (
        {f"{n}/{k}": np.ones((H, H)) for n in "ab" for k in ("kernel", "recurrent_kernel")},
        {},
        "2 layers",
    ),
    "no kernel": ({"a/recurrent_kernel": np.ones((H, H))}, {}, "must hold kernel beside"),
    "two directions of ONNX": (
        {"W": np.ones((2, H, M)), "R": np.ones((2, H, H))},
        {},
        "one direction, not 2",
    ),
    "gates of ONNX": ({"W": np.ones((1, 9, M)), "R": np.ones((1, 9, 3))}, {}, "export its weights"),
    "low rank": ({"m": np.ones((H, 2)), "n": np.ones((H, 2))}, {}, "low rank"),
    "a GRU of Keras without bias": (
        {"recurrent_kernel": np.ones((H, 3 * H)), "kernel": np.ones((M, 3 * H))},
        {},
        "does not show where its reset gate stands",
    ),
    "no such part": (NAMES, {"names": {"W": "W_rec"}}, "names must be one of W_hh, W_uh"),
    "a vector for a matrix": (
        NAMES | {"b": TRUE.b},
        {"names": {"W_hh": "b", "W_uh": "W_in"}},
        "b must be a matrix, not of shape",
    ),
    "half a gate": (
        NAMES | {"w": np.ones((9, H))},
        {"names": {"W_hh": "w", "W_uh": "W_in"}},
        r"w must have H rows .* not shape \(9, 6\)",
    ),
    "an embedding for a readout": (
        TORCH | {"embedding": np.ones((H, H))},
        {"names": {"W_r": "embedding"}},
        "names must give a readout of fc.weight, not 'embedding'",
    ),
    "CuDNN": (
        {"weight_hh": np.ones((4 * H, H)), "weight_ih": np.ones((4 * H, M))}
        | {"bias_hh": np.ones(8 * H)},
        {},
        "twice as many as gates: a cell of CuDNN",
    ),
    "two recurrent": (NAMES | {"J": TRUE.W_hh}, {}, "one recurrent and one input matrix"),
    "another size": (NAMES | {"W_in": np.ones((5, M))}, {}, "W_in must have 6 rows"),
    "rows": (HANDS["rows"], {}, r"W_in of shape \(3, 6\) may stand in rows, .* give layout="),
    "square": (NAMES | {"W_in": np.ones((H, H))}, {}, "may stand in rows"),
    "a factor": (
        NAMES | {"si": np.ones(M)},
        {},
        r"not understood, .*: si \(3,\); .* ignore=\['si'\]",
    ),
    "another's names": ({"alpha": np.ones((3, 4))}, {}, r"none is recognised among alpha \(3, 4\)"),
    "one of two readouts": (
        TORCH | {"value.weight": TRUE.W_r},
        {},
        r"readout may be any of fc.weight \(2, 6\), value.weight",
    ),
    "no such readout": (TORCH, {"names": {"W_r": "x"}}, "names must be of arrays that .* not 'x'"),
    "a readout of another size": (
        TORCH | {"fc.weight": np.ones((P, 5))},
        {},
        "readout must have 6 columns",
    ),
    "a readout of two layers": (
        {**{k: v for k, v in TORCH.items() if "fc" not in k}}
        | {"out.0.weight": np.ones((9, H)), "out.2.weight": np.ones((P, 9))},
        {},
        "may have two layers, out.0.weight and out.2.weight",
    ),
    "a leaky GRU": (
        {"weight_hh": np.ones((3 * H, H)), "weight_ih": np.ones((3 * H, M))},
        {"leak": 0.5},
        "this cell is gated",
    ),
    "five gates": (
        {"weight_hh": np.ones((5 * H, H)), "weight_ih": np.ones((5 * H, M))},
        {},
        "must have H, 3H .GRU. or 4H .LSTM. rows",
    ),
    "a leak": (NAMES | {"alpha": 0.2}, {}, "alpha = 0.2, which may be a leak"),
    "part of a matrix of low rank": (
        NAMES | {"m": np.ones((H, 2)), "n": np.ones((H, 2))},
        {"layout": "m @ n.T", "names": {"b": "m"}},
        "names must not give m, of which a matrix is formed",
    ),
    "a vector of PyTorch": (
        TORCH | {"rnn.weight_hh_l0": np.ones(H)},
        {},
        "rnn.weight_hh_l0 must be a matrix, as W_hh is",
    ),
    "a vector of Keras": (
        {"a/recurrent_kernel": np.ones(H), "a/kernel": np.ones((M, H))},
        {},
        r"one number of columns, not a/recurrent_kernel \(6,\), a/kernel \(3, 6\)",
    ),
    "two biases": (TORCH | {"x": START}, {"names": {"b": "x"}}, "has no other bias"),
    "nested": (nested(60), {}, "nested more than 50 deep"),
    "whole numbers": (
        TORCH | {"rnn.weight_hh_l0": np.ones((H, H), int)},
        {},
        "weight_hh_l0 must be of floating point numbers, not int64",
    ),
    "NaN": (TORCH | {"fc.weight": np.full((P, H), np.nan)}, {}, "W_r must be finite"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_network_is_refused_by_name(name):
    tree, options, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        from_arrays(tree, **options)


def projected():
    return torch.nn.LSTM(M, H, proj_size=2)


OTHERS = {
    "a projection": lambda tmp: emt.from_torch(projected()),
    "no linear readout": lambda tmp: emt.from_torch(torch.nn.RNN(M, H), torch.nn.ReLU()),
    "on no device": lambda tmp: emt.from_torch(torch.nn.RNN(M, H, device="meta")),
    "no place for b": lambda tmp: emt.to_torch(TRUE, like=Own(bias=False)),
    "no place for c": lambda tmp: emt.to_torch(
        TRUE, like=torch.nn.Sequential(torch.nn.RNN(M, H), torch.nn.Linear(H, P, bias=False))
    ),
    "another size": lambda tmp: emt.to_torch(
        TRUE, like=torch.nn.Sequential(torch.nn.RNN(M, 5), torch.nn.Linear(5, P))
    ),
    "parametrised": lambda tmp: emt.to_torch(TRUE, like=orthogonal()),
    "nothing to compare": lambda tmp: reproduces(TRUE, U),
    "no name": lambda tmp: save(
        replace(TRUE, activation=emt.Activation(np.sin, np.cos)), tmp / "x.safetensors"
    ),
    "no file": lambda tmp: arrays_of(tmp / "nothing"),
    "text": lambda tmp: arrays_of(text(tmp)),
    "recognised in no file": lambda tmp: load(text(tmp, "npz")),
    "one array": lambda tmp: arrays_of(text(tmp, "npy")),
    "a list": lambda tmp: arrays_of(text(tmp, "pt")),
    "a script": lambda tmp: arrays_of(hostile(tmp, "script")),
    "a pickle": lambda tmp: arrays_of(hostile(tmp, "pt")),
    "objects alone": lambda tmp: load(objects(tmp)),
    "a pointer": lambda tmp: load(pointer(tmp)),
    "weights in a branch": lambda tmp: load(branch(tmp)),
    "peepholes": lambda tmp: peepholes(),
    "weights that are computed": lambda tmp: unknown_weights(),
    "normalised": lambda tmp: emt.from_torch(torch.nn.Sequential(torch.nn.RNN(M, H), NORM)),
    "a cell of float32": lambda tmp: Cell(on_arrays(torch.nn.RNNCell(M, H)), TRUE.W_r, M),
    "no states": lambda tmp: Cell(lambda u, h: u, TRUE.W_r, M),
    "whole states": lambda tmp: Cell(lambda u, h: h.astype(int), TRUE.W_r, M),
    "noise": lambda tmp: Cell(lambda u, h: RNG.normal(size=h.shape), TRUE.W_r, M),
    "mixed rows": lambda tmp: Cell(lambda u, h: h - h.mean(axis=0), TRUE.W_r, M),
    "a fifo": lambda tmp: load(fifo(tmp)),
    "weights elsewhere": lambda tmp: load(elsewhere(tmp)),
    "no folder": lambda tmp: save(TRUE, tmp / "no" / "x.safetensors"),
    "a folder": lambda tmp: save(TRUE, tmp),
    "bent before it is read": lambda tmp: emt.from_torch(
        torch.nn.Sequential(torch.nn.RNN(M, H), torch.nn.ReLU(), torch.nn.Linear(H, P))
    ),
    "bent in the readout": lambda tmp: emt.from_torch(
        torch.nn.RNN(M, H), torch.nn.Sequential(torch.nn.GELU(), torch.nn.Linear(H, P))
    ),
    "root mean square": lambda tmp: emt.from_torch(
        torch.nn.Sequential(torch.nn.RNN(M, H), torch.nn.RMSNorm(H), torch.nn.Linear(H, P))
    ),
    "another activation": lambda tmp: emt.from_torch(
        torch.nn.RNN(M, H, nonlinearity="relu"), activation="tanh"
    ),
    "back into another activation": lambda tmp: emt.to_torch(
        TRUE, like=model_of(nonlinearity="relu")
    ),
    "back without its start": lambda tmp: emt.to_torch(replace(TRUE, h0=START), like=model_of()),
    "a cell of tensors": lambda tmp: Cell(torch.nn.RNNCell(M, H), TRUE.W_r, M),
    "an array elsewhere": lambda tmp: load(linked(tmp)),
    "another's emt": lambda tmp: load(altered(tmp)),
    "a bomb": lambda tmp: load(bomb(tmp)),
    "a claim": lambda tmp: load(claim(tmp)),
    "no fixed point": lambda tmp: operating_point(RESTLESS, emt.repeat_copy(2, P), 4),
}
NORM = torch.nn.LayerNorm(H)
# It drifts: h grows by one at every step.
RESTLESS = Network(
    np.eye(H), TRUE.W_uh[:, :P], TRUE.W_r, b=np.ones(H), activation=ACTIVATIONS["identity"]
)


def fifo(folder):
    path = folder / "fifo"
    if not path.exists():
        os.mkfifo(path)
    return path


def elsewhere(folder):
    """Write a graph whose weights are to be read from another file."""
    from onnx import TensorProto, helper, save

    tensor = TensorProto(name="W", data_type=1, dims=[1, 2, 2], data_location=1)
    tensor.external_data.add(key="location", value="x.npz")
    save(helper.make_model(helper.make_graph([], "x", [], [], [tensor])), folder / "x.onnx")
    return folder / "x.onnx"


def linked(folder):
    """Write an HDF5 file whose numbers stand in another file."""
    import h5py

    (folder / "secret").write_bytes(bytes(288))
    with h5py.File(folder / "x.h5", "w") as file:
        other = [(str(folder / "secret"), 0, 288)]
        file.create_dataset("W_rec", (6, 6), "f8", external=other)
    return folder / "x.h5"


def altered(folder):
    """Save a network under the name of an activation that there is not."""
    path = save(TRUE, folder / "x.safetensors")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"tanh"', b'"tenh"'))
    assert path.read_bytes() != content
    return path


def bomb(folder):
    """Write a graph that doubles an array forty times."""
    from onnx import helper, numpy_helper, save

    nodes = [helper.make_node("GRU", ["u", "W", "R"], ["y"])]
    nodes += [helper.make_node("Concat", [f"W{n}"] * 2, [f"W{n + 1}"], axis=0) for n in range(40)]
    held = [numpy_helper.from_array(np.ones((1, 6, 2), "f"), name) for name in ("W", "R", "W0")]
    save(helper.make_model(helper.make_graph(nodes, "x", [], [], held)), folder / "x.onnx")
    return folder / "x.onnx"


def claim(folder):
    """Write a small file that claims an array of a terabyte."""
    import h5py

    with h5py.File(folder / "x.h5", "w") as file:
        file.create_dataset("W_rec", (1 << 37,), "f8", chunks=(1 << 20,))
    return folder / "x.h5"


def objects(folder):
    path = folder / "x.npz"
    np.savez(path, W_hh=np.array([None, "W"], object))
    return path


def orthogonal():
    model = Own()
    torch.nn.utils.parametrizations.orthogonal(model.encoder, "weight_hh_l0")
    return model


def text(folder, kind="txt"):
    path = folder / f"x.{kind}"
    if kind == "npz":
        np.savez(path, alpha=np.ones(3))
    elif kind == "npy":
        np.save(path, np.ones(3))
    elif kind == "pt":
        torch.save([torch.ones(3)], path)
    else:
        path.write_text("W_hh = 1", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", OTHERS)
def test_other_things_are_refused(name, tmp_path):
    with pytest.raises(
        ValueError,
        match=r"must|damaged|larger|another file|claims|h or y|alpha|its? (is|holds|wei|\w+ node)",
    ):
        OTHERS[name](tmp_path)


def test_every_refusal_of_loading_is_reached(tmp_path, monkeypatch):
    calls = [lambda t=tree, o=options: from_arrays(t, **o) for tree, options, _ in REFUSED.values()]
    calls += [lambda c=call: c(tmp_path) for call in OTHERS.values()]
    calls += [lambda: emt.from_torch(torch.nn.RNN(M, H, 2)), cell_without_activation]
    calls += [lambda: from_arrays({"i2h.weight": np.ones((H, 9))})]
    calls += [lambda n=name: node_refused(n, tmp_path) for name in NODES_REFUSED]
    calls += [lambda: emt.to_torch(LEAKY), lambda: load(cut(tmp_path))]
    calls += [lambda: without_reader(tmp_path, monkeypatch)]
    left = missing(calls, only="loading")
    assert [place for place in left if "layers.py" not in place] == []  # that is test_keras's


def cut(folder):
    """Write half a MATLAB file."""
    path = written(folder, "mat")
    path.write_bytes(path.read_bytes()[:200])
    return path


def cell_without_activation():
    emt.from_torch(
        torch.nn.ModuleDict({"h2h": torch.nn.Linear(H, H), "i2h": torch.nn.Linear(M, H)})
    )


def test_every_kind_of_start_is_given_to_tanh():
    assert TANH == from_arrays(TORCH).network.activation


def test_a_few_are_named_and_the_others_counted():
    assert _few(range(12)) == ", ".join(map(str, range(12)))
    assert _few(range(14)) == _few(range(12)) + " and 2 more"


def test_what_says_that_a_gru_resets_first_is_named():
    held = {"kernel": RNG.normal(size=(2, 9)), "recurrent_kernel": RNG.normal(size=(3, 9))}
    held["dense.kernel"] = RNG.normal(size=(3, 2))
    said = from_arrays(held, layout="reset first").used["reset_first"]
    assert said == "the layout"
    said = from_arrays(held | {"bias": np.zeros(9)}).used["reset_first"]
    assert said == "one bias only"
