"""The three lists of packages say the same: pyproject's ranges, the lock, environment.yml."""

import csv
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools import find_packages

ROOT = Path(__file__).parents[1]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, SETUPTOOLS = CONFIGURATION["project"], CONFIGURATION["tool"]["setuptools"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TORCH = re.search(r"^TORCH_VERSION := (\S+)", MAKEFILE, re.MULTILINE)[1]
BESIDE = {
    name: (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
    for name in ("uv", "torch", "supply")
}
CARD = """jupyter-book jupytext torch numpy scipy matplotlib seaborn papermill joblib safetensors
filelock threadpoolctl jaxtyping""".split()


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "environment", ROOT / "book/_scripts/environment.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def locked(script):
    return [Requirement(pin) for pin in script.pins(LOCK)]


def on(python: str) -> dict[str, str]:
    return {**default_environment(), "python_version": python, "python_full_version": f"{python}.9"}


def test_environment_is_the_lock_and_torch(script):
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == script.render(LOCK, TORCH), (
        "run `make lock`"
    )


def test_every_folder_of_the_package_is_installed():
    """Also one that is added later: none is named."""
    (options,) = SETUPTOOLS["packages"].values()
    assert options == {"include": ["emt", "emt.*"]}
    folders = {p.parent.relative_to(ROOT) for p in ROOT.glob("emt/**/__init__.py")}
    found = set(find_packages(str(ROOT), **options))
    assert found == {".".join(f.parts) for f in folders} >= {"emt", "emt.figures"}


def test_every_named_package_is_pinned():
    pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"][
        -1
    ]["pip"]
    pins = {Requirement(item).name for item in pip if not item.startswith("-")}
    assert set(CARD) <= pins


@pytest.mark.parametrize("name", ["requirements.lock", *(f"requirements/{n}.txt" for n in BESIDE)])
def test_every_pin_has_a_hash(script, name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text.strip()))
    assert name.startswith("requirements/") or "torch" not in {
        Requirement(pin).name for pin in script.pins(text)
    }


def test_what_is_installed_beside_the_lock_is_what_make_says(script):
    """Whoever changes a version there makes the lists anew: `make lock`."""
    pins = {n: {p.split(" ;")[0] for p in script.pins(text)} for n, text in BESIDE.items()}
    said = {
        n: set(re.search(rf"^{n.upper()} +:= (.*)", MAKEFILE, re.M)[1].split())
        for n in ("uv", "supply")
    }
    assert pins["uv"] == said["uv"] and pins["supply"] > said["supply"]
    assert pins["torch"] == {f"torch=={TORCH}", f"torch=={TORCH}+cpu"}


def test_the_licences_of_all_that_is_installed_are_listed(script, locked):
    """On the Python that publishes the book; `make licences` lists them."""
    with (ROOT / "book/licences.csv").open(encoding="utf-8", newline="") as file:
        listed = {canonicalize_name(row["Name"]): row["Version"] for row in csv.DictReader(file)}
    here = on("3.11") | {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    pins = [*locked, *(Requirement(p) for n in ("uv", "torch") for p in script.pins(BESIDE[n]))]
    needed = {r.name: str(r.specifier) for r in pins if not r.marker or r.marker.evaluate(here)}
    assert needed == {name: f"=={version}" for name, version in listed.items()}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_ranges_hold_the_pins(locked, python):
    pins = {r.name: r for r in locked if not r.marker or r.marker.evaluate(on(python))}
    extras = PROJECT["optional-dependencies"].values()
    for text in [*PROJECT["dependencies"], *(r for extra in extras for r in extra)]:
        want = Requirement(text)
        if want.name == "torch":
            assert want.specifier.contains(TORCH)
            continue
        (pin,) = pins[canonicalize_name(want.name)].specifier
        assert want.specifier.contains(pin.version), f"{text} against {pin}"


def test_markers_survive(locked):
    assert {str(r.marker) for r in locked if r.name == "numpy"} == {
        'python_full_version < "3.12"',
        'python_full_version >= "3.12"',
    }
