"""A figure of a notebook: ```{picture} ID``` with `:name:`, `:alt:`, `:figclass:` and a caption.

`assemble.py` writes it in the place of ``{glue:figure}``, and beside it the files of the figure:
the picture, a narrow one for phones where the panels can stand below each other, and what is drawn
as CSV. Below the caption stand links to them, and to the lines that make the figure.
"""

from types import MappingProxyType

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book._scripts.live import static

FOLDER = "figures"
OPTIONS = "name", "alt", "figclass", "narrow"


class picture(nodes.General, nodes.Element):
    """The picture, in one width or two."""


class picture_files(nodes.General, nodes.Element):
    """Links to a figure's files."""


class Picture(SphinxDirective):
    """A figure with a label that can be linked to, a caption and links to its files."""

    required_arguments = 1
    has_content = True
    option_spec = MappingProxyType(dict.fromkeys(OPTIONS, directives.unchanged))

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        (id,) = self.arguments
        shown = picture("", id=id, alt=self.options["alt"], narrow="narrow" in self.options)
        classes = self.options.get("figclass", "").split() + ["stacks"] * shown["narrow"]
        classes += ["full-width"] * ("wide" in classes)  # the theme's contents make room for it
        figure = nodes.figure("", shown, classes=classes)
        self.set_source_info(figure)
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        if not body or not isinstance(body[0], nodes.paragraph):
            raise self.error("a figure needs a caption")
        figure += nodes.caption(body[0].rawsource, "", *body[0].children)
        figure += nodes.legend("", *body[1:], picture_files("", id=id))
        self.add_name(figure)
        return [figure]


def address(translator, name: str) -> str:
    """Return the way from the page to a figure's file."""
    return f"{static(translator)}{FOLDER}/{name}"


def pictured(translator, node: picture) -> None:
    """Write the picture, and for phones the narrow one."""
    source = ""
    if node["narrow"]:
        narrow = address(translator, f"{node['id']}.narrow.svg")
        source = f'<source media="(max-width: 640px)" srcset="{narrow}">'
    shown = address(translator, f"{node['id']}.svg")
    alt = translator.attval(node["alt"])
    image = f'<img src="{shown}" alt="{alt}" loading="lazy">'
    translator.body.append(f"<picture>{source}{image}</picture>")
    raise nodes.SkipNode


def linked(translator, node: picture_files) -> None:
    """Write the links."""
    links = [
        f'<a href="{address(translator, node["id"] + end)}" download>{what}</a>'
        for end, what in ((".svg", "SVG"), (".csv", "data"))
    ]
    links.append(f'<a href="#code-{node["id"]}">code</a>')
    translator.body.append(f'<p class="figure-files">{" · ".join(links)}</p>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Add the directive."""
    app.add_node(picture, html=(pictured, None))
    app.add_node(picture_files, html=(linked, None))
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
