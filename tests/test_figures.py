"""What is drawn is what was given: data are read back from the axes."""

import io
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.text import Annotation

from emt import compose_copy, figures, repeat_copy
from emt.figures.common import memory_ticks

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
SPECTRUM = SimpleNamespace(
    eigenvalues=EIGENVALUES, theory=ROOTS, directions=ROOTS[::KAPPA], counts=COUNTS
)
NAMES = repeat_copy(S, KAPPA).labels
PANELS = {
    "interactions": (figures.weights_in_basis, (MATRIX, NAMES), MATRIX, "interaction"),
    "hidden states": (figures.hidden_states, (STATES, S), STATES.T, "activity"),
    "contents": (figures.memory_contents, (CONTENTS, NAMES, S), CONTENTS.T, "content"),
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
    figures.weights_in_basis(ax, MATRIX, NAMES, MASK)
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
    figures.weights_in_basis(ax, MATRIX, NAMES)
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
    figures.memory_contents(ax, CONTENTS[:, :6], NAMES[:6], 3, limit=2.0)
    ticks = [label.get_text() for label in ax.get_yticklabels()]
    assert ticks == ["1", "2", "3"] and list(ax.get_yticks()) == [1, 3, 5]
    assert ax.images[0].get_clim() == (-2, 2)


def test_blocks_of_a_task_whose_components_do_not_all_persist_are_its_own(ax):
    """Compose copy: memory k has the components up to k."""
    task = compose_copy(4)
    names = task.labels[task.persistent]
    figures.weights_in_basis(ax, MATRIX, names)
    verticals = {x[0] for line in ax.lines for x in [line.get_xdata()] if x[0] == x[1]}
    assert verticals == {1, 3, 6, 10}
    ticks = [label.get_text() for label in ax.get_yticklabels()]
    assert ticks == ["1", "2", "3", "4", "⊥"] and list(ax.get_yticks()) == [0.5, 2, 4.5, 8, 12]


def test_the_untrained_outputs_are_hatched(ax):
    figures.outputs(ax, STATES[:, :3], S)
    (hatched,) = [patch for patch in ax.patches if patch.get_hatch()]
    assert hatched.get_x() == 0.5 and hatched.get_width() == S
    assert list(ax.get_yticks()) == [1, 2, 3]


def test_spectrum_draws_both_spectra_and_the_counts(ax):
    figures.learned_eigenvalues(ax, SPECTRUM)
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
    fig = figures.figure_3(MATRIX, SPECTRUM, STATES, CONTENTS, NAMES, S, MASK)
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


def run(rng, T, s, kappa):
    states = {name: rng.normal(size=(T, s * kappa)) for name in ("composed", "written")}
    return SimpleNamespace(**states, read=rng.normal(size=(T, kappa)))


def two_runs(T=8, s=4, kappa=5):
    """Return noise, so that whatever is drawn without looking at the data is wrong."""
    rng = np.random.default_rng(T + s + kappa)
    return run(rng, T, s, kappa), run(rng, T, s, kappa), rng.normal(size=(T, kappa)), s, kappa


def one_step(s=4, kappa=5):
    rng = np.random.default_rng(s)
    before, composed, written = rng.normal(size=(3, s * kappa))
    read, u = rng.normal(size=(2, kappa))
    return before, composed, written, read, u, s, kappa


MECHANISMS = {
    "figure 1": (figures.figure_1, two_runs()),
    "figure 1, small": (figures.figure_1, two_runs(4, 3, 2)),
    "figure 1, no output phase": (figures.figure_1, two_runs(6, 6, 1)),
    "figure 2": (figures.figure_2, one_step()),
    "figure 2, small": (figures.figure_2, one_step(3, 2)),
}
mechanisms = pytest.mark.parametrize("draw, arguments", MECHANISMS.values(), ids=MECHANISMS)


def memories(ax):
    """Return what is drawn in an Axes, by the centre of the place where it is drawn."""
    found = {}
    for mesh in ax.collections:
        x, y = np.moveaxis(mesh.get_coordinates(), -1, 0)
        assert (np.diff(x) > 0).all() and (np.diff(y, axis=0) > 0).all()
        place = round((x.min() + x.max()) / 2, 3), round((y.min() + y.max()) / 2, 3)
        assert place not in found and mesh.get_array().shape[1] == 1
        found[place] = mesh.get_array()[:, 0]
    assert ax.yaxis_inverted() and not ax.xaxis_inverted()
    return found


def stacks(ax):
    """Return the memories of an Axes: columns left to right, and in each downwards."""
    found = memories(ax)
    columns = sorted({x for x, _ in found})
    return [[found[place] for place in sorted(found) if place[0] == x] for x in columns]


def said(ax):
    return [text.get_text() for text in ax.texts]


def panels(fig):
    return [ax for ax in fig.axes if ax.get_label() != "<colorbar>"]


def panels_of_figure_2(arguments):
    return panels(figures.figure_2(*arguments))


def test_a_memory_is_a_column_of_cells(ax):
    mesh = figures.cells(ax, np.array([0.5, -2.0, 1.0]), 4.0, (3.0, 1.0, 0.5, 6.0))
    np.testing.assert_array_equal(mesh.get_array(), [[0.5], [-2.0], [1.0]])
    x, y = np.moveaxis(mesh.get_coordinates(), -1, 0)
    np.testing.assert_array_equal(x, [[3.0, 3.5]] * 4)
    np.testing.assert_array_equal(y[:, 0], [1, 3, 5, 7])
    assert mesh.get_clim() == (-4, 4) and mesh.cmap.name == "RdBu_r"
    (outline,) = ax.patches
    assert outline.get_bbox().bounds == (3.0, 1.0, 0.5, 6.0) and not outline.get_fill()


@mechanisms
def test_every_cell_has_the_colour_of_its_value_on_the_one_scale(draw, arguments):
    fig = draw(*arguments)
    fig.set_dpi(150)
    fig.canvas.draw()
    picture = np.asarray(fig.canvas.buffer_rgba())
    (bar,) = [ax for ax in fig.axes if ax.get_label() == "<colorbar>"]
    low, high = bar.get_xlim()
    assert low == -high and bar.get_xlabel() == "content of a component"
    for ax in panels(fig):
        for mesh in ax.collections:
            corners, values = mesh.get_coordinates(), mesh.get_array()[:, 0]
            centres = (corners[:-1, :-1] + corners[1:, 1:])[:, 0] / 2
            columns, rows = ax.transData.transform(centres).astype(int).T
            seen = picture[len(picture) - 1 - rows, columns]
            shade = plt.get_cmap("RdBu_r")((values - low) / (high - low), bytes=True)
            np.testing.assert_allclose(seen.astype(float), shade, atol=1)
            assert abs(values).max() < high


@mechanisms
def test_nothing_overlaps_and_nothing_is_small(draw, arguments):
    fig = draw(*arguments)
    fig.canvas.draw()
    words = [text for ax in fig.axes for text in (*ax.texts, ax._left_title) if text.get_text()]
    words += [ax.xaxis.label for ax in fig.axes if ax not in panels(fig)]
    assert min(text.get_fontsize() for text in words) >= 8
    boxes = [text.get_window_extent() for text in words]
    outlines = [patch.get_window_extent() for ax in panels(fig) for patch in ax.patches]
    assert len(outlines) == sum(len(ax.collections) for ax in panels(fig))
    for first, second in combinations([*boxes, *outlines], 2):
        assert not first.overlaps(second)
    for box in boxes:
        assert fig.bbox.contains(*box.min) and fig.bbox.contains(*box.max)


@pytest.mark.parametrize("sizes", [(8, 4, 5), (4, 3, 2), (6, 6, 1)])
def test_figure_1_shows_both_states_after_each_line_of_each_step(sizes):
    T, s, kappa = sizes
    program, network, u, *_ = two_runs(*sizes)
    ax = figures.figure_1(program, network, u, s, kappa).axes[0]
    columns = stacks(ax)
    expected = [program.composed, network.composed, u, program.written, network.written]
    expected += [program.read, network.read]
    expected = [one for states in expected for one in np.split(states, states.shape[1] // kappa, 1)]
    assert len(columns) == len(expected) == 4 * s + 3
    for drawn, states in zip(columns, expected, strict=True):
        np.testing.assert_array_equal(drawn, states)
    assert sorted({y for _, y in memories(ax)}) == [t + 0.5 for t in range(T)], "one row a step"


@pytest.mark.parametrize("s", [2, 5])
def test_figure_1_names_its_columns_and_its_rows(s):
    T, kappa = s + 2, 2
    ax = figures.figure_1(*two_runs(T, s, kappa)).axes[0]
    xs = sorted({x for x, _ in memories(ax)})
    numbers = [text for text in ax.texts if text.get_text().isdecimal()]
    above = {
        round(t.get_position()[0], 3): t.get_text() for t in numbers if t.get_position()[1] < 0
    }
    each = [str(k + 1) for k in range(s)]
    names = [*each, *each, None, *each, *each, str(s), str(s)]
    assert [above.get(x) for x in xs] == names
    rows = {t.get_position()[1]: t.get_text() for t in numbers if t.get_position()[1] > 0}
    assert rows == {t + 0.5: str(t + 1) for t in range(T)}
    groups = np.split(xs, np.cumsum([s, s, 1, s, s, 1]))
    titles = sorted((t.get_position()[0], t.get_text()) for t in ax.texts if t.get_ha() == "center")
    titles = [(x, text) for x, text in titles if text in ("program", "network", "$u(t)$")]
    assert [text for _, text in titles] == [
        *("program", "network", "$u(t)$"),
        *("program", "network", "program", "network"),
    ]
    np.testing.assert_allclose([x for x, _ in titles], [np.mean(g) for g in groups], atol=1e-3)


@pytest.mark.parametrize(
    "s, shift",
    [(2, "M[2], f(M)"), (4, "M[2], M[3], M[4], f(M)"), (7, "M[2], …, M[7], f(M)")],
)
def test_figure_1_pairs_the_pseudocode_with_the_equations_line_by_line(s, shift):
    ax = figures.figure_1(*two_runs(s + 1, s, 2)).axes[0]
    header = [t for t in ax.texts if t.get_position()[1] < -0.5]
    table = {}
    for text in sorted(header, key=lambda text: text.get_position()):
        table.setdefault(text.get_position()[1], []).append(text.get_text())
    assert [table[y] for y in sorted(table)] == [
        ["compose", "write", "read"],
        ["program", f"M ← [{shift}]", f"M[{s}] ← M[{s}] + u(t)", f"y ← M[{s}]"],
        [
            "network",
            r"$h \leftarrow W_{hh}\,h$",
            r"$h \leftarrow h + W_{uh}\,u(t)$",
            r"$y \leftarrow W_r\,h$",
        ],
    ]


def test_figure_1_separates_the_phases():
    ax = figures.figure_1(*two_runs(8, 3, 2)).axes[0]
    (line,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert set(line.get_ydata()) == {3}
    phases = {t.get_text(): t.get_position()[1] for t in ax.texts if "phase" in t.get_text()}
    assert phases == {"input\nphase": 1.5, "output\nphase": 5.5}
    ax = figures.figure_1(*two_runs(3, 3, 2)).axes[0]
    assert not ax.lines and "output\nphase" not in said(ax)


@pytest.mark.parametrize("wrong", ["s", "kappa", "steps"])
def test_figure_1_refuses_runs_of_other_sizes(wrong):
    program, network, u, s, kappa = two_runs()
    network = two_runs(8, 4, 4)[0] if wrong == "kappa" else network
    network = two_runs(8, 3, 5)[0] if wrong == "s" else network
    network = two_runs(7, 4, 5)[0] if wrong == "steps" else network
    with pytest.raises(ValueError):
        figures.figure_1(program, network, u, s, kappa)


@pytest.mark.parametrize("sizes", [(4, 5), (3, 2), (1, 3)])
def test_figure_2_shows_the_state_before_and_after_each_operation(sizes):
    s, kappa = sizes
    before, composed, written, read, u, *_ = arguments = one_step(s, kappa)
    a, b, c = panels_of_figure_2(arguments)
    assert [ax.get_title(loc="left") for ax in (a, b, c)] == ["A  compose", "B  write", "C  read"]
    expected = [[before, composed], [composed, u, written], [written, read]]
    for ax, states in zip((a, b, c), expected, strict=True):
        for drawn, state in zip(stacks(ax), states, strict=True):
            np.testing.assert_array_equal(np.concatenate(drawn), state)
            assert len(drawn) == len(state) // kappa
    (_, bottom) = max(memories(b), key=lambda place: place[1])
    assert bottom > max(y for x, y in memories(c)), "the input comes from outside the memories"


@pytest.mark.parametrize("s", [2, 4, 12])
def test_figure_2_labels_each_memory_beside_it(s):
    for ax, count in zip(panels_of_figure_2(one_step(s, 2)), (2, 2, 1), strict=True):
        heights = sorted({y for _, y in memories(ax)})[:s]
        labels = [text for text in ax.texts if text.get_text().startswith(r"$\Psi")]
        found = sorted((t.get_position()[1], t.get_text()) for t in labels)
        names = [rf"$\Psi_{{{k}}}$" for k in range(1, s + 1) for _ in range(count)]
        assert [text for _, text in found] == names
        np.testing.assert_allclose([y for y, _ in found], np.repeat(heights, count))


def arrows(ax):
    """Return where each arrow starts and ends: column and number of the memory, or None."""
    places = sorted(memories(ax))
    columns = sorted({x for x, _ in places})
    size = 0.62

    def memory(point):
        near = [(x, y) for x, y in places if np.abs(np.subtract(point, (x, y))).max() < size]
        return (columns.index(near[0][0]), round((near[0][1] + 0.75) / 1.25)) if near else None

    found = [note for note in ax.texts if isinstance(note, Annotation)]
    return {(memory(note.xyann), memory(note.xy)) for note in found}


@pytest.mark.parametrize("s", [2, 4])
def test_the_arrows_of_figure_2_say_what_moves_where(s):
    a, b, c = panels_of_figure_2(one_step(s, 3))
    copies = {((0, k), (1, k - 1)) for k in range(2, s + 1)}
    assert arrows(a) == copies | {(None, (1, s))}
    assert arrows(b) == {((0, k), (2, k)) for k in range(1, s + 1)} | {((1, s + 1), None)}
    assert arrows(c) == {((0, s), (1, s))}
    (f,) = [text for text in a.texts if text.get_text() == "$f$"]
    (way,) = [line for line in a.lines if len(line.get_xdata()) == 3]
    feeds = [line for line in a.lines if len(line.get_xdata()) == 2]
    assert {line.get_ydata()[0] for line in feeds} == {y for _, y in memories(a)}
    assert {line.get_xdata()[0] for line in feeds} == {way.get_xdata()[0]}
    assert f.get_position()[1] == way.get_ydata()[1] == way.get_ydata()[2]
    (plus,) = [text for text in b.texts if text.get_text() == "+"]
    assert plus.get_position()[1] == max(y for _, y in memories(c))


def test_figure_2_names_the_states_and_the_operators():
    a, b, c = panels_of_figure_2(one_step(3, 2))
    assert {"$h(t-1)$", r"$\Phi\,h(t-1)$", "$f$"} <= set(said(a))
    assert {r"$\Phi\,h(t-1)$", "$h(t)$", "$u(t)$", r"$W_{uh} = \Psi_{3}$"} <= set(said(b))
    assert {"$h(t)$", "$y(t)$", r"$W_r = \Psi^*_{3}$"} <= set(said(c))


def rendered(draw, *arguments) -> bytes:
    fig = draw(*arguments)
    fig.set(dpi=60, layout_engine="none")
    fig.canvas.draw()
    picture = bytes(fig.canvas.buffer_rgba())
    plt.close(fig)
    return picture


def test_figures_1_and_2_change_with_any_of_their_arrays():
    program, network, u, s, kappa = two_runs(3, 2, 1)
    first = rendered(figures.figure_1, program, network, u, s, kappa)
    assert rendered(figures.figure_1, program, network, u, s, kappa) == first
    assert rendered(figures.figure_1, network, program, u, s, kappa) != first
    step = one_step(2, 2)
    pictures = {first, rendered(figures.figure_2, *step)}
    for name in ("composed", "written", "read"):
        for which in (0, 1):
            runs = [SimpleNamespace(**vars(each)) for each in (program, network)]
            setattr(runs[which], name, 0.5 * getattr(runs[which], name))
            pictures.add(rendered(figures.figure_1, *runs, u, s, kappa))
    pictures.add(rendered(figures.figure_1, program, network, 0.5 * u, s, kappa))
    for n in range(5):
        changed = [0.5 * each if m == n else each for m, each in enumerate(step)]
        pictures.add(rendered(figures.figure_2, *changed))
    assert len(pictures) == 2 + 6 + 1 + 5


def test_runs_of_nothing_are_drawn_too():
    nothing = SimpleNamespace(
        composed=np.zeros((2, 4)), written=np.zeros((2, 4)), read=np.zeros((2, 2))
    )
    fig = figures.figure_1(nothing, nothing, np.zeros((2, 2)), 2, 2)
    assert fig.axes[0].collections[0].get_clim() == (-1, 1)


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


def test_curves_lie_where_they_are_said_to(ax):
    where = np.array([0.5, 2.0, 8.0])
    figures.curves(ax, {"one": RNG.normal(size=3)}, "x", "y", x=where)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), where)


def test_outputs_take_a_limit(ax):
    figures.outputs(ax, STATES[:, :3], S, limit=5.0)
    assert ax.images[0].get_clim() == (-5.0, 5.0)


def test_overlaps_draws_every_memory_over_time(ax):
    times, overlaps = np.array([0.0, 0.5, 2.0]), RNG.uniform(-1, 1, size=(3, 3))
    figures.overlap_curves(ax, times, overlaps)
    for line, values, k in zip(ax.lines, overlaps, (1, 2, 3), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.transpose([times, values]))
        assert line.get_label() == f"memory {k}"
    assert len({line.get_color() for line in ax.lines}) == 3
    assert len({str(line._dash_pattern) for line in ax.lines}) == 3


def test_eigenvalues_that_coincide_are_counted(ax):
    values = np.array([0.5j, 0.5j + 1e-4, 1.0, 0.5j, -0.2 + 0.1j])
    figures.rule_eigenvalues(ax, values)
    points = [tuple(line.get_xydata()[0]) for line in ax.lines[1:]]
    places = [(0.0, 0.5), (1.0, 0.0), (-0.2, 0.1)]
    np.testing.assert_allclose(sorted(points), sorted(places), atol=1e-3)
    (count,) = ax.texts
    assert count.get_text() == "3" and count.get_position() == pytest.approx((0.0, 0.5), abs=1e-3)


def test_parallelogram_closes_at_the_vector(ax):
    basis, numbers = np.array([[1.0, 0.6], [0.2, 0.9]]), np.array([0.7, 1.3])
    figures.parallelogram(ax, basis @ numbers, basis, numbers)
    corners = {tuple(np.round(line.get_xydata()[-1], 9)) for line in ax.lines}
    assert corners == {tuple(np.round(basis @ numbers, 9))}
    starts = {tuple(np.round(line.get_xydata()[1], 9)) for line in ax.lines}
    assert starts == {tuple(np.round(basis[:, k] * numbers[k], 9)) for k in (0, 1)}
    texts = [text.get_text() for text in ax.texts]
    assert "$v^1$ = 0.70" in texts and "$v^2$ = 1.30" in texts


def test_arrows_are_the_columns(ax):
    groups = {"vector": RNG.normal(size=(2, 2)), "covector": RNG.normal(size=(2, 3))}
    figures.arrows(ax, groups)
    for quiver, vectors in zip(ax.collections, groups.values(), strict=True):
        np.testing.assert_array_equal([quiver.U, quiver.V], vectors)
        np.testing.assert_array_equal(quiver.get_offsets(), np.zeros(vectors.T.shape))
    marks = {t.get_text(): t.xy for t in ax.texts if isinstance(t, Annotation)}
    assert marks["covector 3"] == pytest.approx(groups["covector"][:, 2])


def test_two_projections_are_marked_and_joined_to_the_start(ax):
    modes, orbit = np.array([[1.0, 0.5], [0.0, 1.0]]), RNG.normal(size=(4, 2))
    ends = {
        "spectral projection": np.array([0.3, 0.0]),
        "orthogonal projection": RNG.normal(size=2),
    }
    figures.two_projections(ax, modes, orbit, *ends.values())
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["state, step by step"].get_xydata(), orbit)
    for name, point in ends.items():
        np.testing.assert_array_equal(lines[name].get_xydata(), [point])
    joins = [line.get_xydata() for line in ax.lines if line.get_label().startswith("_")]
    for join, point in zip(joins, ends.values(), strict=True):
        np.testing.assert_array_equal(join, [orbit[0], point])
    for name, mode in zip(("lasting mode", "fading mode"), modes.T, strict=True):
        assert tuple(lines[name].get_xy2()) == tuple(mode)


def test_a_law_draws_points_lines_and_grey_ends(ax):
    x = np.geomspace(1e-4, 1e-1, 7)
    points = {"a": (x, 2 * x), "b": (x[:3], 5 * x[:3])}
    assert figures.law(ax, points, {"a": 2.0, "theory": 3.0}, 1e-3, 1e-2, "deviation") is ax
    a, b, own, theory = ax.lines
    for line, (values, found) in zip((a, b), points.values(), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), values)
        np.testing.assert_array_equal(line.get_ydata(), found)
    assert a.get_marker() != b.get_marker() and a.get_color() != b.get_color()
    np.testing.assert_allclose(own.get_ydata(), 2 * own.get_xdata())
    np.testing.assert_allclose(theory.get_ydata(), 3 * theory.get_xdata())
    assert own.get_color() == a.get_color() != theory.get_color() == figures.INK
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_ylabel() == "deviation" and "activity" in ax.get_xlabel()
    left, right = (patch.get_extents().transformed(ax.transData.inverted()) for patch in ax.patches)
    np.testing.assert_allclose([left.x1, right.x0], [1e-3, 1e-2])
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["a", "b", "predicted, a", "predicted, theory"]


