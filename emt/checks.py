"""Checks of arguments: a ``ValueError`` names the argument, what it was and what it must be."""

from collections.abc import Callable, Container
from numbers import Integral, Real

import numpy as np


def integer(name: str, value: int, least: int = 1) -> int:
    """Return `value` as an ``int``, which must be a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def real(name: str, value: float, least: float = -np.inf, most: float = np.inf) -> float:
    """Return `value` as a ``float``, which must be finite and lie in [least, most]."""
    number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if not number or not np.isfinite(value) or not least <= value <= most:
        raise ValueError(f"{name} must be a finite number in [{least}, {most}], not {value!r}")
    return float(value)


def function(name: str, value: Callable) -> Callable:
    """Return `value`, which must be callable."""
    if not callable(value):
        raise ValueError(f"{name} must be a function of an array, not {value!r}")
    return value


def choice(name: str, value: str, options: tuple[str, ...]) -> str:
    """Return `value`, which must be one of `options`."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, not {value!r}")
    return value


def array(name: str, value, *shape) -> np.ndarray:
    """Return `value` as a finite float64 array of the given shape.

    ``None`` stands for any length; a leading ``...`` admits any leading axes.
    """
    try:
        if np.iscomplexobj(value):
            raise TypeError("not complex ones")
        result = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers, {error}") from None
    last = shape[1:] if shape[:1] == (...,) else shape
    fits = result.ndim >= len(last) if shape[:1] == (...,) else result.ndim == len(last)
    tail = result.shape[result.ndim - len(last) :]
    if not fits or any(want not in (None, got) for want, got in zip(last, tail, strict=True)):
        wanted = ", ".join({None: "any", ...: "..."}.get(n, str(n)) for n in shape)
        raise ValueError(f"{name} must have shape ({wanted}), not {result.shape}")
    if not np.isfinite(result).all():
        bad = np.argwhere(~np.isfinite(result))[0].tolist()
        raise ValueError(f"{name} must be finite, but holds {result[tuple(bad)]} at index {bad}")
    return result


def square(name: str, value) -> np.ndarray:
    """Return `value` as a finite float64 matrix with as many rows as columns, at least one."""
    result = array(name, value, None, None)
    if not len(result):
        raise ValueError(f"{name} must have at least one row, not shape {result.shape}")
    return array(name, result, len(result), len(result))


def whole_numbers(name: str, value, length: int, allowed: Container[int]) -> np.ndarray:
    """Return `value` as an array of `length` whole numbers, each of them one of `allowed`."""
    array(name, value, length)
    result = np.asarray(value)
    if result.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers, not {value!r}")
    wrong = [n for n in result.tolist() if n not in allowed]
    if wrong:
        raise ValueError(f"{name} must be whole numbers in {allowed}, not {wrong[0]}")
    return result
