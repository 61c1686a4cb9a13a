"""Pictures are PNGs that show what the window holds, and nothing of what its names would like to do."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from logwatch.heatmap.colours import ABSENT, ABSENT_LINE, DEPLOYMENT, INCIDENT, TABLE, colours
from logwatch.heatmap.image import LEVEL, image
from logwatch.heatmap.past import quantiles_of
from logwatch.heatmap.picture import RIGHT, TOP, Layout, layout, picture
from logwatch.heatmap.shown import MOST_LETTERS, MOST_ROWS, clean, rows_shown
from logwatch.heatmap.ticks import length, ticks
from logwatch.types import Mark, MetricWindow, UInt8

SECOND = 10**9
START = 1_790_000_000 * SECOND


def window(rows: int = 5, steps: int = 60, marks: tuple[Mark, ...] = ()) -> MetricWindow:
    rng = np.random.default_rng(rows)
    values = rng.normal(10, 1, (rows, steps)).astype(np.float32)
    past = quantiles_of(rng.normal(10, 1, (rows, 64)).astype(np.float32))
    return MetricWindow("web", tuple(f"m{i:03d}" for i in range(rows)), START, 10 * SECOND, values, past, marks)


def opened(png: bytes) -> UInt8:
    with Image.open(BytesIO(png)) as found:
        assert found.format == "PNG"
        return np.asarray(found.convert("RGB"))


def cell(pixels: UInt8, place: Layout, row: int, column: int) -> tuple[int, ...]:
    """Colour in the middle of a cell."""
    at = pixels[TOP + row * place.high + place.high // 2, place.left + column * place.wide + place.wide // 2]
    return tuple(at.tolist())


def luminance(rgb: UInt8) -> np.ndarray:
    """Relative luminance (WCAG 2.1)."""
    part = rgb.astype(np.float64) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    found: np.ndarray = linear @ np.array([0.2126, 0.7152, 0.0722])
    return found


def test_colours_grow_lighter_with_the_level_for_any_colour_vision() -> None:
    assert TABLE.shape == (256, 3)
    assert (np.diff(luminance(TABLE[::3])) > 0).all()
    assert np.diff(luminance(TABLE)).min() > -0.001  # a rounding of one in 255
    # What is left without red or green cones (Viénot, Brettel, Mollon 1999) still tells levels apart, in order.
    for matrix in (
        [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    ):
        seen = ((TABLE / 255.0) ** 2.2) @ np.array(matrix).T
        assert (np.diff(luminance((seen.clip(0, 1) ** (1 / 2.2) * 255).astype(np.uint8)[::16])) > 0).all()
    assert luminance(np.array([ABSENT], np.uint8))[0] > luminance(TABLE).max()


def test_cells_have_the_colours_of_their_levels() -> None:
    shown = window()
    pixels, place = opened(picture(shown)), layout(shown, range(5))
    level = image(shown)[LEVEL]
    for row in range(5):
        for column in range(60):
            assert cell(pixels, place, row, column) == tuple(colours(level[row, column]).tolist())
    assert pixels.shape[1] == place.right + RIGHT


def test_what_is_missing_is_hatched() -> None:
    shown = window()
    shown.values[2, 10:20] = np.nan
    pixels, place = opened(picture(shown)), layout(shown, range(5))
    top, left = TOP + 2 * place.high, place.left + 10 * place.wide
    found = pixels[top : top + place.high - 1, left : left + 10 * place.wide].reshape(-1, 3)
    assert {tuple(one) for one in found.tolist()} == {ABSENT, ABSENT_LINE}
    assert cell(pixels, place, 2, 9) not in (ABSENT, ABSENT_LINE)


def test_marks_stand_where_they_happened() -> None:
    when = {10: "incident", 40: "deployment"}
    marks = tuple(Mark(START + column * 10 * SECOND, kind, "x") for column, kind in when.items())
    shown = window(marks=(*marks, Mark(START - 1, "incident", "before")))
    pixels, place = opened(picture(shown)), layout(shown, range(5))
    for column, colour in ((10, INCIDENT), (40, DEPLOYMENT)):
        line = pixels[TOP : place.bottom, place.left + column * place.wide]
        share = (line == np.array(colour)).all(axis=1).mean()
        assert share > (0.4 if colour == DEPLOYMENT else 0.8)
    plain = opened(picture(window()))
    elsewhere = slice(place.left + 45 * place.wide, place.right)
    np.testing.assert_array_equal(pixels[TOP : place.bottom, elsewhere], plain[TOP : place.bottom, elsewhere])


def test_the_same_window_is_the_same_picture_and_rows_have_names_and_times_have_labels() -> None:
    one = picture(window())
    assert picture(window()) == one
    pixels, place = opened(one), layout(window(), range(5))
    for row in range(5):
        top = TOP + row * place.high
        assert (pixels[top : top + place.high, : place.left - 2] < 120).any(), "no name"
    assert (pixels[place.bottom + 6 :, place.left : place.right] < 120).any(), "no times"


@pytest.mark.parametrize(
    "name", ["\x1b[2J\x1b[31mred", "a\nb\r\tc", "\u202egpj.exe", "x" * 100_000, "\ud800", "", "é中\u0301", "\x00" * 300]
)
def test_hostile_names_are_shown_and_do_nothing(name: str) -> None:
    told = clean(name)
    assert len(told) <= MOST_LETTERS
    assert told.isprintable()
    values = np.zeros((1, 4), np.float32)
    marks = (Mark(START, "deployment", name), Mark(START + 1, "incident", name))
    png = picture(MetricWindow(name, (name,), START, SECOND, values, None, marks), note=name)
    pixels = opened(png)
    assert pixels.shape[1] < 2000
    assert name[:20] == "" or len(name) < 3 or name.encode("utf-8", "replace") not in png


@pytest.mark.parametrize("step", [SECOND, 10 * SECOND, 86_400 * SECOND])
def test_the_first_time_stands_apart_from_what_the_axis_is_called(step: int) -> None:
    one = replace(window(), start=START // (8 * 86_400 * SECOND) * 8 * 86_400 * SECOND, step=step)
    place = layout(one, range(5))
    (at, _), *_ = ticks(one.start, one.end)
    assert at == one.start
    below = max(place.bottom, TOP + 1) + 6
    inked = (opened(picture(one))[below : below + 14, : place.left + 3] < 200).any(axis=(0, 2))
    gap = np.flatnonzero(np.diff(np.flatnonzero(inked)) > 6)  # letters are nearer to each other
    assert len(gap) == 1


def test_a_long_name_keeps_both_ends() -> None:
    told = clean('node_network_receive_bytes_total{device="eth0",namespace="default",pod="shop-5f"}')
    assert told.startswith("node_network_")
    assert told.endswith('pod="shop-5f"}')


def test_of_many_metrics_those_furthest_from_usual_are_shown_by_name() -> None:
    shown = window(rows=100)
    far = [97, 3, 55]
    shown.values[far] += 50
    rows = rows_shown(image(shown)).tolist()
    assert len(rows) == MOST_ROWS
    assert rows == sorted(rows)
    assert set(far) <= set(rows)
    place = layout(shown, rows)
    assert opened(picture(shown)).shape[0] > TOP + MOST_ROWS * place.high
    assert rows_shown(image(window(rows=48))).tolist() == list(range(48))


@pytest.mark.parametrize(("rows", "steps"), [(0, 10), (1, 1), (1, 1024), (200, 16)])
def test_every_size_is_a_picture(rows: int, steps: int) -> None:
    assert opened(picture(window(rows, steps))).size


@pytest.mark.parametrize("span", [1, 7, 59, 3600, 86_400, 40 * 86_400, 4000 * 86_400])
def test_ticks_are_few_and_round_and_inside(span: int) -> None:
    found = ticks(START, START + span * SECOND)
    assert len(found) <= 8
    assert all(START <= at <= START + span * SECOND for at, _ in found)
    assert len({label for _, label in found}) == len(found)


def test_times_that_no_calendar_has_are_left_out() -> None:
    assert opened(picture(MetricWindow("s", ("a",), 2**62, 2**40, np.zeros((1, 4), np.float32)))).size


def test_lengths_are_told_in_their_largest_whole_unit() -> None:
    assert [length(n) for n in (SECOND // 2, 15 * SECOND, 300 * SECOND, 3600 * SECOND, 86_400 * SECOND)] == [
        "500 ms", "15 s", "5 min", "1 h", "1 d",
    ]  # fmt: skip
