"""The networks of the authors' recipe, what is asked of many networks, and gradients."""

import json
import math
from dataclasses import asdict

import all_networks
import authors
import networks
import numpy as np
import pytest
import torch
from after import gradients
from all_networks import SEEDS, TASKS, authored, weights
from conftest import known_network
from safetensors import safe_open

import emt

ALL = [(name, seed) for name in TASKS for seed in SEEDS]


@pytest.mark.parametrize("name, seed", ALL, ids=lambda x: str(x))
def test_every_file_holds_what_it_says(name, seed):
    with safe_open(weights(name, seed), framework="numpy") as file:
        made = file.metadata()
    assert made["recipe"] == f"emt.published({seed})"
    assert json.loads(made["config"]) == json.loads(json.dumps(asdict(emt.published(seed))))
    network, accuracy = authored(name, seed)
    assert list(accuracy) == ["850", "1700", "3400", "6800", "13600", "20000"]
    said = emt.accuracy(network, TASKS[name], sequences=256).value
    assert abs(said - accuracy["20000"]) < 0.01
    assert all(np.array_equal(x, x.astype(np.float32)) for x in (network.W_hh, network.W_r))


def test_no_other_file_lies_there():
    found = {path.name for path in all_networks.FOLDER.iterdir()}
    assert found == {weights(*one).name for one in ALL}


def test_another_network_under_a_name_is_refused(tmp_path, monkeypatch):
    content = weights("selection 1", 0).read_bytes()
    monkeypatch.setattr(all_networks, "FOLDER", tmp_path)
    for name, seed in (("selection 2", 0), ("selection 1", 1)):
        weights(name, seed).write_bytes(content)
        with pytest.raises(ValueError, match=r"holds another network: selection 1, emt.published"):
            authored(name, seed)


@pytest.mark.parametrize(
    "task", [emt.repeat_copy(3, 2), emt.compose_copy(3)], ids=["copy", "compose"]
)
def test_a_constructed_network_has_one_ground_and_no_crosstalk(task):
    rng = np.random.default_rng(0)
    Psi = rng.normal(size=(task.n + 4, task.n))
    row = authors.grounded(emt.constructed(task, Psi), task)
    assert row["crosstalk"] < 1e-6 and row["most crosstalk"] < 1e-6
    assert all(row[f"{ground} cosine"] > 0.99 for ground in ("write", "read", "states"))
    assert all(row[f"{ground} efficacy"] == 1 for ground in ("write", "read", "states"))


def test_what_is_written_elsewhere_is_crosstalk():
    net = known_network(3, 2, 14, seed=3)
    Psi, task = net.Psi, net.task
    mixed = emt.Network(
        net.network.W_hh,
        net.network.W_uh + 0.75 * Psi[:, :2],
        net.network.W_r,
        activation=net.network.activation,
    )
    row = authors.grounded(mixed, task)
    assert math.isclose(row["crosstalk"], 0.6, rel_tol=0.01)  # 0.75 / sqrt(1 + 0.75^2)


def test_a_network_without_memories_has_no_scores():
    start = emt.untrained(emt.repeat_copy(3, 2), emt.TrainingConfig(hidden=5))
    row = authors.grounded(start, emt.repeat_copy(3, 2))
    weights_only = {v for k, v in row.items() if not k.startswith("states")}
    assert weights_only == {math.inf} and len(row) == 13


@pytest.mark.parametrize(
    "changes, hidden, name",
    [
        ({}, 9, "none"),
        ({"cycle 100": 0.89}, 9, "forgets"),
        ({"accuracy": 0.9989}, 9, "learned in part"),
        ({"accuracy": 0.59}, 9, "not learned"),
        ({"accuracy": 0.9989}, 5, "too few units"),
        ({"accuracy": 0.0, "cycle 1": 0.0, "activity": math.inf}, 9, "diverged"),
    ],
)
def test_failures_have_names(changes, hidden, name):
    row = {"accuracy": 1.0, "cycle 1": 1.0, "cycle 100": 1.0, "activity": 0.1, **changes}
    assert networks.failure(row, emt.repeat_copy(3, 2), hidden) == name


@pytest.mark.parametrize("study", ["network", "sized", "started"])
def test_a_row_of_each_study_is_complete(study, monkeypatch):
    if study == "network":
        how = {k: networks.CENTRE[k] for k in networks.CENTRE}
        row = networks.network("none", 0, **{**how, "s": 3, "kappa": 1, "hidden": 8})
    elif study == "sized":
        row = networks.sized("compose copy", 3, 3, 4, 0)
        assert row["modes"] == 6
    else:
        monkeypatch.setattr(networks, "UPDATES", (20, 40))
        row = networks.started(3, 1, "identity", 0.1, 0)
        assert set(row) == {"enough", "update 20", "update 40"}
    assert not any(isinstance(x, float) and math.isnan(x) for x in row.values())


def test_gradients_are_those_of_autograd():
    rng = np.random.default_rng(0)
    W_hh, W_uh, W_r = (rng.normal(size=shape) / 2 for shape in ((6, 6), (6, 2), (2, 6)))
    network, task = emt.Network(W_hh, W_uh, W_r), emt.repeat_copy(3, 2)
    u = torch.tensor(emt.random_bits(task, 5, np.random.default_rng(1)))
    weights = [torch.tensor(x) for x in (W_hh, W_uh, W_r)]
    sizes = []
    for one in u:

        def outputs(x):
            h, said = torch.zeros(6, dtype=torch.float64), []
            for t in range(6):
                h = weights[0] @ h + (weights[1] @ x[t] if t < 3 else 0.0)
                h = torch.tanh(h)
                said.append(weights[2] @ h)
            return torch.stack(said)

        J = torch.autograd.functional.jacobian(outputs, one)  # steps, outputs, steps, inputs
        sizes.append([J[m + 3, :, m].norm() for m in range(3)])
    got = gradients(network, task, sequences=5, seed=1)
    np.testing.assert_allclose(got, np.mean(sizes, axis=0), rtol=1e-10)
