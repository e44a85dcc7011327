"""The store: names, damage, interruptions, and two processes that want the same network."""

import json
import os
import re
import time
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import arrays as arrays_of
from safetensors import safe_open
from safetensors.numpy import save

import emt
from emt import Network, Stage, Task, TrainingConfig, repeat_copy
from emt.tasks import Trials
from emt.training import descent
from emt.training.descent import Training
from emt.workshop import results, store
from emt.workshop.parallel import sweep
from emt.writing import write_whole

TASK = repeat_copy(2, 2)
CONFIG = TrainingConfig(hidden=5, seed=3, batch=4, stages=(Stage(2, 3, 1e-2),))
OTHER_CONFIGS = {
    "hidden": 6,
    "seed": 4,
    "initialisation": "torch",
    "write_scale": 0.04,
    "stages": (Stage(2, 3, 2e-2),),
    "batch": 5,
    "clip": 2.0,
    "warmup": 21,
    "decay": "none",
    "advance": 0.5,
    "updates": 2,
    "most_inputs": 3,
    "bias": True,
    "activation": "ReLU",
    "noise": 0.1,
}
OTHER_TASKS = {
    "s": repeat_copy(3, 2),
    "kappa": repeat_copy(2, 1),
    "F": Task(2, 2, 2 * TASK.F),
    "threshold": replace(TASK, threshold=True),
}


@pytest.fixture
def result(noise):
    return Training(noise, np.array([1.0, 0.25, 0.125]))


def forbidden(*_):
    raise AssertionError("trained again")


def ask(folder: Path, _) -> bytes:
    """Ask for one network in a process of its own; training leaves a line behind."""

    def slow(task, config, progress):
        with open(folder / "log", "a", encoding="utf-8") as log:
            log.write(f"{os.getpid()}\n")
        time.sleep(0.4)
        return Training(emt.untrained(task, config), np.zeros(1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descent, "train", slow)
        return store.trained(TASK, CONFIG, folder=folder).network.W_hh.tobytes()


def test_every_field_is_varied_here():
    assert set(OTHER_CONFIGS) == {field.name for field in fields(TrainingConfig)}
    # But for trials of one's own, which training refuses, for it draws its bits.
    assert {*OTHER_TASKS, "trials"} == {field.name for field in fields(Task)}
    with pytest.raises(ValueError, match="no trials of its own"):
        descent.train(replace(TASK, trials=Trials(np.ones((1, 9, 2)), np.ones((1, 9, 2)))), CONFIG)


def test_the_key_depends_on_every_field():
    keys = {store.key(TASK, CONFIG)}
    keys |= {store.key(TASK, replace(CONFIG, **{k: v})) for k, v in OTHER_CONFIGS.items()}
    keys |= {store.key(task, CONFIG) for task in OTHER_TASKS.values()}
    for place in range(3):
        stage = list(CONFIG.stages[0])
        stage[place] *= 3
        keys.add(store.key(TASK, replace(CONFIG, stages=(Stage(*stage),))))
    assert len(keys) == 1 + len(OTHER_CONFIGS) + len(OTHER_TASKS) + 3


def _changed(name, read, path):
    return read(path) + b"# changed" * (path.stem == name)


def test_a_module_that_training_imports_is_hashed_by_itself(tmp_path, monkeypatch):
    """Also one in a folder, and one that is imported by an imported one."""
    monkeypatch.setattr(store, "__file__", str(tmp_path / "emt/workshop/store.py"))
    texts = {
        "training.py": "from emt import checks\nfrom emt.room.inner import f\nimport numpy",
        "checks.py": "import emt.deep",
        "deep.py": "",
        "room/__init__.py": "",
        "room/inner.py": "def g():\n    from emt import late",
        "late.py": "",
        "other.py": "from emt import training",
    }
    for name, text in texts.items():
        (tmp_path / "emt" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "emt" / name).write_text(text, encoding="utf-8")
    found = store.sources(tmp_path / "emt/training.py")
    names = {str(p.relative_to(tmp_path / "emt")) for p in found}
    assert names == set(texts) - {"other.py"}


def test_the_key_depends_on_sources_and_versions_only(monkeypatch):
    first = store.key(TASK, CONFIG)
    assert store.key(repeat_copy(2, 2), replace(CONFIG)) == first
    keys = {first}
    with monkeypatch.context() as patch:
        patch.setattr(store.np, "__version__", "0")
        keys.add(store.key(TASK, CONFIG))
    read, modules = (
        Path.read_bytes,
        ("descent", "starts", "recipes", "network", "tasks", "checks", "backpropagation"),
    )
    for edited in modules:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda p, name=edited: _changed(name, read, p))
            keys.add(store.key(TASK, CONFIG))
    assert len(keys) == 2 + len(modules)


