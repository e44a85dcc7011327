"""The equation index is complete, and the code that it points to cites and tests each equation.

The checks take text, so that each can be shown a planted violation.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
import zeroed

ROOT = Path(__file__).parents[1]
ROWS = yaml.safe_load(zeroed.INDEX.read_text(encoding="utf-8"))
MODULES = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("emt/**/*.py"))
}
TESTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("tests/*.py"))}
EQUATION_TESTS = TESTS["test_equations"]

EQUATIONS, LAST = range(1, 38), 37  # indexed, and the last in the paper
RECORDS = {"ACTIVATIONS", "GSEMM", "State", "Task", "Network"}  # to call a function with
BUILDERS = {"repeat_copy"}  # of inputs, from another module than the one under test
LIBRARIES = {"collections", "itertools", "math", "numpy", "scipy"}  # for the second routes

BETWEEN = r"\s*(?:,|;|and|or|to|[-–—]+)\s*"
CITATION = re.compile(rf"\bEqs?\.\s*\(\d+\)(?:(?:{BETWEEN})+\(\d+\))*")
RANGE = re.compile(r"\(\d+\)\s*(?:to|[-–—]+)\s*\(\d+\)")


def cited(text: str) -> set[int]:
    """Return the equations cited one by one: ``Eq. (n)``, ``Eqs. (n), (m) and (k)``."""
    lists = (RANGE.sub("", found) for found in CITATION.findall(text))
    return {int(n) for found in lists for n in re.findall(r"\((\d+)\)", found)}


def docstrings(source: str) -> dict[str, str]:
    """Return the docstrings of all functions and classes of a module."""
    kinds = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return {f"{node.name}:{node.lineno}": ast.get_docstring(node) or "" for node in nodes}


@functools.cache
def functions(source: str) -> dict[str, ast.FunctionDef]:
    """Return a module's functions and its records' properties, ``Record.name``; no nested ones."""
    body = ast.parse(source).body
    found = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    for record in body:
        if isinstance(record, ast.ClassDef):
            parts = (part for part in record.body if isinstance(part, ast.FunctionDef))
            found |= {f"{record.name}.{part.name}": part for part in parts}
    return found


def index_faults(rows: dict, modules: dict[str, str], tests: str) -> Iterator[str]:
    """Yield equations without row, and rows without function, citation or test."""
    yield from (f"Eq. ({n}) has no row" for n in EQUATIONS if n not in rows)
    tested = functions(tests)
    for n, (*_, target) in rows.items():
        module, _, name = target.partition(".")
        function = functions(modules.get(module, "")).get(name)
        if function is None:
            yield f"Eq. ({n}): there is no function {target}"
        elif n not in cited(ast.get_docstring(function) or ""):
            yield f"Eq. ({n}) is not cited by {target}"
        if f"test_equation_{n}" not in tested:
            yield f"Eq. ({n}) has no test"


def unknown_equations(modules: dict[str, str]) -> Iterator[str]:
    """Yield docstrings of functions and classes that cite an equation the paper does not have."""
    for module, source in modules.items():
        for name, text in docstrings(source).items():
            unknown = sorted(n for n in cited(text) if not 1 <= n <= LAST)
            yield from (f"{module}.{name} cites Eq. ({n})" for n in unknown)


def imports(tree: ast.AST) -> set[tuple[str, str]]:
    """Return module and name of all imports but the libraries'; no name for a whole module."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or ".", alias.name) for alias in node.names}
    return {(module, name) for module, name in found if module.split(".")[0] not in LIBRARIES}


def dependence_faults(rows: dict, tests: str) -> Iterator[str]:
    """Yield what the equations' tests import beyond libraries and the function under test."""
    targets = {f"test_equation_{n}": f"emt.{target}" for n, (*_, target) in rows.items()}
    for node in ast.parse(tests).body:
        where = getattr(node, "name", f"line {node.lineno}")
        target = targets.get(where, "")
        under_test = tuple(target.split(".Task.")[0].rsplit(".", 1))
        if target.endswith("Task.Phi"):  # of any task
            under_test = "emt.tasks", "Task"
        imported = imports(node)
        if target and under_test not in imported:
            yield f"{where} does not import {target}"
        for module, name in sorted(imported - {under_test}):
            harmless = name in RECORDS or (name in BUILDERS and module != under_test[0])
            if not (target and harmless):
                yield f"{where} imports {module}.{name}".rstrip(".")


def test_the_index_is_complete():
    assert list(index_faults(ROWS, MODULES, EQUATION_TESTS)) == []


def test_no_docstring_cites_an_equation_that_does_not_exist():
    assert list(unknown_equations(MODULES | TESTS)) == []


def test_the_second_routes_are_independent():
    assert list(dependence_faults(ROWS, EQUATION_TESTS)) == []


def test_every_equation_s_test_fails_on_zeros():
    assert zeroed.survivors() == []


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("Eq. (3)", {3}),
        ("See Eqs. (2), (23), with Eqs. (21) and\n    (22) before", {2, 21, 22, 23}),
        ("Eqs. (26)-(34); Eq. (5)", {5}),
        ("Eqs. (1), (26)–(34), and (13)", {1, 13}),
        ("Eqs. (26) to (34)", set()),
        ("equation (3), (4), Eq. 5, f(x)", set()),
    ],
)
def test_citations_are_read(text, numbers):
    assert cited(text) == numbers


def planted(old: str, new: str, source: str) -> str:
    assert old in source
    return source.replace(old, new)


