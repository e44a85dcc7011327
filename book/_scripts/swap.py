"""Put newly built pages in the place of the old ones. Usage: swap.py NEW PAGES.

Whatever stops it, one of the two is there whole: nothing interrupts the two renames, a kill
between them is mended by the next run, and old pages that cannot be removed are left aside.
"""

import shutil
import signal
import sys
import tempfile
from pathlib import Path

SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def swap(new: Path, pages: Path) -> None:
    """Rename `pages` aside and `new` to `pages`, then remove what lies aside."""
    left = sorted(pages.parent.glob("old-*"), key=lambda path: path.stat().st_mtime)
    for aside in left:
        if not pages.exists() and (aside / pages.name).exists():
            (aside / pages.name).rename(pages)
    aside = Path(tempfile.mkdtemp(prefix="old-", dir=pages.parent))
    before = {s: signal.signal(s, signal.SIG_IGN) for s in SIGNALS}
    try:
        if pages.exists():
            pages.rename(aside / pages.name)
        try:
            new.rename(pages)
        except OSError:
            (aside / pages.name).rename(pages)
            raise
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)
    for path in [*left, aside]:
        shutil.rmtree(path, ignore_errors=True)
        if path.exists():
            print(f"old pages could not be removed: {path}", file=sys.stderr)


if __name__ == "__main__":
    swap(*map(Path, sys.argv[1:]))