def test_a_network_is_trained_once_and_comes_back_exactly(monkeypatch, tmp_path):
    first = store.trained(TASK, CONFIG, progress=False, folder=tmp_path / "new")
    expected = descent.train(TASK, CONFIG, progress=False)
    monkeypatch.setattr(descent, "train", forbidden)
    again = store.trained(TASK, CONFIG, folder=tmp_path / "new")
    for got in (first, again):
        np.testing.assert_array_equal(got.loss, expected.loss)
        for name in ("W_hh", "W_uh", "W_r"):
            np.testing.assert_array_equal(
                getattr(got.network, name), getattr(expected.network, name)
            )
    with pytest.raises(AssertionError, match="trained again"):
        store.trained(TASK, replace(CONFIG, seed=9), folder=tmp_path / "new")


def test_the_environment_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("EMT_STORE", str(tmp_path))
    store.trained(TASK, CONFIG, progress=False)
    assert [p.stem for p in tmp_path.glob("*.safetensors")] == [store.key(TASK, CONFIG)]


def test_a_bias_survives(tmp_path, result):
    store.keep(tmp_path / "x", result, TASK, CONFIG)
    back = store.stored(tmp_path / "x")
    for name in ("W_hh", "W_uh", "W_r", "b"):
        np.testing.assert_array_equal(getattr(back.network, name), getattr(result.network, name))
    np.testing.assert_array_equal(back.loss, result.loss)


def test_no_bias_stays_none_and_views_are_stored_as_seen(tmp_path, noise):
    turned = Network(noise.W_hh.T, noise.W_uh[:, ::-1], noise.W_r)
    store.keep(tmp_path / "x", Training(turned, np.ones(2)[::-1]), TASK, CONFIG)
    back = store.stored(tmp_path / "x").network
    assert back.b is None
    np.testing.assert_array_equal(back.W_hh, noise.W_hh.T)
    np.testing.assert_array_equal(back.W_uh, noise.W_uh[:, ::-1])


def test_the_metadata_say_what_it_is(tmp_path, result):
    store.keep(tmp_path / "x", result, TASK, CONFIG)
    with safe_open(tmp_path / "x", framework="numpy") as file:
        described = json.loads(file.metadata()["description"])
    assert (
        TrainingConfig(
            **{
                **described["config"],
                "stages": tuple(Stage(*x) for x in described["config"]["stages"]),
            }
        )
        == CONFIG
    )
    task = Task(**{**described["task"], "F": np.array(described["task"]["F"])})
    np.testing.assert_array_equal(task.F, TASK.F)
    assert (task.s, task.kappa, task.threshold) == (2, 2, False)


@pytest.mark.parametrize("interruption", [OSError, KeyboardInterrupt])
def test_an_interrupted_write_leaves_nothing(monkeypatch, tmp_path, result, interruption):
    def interrupted(*_):
        raise interruption

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises((interruption, ValueError)):
            store.keep(tmp_path / "x", result, TASK, CONFIG)
        assert list(tmp_path.iterdir()) == []
        with pytest.raises((interruption, ValueError)):
            store.trained(TASK, CONFIG, progress=False, folder=tmp_path)
        assert [p.suffix for p in tmp_path.iterdir() if p.suffix != ".lock"] == []
    assert len(store.trained(TASK, CONFIG, progress=False, folder=tmp_path).loss) == 3


