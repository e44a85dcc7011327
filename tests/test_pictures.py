"""What a figure brings along: what it draws as numbers, and its narrow form."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from emt import figures
from emt.figures.common import WIDE, WIDTH
from emt.workshop import pictures


@pytest.fixture(autouse=True)
def style():
    with plt.style.context(["default", "emt.emt"]):
        yield
    plt.close("all")


def read(text: str) -> dict[str, np.ndarray]:
    """Return the series of a figure's CSV by their names."""
    found = {}
    for part in text.split("# ")[1:]:
        name, *lines = part.strip().splitlines()
        found[name] = np.array([[float(x) for x in line.split(",")] for line in lines])
    return found


def test_every_number_that_is_drawn_is_in_the_data():
    rng = np.random.default_rng(0)
    fig, (left, right) = figures.side_by_side(["weights", "over time"])
    matrix, y = rng.normal(size=(3, 4)), rng.normal(size=6)
    figures.heat_map(left, matrix, "interaction")
    right.plot(np.arange(6), y, label="measured")
    right.scatter([1, 2], [3, 4], label="seeds")
    right.bar([0, 1], [5, 6])
    right.axvline(2)
    right.errorbar([1.0], [2.0], yerr=0.5)
    data = read(pictures.figure_data(fig))
    (image,) = (values for name, values in data.items() if "image" in name)
    np.testing.assert_allclose(image, matrix, rtol=1e-4)
    line = data["panel 2 (over time); line (x, y); measured"]
    np.testing.assert_allclose(line, np.column_stack([np.arange(6), y]), rtol=1e-4)
    np.testing.assert_array_equal(
        data["panel 2 (over time); points (x, y); seeds"], [[1, 3], [2, 4]]
    )
    (bars,) = (values for name, values in data.items() if "bars" in name)
    np.testing.assert_array_equal(bars[:, 3], [5, 6])
    (bar,) = (values for name, values in data.items() if "segments" in name)
    np.testing.assert_array_equal(bar, [[1, 1.5], [1, 2.5]])
    assert not any("panel 3" in name for name in data)  # the colour bar is none


@pytest.mark.parametrize("count", [2, 3])
def test_panels_of_a_wide_figure_are_stacked(count):
    fig, axes = figures.side_by_side([str(n) for n in range(count)])
    figures.heat_map(axes[0], np.eye(3), "value")
    assert fig.get_figwidth() == WIDE
    assert pictures.stacked(fig)
    fig.canvas.draw()
    assert fig.get_figwidth() == WIDTH
    tops = [ax.get_position().y1 for ax in axes]
    assert tops == sorted(tops, reverse=True) and len(set(tops)) == count
    bottoms = [ax.get_position().y0 for ax in axes]
    assert all(low > high for low, high in zip(bottoms, tops[1:], strict=False))


def test_what_stood_once_for_all_panels_stands_at_each():
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(WIDE, 3))
    for ax in axes:
        ax.set_yticks([0, 1], ["below", "above"])
        for name in ("a long name of a curve", "another name that is long"):
            ax.plot([0, 1], [0, 1], label=name)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    assert pictures.stacked(fig)
    fig.canvas.draw()
    for ax in axes:
        assert all(label.get_visible() for label in ax.get_yticklabels())
        assert ax.yaxis.get_tick_params()["labelleft"]
        box = ax.get_legend().get_window_extent()
        assert 0 <= box.x0 < box.x1 <= fig.bbox.x1
        assert ax.get_position().width > 0.6


def test_panels_without_a_layout_are_stacked_too():
    fig, axes = plt.subplots(1, 3, figsize=(WIDE, 3), layout="none")
    assert pictures.stacked(fig)
    lows = [ax.get_position().y0 for ax in axes]
    assert lows == sorted(lows, reverse=True) and len({*lows}) == 3


def test_what_cannot_be_stacked_is_left_alone():
    fig, _ = figures.single()
    assert not pictures.stacked(fig)
    fig = plt.figure(figsize=(WIDE, 3))
    fig.add_axes((0.1, 0.1, 0.3, 0.8))
    fig.add_axes((0.5, 0.1, 0.3, 0.8))
    assert not pictures.stacked(fig)
    assert fig.get_figwidth() == WIDE


def test_the_picture_has_no_ground_and_the_same_bytes():
    made = []
    for _ in range(2):
        fig, ax = figures.single()
        ax.plot([0, 1], [0, 1])
        made.append(pictures.svg(fig))
    assert made[0] == made[1]
    assert "fill: #ffffff" not in made[0]


def test_a_colour_bar_of_stacked_panels_is_long_and_thin():
    fig, axes = figures.side_by_side(["a", "b", "c"])
    *_, image = (ax.imshow(np.eye(3), aspect="auto") for ax in axes)
    bar = fig.colorbar(image, ax=axes).ax
    assert pictures.stacked(fig)
    fig.canvas.draw()
    box = bar.get_window_extent()
    assert box.height / box.width > 40
