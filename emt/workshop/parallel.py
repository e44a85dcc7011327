"""Running one function over many arguments, side by side, with the same result as in turn."""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import threadpoolctl
from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from emt import checks
from emt.workshop.results import Kept, code, place

Argument = TypeVar("Argument")


Result = TypeVar("Result")


def one_thread() -> None:
    """Hold BLAS and torch of this process to one thread: the same sums on any number of cores."""
    threadpoolctl.threadpool_limits(1)
    if "torch" in sys.modules:  # what uses it later holds itself to one thread
        sys.modules["torch"].set_num_threads(1)


def sweep(
    function: Callable[[Argument], Result],
    arguments: Iterable[Argument],
    workers: int = -1,
    label: str | None = None,
    folder: str | Path | None = None,
    scheduler: str | None = None,
) -> list[Result]:
    """Return ``[function(a) for a in arguments]``, computed side by side.

    With a folder, each result is written there as soon as it is there, whole or not at all, in a
    file named by what it is the result of (`emt.workshop.results`). A sweep that was stopped goes
    on where it was, and nothing that had finished is computed again. The files are the same bytes
    however many compute them.

    Parameters
    ----------
    function
        A top-level function, or a ``functools.partial`` of one. With a folder it is defined in a
        file, and takes and returns plain values: what JSON holds.
    arguments
        One call each.
    workers
        Processes; -1 takes all cores.
    label
        Of the progress bar, which is drawn on a terminal only.
    folder
        Of results, if they are to be kept.
    scheduler
        Address of a Dask scheduler, such as ``"tcp://127.0.0.1:8786"``: its workers compute, and
        not processes of this machine. They need the same code. Where they see the folder they
        write to it; what they cannot write is written here.

    Raises
    ------
    ValueError
        If the scheduler does not answer, a worker has other code, or a kept result is damaged.
    """
    checks.function("function", function)
    checks.integer("workers", workers, least=-1)
    if not isinstance(arguments, Iterable):
        raise ValueError(f"arguments must be a sequence, not {checks.shown(arguments)}")
    arguments = list(arguments)
    places = [None] * len(arguments)
    if folder is not None:
        wrong = "folder must be one that is or can be made"
        try:
            home = Path(folder).absolute()
        except TypeError as error:
            raise ValueError(f"{wrong}: {error}") from None
        places = [place(home, function, a) for a in arguments]
        try:
            home.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise ValueError(f"{wrong}: {error}") from None
    found = [None if kept is None else kept.find() for kept in places]
    left = [n for n, result in enumerate(found) if result is None]
    single = _remote if scheduler else _local
    with _backend(workers, scheduler) as options:
        calls = (delayed(single)(n, function, arguments[n], places[n]) for n in left)
        results = Parallel(return_as="generator_unordered", batch_size=1, **options)(calls)
        done, total = len(found) - len(left), len(found)
        for n, result in tqdm(results, initial=done, total=total, disable=None, desc=label):
            found[n] = _kept(places[n], result)
    return found


@contextmanager
def _backend(workers: int, scheduler: str | None) -> Iterator[dict]:
    """Say who computes: processes of this machine, or the workers of a cluster."""
    if scheduler is None:
        yield {"n_jobs": workers, "initializer": _end_with, "initargs": (os.getpid(),)}
        return
    try:
        from distributed import Client
    except ImportError:
        raise ImportError("a scheduler needs distributed: pip install it") from None
    try:
        _knock(scheduler)
        client = Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            "scheduler must be the address of a Dask scheduler that answers, such as "
            f"tcp://127.0.0.1:8786, not {checks.shown(scheduler)} ({error})"
        ) from None
    with client, parallel_config(backend="dask", client=client):
        yield {"n_jobs": -1, "pre_dispatch": "all"}  # workers may join later


def _knock(scheduler: str) -> None:
    """See that something listens where a scheduler is said to be, before a client is begun."""
    address = urlsplit(scheduler if "://" in scheduler else f"tcp://{scheduler}")
    if address.scheme in ("tcp", "tls"):
        if not address.hostname:
            raise ValueError("it names no machine")
        socket.create_connection((address.hostname, address.port or 8786), timeout=10).close()


def _local(n: int, function, argument, kept: Kept | None):
    """Compute one result, and keep it if there is a place for it."""
    one_thread()
    return n, _kept(kept, function(argument))


def _remote(n: int, function, argument, kept: Kept | None):
    """Compute one result on a worker of a cluster, by the code that was asked for.

    What a worker had finished before it was lost is there.
    """
    if kept is not None and kept.asked["code"] != code(function):
        raise ValueError("a worker has other code, or other versions, than what asks it")
    if kept is not None and not kept.path.parent.is_dir():
        kept = None
    found = None if kept is None else kept.find()
    return (n, found) if found is not None else _local(n, function, argument, kept)


def _kept(kept: Kept | None, result):
    """Return a result, from its place if it has one, where it is put if it is not there."""
    if kept is None:
        return result
    found = kept.find()
    return kept.keep(result) if found is None else found


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: one that was killed cannot end its workers."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