def without_row(n: int) -> dict:
    return {k: row for k, row in ROWS.items() if k != n}


INCOMPLETE = {
    "no row": (without_row(17), MODULES, EQUATION_TESTS, "Eq. (17) has no row"),
    "no module": ({**ROWS, 17: ["x", "gone.run"]}, MODULES, EQUATION_TESTS, "no function gone.run"),
    "no function": (
        {**ROWS, 17: ["x", "network.go"]},
        MODULES,
        EQUATION_TESTS,
        "function network.go",
    ),
    "a class": ({**ROWS, 17: ["x", "gsemm.GSEMM"]}, MODULES, EQUATION_TESTS, "no function gsemm."),
    "no citation": (
        ROWS,
        MODULES | {"network": planted("of Eq. (6).", "", MODULES["network"])},
        EQUATION_TESTS,
        "Eq. (6) is not cited by network.run",
    ),
    "citation of the module only": (
        {**ROWS, 17: ["x", "a.f"]},
        MODULES | {"a": '"""Eq. (17)."""\ndef f():\n    """Return it."""\n'},
        EQUATION_TESTS,
        "Eq. (17) is not cited by a.f",
    ),
    "citation as a range": (
        {**ROWS, 17: ["x", "a.f"]},
        MODULES | {"a": 'def f():\n    """Return it; Eqs. (16)-(17)."""\n'},
        EQUATION_TESTS,
        "Eq. (17) is not cited by a.f",
    ),
    "no test": (
        ROWS,
        MODULES,
        planted("def test_equation_17(", "def test_equation_17b(", EQUATION_TESTS),
        "Eq. (17) has no test",
    ),
}


@pytest.mark.parametrize("fault", INCOMPLETE)
def test_an_incomplete_index_is_caught(fault):
    rows, modules, tests, message = INCOMPLETE[fault]
    (found,) = index_faults(rows, modules, tests)
    assert message in found


@pytest.mark.parametrize(
    "source, count",
    [
        ('def f():\n    """Eq. (38)."""', 1),
        ('class A:\n    """Eq. (1)."""\n    def f(self):\n        """Eqs. (3) and (0)."""', 1),
        ('def test_a():\n    def g():\n        """Eqs. (39), (40)."""', 2),
        ('"""Eq. (38)."""\ndef f():\n    """Eqs. (35), (36), (37); Eqs. (1)-(40)."""', 0),
    ],
)
def test_an_unknown_equation_is_caught(source, count):
    assert len(list(unknown_equations({"a": source}))) == count


DEPENDENT = {
    "at the top": ("import math\n", "import math\nimport emt\n", "imports emt"),
    "from at the top": ("import math\n", "import math\nfrom emt import basis\n", "emt.basis"),
    "by way of the fixtures": (
        "import math\n",
        "import math\nfrom conftest import known_network\n",
        "imports conftest.known_network",
    ),
    "by name": ("import math\n", "import importlib\nimport math\n", "imports importlib"),
    "in a helper": (
        "def applied(W, x) -> np.ndarray:\n",
        "def applied(W, x) -> np.ndarray:\n    from emt.network import Network\n",
        "applied imports emt.network.Network",
    ),
    "a second function": (
        "import GSEMM, State, flow\n",
        "import GSEMM, State, at_rest, flow\n",
        "test_equation_1 imports emt.gsemm.at_rest",
    ),
    "the whole module": (
        "    from emt.network import Network, run\n",
        "    import emt.network\n    from emt.network import Network, run\n",
        "test_equation_6 imports emt.network",
    ),
    "the package": (
        "    from emt.network import Network, run\n",
        "    from emt import continuation\n    from emt.network import Network, run\n",
        "test_equation_6 imports emt.continuation",
    ),
    "a builder of the module under test": (
        "import Task, continuation\n",
        "import Task, continuation, repeat_copy\n",
        "test_equation_5 imports emt.tasks.repeat_copy",
    ),
    "another function": (
        "from emt.tasks import Task, continuation\n",
        "from emt.tasks import Task, driven as continuation\n",
        "test_equation_5 does not import emt.tasks.continuation",
    ),
}


@pytest.mark.parametrize("fault", DEPENDENT)
def test_a_dependent_second_route_is_caught(fault):
    old, new, message = DEPENDENT[fault]
    found = list(dependence_faults(ROWS, planted(old, new, EQUATION_TESTS)))
    assert any(message in f for f in found)


def test_a_test_that_lets_zeros_pass_is_caught():
    def inverse_of_two():
        from emt.basis import dual

        return float(dual(np.array([[2.0]]))[0, 0])

    def blind():
        assert inverse_of_two() < 1

    def seeing():
        assert inverse_of_two() == 0.5

    def seeing_in_a_group():
        if inverse_of_two() != 0.5:
            raise ExceptionGroup("as hypothesis may", [AssertionError()])

    def erring():
        return 1 / inverse_of_two()

    def broken():
        raise AssertionError("always")

    assert zeroed.survives(blind, "basis.dual")
    assert not zeroed.survives(seeing, "basis.dual")
    assert not zeroed.survives(seeing_in_a_group, "basis.dual")
    with pytest.raises(ZeroDivisionError):
        zeroed.survives(erring, "basis.dual")
    with pytest.raises(AssertionError, match="broken fails as it is"):
        zeroed.survives(broken, "basis.dual")
    assert inverse_of_two() == 0.5
