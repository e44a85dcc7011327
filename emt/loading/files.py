"""Weight files of other programs. Nothing in a file is ever executed."""

import io
import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors import numpy as tensors

from emt import checks
from emt.loading.arrays import PARTS, Opened, from_arrays
from emt.loading.graphs import Node, read_graph
from emt.loading.layers import said_by_keras
from emt.network import ACTIVATIONS, TANH, Activation, Network
from emt.writing import write_whole


def load(
    path: Path,
    activation: Activation | str | None = None,
    leak: Float[np.ndarray, "*units"] | float = 1.0,
    rates: bool = False,
    layout: str | None = None,
    names: Mapping | None = None,
    ignore: Sequence[str] = (),
) -> Opened:
    """Open a network from a weight file.

    Read are safetensors, NumPy's npz, PyTorch's state dicts and checkpoints, MATLAB's mat, and,
    where h5py or onnx are installed, HDF5 (Keras, MATLAB 7.3) and ONNX; by what a file holds, not
    by its name. How its arrays are recognised `emt.loading.arrays.from_arrays` says. What no file
    says is declared here, and can be checked: `emt.loading.comparing.reproduces`.

    Parameters
    ----------
    path
        Of the file.
    activation, leak, rates, layout, names, ignore
        As for `emt.loading.arrays.from_arrays`. Files that `save` wrote need none of them; files of
        Keras and ONNX say the activation, others mean tanh unless it is declared.

    Raises
    ------
    ValueError
        If there is no such file, it cannot be read safely, or no network is recognised in it.
    """
    found, said = _contents(path)
    how = said.get("emt")
    if how is not None:
        try:
            sigma, rates = ACTIVATIONS[str(how["activation"])], bool(how["rates"])
            network = Network(**found, activation=sigma, rates=rates)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is damaged: emt wrote it otherwise ({error})") from None
        return Opened(network, {name: name for name in found}, ())
    sigma, layout = activation or said.get("activation", TANH), layout or said.get("layout")
    try:
        opened = from_arrays(found, sigma, leak, rates, layout, names, ignore)
    except ValueError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return opened._replace(notes=tuple(said.get("notes", ())))


def arrays_of(path: Path) -> dict:
    """Return the arrays of a file by name, as it has them, for `from_arrays`.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    ValueError
        If there is no such file or it cannot be read safely.
    """
    return _contents(path)[0]


