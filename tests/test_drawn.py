"""What each figure draws of its example, mark by mark, is what `drawn.json` says.

A change that was meant is taken over by the copy that a failure asks for.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.spines import Spine
from matplotlib.text import Text
from test_arguments import THINGS, examples

pytestmark = pytest.mark.usefixtures("_no_shape_hook")

TABLE = Path(__file__).with_name("drawn.json")
# What says where a mark is and how it looks, in its own coordinates.
SEEN = """
alpha array boxstyle clim color connectionstyle edgecolor extent facecolor fontsize fontweight
ha hatch label linestyle linewidth marker markeredgewidth markersize offsets path paths position
size_inches text ticklocs va visible xdata xlim xscale xy ydata ylim yscale zorder
""".split()


def shown(value) -> str:
    """Return a value as text, numbers to five decimals."""
    if hasattr(value, "vertices"):
        value = value.vertices
    try:
        return str((np.round(np.asarray(value, dtype=float), 5) + 0.0).tolist())
    except (TypeError, ValueError):
        several = isinstance(value, (list, tuple))
        return (
            str([shown(part) for part in value]) if several else str(value).split(" object at")[0]
        )


def marks(fig: Figure) -> list[str]:
    """Return what is seen of each artist of a figure."""
    found, artists = [], fig.findobj(lambda artist: not isinstance(artist, Spine))
    boxes = [text.get_bbox_patch() for text in artists if isinstance(text, Text)]
    for artist in artists + [box for box in boxes if box is not None]:
        seen = [type(artist).__name__]
        for name in SEEN:
            getter = getattr(artist, f"get_{name}", None)
            if getter is not None and not (name == "label" and isinstance(artist, Axis)):
                seen.append(f"{name} {shown(getter())}")
        extra = [getattr(artist, name, None) for name in ("xyann", "arrowprops", "_slope", "_xy2")]
        found.append(" ".join([*seen, *map(shown, extra)]))
    return found


def figure_of(title: str) -> Figure | None:
    """Return the figure that a function draws its example in, if it does."""
    valid = examples(title)
    result = THINGS[title](**valid)
    for thing in (result, *(result if isinstance(result, tuple) else ()), *valid.values()):
        if isinstance(thing, (Artist, Figure)):
            return thing.figure
    return None


def test_each_mark_is_where_it_was(tmp_path):
    digests = {}
    for title in (title for title in THINGS if title.startswith("figures.")):
        with plt.style.context("default"):
            if (fig := figure_of(title)) is not None:
                text = "\n".join(marks(fig)).encode()
                digests[title] = hashlib.sha256(text).hexdigest()[:16]
        plt.close("all")
    new = tmp_path / TABLE.name
    new.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(TABLE.read_text(encoding="utf-8"))
    changed = [title for title in digests | kept if digests.get(title) != kept.get(title)]
    assert not changed, f"If these are drawn otherwise on purpose: cp {new} {TABLE}"
