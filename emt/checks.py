"""Checks of arguments: a ``ValueError`` names the argument, what it was and what it must be.

`guard` checks what annotations say; the functions check the rest: ranges, shapes, finiteness.
"""

import inspect
import math
import os
import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import is_dataclass
from functools import partial, wraps
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import get_args, get_origin

import jaxtyping
import numpy as np


class _NumpyOrTorch(type):
    def __instancecheck__(cls, value) -> bool:
        torch = sys.modules.get("torch")
        return isinstance(value, (np.ndarray, *([torch.Tensor] if torch else [])))


class AnyArray(metaclass=_NumpyOrTorch):
    """A NumPy array or a PyTorch tensor; PyTorch, if nobody has loaded it, stays unloaded."""


def integer(name: str, value: int, least: int | None = 1) -> int:
    """Return `value` as an ``int``, which must be a whole number of at least `least`."""
    lowest = -sys.maxsize if least is None else least
    if not is_number(value, Integral) or not lowest <= value <= sys.maxsize:
        wanted = "" if least is None else f" of at least {least}"
        wanted += " of 63 bits" if is_number(value, Integral) and abs(value) > sys.maxsize else ""
        raise ValueError(f"{name} must be a whole number{wanted}, not {shown(value)}")
    return int(value)


def real(name: str, value: float, least: float = -np.inf, most: float = np.inf) -> float:
    """Return `value` as a ``float``, which must be finite and lie in [least, most]."""
    try:
        result = _float(value)
    except (TypeError, OverflowError):
        result = np.nan
    if not math.isfinite(result) or not least <= result <= most:
        raise ValueError(f"{name} must be a finite number in [{least}, {most}], not {shown(value)}")
    return result


def is_number(value, kind: type = Real) -> bool:
    """Return whether a value is such a number; to Python truth values are, to NumPy durations."""
    return isinstance(value, kind) and not isinstance(value, (bool, np.timedelta64))


def boolean(name: str, value: bool) -> bool:
    """Return `value` as a ``bool``, which must be Python's or NumPy's."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, not {shown(value)}")
    return bool(value)


def function(name: str, value: Callable) -> Callable:
    """Return `value`, which must be callable."""
    if not callable(value):
        raise ValueError(f"{name} must be a function, not {shown(value)}")
    return value


def choice(name: str, value: str, options: tuple[str, ...]) -> str:
    """Return `value`, which must be one of `options`."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, not {shown(value)}")
    return value


def numbers(name: str, value, kinds: str = "iuf") -> np.ndarray:
    """Return `value` as an array of numbers, whatever its shape; they need not be finite.

    `kinds` are those of NumPy's types: by default neither truth values nor complex numbers. Text,
    dates and what hides behind a mask or needs a gradient are no numbers.
    """
    if type(value) is np.ndarray and value.dtype.kind in kinds:  # most are
        return value if kinds != "iuf" or value.dtype == np.float64 else _wide(value)
    wanted = {"b": "truth values", "iufc": "real or complex numbers"}.get(kinds, "real numbers")
    try:
        if _loses(value, "b" not in kinds):
            raise TypeError("without masks, and without truth values among them")
        result = np.asarray(value)
        if result.dtype.kind == "O":
            result = np.array([_float(x) for x in result.flat]).reshape(result.shape)
    except Exception as error:
        raise ValueError(f"{name} must be an array of {wanted}, {error}") from None
    if result.dtype.kind not in kinds or isinstance(value, bytearray):
        what = "complex ones" if result.dtype.kind == "c" else shown(value)
        raise ValueError(f"{name} must be an array of {wanted}, not {what}")
    return _wide(result) if kinds == "iuf" else result