def _contents(path: Path) -> tuple[dict, dict]:
    """Return the arrays of a file, and what else it says of the network."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(f"{path} is no file")
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise ValueError(f"path must be a file that can be read: {error}") from None
    reader, kind = _reader(path, head)
    try:
        return reader(path)
    except _Refused as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{path}: {said}; the file was left as it is") from None
    except ImportError as error:
        raise ValueError(f"{path}: to read this {kind}, pip install {error.name}") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{path} is damaged, or no {kind} that can be read without executing it ({reason}); "
            "the file was left as it is"
        ) from None


class _Refused(Exception):
    """What a file is, and why it is not opened: in our own words."""


def save(network: Network, path: Path) -> Path:
    """Write a network as safetensors, which `load` opens as it was.

    Parameters
    ----------
    network
        With one of `emt.network.ACTIVATIONS`.
    path
        Where to; an existing file is replaced when the new one is whole.

    Raises
    ------
    ValueError
        If the activation has no name.
    """
    names = [name for name, sigma in ACTIVATIONS.items() if sigma == network.activation]
    if not names:
        raise ValueError("network must have one of emt.network.ACTIVATIONS to be saved by name")
    arrays = {k: getattr(network, k) for k in PARTS if getattr(network, k) is not None}
    arrays["leak"] = np.atleast_1d(network.leak)
    arrays = {k: np.ascontiguousarray(v) for k, v in arrays.items()}
    how = {"format": "emt 1", "activation": names[0], "rates": str(int(network.rates))}
    return write_whole(path, tensors.save(arrays, metadata=how))


def _reader(path: Path, head: bytes):
    """Return what reads a file, by its first bytes, and what it seems to be."""
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _hdf5, "HDF5 file"
    if head.startswith(b"MATLAB 7.3"):
        return _columns_first, "HDF5 file of MATLAB"
    if head.startswith(b"MATLAB 5.0"):
        return _matlab, "MATLAB file"
    if head.startswith(b"PK"):
        return _archive, "archive of NumPy, PyTorch or Keras"
    if head.startswith(b"\x93NUMPY"):
        return _single, "NumPy file"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return _safetensors, "safetensors file"
    if path.suffix == ".onnx":
        return _onnx, "ONNX file"
    if head.startswith(b"\x80"):
        return _torch, "PyTorch file of weights"
    if head.startswith(b"version https://git-lfs"):
        return _pointer, "pointer of Git LFS"
    return _unknown, "weight file"


def _pointer(path: Path):
    raise _Refused("it is a pointer of Git LFS, not the weights: fetch them with git lfs pull")


def _unknown(path: Path):
    raise ValueError("safetensors, npz, PyTorch, MATLAB, HDF5 and ONNX are known")


def _safetensors(path: Path) -> tuple[dict, dict]:
    content = path.read_bytes()
    try:
        arrays = tensors.load(content)
    except (SafetensorError, TypeError, KeyError):
        from safetensors import torch  # bfloat16 and other types that NumPy lacks

        arrays = torch.load(content)
    with safe_open(path, framework="numpy") as file:
        how = file.metadata() or {}
    if how.get("format") == "emt 1":
        leak = arrays.pop("leak")
        arrays["leak"] = float(leak[0]) if leak.size == 1 else leak
        return arrays, {"emt": {"activation": how["activation"], "rates": int(how["rates"])}}
    return arrays, {}


def _single(path: Path) -> dict:
    raise _Refused("one array is no network: put all of them into an npz file, by name")


def _archive(path: Path) -> tuple[dict, dict]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if any(n.endswith("constants.pkl") for n in names):
            raise _Refused(
                "it is a TorchScript program: torch.jit.load it, and pass emt.from_torch the module"
            )
        if any(n.endswith("data.pkl") for n in names):
            return _torch(path)
        if "model.weights.h5" in names:
            arrays, _ = _hdf5(None, given=archive.read("model.weights.h5"))
            return arrays, _said(archive.read("config.json"))
        checks.fits("the file", sum(i.file_size for i in archive.infolist()) // 8)
    arrays, passed = {}, []
    with np.load(path, allow_pickle=False) as file:
        for name in file.files:
            try:
                arrays[name] = file[name]
            except ValueError as error:
                if "Object arrays" not in str(error):
                    raise
                passed.append(name)
    if passed and not arrays:
        raise _Refused(
            f"it holds pickled objects alone, {', '.join(passed)}: save arrays of numbers"
        )
    notes = [f"passed over, being Python objects: {', '.join(passed)}"] if passed else []
    return arrays, {"notes": notes}


def _torch(path: Path) -> tuple[dict, dict]:
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):  # of damage, which is an error here
            tree = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" not in str(error) and "Unsupported" not in str(error):
            raise
        raise _Refused(
            "it holds pickled objects, which would run as a program; where it was made, write "
            "torch.save(model.state_dict(), path), or pass emt.from_torch the model"
        ) from None
    if not isinstance(tree, dict):
        raise _Refused(
            f"it holds a {type(tree).__name__}, not arrays by name: save the state dict of a model"
        )
    return tree, {}


# Readers that may crash or hang on a damaged file do it in a process of their own.
_PATIENCE = 60
_MATLAB = """
import math, os, sys, numpy, scipy.io
room = 1e8 + 200 * os.path.getsize(sys.argv[1])
for name, shape, _ in scipy.io.whosmat(sys.argv[1]):
    room -= 8 * math.prod(shape)
    if room < 0:
        sys.exit(f"{name} claims {8 * math.prod(shape)} bytes, more than such a file holds")
