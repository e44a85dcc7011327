"""Running one function over many arguments, side by side, with the same result as in turn."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import threadpoolctl
from joblib import Parallel, delayed
from tqdm import tqdm

from emt import checks

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
) -> list[Result]:
    """Return ``[function(a) for a in arguments]``, computed by several processes.

    Parameters
    ----------
    function
        A top-level function, or a ``functools.partial`` of one.
    arguments
        One call each.
    workers
        Processes; -1 takes all cores.
    label
        Of the progress bar, which is drawn on a terminal only.
    """
    checks.function("function", function)
    checks.integer("workers", workers, least=-1)
    if not isinstance(arguments, Iterable):
        raise ValueError(f"arguments must be a sequence, not {checks.shown(arguments)}")
    arguments = list(arguments)
    calls = (delayed(_single)(function, a) for a in arguments)
    options = {"initializer": _end_with, "initargs": (os.getpid(),)}
    results = Parallel(n_jobs=workers, return_as="generator", **options)(calls)
    return list(tqdm(results, total=len(arguments), disable=None, desc=label))


def _single(function, argument):
    one_thread()
    return function(argument)


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: one that was killed cannot end its workers."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
