"""The house: which room may import which, names that do not clash, an API page of every name."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest

import emt

ROOT = Path(emt.__file__).parent
MODULES = {
    str(path.relative_to(ROOT).with_suffix("")).replace("/", "."): path
    for path in sorted(ROOT.rglob("*.py"))
}
# What each room may import of the others; "" is the paper's thread, the files at the top.
ALLOWED = {
    "": {""},
    "training": {"", "training"},
    "beyond": {"", "training", "beyond"},
    "loading": {"", "loading"},
    "figures": {"figures"},
    "verdict": {"", "training", "beyond", "loading", "figures", "workshop", "verdict"},
    "workshop": {"figures", "workshop"},
}
# Of the mathematics the store knows the records that it keeps, and what trains them.
EXCEPTIONS = {
    ("workshop.results", "writing"),
    ("workshop.store", "network"),
    ("workshop.store", "tasks"),
    ("workshop.store", "training.descent"),
    ("workshop.store", "training.recipes"),
    ("workshop.store", "writing"),
}


def room(module: str) -> str:
    return module.partition(".")[0] if "." in module else ""


def imported(source: str) -> set[str]:
    """Return the modules of emt that a source imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "emt":
            names = {f"{node.module}.{alias.name}".removeprefix("emt.") for alias in node.names}
            inner = {n for n in names if n in MODULES or f"{n}.__init__" in MODULES}
            found |= inner or {node.module.removeprefix("emt.")}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("emt.") for a in node.names if a.name.startswith("emt.")}
    return found - {"checks"}


def wrong_ways(modules: dict[str, str]) -> list[tuple[str, str]]:
    """Return the imports that lead from one room into another that it must not know."""
    return sorted(
        (module, other)
        for module, source in modules.items()
        for other in imported(source)
        if module != "__init__"
        and room(other) not in ALLOWED[room(module)]
        and (module, other) not in EXCEPTIONS
    )


SOURCES = {name: path.read_text(encoding="utf-8") for name, path in MODULES.items()}


def test_imports_go_one_way():
    assert wrong_ways(SOURCES) == []


@pytest.mark.parametrize(
    "module, line",
    [
        ("evidence", "from emt.beyond import interventions"),
        ("network", "def f():\n    from emt.workshop.store import trained"),
        ("figures.common", "from emt import basis"),
        ("workshop.tables", "import emt.spectrum"),
        ("training.descent", "from emt.beyond.lifetime import noisy"),
    ],
)
def test_an_import_the_other_way_is_noticed(module, line):
    assert [m for m, _ in wrong_ways({**SOURCES, module: f"{SOURCES[module]}\n{line}\n"})] == [
        module
    ]


def test_no_exception_is_left_over():
    used = {(m, o) for m, source in SOURCES.items() for o in imported(source)}
    assert used >= EXCEPTIONS


def public() -> dict[str, list[str]]:
    """Return the public functions and classes of each module."""
    found = {}
    for info in pkgutil.walk_packages(emt.__path__, "emt."):
        things = vars(importlib.import_module(info.name)).items()
        found[info.name] = [
            name
            for name, thing in things
            if not name.startswith("_")
            and (inspect.isfunction(thing) or inspect.isclass(thing))
            and thing.__module__ == info.name
        ]
    return found


def test_one_name_is_one_thing():
    """Nowhere do two public names differ in upper and lower case only."""
    names = Counter(n.lower() for module, each in public().items() for n in each)
    assert [n for n, count in names.items() if count > 1] == []


def test_no_module_is_called_as_a_function_of_it():
    assert [m for m, names in public().items() if m.rpartition(".")[2] in names] == []


def test_the_page_of_the_package_has_every_name_once():
    page = (ROOT.parent / "book/api.md").read_text(encoding="utf-8")
    shown = re.findall(r"^(?:\.\. (?:auto\w+|data)::| {8,}) *(\w+)$", page, re.MULTILINE)
    assert sorted(shown) == sorted(emt.__all__)
