"""Trained networks on disk: a network is trained once, whoever asks first."""

import dataclasses
import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from emt import backpropagation, checks, elman, tasks, training
from emt.elman import Weights
from emt.tasks import Task
from emt.training import Training, TrainingConfig

DEFAULT_FOLDER = Path(__file__).parents[1] / "build" / "networks"


def trained(
    task: Task, config: TrainingConfig, progress: bool = True, folder: Path | None = None
) -> Training:
    """Return the network of `task` and `config`: from the store, or trained now and stored.

    Its name is a hash of both, of the sources that decide the result and of the libraries'
    versions. A lock keeps two processes from training the same network.

    Parameters
    ----------
    task, config, progress
        As for `emt.training.train`.
    folder
        Of the store; by default ``$EMT_STORE``, or ``build/networks`` beside the package.

    Raises
    ------
    ValueError
        If the stored file is damaged.
    """
    folder = Path(folder or os.environ.get("EMT_STORE") or DEFAULT_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key(task, config)}.safetensors"
    with FileLock(path.with_suffix(".lock")):
        if path.exists():
            return load(path)
        result = training.train(task, config, progress)
        write(path, result, task, config)
    return result


def key(task: Task, config: TrainingConfig) -> str:
    """Return the name under which the network of `task` and `config` is stored.

    Parameters
    ----------
    task, config
        As for `emt.training.train`.
    """
    digest = hashlib.sha256(_description(task, config).encode())
    digest.update(f"torch {torch.__version__} numpy {np.__version__}".encode())
    for module in (checks, tasks, elman, backpropagation, training):
        digest.update(Path(module.__file__).read_bytes())
    return digest.hexdigest()[:32]


def write(path: Path, result: Training, task: Task, config: TrainingConfig) -> None:
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
    path = Path(path)
    arrays = {k: v for k, v in vars(result.weights).items() if v is not None}
    arrays = {k: np.ascontiguousarray(v) for k, v in {**arrays, "loss": result.loss}.items()}
    write_whole(path, save(arrays, metadata={"description": _description(task, config)}))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then give it its own.

    Parameters
    ----------
    path
        Where to; its folder must exist.
    content
        Of the file.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        try:
            part.write(content)
            part.close()
            os.replace(part.name, path)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


def load(path: Path) -> Training:
    """Load a network that `write` saved.

    Parameters
    ----------
    path
        Of a safetensors file holding W_hh, W_uh, W_r, loss and perhaps b.

    Raises
    ------
    ValueError
        If the file is damaged, truncated or lacks an array.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}
        loss = arrays.pop("loss")
        return Training(Weights(**arrays), loss)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged or no network ({error}): delete it and rerun"
        ) from None


def _description(task: Task, config: TrainingConfig) -> str:
    return json.dumps(
        {"task": dataclasses.asdict(task), "config": dataclasses.asdict(config)},
        default=lambda number: number.tolist(),
        sort_keys=True,
    )
