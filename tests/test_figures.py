"""What is drawn is what was given: data are read back from the axes."""

import io

import numpy as np
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt

from emt import figures

RNG = np.random.default_rng(0)
S, KAPPA, H, T = 5, 2, 14, 9
MATRIX = RNG.normal(size=(H, H))
MASK = np.zeros((H, H), bool)
MASK[2:5, 7:9] = True
STATES = RNG.normal(size=(T, H))
CONTENTS = RNG.normal(size=(T, S * KAPPA))
EIGENVALUES = RNG.normal(size=H) + 1j * RNG.normal(size=H)
ROOTS = np.repeat(np.exp(2j * np.pi * np.arange(S) / S), KAPPA)
COUNTS = np.array([2, 0, 3, 1, 4])
PANELS = {
    "interactions": (figures.interactions, (MATRIX, S, KAPPA), MATRIX, "interaction"),
    "hidden states": (figures.hidden_states, (STATES, S), STATES.T, "activity"),
    "contents": (figures.memory_contents, (CONTENTS, S, KAPPA), CONTENTS.T, "content"),
    "outputs": (figures.outputs, (STATES[:, :3], S), STATES[:, :3].T, "output"),
}


@pytest.fixture(autouse=True)
def _style():
    with plt.rc_context():
        figures.use_style()
        yield
    plt.close("all")


@pytest.fixture
def ax():
    return plt.subplots()[1]


def pixels(draw, *arguments, **options) -> bytes:
    fig, ax = plt.subplots(dpi=50, layout="none")
    draw(ax, *arguments, **options)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="raw")
    plt.close(fig)
    return buffer.getvalue()


def colour_bars(ax):
    return [other for other in ax.figure.axes if other.get_label() == "<colorbar>"]


def labels(ax):
    return ax.get_xlabel(), ax.get_ylabel()


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_draws_its_data_with_labels_and_colour_bar(ax, panel):
    draw, arguments, expected, label = PANELS[panel]
    assert draw(ax, *arguments) is ax
    image = ax.images[0]
    np.testing.assert_array_equal(image.get_array(), expected)
    low, high = image.get_clim()
    assert low == -high < 0 and image.cmap.name == "RdBu_r" and image.origin == "upper"
    (bar,) = colour_bars(ax)
    assert bar.get_ylabel() == label
    assert all(labels(ax))
    left, right, bottom, top = image.get_extent()
    assert right - left == expected.shape[1] and bottom - top == expected.shape[0]


@pytest.mark.parametrize("panel", PANELS)
def test_another_input_is_another_picture(panel):
    draw, (data, *rest), _, _ = PANELS[panel]
    changed = data.copy()
    changed[3, 1] = -changed[3, 1] + 0.5
    first = pixels(draw, data, *rest)
    assert pixels(draw, data, *rest) == first != pixels(draw, changed, *rest)


@pytest.mark.parametrize("panel", ["hidden states", "contents", "outputs"])
def test_the_input_phase_ends_at_a_dashed_line(ax, panel):
    draw, arguments, *_ = PANELS[panel]
    draw(ax, *arguments)
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert [set(line.get_xdata()) for line in dashed] == [{S + 0.5}]
    assert ax.images[0].get_extent()[:2] == [0.5, T + 0.5] and "time" in ax.get_xlabel()
    assert all(tick == int(tick) for tick in ax.get_xticks())


@pytest.mark.parametrize(
    "values, limit, expected",
    [
        ([[0.5, -3.0]], None, 3.0),
        ([[2.0, 0.5]], None, 2.0),
        ([[2.0, 0.5]], 0.25, 0.25),
        ([[0.0, 0.0]], None, 1.0),
    ],
)
def test_colours_are_centred_on_zero(ax, values, limit, expected):
    figures.heat_map(ax, np.array(values), "name", limit)
    image = ax.images[0]
    assert image.get_clim() == (-expected, expected)
    white = image.cmap(image.norm(0.0))
    np.testing.assert_allclose(white[:3], 0.97, atol=0.03)
    assert colour_bars(ax)[0].get_ylabel() == "name"


def test_what_is_zero_by_construction_is_grey(ax):
    figures.interactions(ax, MATRIX, S, KAPPA, MASK)
    cover = ax.images[1]
    rgba = cover.to_rgba(cover.get_array())
    red, green, blue, opaque = np.moveaxis(rgba, -1, 0)
    np.testing.assert_array_equal(opaque > 0, MASK)
    np.testing.assert_array_equal(red[MASK], green[MASK])
    np.testing.assert_array_equal(red[MASK], blue[MASK])
    assert (opaque[MASK] == 1).all() and (0.5 < red[MASK]).all() and (red[MASK] < 0.95).all()
    assert cover.get_extent() == ax.images[0].get_extent()
    assert cover.get_zorder() >= ax.images[0].get_zorder()


def test_memory_blocks_are_marked(ax):
    figures.interactions(ax, MATRIX, S, KAPPA)
    assert len(ax.images) == 1
    verticals = {tuple(x) for line in ax.lines for x in [line.get_xdata()] if x[0] == x[1]}
    assert verticals == {(edge, edge) for edge in (2, 4, 6, 8, 10)}
    strongest = max(ax.lines, key=lambda line: line.get_linewidth())
    assert set(strongest.get_xdata()) == {S * KAPPA}
    for axis in (ax.xaxis, ax.yaxis):
        names = (label.get_text() for label in axis.get_ticklabels())
        ticks = dict(zip(axis.get_ticklocs(), names, strict=True))
        assert ticks[1.0] == "1" and ticks[9.0] == "5" and ticks[12.0] == "⊥"
    assert labels(ax) == ("from", "to")