def _wide(result: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return result.astype(np.float64, copy=False)


def array(name: str, value, *shape) -> np.ndarray:
    """Return `value` as a finite float64 array of the given shape, none of its numbers above 1e100.

    Products of three such numbers are finite. ``None`` stands for any length; a leading ``...``
    admits any leading axes.
    """
    result = numbers(name, value)
    last = shape[1:] if shape[:1] == (...,) else shape
    right = result.ndim >= len(last) if shape[:1] == (...,) else result.ndim == len(last)
    tail = result.shape[result.ndim - len(last) :]
    if not right or any(want not in (None, got) for want, got in zip(last, tail, strict=True)):
        wanted = ", ".join({None: "any", ...: "..."}.get(n, str(n)) for n in shape)
        raise ValueError(f"{name} must have shape ({wanted}), not {result.shape}")
    if not np.isfinite(result).all():
        bad = np.argwhere(~np.isfinite(result))[0].tolist()
        raise ValueError(f"{name} must be finite, but holds {result[tuple(bad)]} at index {bad}")
    if (most := abs(result).max(initial=0.0)) > 1e100:
        raise ValueError(f"{name} must be of numbers up to 1e100, not {most}")
    return result


def square(name: str, value) -> np.ndarray:
    """Return `value` as a finite float64 matrix with as many rows as columns, at least one."""
    result = array(name, value, None, None)
    if not len(result):
        raise ValueError(f"{name} must have at least one row, not shape {result.shape}")
    return array(name, result, len(result), len(result))


def whole_numbers(name: str, value, length: int, allowed: Container[int]) -> np.ndarray:
    """Return `value` as an array of `length` whole numbers, each of them one of `allowed`."""
    result = _whole(name, value)
    array(name, result, length)
    wrong = [n for n in result.tolist() if n not in allowed]
    if wrong:
        raise ValueError(f"{name} must be whole numbers in {allowed}, not {wrong[0]}")
    return result


def generator(seed: int, *stream: int) -> np.random.Generator:
    """Return NumPy's random numbers of a seed, which must be at least 0, or a stream of them."""
    integer("seed", seed, least=0)
    return np.random.default_rng([seed, *stream] if stream else seed)


def fits(name: str, *shape: int) -> None:
    """Check that the machine has room for a float64 array of this shape, which `name` decides."""
    size, room = 8 * math.prod(shape), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > room:
        wanted = f"{' x '.join(map(str, shape))} numbers take {size:.1e} of {room:.1e} bytes"
        raise ValueError(f"{name} must be small enough to fit in memory: {wanted}")


def shown(value) -> str:
    """Return a short text for any value, also for one whose ``repr`` is long or fails."""
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 120 else f"{text[:100]} ..."


def guard(namespace: dict, shapes: bool = False) -> None:
    """Check and convert the arguments of a module's functions and records by their annotations.

    A call of any of them that runs out of memory ends in a ``ValueError`` too. The functions are
    replaced: call this after them, and before anything else that holds them.

    Parameters
    ----------
    namespace
        ``globals()`` of the module.
    shapes
        Whether to check also the shapes of arrays by their annotations: of functions that do no
        more than draw what they are given.
    """
    for name, value in list(namespace.items()):
        if name.startswith("_") or getattr(value, "__module__", None) != namespace["__name__"]:
            continue
        if inspect.isfunction(value):
            namespace[name] = _guarded(_shaped(value) if shapes else value)
        elif inspect.isclass(value) and is_dataclass(value):
            value.__init__ = _guarded(value.__init__)


def _guarded(function: Callable) -> Callable:
    signature = inspect.signature(function)
    rules = {name: partial(_rule(p.annotation), name) for name, p in signature.parameters.items()}
    in_order, most = tuple(rules.values()), len(rules)

    @wraps(function)
    def guarded(*arguments, **named):
        if len(arguments) <= most:  # else the call itself fails, as it does for unknown names
            arguments = [rule(value) for rule, value in zip(in_order, arguments, strict=False)]
        named = {k: rules[k](value) if k in rules else value for k, value in named.items()}
        try:
            return function(*arguments, **named)
        except (MemoryError, OverflowError, RuntimeError, ValueError) as error:
            if isinstance(error, (RuntimeError, ValueError)) and not _TOO_LARGE.search(str(error)):
                raise
            given = signature.bind(*arguments, **named).arguments.items()
            sizes = ", ".join(f"{k} = {v}" for k, v in given if isinstance(v, Real))
            raise ValueError(f"{sizes} must fit in memory and float64: {error}") from None

    return guarded


def _shaped(function: Callable) -> Callable:
    """Return the function with a check of its arrays: the same letter is the same length."""
    signature = inspect.signature(function)
    wanted = {}
    for name, parameter in signature.parameters.items():
        parts = [parameter.annotation, *get_args(parameter.annotation)]
        wanted[name] = next((part for part in parts if _is_array(part)), None)

    @wraps(function)
    def shaped(*arguments, **named):
        with jaxtyping.jaxtyped("context"):
            for name, value in signature.bind(*arguments, **named).arguments.items():
                for part in value.values() if isinstance(value, Mapping) else [value]:
                    if isinstance(part, np.ndarray) and wanted[name] is not None:
                        axes = wanted[name].dim_str
                        if not isinstance(part, jaxtyping.Shaped[np.ndarray, axes]):
                            wrong = f"({axes}) beside the others', not {part.shape}"
                            raise ValueError(f"{name} must have shape {wrong}")
        return function(*arguments, **named)

    return shaped


def _rule(annotation) -> Callable:
    """Return what checks an argument, given its name and value, and returns it converted."""
    origin, parts = get_origin(annotation), get_args(annotation)
    kind = origin or annotation
    if kind is UnionType:
        wanted = [part for part in parts if part is not NoneType]
        classes = tuple(get_origin(part) or part for part in wanted)
        array = next((part for part in wanted if _is_array(part)), None)
        if array is not None and {*wanted} <= {array, float}:
            wanted = [array]  # a number is an array of no axes
        rule = _rule(wanted[0]) if len(wanted) == 1 else partial(_instance, classes)
        return partial(_optional, rule) if NoneType in parts else rule
    if kind in (tuple, list, Sequence, Iterable):
        rules = [_rule(part) for part in parts if part is not ...]
        length = len(rules) if kind is tuple and ... not in parts else None
        return partial(_items, kind if kind is tuple else list, rules, length)
    if kind is Mapping and parts:
        return partial(_entries, *map(_rule, parts))
    if kind in _RULES:
        return _RULES[kind]
    if not inspect.isclass(kind) or kind is inspect.Parameter.empty:
        return _anything
    if _is_array(kind):
        return _RULES[kind.dtype]
    if issubclass(kind, tuple):
        fields = kind.__annotations__.items()  # measured, so that floats may be infinite or NaN
        return partial(_record, kind, {k: _number if t is float else _rule(t) for k, t in fields})
    return partial(_instance, (kind,))


def _is_array(annotation) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray)


