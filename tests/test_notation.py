"""Names on the notation page exist: a rename in emt that forgets the page is noticed."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import emt

PAGE = (Path(__file__).parents[1] / "book/notation.md").read_text(encoding="utf-8")
MODULES = {
    m.name.removeprefix("emt."): importlib.import_module(m.name)
    for m in pkgutil.walk_packages(emt.__path__, "emt.")
}
AXES = {"H", "T", "n", "m", "N_f", "N_h", "kappa", "s", "steps", "times", "t", "i", "k", "np"}


def members(thing) -> set[str]:
    """Return the fields, properties and methods of a class, or the parameters of a function."""
    if not inspect.isclass(thing):
        return set(inspect.signature(thing).parameters)
    fields = {f.name for f in dataclasses.fields(thing)} if dataclasses.is_dataclass(thing) else ()
    return {n for n in (*fields, *getattr(thing, "_fields", ()), *vars(thing)) if n[0] != "_"}


def vocabulary() -> tuple[set[str], set[str]]:
    """Return all single names of emt, and all dotted ones: ``module.name``, ``Class.field``."""
    single, dotted = {"emt", *MODULES}, {f"emt.{m}" for m in MODULES}
    for module_name, module in MODULES.items():
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", "").startswith("emt") and callable(thing)
            if name.startswith("_") or not (own or name.isupper()):
                continue
            single.add(name)
            dotted.add(f"{module_name}.{name}")
            if own:
                single |= members(thing)
                dotted |= {f"{name}.{member}" for member in members(thing)}
    return single, dotted


def unknown(text: str) -> list[str]:
    """Return the code spans that name something which is not in emt."""
    single, dotted = vocabulary()
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"\{[\w:]+\}`[^`]*`", "", text))
    return [
        span
        for span in spans
        if not all(
            name in dotted or name in single | AXES or name == "np.eye" or name == "Xi.T"
            for name in re.findall(r"[A-Za-z_][\w.]*\w|[A-Za-z]", span)
        )
    ]


def test_every_name_on_the_page_is_in_emt():
    assert unknown(PAGE) == []


@pytest.mark.parametrize(
    "planted", ["Network.W_hx", "gsemm.flowing", "elman_steps", "Task.G[k - 1]"]
)
def test_a_name_that_is_not_in_emt_is_noticed(planted):
    assert unknown(f"{PAGE} `{planted}`") == [planted]
