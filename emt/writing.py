"""Files, written whole or not at all."""

import os
import uuid
from pathlib import Path

from emt import checks


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file under a temporary name, then give it its own; who may read it, umask decides.

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
    part = path.with_name(f".part-{uuid.uuid4().hex}")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise ValueError(f"path must be a file that can be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)
    return path


checks.guard(globals())