def test_an_edited_run_shows_contents_outputs_and_both_lines():
    fig = figures.edited_run(CONTENTS, STATES[:, :KAPPA], NAMES, S, edit=7)
    bars = [ax for ax in fig.axes if ax.get_label() == "<colorbar>"]
    memory, output, before, after = (ax for ax in fig.axes if ax not in bars)
    for ax, first in ((before, 7 - S), (after, 7)):
        image = np.asarray(ax.images[0].get_array())
        np.testing.assert_array_equal(image, STATES[first : first + S, :KAPPA].T)
    assert "before" in before.get_title("left") and "after" in after.get_title("left")
    np.testing.assert_array_equal(np.asarray(memory.images[0].get_array()), CONTENTS.T)
    np.testing.assert_array_equal(np.asarray(output.images[0].get_array()), STATES[:, :KAPPA].T)
    for ax in (memory, output):
        edges = [line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1]
        assert edges == [S + 0.5, 7.5]
    assert "edit" in output.get_xlabel() and memory.get_xlabel() == ""


def test_predictions_are_lines_and_measurements_points(ax):
    x, line, found = np.array([1.0, 10.0, 100.0]), np.arange(1.0, 4.0), np.array([3.0, 1.0, 2.0])
    pairs = {"a": (x, line, found), "b": (x, 2 * line, 2 * found)}
    assert figures.predictions(ax, pairs, "step", "accuracy") is ax
    for n, scale in enumerate((1, 2)):
        predicted, measured = ax.lines[2 * n : 2 * n + 2]
        np.testing.assert_array_equal(predicted.get_xydata(), np.c_[x, scale * line])
        np.testing.assert_array_equal(measured.get_xydata(), np.c_[x, scale * found])
        assert predicted.get_color() == measured.get_color() == f"C{n}"
        assert predicted.get_linestyle() != "None" == measured.get_linestyle()
    assert ax.lines[1].get_marker() != ax.lines[3].get_marker()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("step", "accuracy", "log")


