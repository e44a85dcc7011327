"""Results of a sweep on disk: a file each, named by what it is the result of."""

import ast
import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

from emt import checks
from emt.writing import write_whole

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Kept:
    """The place of one result: a file that holds what was asked, and the answer.

    Attributes
    ----------
    path
        Of the file, whose name is the hash of `asked`.
    asked
        The function, its argument, and the hash of the code.
    """

    path: Path
    asked: dict

    def find(self) -> object | None:
        """Return the result that is there, or ``None``.

        Raises
        ------
        ValueError
            If the file is damaged, or holds another's.
        """
        if not self.path.exists():
            return None
        try:
            held = json.loads(self.path.read_bytes())
            if held["asked"] != self.asked:
                raise ValueError("it is the result of something else")
            return held["result"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path} is damaged ({error}): move it away and rerun") from None

    def keep(self, result):
        """Write a result, whole or not at all, and return it as it will be read."""
        text = _text({"asked": self.asked, "result": result}, indent=1) + "\n"
        write_whole(self.path, text.encode())
        return json.loads(text)["result"]


def place(folder: Path, function: Callable, argument) -> Kept:
    """Return where the result of ``function(argument)`` is kept.

    Parameters
    ----------
    folder
        Of the results.
    function
        Defined in a file, or a ``functools.partial`` of such a function. It returns what JSON
        holds: numbers, texts, lists and mappings, infinite numbers too.
    argument
        The like.

    Raises
    ------
    ValueError
        If the function is in no file, or the argument is no plain value.
    """
    asked = {"argument": argument, "code": code(function)}
    while isinstance(function, partial):
        bound = [x.__qualname__ if callable(x) else x for x in function.args]
        asked.setdefault("held", []).append([bound, function.keywords])
        function = function.func
    asked["function"] = f"{function.__module__}.{function.__qualname__}"
    text = _text(asked, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    return Kept(folder / f"{name}.json", json.loads(text))


def code(function: Callable) -> str:
    """Return the hash of what decides a function's results, besides its argument.

    The code of its module, of the modules beside it that it imports and of all of `emt`, and the
    versions of NumPy and SciPy; of a partial, also those of the functions that it holds.

    Parameters
    ----------
    function
        As for `place`.

    Raises
    ------
    ValueError
        If the function is in no file.
    """
    held = []
    while isinstance(function, partial):
        held += [x for x in function.args if callable(x)]
        function = function.func
    return _code((function, *held))


@cache
def _code(functions: tuple[Callable, ...]) -> str:
    try:
        new = [Path(inspect.getfile(function)) for function in functions]
    except (TypeError, OSError):
        new = []
    if not new or not all(path.exists() for path in new):
        raise ValueError(
            f"function must be defined in a file, not {checks.shown(functions)}: the name of a "
            "result says by which code it was made"
        )
    files = set(PACKAGE.rglob("*.py"))
    while new:
        module = new.pop()
        if module not in files:
            files.add(module)
            beside = [module.with_name(f"{name}.py") for name in imported(module)]
            new += [path for path in beside if path.exists()]
    texts = sorted(path.read_bytes() for path in files)
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    return hashlib.sha256(b"\0".join([*texts, versions.encode()])).hexdigest()


def imported(module: Path) -> set[str]:
    """Return the names of all that a module imports, modules among them.

    Parameters
    ----------
    module
        Path of its file.
    """
    names = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _text(value, **layout) -> str:
    """Return plain values as JSON, numbers of NumPy among them."""

    def plain(x):
        if hasattr(x, "tolist"):
            return x.tolist()
        raise ValueError(
            f"a sweep with a folder takes and returns plain values, not {checks.shown(x)}"
        )

    return json.dumps(value, default=plain, **layout)


checks.guard(globals())
