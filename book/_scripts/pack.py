"""Put into the site what a reader takes along: all notebooks, and the whole site, each as a zip.

Usage: pack.py SOURCE SITE. The same pages give the same bytes.
"""

import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
DURATIONS = "run-times"  # the one page whose bytes differ between two builds


def pack(target: Path, folder: Path, files: Iterable[Path], name: str) -> None:
    """Write files into a zip, below one folder."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            place = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", EPOCH)
            place.compress_type, place.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(place, path.read_bytes())


def main(source: Path, site: Path) -> None:
    """Write ``notebooks.zip`` and ``site.zip``."""
    notebooks = source / "notebooks"
    ours = [p for p in notebooks.iterdir() if p.suffix in (".ipynb", ".py", ".whl")]
    pack(site / "notebooks.zip", notebooks, ours, "notebooks")
    every = [p for p in site.rglob("*") if p.is_file()]
    pages = [p for p in every if DURATIONS not in p.name and p.suffix not in (".zip", ".doctree")]
    pack(site / "site.zip", site, [p for p in pages if p.name != ".buildinfo"], "book")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