def test_an_interrupted_write_leaves_the_old_file(monkeypatch, tmp_path, result):
    store.keep(tmp_path / "x", result, TASK, CONFIG)
    before = (tmp_path / "x").read_bytes()
    monkeypatch.setattr(os, "replace", forbidden)
    with pytest.raises(AssertionError):
        store.keep(tmp_path / "x", Training(result.network, np.ones(1)), TASK, CONFIG)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [before]


def test_what_a_killed_writer_left_is_removed(tmp_path, monkeypatch):
    """Of the same file only. A second writer, whose part is taken for one left, writes again."""
    replace = os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", forbidden)
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        for name in "xy":
            with pytest.raises(AssertionError):
                write_whole(tmp_path / name, b"half")
    assert len(list(tmp_path.iterdir())) == 2

    def overtaken(part, path):
        monkeypatch.setattr(os, "replace", replace)
        write_whole(tmp_path / "x", b"first")
        replace(part, path)

    monkeypatch.setattr(os, "replace", overtaken)
    write_whole(tmp_path / "x", b"second")
    assert (tmp_path / "x").read_bytes() == b"second"
    assert len(list(tmp_path.iterdir())) == 2  # x, and what is left of y


def truncated(good):
    return good[: len(good) * 2 // 3]


def without(name, good_arrays):
    return save({k: v for k, v in good_arrays.items() if k != name})


@pytest.mark.parametrize("name", ["truncated", "empty", "garbage", "W_hh", "W_uh", "W_r", "loss"])
def test_a_damaged_file_is_named_with_a_remedy(tmp_path, result, name):
    path = tmp_path / f"{store.key(TASK, CONFIG)}.safetensors"
    store.keep(path, result, TASK, CONFIG)
    good = path.read_bytes()
    arrays = {**arrays_of(result.network), "loss": result.loss}
    damage = {"truncated": truncated(good), "empty": b"", "garbage": b"\x07" * 500}
    path.write_bytes(damage[name] if name in damage else without(name, arrays))
    for asked in (store.stored, lambda p: store.trained(TASK, CONFIG, folder=p.parent)):
        with pytest.raises(ValueError, match="move it away and rerun") as caught:
            asked(path)
        assert str(path) in str(caught.value)


def test_one_changed_bit_is_damage(tmp_path):
    path = tmp_path / "x"
    store.keep(path, *described())
    good = path.read_bytes()
    for place in range(8, len(good), 41):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(ValueError, match="move it away and rerun"):
            store.stored(path, TASK, CONFIG)
    path.write_bytes(good)
    store.stored(path, TASK, CONFIG)


@pytest.mark.parametrize("name, value", [("W_uh", np.ones((2, 3))), ("b", np.full(7, np.nan))])
def test_arrays_that_make_no_network_are_damage_too(tmp_path, result, name, value):
    path = tmp_path / "x"
    path.write_bytes(save({**arrays_of(result.network), "loss": result.loss, name: value}))
    with pytest.raises(ValueError, match="move it away and rerun") as caught:
        store.stored(path)
    assert str(path) in str(caught.value)


def described(task=TASK, config=CONFIG):
    return Training(emt.untrained(task, config), np.ones(3)), task, config


@pytest.mark.parametrize("field", [*OTHER_TASKS, *OTHER_CONFIGS, "nothing"])
def test_a_file_that_describes_another_network_is_not_used(tmp_path, field):
    path = tmp_path / f"{store.key(TASK, CONFIG)}.safetensors"
    task = OTHER_TASKS.get(field, TASK)
    config = replace(CONFIG, **{k: v for k, v in OTHER_CONFIGS.items() if k == field})
    store.keep(path, *described(task, config))
    before = path.read_bytes()
    if field == "nothing":
        assert len(store.trained(TASK, CONFIG, folder=tmp_path).loss) == 3
        return
    given = {"task": TASK} if field in OTHER_TASKS else {"config": CONFIG}
    for asked in (
        partial(store.trained, TASK, CONFIG, folder=tmp_path),
        partial(store.stored, path),
    ):
        with pytest.raises(ValueError, match="another: move it away and rerun") as caught:
            asked(**given) if asked.func is store.stored else asked()
        assert str(path) in str(caught.value) and path.read_bytes() == before
    assert len(store.stored(path).loss) == len(store.stored(path, task, config).loss) == 3


@pytest.mark.parametrize("metadata", [None, {}, {"description": "{}"}, {"description": "[]"}])
def test_a_file_without_description_is_not_used(tmp_path, metadata):
    path = tmp_path / f"{store.key(TASK, CONFIG)}.safetensors"
    arrays = arrays_of(described()[0].network)
    path.write_bytes(save({**arrays, "loss": np.ones(3)}, metadata=metadata))
    store.stored(path)
    with pytest.raises(ValueError, match="move it away and rerun"):
        store.trained(TASK, CONFIG, folder=tmp_path)


@pytest.mark.parametrize("description", ["", "x", "3", "null", '"task"'])
def test_a_description_that_is_none_is_damage(tmp_path, description):
    arrays = arrays_of(described()[0].network)
    content = save({**arrays, "loss": np.ones(3)}, metadata={"description": description})
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match=r"is damaged .* move it away and rerun"):
        store.stored(tmp_path / "x", TASK, CONFIG)


