"""The three lists of packages say the same: pyproject's ranges, the lock, environment.yml."""

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


def test_every_pin_has_a_hash(script):
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", LOCK.strip()))
    assert "torch" not in {Requirement(pin).name for pin in script.pins(LOCK)}


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
