"""The pages of the package: records say what their fields are once, and source leads back.

Sphinx's pages of source link each name to where it was documented first. Names that `emt` hands on
are documented twice, there and in their module: each is led to its module.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

PLACE = re.compile(
    r'<div class="viewcode-block" id="([\w.]+)">\s*(<a class="viewcode-back" href=")([^"]*)'
)


def repeated(app: Sphinx, what: str, name: str, obj: object, skip: bool, options) -> bool | None:
    """Leave out a named tuple's field, whose own text says nothing."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field") else None


def led_back(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Lead what stands on a page of source to the page of its module."""
    if not page.startswith("_modules/emt/"):
        return
    module = page.removeprefix("_modules/").replace("/", ".")
    up = "../" * page.count("/")

    def link(match: re.Match) -> str:
        name = match[1]
        return match[0].removesuffix(match[3]) + f"{up}modules.html#{module}.{name}"

    context["body"] = PLACE.sub(link, context["body"])


def setup(app: Sphinx) -> dict:
    """Listen to autodoc, and to pages of source."""
    app.connect("autodoc-skip-member", repeated)
    app.connect("html-page-context", led_back)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
