"""Sweeps: side by side or in turn, the same bytes in the same order."""

import importlib
import json
import math
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl
import torch
from distributed import Client

import emt
from emt import Stage, TrainingConfig, repeat_copy, train
from emt.workshop import parallel, results
from emt.workshop.parallel import one_thread, sweep


def learned(seed: int) -> bytes:
    config = TrainingConfig(hidden=24, seed=seed, batch=16, stages=(Stage(4, 5, 1e-2),))
    weights, loss = train(repeat_copy(3, 2), config, progress=False)
    return weights.W_hh.tobytes() + weights.W_r.tobytes() + loss.tobytes()


def where(delay: float) -> tuple[float, int, int, int]:
    time.sleep(delay)
    blas = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    return delay, os.getpid(), torch.get_num_threads(), max(blas, default=1)


def _meet(folder: Path, names: str) -> int:
    """Wait for the call of that name to have begun too."""
    me, other = names
    (folder / me).touch()
    end = time.monotonic() + 60
    while not (folder / other).exists():
        assert time.monotonic() < end, f"{me} and {other} do not run side by side"
        time.sleep(0.01)
    return os.getpid()


def test_workers_change_no_byte():
    alone, together = (sweep(learned, range(3), workers=n) for n in (1, 2))
    assert alone == together == [learned(seed) for seed in range(3)]
    assert len(set(alone)) == 3


def test_order_processes_and_threads():
    delays = [0.3, 0.0, 0.1]
    results = sweep(where, iter(delays), workers=2)
    assert [r[0] for r in results] == delays
    assert os.getpid() not in {r[1] for r in results}
    assert all(r[2:] == (1, 1) for r in results)


def test_two_workers_run_side_by_side(tmp_path):
    assert len(set(sweep(partial(_meet, tmp_path), ["ab", "ba"], workers=2))) == 2


def test_nothing_to_do_is_done():
    assert sweep(learned, []) == []


def test_one_thread_holds_torch_and_blas():
    torch.set_num_threads(2)
    with threadpoolctl.threadpool_limits(2):
        one_thread()
        assert torch.get_num_threads() == 1
        assert all(pool["num_threads"] == 1 for pool in threadpoolctl.threadpool_info())
    one_thread()


@pytest.mark.usefixtures("_no_shape_hook")
@pytest.mark.parametrize(
    "arguments, name",
    [
        (("x", [1]), "function must be"),
        ((abs, 3), "arguments must be"),
        ((abs, [1], "two"), "workers must be"),
        ((abs, [1], 10**400), "workers must be"),
    ],
)
def test_other_things_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=name):
        sweep(*arguments)


def noted(folder: str, delay: float, argument: dict) -> dict:
    """Note that a call began and that it ended; give plain values back, as NumPy has them too."""
    n = argument["n"]
    Path(folder, f"began-{n}-{os.getpid()}-{time.time_ns()}").touch()
    time.sleep(delay)
    Path(folder, f"ended-{n}-{time.time_ns()}").touch()
    return {"square": np.float64(n * n), "whole": np.int64(n), "far": math.inf, "by": [True, None]}


def notes(folder: Path, what: str) -> list[int]:
    """Return which calls began, or ended, in order of their arguments."""
    return sorted(int(path.name.split("-")[1]) for path in folder.glob(f"{what}-*"))


def asked(folder: Path, delay: float = 0.0):
    """Return a function of one argument that notes its calls in a folder."""
    folder.mkdir(exist_ok=True)
    return partial(noted, str(folder), delay)