@pytest.mark.parametrize("field", ["hidden", "kappa", "bias"])
def test_sizes_other_than_described_are_not_used(tmp_path, field):
    config = replace(CONFIG, **{k: v for k, v in OTHER_CONFIGS.items() if k == field})
    other, *_ = described(OTHER_TASKS.get(field, TASK), config)
    store.keep(tmp_path / "x", other, TASK, CONFIG)
    with pytest.raises(ValueError, match="another: move it away and rerun"):
        store.stored(tmp_path / "x", TASK, CONFIG)


@pytest.mark.parametrize(
    "loss",
    [
        np.ones(3, np.complex64),
        np.ones(3, bool),
        np.ones((3, 1)),
        np.array([1.0, np.nan]),
        np.array(1.0),
    ],
    ids=["complex", "truth", "matrix", "NaN", "number"],
)
def test_a_loss_curve_is_real_and_finite(tmp_path, result, loss):
    path = tmp_path / "x"
    path.write_bytes(save({**arrays_of(result.network), "loss": loss}))
    with pytest.raises(ValueError, match=r"loss must .*move it away and rerun"):
        store.stored(path)


def test_a_complex_loss_is_not_written(tmp_path, result):
    with pytest.raises(ValueError, match=r"result\.loss must be an array of real numbers"):
        store.keep(tmp_path / "x", Training(result.network, np.ones(3) + 1j), TASK, CONFIG)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=re.escape(str(tmp_path / "x"))):
        store.stored(tmp_path / "x")


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_have_the_permissions_of_any_other_file(tmp_path, result, mask, mode):
    before = os.umask(mask)
    try:
        store.keep(tmp_path / "x", result, TASK, CONFIG)
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == mode


def test_two_processes_train_it_once(tmp_path):
    weights = sweep(partial(ask, tmp_path), range(4), workers=2)
    assert len(set(weights)) == 1 and weights[0]
    assert len((tmp_path / "log").read_text(encoding="utf-8").split()) == 1


@pytest.mark.usefixtures("_no_shape_hook")
def test_numpys_whole_numbers_are_whole_numbers():
    task, config = repeat_copy(np.int64(2), 2), replace(CONFIG, hidden=np.int64(CONFIG.hidden))
    assert store.key(task, config) == store.key(TASK, CONFIG)


def test_what_another_has_taken_away_meanwhile_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "glob", lambda self, _: [self / "gone"])
    assert write_whole(tmp_path / "a", b"x").read_bytes() == b"x"


def test_the_order_of_arguments_is_not_part_of_a_results_name(tmp_path):
    one, two = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    kept = [results.place(str(tmp_path), json.loads, argument).path for argument in (one, two, {})]
    assert kept[0] == kept[1] != kept[2]