def test_no_tick_beyond_the_memories_where_nothing_is(ax):
    figures.memory_contents(ax, CONTENTS[:, :6], 3, KAPPA, limit=2.0)
    ticks = [label.get_text() for label in ax.get_yticklabels()]
    assert ticks == ["1", "2", "3"] and list(ax.get_yticks()) == [1, 3, 5]
    assert ax.images[0].get_clim() == (-2, 2)


def test_the_untrained_outputs_are_hatched(ax):
    figures.outputs(ax, STATES[:, :3], S)
    (hatched,) = [patch for patch in ax.patches if patch.get_hatch()]
    assert hatched.get_x() == 0.5 and hatched.get_width() == S
    assert list(ax.get_yticks()) == [1, 2, 3]


def test_spectrum_draws_both_spectra_and_the_counts(ax):
    figures.spectrum(ax, EIGENVALUES, ROOTS, COUNTS)
    drawn = {line.get_label(): line.get_xdata() + 1j * line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(drawn["learned"], EIGENVALUES)
    np.testing.assert_array_equal(drawn["theory"], ROOTS)
    (circle,) = [z for name, z in drawn.items() if name.startswith("_")]
    np.testing.assert_allclose(abs(circle), 1)
    assert [text.get_text() for text in ax.texts] == ["2", "0", "3", "1", "4"]
    angles = [np.angle(complex(*text.get_position())) for text in ax.texts]
    np.testing.assert_allclose(np.exp(1j * np.array(angles)), ROOTS[::KAPPA])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["theory", "learned"]
    assert ax.get_aspect() == 1 and labels(ax) == ("real part", "imaginary part")


def test_curves_draw_each_line_from_the_first_step(ax):
    lines = {"a": np.array([1.0, 3, 2]), "b": np.array([0.0, 5, 4])}
    theory = np.array([9.0, 8, 7])
    assert figures.curves(ax, lines, "step", "loss", first=4, theory=theory) is ax
    drawn = {line.get_label(): line for line in ax.lines}
    for name, values in {**lines, "theory": theory}.items():
        np.testing.assert_array_equal(drawn[name].get_ydata(), values)
        np.testing.assert_array_equal(drawn[name].get_xdata(), [4, 5, 6])
    assert drawn["a"].get_color() != drawn["b"].get_color()
    assert drawn["a"].get_linestyle() != drawn["b"].get_linestyle()
    assert drawn["theory"].get_linestyle() == "None" and drawn["theory"].get_marker() == "o"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b", "theory"]
    assert labels(ax) == ("step", "loss")


def test_seven_curves_differ_without_colour(ax):
    figures.curves(ax, {str(n): np.arange(3.0) for n in range(7)}, "x", "y")
    dashes = {str(line._dash_pattern) for line in ax.lines}
    assert len(dashes) == 7


def test_figure_3_is_four_panels_of_its_data():
    fig = figures.figure_3(MATRIX, MASK, EIGENVALUES, ROOTS, COUNTS, STATES, CONTENTS, S, KAPPA)
    panels = {ax.get_title(loc="left")[:1]: ax for ax in fig.axes if ax.get_title(loc="left")}
    assert "".join(sorted(panels)) == "ABCD"
    for name, data in {"A": MATRIX, "C": STATES.T, "D": CONTENTS.T}.items():
        np.testing.assert_array_equal(panels[name].images[0].get_array(), data)
    assert len(panels["A"].images) == 2
    np.testing.assert_array_equal(panels["B"].lines[2].get_xdata(), EIGENVALUES.real)
    assert len(colour_bars(panels["A"])) == 3
    row = {name: ax.get_subplotspec().rowspan.start for name, ax in panels.items()}
    assert row == {"A": 0, "B": 0, "C": 1, "D": 1}
    fig.draw_without_rendering()


def test_frames_have_their_sizes_and_titles():
    fig, ax = figures.single(2.5)
    assert tuple(fig.get_size_inches()) == (figures.WIDTH, 2.5) and fig.axes == [ax]
    fig, axes = figures.side_by_side(["left", "right"], height=2)
    assert tuple(fig.get_size_inches()) == (figures.WIDE, 2)
    assert [a.get_title(loc="left") for a in axes] == ["left", "right"] and fig.axes == axes


def test_the_style_is_the_books():
    with plt.rc_context():
        plt.rcParams.update({"image.cmap": "viridis", "lines.linewidth": 9})
        figures.use_style()
        style = dict(plt.rcParams)
    assert style["image.cmap"] == "RdBu_r" and style["svg.hashsalt"] == "emt"
    assert style["lines.linewidth"] != 9 and style["image.interpolation"] == "nearest"
    assert colors.to_hex(style["savefig.facecolor"]) == "#ffffff"


def test_a_table_formats_its_columns():
    html = figures.table(
        [{"seed": 0, "error": 0.12345}, {"seed": 1, "error": 2.0}], error=".2f"
    ).data
    cells = [cell.split("</t")[0] for cell in html.replace("<th", "<td").split("<td")[1:]]
    assert [cell.split(">")[-1] for cell in cells if "ead" not in cell] == [
        *("seed", "error"),
        *("0", "0.12"),
        *("1", "2.00"),
    ]