def held(folder: Path) -> dict[str, bytes]:
    """Return all files of results."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


CALLS = [{"n": n} for n in range(6)]
SQUARES = [n * n for n in range(6)]


def squares(results: list[dict]) -> list[float]:
    return [row["square"] for row in results]


def test_results_are_files_of_the_same_bytes_in_turn_and_side_by_side(tmp_path):
    calls, (one, two) = asked(tmp_path / "calls"), (tmp_path / "one", tmp_path / "two")
    alone = emt.sweep(calls, CALLS, 1, folder=one)
    together = emt.sweep(calls, reversed(CALLS), 2, folder=str(two))[::-1]
    assert alone == together and squares(alone) == SQUARES
    assert list(alone[0]) == ["square", "whole", "far", "by"]  # in the order of the function
    assert held(one) == held(two) and len(held(one)) == 6
    assert all(re.fullmatch(r"[0-9a-f]{32}\.json", name) for name in held(one))


def test_what_had_finished_is_not_computed_again(tmp_path):
    calls, results = tmp_path / "calls", tmp_path / "results"
    first = emt.sweep(asked(calls), CALLS[:3], 1, folder=results)
    again = emt.sweep(asked(calls), CALLS, 2, folder=results)
    assert again[:3] == first and squares(again) == SQUARES
    assert notes(calls, "ended") == list(range(6))


def test_a_result_is_that_of_one_function_and_one_argument(tmp_path):
    calls, results = tmp_path / "calls", tmp_path / "results"
    emt.sweep(asked(calls), CALLS[:1], 1, folder=results)
    for function, argument in (
        (asked(calls, 0.01), CALLS[0]),  # other arguments that are held
        (asked(calls), {"n": 0, "m": 1}),
        (partial(other, str(calls), 0.0), CALLS[0]),
    ):
        before = len(held(results))
        emt.sweep(function, [argument], 1, folder=results)
        assert len(held(results)) == before + 1


def other(folder: str, delay: float, argument: dict) -> dict:
    return noted(folder, delay, argument)


@pytest.mark.parametrize("where", ["module", "beside", "emt"])
def test_other_code_is_another_question(tmp_path, monkeypatch, where):
    monkeypatch.setattr(results, "PACKAGE", tmp_path / "emt")
    files = {"module": "mod.py", "beside": "helper.py", "emt": "emt/room/inner.py"}
    texts = {"mod.py": "import helper\ndef f(x): return x", "helper.py": "", "unrelated.py": ""}
    for name, text in {**texts, "emt/room/inner.py": ""}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def code():
        results._code.cache_clear()
        spec = importlib.util.spec_from_file_location("mod", tmp_path / "mod.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.syspath_prepend(tmp_path)
        spec.loader.exec_module(module)
        return results.code(module.f)

    first = code()
    (tmp_path / "unrelated.py").write_text("x = 1", encoding="utf-8")
    assert code() == first
    path = tmp_path / files[where]
    path.write_text(path.read_text(encoding="utf-8") + "\n# other", encoding="utf-8")
    assert code() != first
    results._code.cache_clear()


@pytest.mark.parametrize("text", ["", "{}", '{"asked": 1, "result": 2}', "no", '{"asked"'])
def test_a_damaged_result_is_named(tmp_path, text):
    calls, folder = asked(tmp_path / "calls"), tmp_path / "results"
    emt.sweep(calls, CALLS[:1], 1, folder=folder)
    (path,) = folder.iterdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"{path.name} is damaged .*: move it away and rerun"):
        emt.sweep(calls, CALLS, 1, folder=folder)
    assert notes(tmp_path / "calls", "ended") == [0]


@pytest.mark.parametrize(
    "function, argument, message",
    [
        (eval, "1", "must be defined in a file"),
        (partial(noted, "x", 0.0), {"n": object()}, "takes and returns plain values"),
        (partial(noted, object(), 0.0), {"n": 1}, "takes and returns plain values"),
    ],
    ids=["built in", "argument", "held"],
)
def test_what_has_no_name_is_refused_before_anything_is_computed(
    tmp_path, function, argument, message
):
    with pytest.raises(ValueError, match=message):
        emt.sweep(function, [argument], 1, folder=tmp_path / "results")
    assert not (tmp_path / "results").exists()


def begun(command: list[str], **how) -> subprocess.Popen:
    """Start a process that finds these tests and the package."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parent), str(here)])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, **(quiet | how))