def flat(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        elif name.startswith("__"):
            continue
        elif getattr(value, "dtype", None) is not None and value.dtype.names and value.size == 1:
            one = value.reshape(-1)[0]
            yield from flat({n: one[n] for n in value.dtype.names}, f"{prefix}{name}.")
        elif getattr(value, "dtype", numpy.dtype("O")).kind in "fiuc":
            yield "a" + prefix + name, value.toarray() if hasattr(value, "toarray") else value
numpy.savez(sys.stdout.buffer, **dict(flat(scipy.io.loadmat(sys.argv[1]))))
"""


_HDF5 = """
import io, os, sys, h5py, numpy
if sys.argv[1:]:
    source, size = sys.argv[1], os.path.getsize(sys.argv[1])
else:
    source = io.BytesIO(sys.stdin.buffer.read())
    size = source.getbuffer().nbytes
room = 1e8 + 200 * size
found, turned = {}, sys.argv[2:] == ["columns first"]
def visit(name, item):
    global room
    if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiuc":
        if item.external or item.is_virtual:
            sys.exit(f"the numbers of {name} stand in another file")
        room -= item.nbytes
        if room < 0:
            sys.exit(f"{name} claims {item.nbytes} bytes, more than such a file holds")
        array = numpy.asarray(item)
        found["a" + name.replace("/", ".")] = array.T if turned else array
with h5py.File(source, "r") as file:
    file.visititems(visit)
    if "model_config" in file.attrs:
        text = file.attrs["model_config"]
        text = text.encode() if isinstance(text, str) else bytes(text)
        found["config"] = numpy.frombuffer(text, "u1")
numpy.savez(sys.stdout.buffer, **found)
"""


def _aside(code: str, *arguments: str, given: bytes | None = None) -> dict:
    """Run a reader in a process of its own, and return the arrays that it writes."""
    command = [sys.executable, "-I", "-c", code, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, timeout=_PATIENCE)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["its reader crashed"]
        raise ValueError(said[-1])
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _matlab(path: Path) -> tuple[dict, dict]:
    return {n[1:]: array for n, array in _aside(_MATLAB, str(path.resolve())).items()}, {}


def _said(config: str | bytes) -> dict:
    try:
        return said_by_keras(json.loads(config))
    except ValueError as error:
        raise _Refused(error) from None


def _columns_first(path: Path) -> tuple[dict, dict]:
    return _hdf5(path, "columns first")


def _hdf5(path: Path | None, *how: str, given: bytes | None = None) -> tuple[dict, dict]:
    if find_spec("h5py") is None:
        raise ImportError(name="h5py")
    arguments = [] if path is None else [str(path.resolve()), *how]
    found = _aside(_HDF5, *arguments, given=given)
    config = found.pop("config", None)
    said = {} if config is None else _said(config.tobytes())
    return {name[1:]: array for name, array in found.items()}, said


# What exporters do to weights before a node takes them.
_SHAPING = (
    *("Cast", "Concat", "Constant", "Identity", "Reshape", "Slice", "Squeeze"),
    *("Transpose", "Unsqueeze"),
)


def _onnx(path: Path) -> tuple[dict, dict]:
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path, load_external_data=False)
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
        raise _Refused("its weights stand in another file: export it with its weights inside")
    held = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    kinds = {node.op_type for node in model.graph.node}
    held |= (
        _shaped(model, {n: a.nbytes for n, a in held.items()})
        if kinds & {"RNN", "GRU", "LSTM"}
        else {}
    )
    nodes = []
    for node in model.graph.node:
        said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type in ("RNN", "GRU", "LSTM"):
            said["direction"] = said.get("direction", b"forward").decode()
            said["activations"] = [name.decode() for name in said.get("activations", ())]
        nodes.append(Node(node.op_type, list(node.input), list(node.output), said))
    if not any(a.ndim > 1 for a in held.values()) and "If" in kinds:
        raise _Refused("its weights stand inside a branch (If): export the network without it")
    try:
        return read_graph(held, nodes)
    except ValueError as error:
        raise _Refused(error) from None


def _shaped(model, known: dict[str, int]) -> dict:
    """Return what nodes that only reshape weights, of known sizes, make of them."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    nodes, known = [], dict(known)
    room = model.ByteSize()
    for node in model.graph.node:
        if node.op_type in _SHAPING and known.keys() >= set(node.input):
            size = sum(known[name] for name in node.input)
            if size > 2 * room:
                raise _Refused("its graph makes arrays larger than the file: no network's weights")
            nodes.append(node)
            known |= dict.fromkeys(node.output, size or room)
    names = [name for node in nodes for name in node.output]
    if not names:
        return {}
    ends = [helper.make_empty_tensor_value_info(name) for name in names]
    graph = helper.make_graph(nodes, "weights", [], ends, model.graph.initializer)
    versions = {"opset_imports": model.opset_import, "ir_version": model.ir_version}
    made = ReferenceEvaluator(helper.make_model(graph, **versions)).run(None, {})
    return dict(zip(names, made, strict=True))


checks.guard(globals())