def test_remainders_are_marks_on_lines_of_the_given_slopes(ax):
    sizes = np.array([0.01, 0.1, 1.0])
    lines = {"a": np.array([1.0, 2.0, 5.0]), "b": np.array([3.0, 4.0, 7.0])}
    assert figures.remainders(ax, sizes, lines, {"a": 2, "b": 3}) is ax
    for n, (name, power) in enumerate({"a": 2, "b": 3}.items()):
        guide, marks = ax.lines[2 * n : 2 * n + 2]
        np.testing.assert_allclose(guide.get_ydata(), lines[name][-1] * sizes**power)
        np.testing.assert_array_equal(marks.get_xydata(), np.c_[sizes, lines[name]])
        assert guide.get_color() == marks.get_color() == f"C{n}"
        assert guide.get_marker() == "None" == marks.get_linestyle()
        assert f"slope {power}" in marks.get_label()
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.lines[1].get_marker() != ax.lines[3].get_marker()


def test_resting_points_tell_stable_from_unstable(ax):
    visited, points = RNG.normal(size=(9, 2)), RNG.normal(size=(3, 2))
    stable = np.array([False, True, False])
    assert figures.resting_points(ax, visited, points, stable) is ax
    grey, unstable, firm = ax.lines
    np.testing.assert_array_equal(grey.get_xydata(), visited)
    np.testing.assert_array_equal(unstable.get_xydata(), points[~stable])
    np.testing.assert_array_equal(firm.get_xydata(), points[stable])
    assert "unstable" in unstable.get_label() and "unstable" not in firm.get_label()
    assert unstable.get_marker() != firm.get_marker()
    assert len(ax.get_legend().get_texts()) == 3


