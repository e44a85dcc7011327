"""What ``import emt`` loads, and what it leaves until it is needed."""

import subprocess
import sys

import pytest

import emt

HEAVY = "torch", "pandas", "matplotlib", "IPython", "joblib", "tqdm", "rich", "typer"
READING = """
import sys
import numpy as np
import emt
task = emt.repeat_copy(3, 2)
network = emt.constructed(task, np.eye(9)[:, :6])
memories = emt.corrected(emt.Network(network.W_hh, network.W_uh, network.W_r), task)
assert memories.Psi.shape == (9, 6)
assert emt.accuracy(network, task, last=6, sequences=9).value == 1
print([name for name in {heavy} if name in sys.modules])
emt.trained
print([name for name in {heavy} if name in sys.modules][:1])
"""


def test_reading_memories_from_arrays_loads_nothing_heavy():
    command = [sys.executable, "-c", READING.replace("{heavy}", repr(HEAVY))]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.stdout.splitlines() == ["[]", "['tqdm']"], done.stderr


def test_every_name_is_there_whether_loaded_or_not():
    assert all(getattr(emt, name) is not None for name in emt.__all__)
    assert set(emt.__all__) <= set(dir(emt))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        emt.nothing  # noqa: B018
