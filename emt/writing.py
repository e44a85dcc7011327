"""Files, written whole or not at all."""

import os
import uuid
import zlib
from pathlib import Path

from emt import checks


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file under a temporary name, then give it its own; who may read it, umask decides.

    What a killed writer of the same file left is removed.

    Parameters
    ----------
    path
        Where to; an existing file is replaced when the new one is whole.
    content
        Of the file.

    Raises
    ------
    ValueError
        If it cannot be written there.
    """
    try:
        fits = bool(path.name) and path.parent.is_dir() and not path.is_dir()
    except OSError:  # a name that is too long
        fits = False
    if not fits:
        raise ValueError(f"path must be a file in a folder that there is, not {path}")
    parts = f".part-{zlib.crc32(os.fsencode(path.name)):08x}-"
    part = path.with_name(parts + uuid.uuid4().hex)
    try:
        part.write_bytes(content)
        while not _renamed(part, path):
            part.write_bytes(content)
        for left in path.parent.glob(f"{parts}*"):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"path must be a file that can be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    return path


def _renamed(part: Path, path: Path) -> bool:
    """Say whether the part was still there: a second writer of the file takes it for one left."""
    try:
        os.replace(part, path)
    except FileNotFoundError:
        return False
    return True


checks.guard(globals())
