"""Tell make what the times of files hide. Usage: seen.py BUILD FILE_OR_FOLDER ...

Make compares times alone. Where a file changed and its time does not say so (it was restored with
its old time, say), or where something was made in the future by a clock that was wrong, what was
made loses its time, and is made again; the old pages stay until then. What a killed swap of pages
left aside goes.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

MADE = "executed/*.ipynb", "live/data.js", "html/index.html"
PASSING = ".pyc", ".ipynb"


def sums(places: list[Path]) -> dict[str, str]:
    """Return the hash of every file in the places, by name."""
    paths = [p for place in places for p in ([place] if place.is_file() else place.rglob("*"))]
    ours = [p for p in paths if p.is_file() and p.name[0] != "." and p.suffix not in PASSING]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(ours)}


def main(build: Path, places: list[Path]) -> None:
    """Compare with what the last build saw, and note what there is now."""
    noted, now = build / "config/seen.json", sums(places)
    made = [path for pattern in MADE for path in build.glob(pattern)]
    stale = [path for path in made if path.stat().st_mtime > time.time()]
    if noted.exists():
        since, before = noted.stat().st_mtime, json.loads(noted.read_text(encoding="utf-8"))
        other = [p for p, hash in now.items() if before.get(p) != hash]
        if before.keys() - now.keys() or any(Path(p).stat().st_mtime <= since for p in other):
            stale = made
    for path in stale:
        os.utime(path, (0, 0))
    if (build / "html").exists():  # else the old pages may be what a killed swap put aside
        for aside in build.glob("old-*"):
            shutil.rmtree(aside, ignore_errors=True)
    aside = noted.with_suffix(".part")
    aside.write_text(json.dumps(now, indent=1), encoding="utf-8")
    aside.replace(noted)


if __name__ == "__main__":
    build, *places = map(Path, sys.argv[1:])
    try:
        main(build, places)
    except OSError as error:
        sys.exit(f"{build} cannot be written to: {error}")
