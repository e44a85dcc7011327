"""A figure that runs in the page: ```{live} opening``` with `:name:`, `:alt:` and a caption.

In HTML its place holds a still picture, `_assets/live/OPENING.png`, which the scripts replace
before the page goes on, so that nothing moves when they start. Every other format, and a browser
without scripts, shows the still picture, as does the page that is printed. Only pages that have
such a figure ask for its styles and scripts.
"""

from types import MappingProxyType

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PAGE = "page", "pad", "player", "chart"
SCRIPTS = {
    "rule": ("matrices", "numbers", *PAGE, "rules", "rule"),
    None: (
        *("data", "matrices", "numbers", "networks", "runs", "glyphs", *PAGE),
        *("lessons", "prediction", "view", "figure"),
    ),
}


class live(nodes.General, nodes.Element):
    """The place of a live figure, with the still picture in it."""


class Live(SphinxDirective):
    """A figure with a label that can be linked to, and a caption."""

    required_arguments = 1
    has_content = True
    option_spec = MappingProxyType(dict.fromkeys(("name", "alt"), directives.unchanged_required))

    def run(self) -> list[nodes.Node]:
        """Return the figure."""
        if missing := [name for name in ("name", "alt") if name not in self.options]:
            raise self.error(f"a live figure needs :{missing[0]}:")
        opening = self.arguments[0]
        picture = nodes.image(uri=f"/_assets/live/{opening}.png", alt=self.options["alt"])
        picture["loading"] = "lazy"  # scripts hide it, and then nobody asks for it
        figure = nodes.figure("", live("", picture, opening=opening), classes=["wide"])
        self.set_source_info(figure)
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        if len(body) != 1 or not isinstance(body[0], nodes.paragraph):
            raise self.error("a live figure needs a caption of one paragraph")
        figure += nodes.caption(body[0].rawsource, "", *body[0].children)
        self.add_name(figure)
        return [figure]


def static(translator) -> str:
    """Return the way from the page to the book's own files."""
    whole = translator.builder.name == "singlehtml"
    page = "" if whole else translator.builder.get_target_uri(translator.builder.current_docname)
    return "../" * page.count("/") + "_static/"


def opened(translator, node: live) -> None:
    """Begin the place of a figure in HTML."""
    if translator.builder.name == "singlehtml":
        return
    translator.body.append(f'<div class="emt-live" data-live="{node["opening"]}">')


def closed(translator, node: live) -> None:
    """End it, and run the scripts at once: what follows is not on the page yet."""
    if translator.builder.name == "singlehtml":
        return
    names = SCRIPTS.get(node["opening"], SCRIPTS[None])
    folder = f"{static(translator)}live"
    sources = [f'<script src="{folder}/{name}.js"></script>' for name in (*names, "start")]
    translator.body.append("</div>\n" + "\n".join(sources))


def nothing(translator, node: live) -> None:
    """Leave the still picture alone."""


def styled(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document) -> None:
    """Ask for the styles on pages with a live figure."""
    if doctree is not None and any(doctree.findall(live)):
        app.add_css_file("live/live.css")


def setup(app: Sphinx) -> dict:
    """Add the directive."""
    others = dict.fromkeys(("latex", "text", "man", "texinfo"), (nothing, nothing))
    app.add_node(live, html=(opened, closed), **others)
    app.add_directive("live", Live)
    app.connect("html-page-context", styled)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
