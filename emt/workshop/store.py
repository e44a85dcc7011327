"""Trained networks on disk: a network is trained once, whoever asks first."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import numpy as np
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors import numpy as tensors

from emt import checks
from emt.network import ACTIVATIONS, Network
from emt.tasks import Task
from emt.training import descent
from emt.training.descent import Training
from emt.training.recipes import TrainingConfig
from emt.workshop.results import imported
from emt.writing import write_whole

HOME = Path(__file__).parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "emt/networks")
DEFAULT_FOLDER = HOME / "build" / "networks" if (HOME / "Makefile").exists() else CACHE


def trained(
    task: Task, config: TrainingConfig, progress: bool = True, folder: Path | None = None
) -> Training:
    """Return the network of `task` and `config`: from the store, or trained now and stored.

    Its name is a hash of both, of the sources that decide the result and of NumPy's
    version. A lock keeps two processes from training the same network.

    Parameters
    ----------
    task, config, progress
        As for `emt.training.descent.train`.
    folder
        Of the store; by default ``$EMT_STORE``, or ``build/networks`` in a checkout of the
        project, or the user's cache.

    Raises
    ------
    ValueError
        If the stored file is damaged or holds another network.
    """
    folder = folder or Path(os.environ.get("EMT_STORE") or DEFAULT_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key(task, config)}.safetensors"
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return stored(path, task, config)
        result = descent.train(task, config, progress)
        keep(path, result, task, config)
    return result


def key(task: Task, config: TrainingConfig) -> str:
    """Return the name under which the network of `task` and `config` is stored.

    Parameters
    ----------
    task, config
        As for `emt.training.descent.train`.
    """
    digest = hashlib.sha256(_description(task, config).encode())
    digest.update(f"numpy {np.__version__}".encode())
    for source in sources(Path(descent.__file__)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def sources(module: Path) -> list[Path]:
    """Return a module's file and those of all modules of `emt` that it imports, by itself or not.

    Parameters
    ----------
    module
        Path of the module.
    """
    folder, found, new = Path(__file__).parents[1], set(), {module}
    while new:
        source = new.pop()
        found.add(source)
        parts = [name.split(".")[1:] for name in imported(source) if name.startswith("emt.")]
        paths = [folder.joinpath(*part[:n]) for part in parts for n in range(1, len(part) + 1)]
        files = {f for p in paths for f in (p.with_suffix(".py"), p / "__init__.py")}
        new |= {f for f in files if f.exists()} - found
    return sorted(found)


def keep(path: Path, result: Training, task: Task, config: TrainingConfig) -> None:
    """Save a network as safetensors with task and configuration in the metadata.

    Under a temporary name first, so that an interruption leaves no half file.

    Parameters
    ----------
    path
        Where to.
    result
        The network and its loss curve.
    task, config
        What it was trained with.
    """
    arrays = {k: getattr(result.network, k) for k in ("W_hh", "W_uh", "W_r", "b")}
    arrays = {k: v for k, v in arrays.items() if v is not None}
    arrays = {k: np.ascontiguousarray(v) for k, v in {**arrays, "loss": result.loss}.items()}
    described = json.loads(_description(task, config))
    described["sha256"] = _digest(arrays, described)
    text = json.dumps(described, sort_keys=True)
    write_whole(path, tensors.save(arrays, metadata={"description": text}))


def stored(path: Path, task: Task | None = None, config: TrainingConfig | None = None) -> Training:
    """Load a network that `keep` wrote.

    Parameters
    ----------
    path
        Of a safetensors file holding W_hh, W_uh, W_r, loss and perhaps b.
    task, config
        What the network must have been trained with, where given.

    Raises
    ------
    ValueError
        If the file is missing, damaged, truncated, lacks an array or holds another network than the
        one asked for, by its own description or by its sizes.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}
            described = dict(json.loads((file.metadata() or {}).get("description", "{}")))
        said, asks = described.pop("sha256", None), task is not None or config is not None
        if (said or asks) and said != _digest(arrays, described):
            raise ValueError("it is not what was written")
        loss = checks.array("loss", arrays.pop("loss"), None)
        sigma = dict(described.get("config", {})).get("activation", "tanh")
        network = Network(**arrays, activation=ACTIVATIONS[sigma])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged or no network ({error}): move it away and rerun"
        ) from None
    asked = json.loads(_description(task, config))
    sizes = task is None or network.kappa == task.kappa
    if config is not None:
        sizes &= (network.hidden, network.b is not None) == (config.hidden, config.bias)
    if not sizes or asked != {part: described.get(part) for part in asked}:
        raise ValueError(
            f"{path} must hold the network that was asked for, but holds another: "
            "move it away and rerun"
        )
    return Training(network, loss)


def _digest(arrays: dict[str, np.ndarray], described: dict) -> str:
    """Return the hash of all that a file holds, so that one changed bit is noticed."""
    text = json.dumps(described, sort_keys=True)
    return hashlib.sha256(tensors.save(arrays, metadata={"description": text})).hexdigest()


def _description(task: Task | None, config: TrainingConfig | None) -> str:
    parts = {"task": task, "config": config}
    return json.dumps(
        {name: dataclasses.asdict(part) for name, part in parts.items() if part is not None},
        default=lambda number: number.tolist(),
        sort_keys=True,
    )


checks.guard(globals())