def wait(condition, seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def test_a_killed_sweep_goes_on_where_it_was(tmp_path):
    calls, folder = tmp_path / "calls", tmp_path / "results"
    asked(calls)
    script = "import emt, test_parallel as t; from pathlib import Path; "
    script += f"emt.sweep(t.asked(Path({str(calls)!r}), 0.3), t.CALLS, 2, folder={str(folder)!r})"
    process = begun([sys.executable, "-c", script])
    wait(lambda: folder.exists() and len(held(folder)) >= 2)
    process.kill()
    process.wait()
    time.sleep(1.5)  # its workers end with it
    kept, ended = held(folder), notes(calls, "ended")
    assert len(kept) <= len(ended) <= len(kept) + 2  # killed between the end and the file
    assert 2 <= len(kept) < 6 and not list(folder.glob(".part-*"))
    assert squares(emt.sweep(asked(calls, 0.3), CALLS, 2, folder=folder)) == SQUARES
    assert kept.items() <= held(folder).items()
    assert len(notes(calls, "ended")) == 6 + len(ended) - len(kept)


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers, each a process; return its address and the workers."""
    file, processes = tmp_path / "scheduler.json", []

    def start(what: str, *options: str) -> subprocess.Popen:
        command = f"from distributed.cli.dask_{what} import main; main()"
        options = (*options, "--scheduler-file", str(file), "--no-dashboard")
        options += () if what == "scheduler" else ("--local-directory", str(tmp_path))
        processes.append(begun([sys.executable, "-c", command, *options], cwd=tmp_path))
        return processes[-1]

    start("scheduler", "--port", "0", "--host", "127.0.0.1")
    wait(file.exists)
    workers = [start("worker", "--no-nanny", "--nthreads", "1") for _ in range(2)]
    address = json.loads(file.read_text(encoding="utf-8"))["address"]
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    yield address, workers
    for process in reversed(processes):
        process.kill()
        process.wait()


def test_a_cluster_loses_a_worker_and_nothing_else(tmp_path, cluster):
    """Of two workers one is killed in mid-sweep: what had finished stays, and is not run twice."""
    address, workers = cluster
    calls, folder = tmp_path / "calls", tmp_path / "results"
    many = [{"n": n} for n in range(12)]

    def running() -> set[str]:
        return {path.name.split("-")[2] for path in calls.glob("began-*")}

    with ThreadPoolExecutor(1) as pool:
        how = {"folder": folder, "scheduler": address}
        sweeping = pool.submit(emt.sweep, asked(calls, 0.4), many, **how)
        wait(lambda: sweeping.done() or (len(running()) == 2 and len(notes(calls, "ended")) >= 3))
        workers[0].kill()
        rows = sweeping.result(timeout=60)
    assert squares(rows) == [n * n for n in range(12)]
    assert {str(w.pid) for w in workers} == running()
    assert notes(calls, "ended") == list(range(12))
    began = notes(calls, "began")
    assert len(began) in (12, 13) and set(began) == set(range(12))  # at most the one in hand
    serial = tmp_path / "serial"
    emt.sweep(asked(calls, 0.4), many[:2], 1, folder=serial)
    assert held(serial).items() <= held(folder).items()


def test_a_cluster_needs_no_folder(tmp_path, cluster):
    assert squares(emt.sweep(asked(tmp_path / "calls"), CALLS, scheduler=cluster[0])) == SQUARES


def test_a_worker_that_does_not_see_the_folder_sends_its_result(tmp_path):
    calls = asked(tmp_path / "calls")
    away = results.place(tmp_path / "away", calls, CALLS[2])
    assert parallel._remote(7, calls, CALLS[2], away) == (7, calls(CALLS[2]))
    assert not away.path.parent.exists()


def test_a_worker_of_a_cluster_gives_what_is_there_and_refuses_other_code(tmp_path):
    calls = asked(tmp_path / "calls")
    there = results.place(tmp_path, calls, CALLS[2])
    there.keep({"square": 5.0})
    assert parallel._remote(7, calls, CALLS[2], there) == (7, {"square": 5.0})
    other = replace(there, asked={**there.asked, "code": "0" * 64})
    with pytest.raises(ValueError, match="a worker has other code, or other versions"):
        parallel._remote(7, calls, CALLS[2], other)
    assert not notes(tmp_path / "calls", "began")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", ""])
def test_a_scheduler_that_does_not_answer_is_named(address):
    with pytest.raises(ValueError, match="scheduler must be the address of a Dask scheduler"):
        sweep(abs, [1], scheduler=address)


def test_it_is_seen_at_once_that_nobody_listens():
    for address in ("tcp://127.0.0.1:1", "127.0.0.1:1"):
        with pytest.raises(OSError, match="refused"):
            parallel._knock(address)
    with pytest.raises(ValueError, match="names no machine"):
        parallel._knock("tcp://")
    parallel._knock("inproc://somewhere")