def _anything(name: str, value):
    return value


def _instance(kinds: tuple[type, ...], name: str, value):
    gradient = getattr(value, "requires_grad", False) is True
    a_class = isinstance(value, type)  # has all that a protocol asks of its instances
    if a_class or not isinstance(value, kinds) or gradient:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        wanted += " without gradient" if gradient else ""
        article = "an" if wanted[0] in "AEIOaeio" else "a"
        raise ValueError(f"{name} must be {article} {wanted}, not {shown(value)}")
    return numbers(name, value, "biufc") if isinstance(value, np.ndarray) else value


def _optional(rule: Callable, name: str, value):
    return None if value is None else rule(name, value)


def _path(name: str, value) -> Path:
    if "\0" in str(_instance((Path, str), name, value)):
        raise ValueError(f"{name} must be the name of a file or folder, not {shown(value)}")
    return Path(value)


def _items(kind: type, rules: list[Callable], length: int | None, name: str, value):
    several = isinstance(value, (Sequence, np.ndarray, Iterator, ValuesView))
    if not several or isinstance(value, (str, bytes, bytearray)) or _loses(value):
        raise ValueError(f"{name} must be a sequence, not {shown(value)}")
    value = list(value)
    if length not in (None, len(value)):
        raise ValueError(f"{name} must hold {length} values, not {shown(value)}")
    rules = rules if length else rules * len(value)
    return kind(r(f"{name}[{n}]", v) for n, (r, v) in enumerate(zip(rules, value, strict=True)))


def _entries(key: Callable, entry: Callable, name: str, value):
    _instance((Mapping,), name, value)
    return {key(f"a key of {name}", k): entry(f"{name}[{k!r}]", v) for k, v in value.items()}


def _record(kind: type, rules: dict[str, Callable], name: str, value):
    if type(value) in (tuple, list) and len(value) == len(rules):
        value = kind(*value)
    parts = zip(rules.items(), _instance((kind,), name, value), strict=True)
    return kind(*(rule(f"{name}.{field}", part) for (field, rule), part in parts))


def _whole(name: str, value) -> np.ndarray:
    result = numbers(name, value, "biuf")
    if result.dtype.kind in "bf" and result.size:
        raise ValueError(f"{name} must be whole numbers, not {shown(value)}")
    return result


def _number(name: str, value) -> float:
    try:
        return _float(value)
    except (TypeError, OverflowError):
        raise ValueError(f"{name} must be a number, not {shown(value)}") from None


def _float(value) -> float:
    if not is_number(value):
        raise TypeError(f"not {shown(value)}")
    return float(value)


def _loses(value, truth: bool = False) -> bool:
    """Return whether an array of it would lose a mask, or take a truth value for a number."""
    if isinstance(value, (list, tuple)):
        return any(_loses(x, truth) or (truth and isinstance(x, (bool, np.bool_))) for x in value)
    return isinstance(value, np.ma.MaskedArray)


_TOO_LARGE = re.compile("allocate memory|array is too big|allowed dimension|calculation overflowed")
"""What NumPy and torch say of sizes, in errors of other classes than ``MemoryError``."""
_RULES = {
    bool: boolean,
    int: partial(integer, least=None),
    float: real,
    Path: _path,
    Callable: function,
    jaxtyping.Float: numbers,
    jaxtyping.Int: _whole,
    jaxtyping.Bool: partial(numbers, kinds="b"),
    jaxtyping.Complex: partial(numbers, kinds="iufc"),
}
"""What an annotation says of an argument, where that is not its class."""
