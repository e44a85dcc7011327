"""Write what the live figures need to know: weights of trained networks, 16 bits each, and glyphs.

Usage: weights.py FILE. The networks come from the store, or are trained now. What the figures can
build from a rule or from a seed is not in the file.
"""

import base64
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import emt
from emt.tasks import GLYPHS
from emt.training.recipes import to_overwrite
from emt.writing import write_whole

HEAD = '"use strict";\nglobalThis.emt ??= {};\nemt.data = '
S, KAPPA = 16, 5
LARGEST = 2**15 - 1


def networks() -> dict[str, emt.Network]:
    """Return the network of the book, what its training started from, and one that overwrites."""
    task, config = emt.repeat_copy(S, KAPPA), emt.TrainingConfig()
    over = replace(to_overwrite(S, 8 * S, most_inputs=3 * S), batch=32)
    return {
        "trained": emt.trained(task, config).network,
        "untrained": emt.untrained(task, config),
        "trained to overwrite": emt.trained(task, over).network,
    }


def written(weights: np.ndarray) -> dict:
    """Return a matrix as text: whole numbers of 16 bits, times a scale."""
    scale = float(abs(weights).max() / LARGEST)
    numbers = np.round(weights / scale).astype("<i2")
    rows, columns = weights.shape
    text = base64.b64encode(numbers.tobytes()).decode("ascii")
    return {"rows": rows, "columns": columns, "scale": scale, "numbers": text}


def read(matrix: dict) -> np.ndarray:
    """Return the matrix that the page computes with."""
    numbers = np.frombuffer(base64.b64decode(matrix["numbers"]), dtype="<i2")
    return numbers.reshape(matrix["rows"], matrix["columns"]) * matrix["scale"]


def exported(path: Path) -> dict[str, emt.Network]:
    """Return the networks as the file at `path` has them."""
    data = json.loads(path.read_text(encoding="utf-8").removeprefix(HEAD).rstrip(";\n"))
    return {
        name: emt.Network(*(read(weights[key]) for key in ("W_hh", "W_uh", "W_r")))
        for name, weights in data["networks"].items()
    }


def main(path: Path) -> None:
    """Write the file, whole or not at all."""
    weights = {
        name: {key: written(getattr(network, key)) for key in ("W_hh", "W_uh", "W_r")}
        for name, network in networks().items()
    }
    glyphs = {character: [int(row) for row in rows] for character, rows in GLYPHS.items()}
    data = {"s": S, "kappa": KAPPA, "glyphs": glyphs, "networks": weights}
    text = f"{HEAD}{json.dumps(data, separators=(',', ':'))};\n"
    write_whole(path, text.encode("utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