def test_fidelities_show_what_signs_alone_would_leave(ax):
    cycles, lines = np.array([1.0, 10.0, 100.0]), {"a": np.array([1.0, 0.9, 0.2])}
    assert figures.fidelities(ax, cycles, lines, signs=0.8) is ax
    line, level = ax.lines
    np.testing.assert_array_equal(line.get_xydata(), np.c_[cycles, lines["a"]])
    assert set(level.get_ydata()) == {0.8} and line.get_linestyle() != level.get_linestyle()
    assert ax.get_xscale() == "log" and ax.get_ylim()[0] < 0 and ax.get_ylim()[1] > 1


def test_what_is_read_is_drawn_over_what_was_stored(ax):
    stored, read = RNG.normal(size=6), {"a": RNG.normal(size=6), "b": RNG.normal(size=6)}
    assert figures.stored_and_read(ax, stored, read) is ax
    _, *marks = ax.lines
    for line, (name, values) in zip(marks, read.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.c_[stored, values])
        assert line.get_label() == name
    assert marks[0].get_marker() != marks[1].get_marker()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("stored", "read")


def test_changes_are_drawn_beside_adding_and_overwriting(ax):
    lines = {name: (np.sort(RNG.normal(size=4)), RNG.normal(size=4)) for name in "ab"}
    assert figures.changes(ax, lines) is ax
    level, falling, *measured = ax.lines
    assert set(level.get_ydata()) == {1}
    assert falling.get_xy1() == (0, 1) and falling.get_slope() == -1
    for line, (name, values) in zip(measured, lines.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.transpose(values))
        assert line.get_label() == name
    assert measured[0].get_marker() != measured[1].get_marker()
    assert [text.get_text() for text in ax.texts] == ["adding", "overwriting"]


