"""The fields of a record stand in its docstring: the page of the package does not repeat them."""

from sphinx.application import Sphinx


def repeated(app: Sphinx, what: str, name: str, obj: object, skip: bool, options) -> bool | None:
    """Leave out a named tuple's field, whose own text says nothing."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field") else None


def setup(app: Sphinx) -> dict:
    """Listen to autodoc."""
    app.connect("autodoc-skip-member", repeated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
