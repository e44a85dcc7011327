"""Check that each equation's test notices a function that returns nothing but zeros.

    python tests/zeroed.py

For every row of the equation index: the test must pass as it is, and must fail by an assertion
once the row's function returns zeros of the shape that it should. One line a row; the exit status
says whether a test let zeros pass. `tests/test_index.py` runs it too.
"""

import copy
import dataclasses
import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import yaml

INDEX = Path(__file__).parents[1] / "book/equations.yml"


def zeros(result):
    """Return the result with every array in it zero."""
    if isinstance(result, np.ndarray):
        return np.zeros_like(result)
    if isinstance(result, Iterator):
        return map(zeros, result)
    if isinstance(result, (tuple, list)):
        parts = map(zeros, result)
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    if dataclasses.is_dataclass(result):
        result = copy.copy(result)  # past the checks of a new one, and past its being frozen
        for field in dataclasses.fields(result):
            object.__setattr__(result, field.name, zeros(getattr(result, field.name)))
    return result


def zeroed(function: Callable) -> Callable:
    """Return the function with every array that it returns zero."""

    @functools.wraps(function)
    def replacement(*args, **kwargs):
        return zeros(function(*args, **kwargs))

    return replacement


def passes(test: Callable) -> bool:
    """Return whether the test passes; any error but a failed assertion is raised."""
    failed = False
    try:
        test()
    except* AssertionError:  # a group, too, as hypothesis may raise
        failed = True
    return not failed


def survives(test: Callable, function: str) -> bool:
    """Return whether the test, which must pass, passes with ``module.function`` zeroed too.

    Or with ``module.Record.property``.
    """
    if not passes(test):
        raise AssertionError(f"{test.__name__} fails as it is")
    module, *owner, name = function.split(".")
    holder = importlib.import_module(f"emt.{module}")
    for part in owner:  # a property of a record
        holder = getattr(holder, part)
    old = vars(holder)[name]
    new = property(zeroed(old.fget)) if isinstance(old, property) else zeroed(old)
    with mock.patch.object(holder, name, new):
        return passes(test)


def survivors() -> list[int]:
    """Return the equations whose test lets zeros pass; print a line for each equation."""
    tests = importlib.import_module("test_equations")
    found = []
    for n, (*_, function) in yaml.safe_load(INDEX.read_text(encoding="utf-8")).items():
        if survives(getattr(tests, f"test_equation_{n}"), function):
            found.append(n)
        print(f"Eq. ({n}) {function}: {'ZEROS PASS' if n in found else 'zeros fail'}")
    return found


if __name__ == "__main__":
    sys.exit(bool(survivors()))