def test_questions_stand_below_one_another_and_a_no_beside_each():
    fig, ax = figures.single(height=5.6)
    rows = [(f"question {n}?", f"no {n}") for n in range(4)]
    figures.questions(ax, rows, "the end")
    fig.canvas.draw()
    place = {t.get_text(): t.get_window_extent() for t in ax.texts if t.get_text()}
    asked = [place[question] for question, _ in rows] + [place["the end"]]
    assert all(above.y0 > below.y1 for above, below in pairwise(asked))
    for question, no in rows:
        assert place[no].x0 > place[question].x1
        assert place[question].y0 < (place[no].y0 + place[no].y1) / 2 < place[question].y1
    heads = [t.arrow_patch for t in ax.texts if isinstance(t, Annotation)]
    assert len(heads) == 2 * len(rows)


@pytest.mark.parametrize(
    "memories, named",
    [(4, [1, 2, 3, 4]), (5, [1, 5]), (9, [1, 4, 9]), (10, [1, 4, 8, 10]), (16, [1, 4, 8, 12, 16])],
)
def test_ticks_name_a_few_memories_and_not_the_last_but_one(ax, memories, named):
    memory_ticks(ax.xaxis, repeat_copy(memories, 2).labels, 2 * memories)
    assert [text.get_text() for text in ax.get_xticklabels()] == list(map(str, named))
    np.testing.assert_allclose(ax.get_xticks(), 2 * np.array(named) - 1)


def test_each_line_of_changes_has_a_mark_and_dashes_of_its_own(ax):
    figures.changes(ax, {str(n): (np.arange(3.0), np.ones(3)) for n in range(6)})
    looks = [(line.get_marker(), line.get_linestyle()) for line in ax.lines[2:]]
    assert looks == list(zip("osx^Do", ["-", "--", ":"] * 2, strict=True))


def test_seven_curves_have_dashes_of_their_own(ax):
    lines = {str(n): np.arange(3.0) for n in range(8)}
    figures.curves(ax, lines, "x", "y")
    looks = [line._unscaled_dash_pattern for line in ax.lines]
    assert len({str(look) for look in looks[:7]}) == 7 and looks[7] == looks[0]
    assert [look[1] for look in looks[4:7]] == [(5, 1, 1, 1, 1, 1), (1, 1), (8, 2)]
