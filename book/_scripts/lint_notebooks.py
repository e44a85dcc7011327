"""Check (or, with --fix, mend) the Markdown notebooks: normal form, and ruff on their code cells.

Ruff reads .ipynb itself, cell by cell; the notebooks are converted into a scratch folder for it.
Their lines are shorter than the package's, so that no block scrolls on the page.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat


def normal_form(path: Path) -> str:
    """Return the notebook as jupytext would write it."""
    return jupytext.writes(jupytext.read(path), fmt="md:myst")


def main(*arguments: str) -> int:
    """Return the exit status: the number of kinds of fault found."""
    fix = "--fix" in arguments
    paths = [Path(a) for a in arguments if a != "--fix"]
    ruff = str(Path(sys.executable).with_name("ruff"))
    config = ["--config", "pyproject.toml", "--line-length", "78"]
    with tempfile.TemporaryDirectory() as scratch:
        copies = {path: Path(scratch) / f"{path.stem}.ipynb" for path in paths}
        for path, copy in copies.items():
            nbformat.write(jupytext.read(path), copy)
        commands = (["check", *["--fix"] * fix], ["format", *["--check"] * (not fix)])
        wrong = [subprocess.call([ruff, *c, "--no-cache", *config, scratch]) for c in commands]
        if fix:
            for path, copy in copies.items():
                nb = nbformat.read(copy, as_version=4)
                path.write_text(jupytext.writes(nb, fmt="md:myst"), encoding="utf-8")
    odd = [path for path in paths if path.read_text(encoding="utf-8") != normal_form(path)]
    for path in odd:
        print(f"{path}: not in jupytext's normal form; `make format` mends it", file=sys.stderr)
    return sum(map(bool, [*wrong, odd]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
