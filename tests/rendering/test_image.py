"""SVG and PNG: whatever the labels and the data, an image that is read again, and the same each time."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.analysis.observations import observe
from app.rendering.figure import Figure
from app.rendering.image import draw
from tests.rendering.figures import grouped, incidences, survival
from tests.svg import Picture

HOSTILE = [
    "<b>&amp;</b>",
    "$x_1^2$",
    "\\frac{1}{2}",
    "]]><script>alert(1)</script>",
    "a\x00\x1b\ufffe\ud83d b",
    "射频消融",
    "مجموعة",
    "👩‍👩‍👧 🏴",
    "e\u0301\u0302 \u202eright to left",
    "",
    "%s {0}",
]


def images(figure: Figure) -> Picture:
    """Return the figure's SVG read back; its PNG must be as large."""
    picture = Picture(draw(figure, "image/svg+xml"))
    size = (int(picture.root.attrib["width"]), int(picture.root.attrib["height"]))
    with Image.open(BytesIO(draw(figure, "image/png"))) as image:
        assert image.size == size
        pixels = np.asarray(image.convert("L"))
    assert 0.4 < (pixels > 250).mean() < 1
    return picture


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_are_shown_as_they_are(label: str) -> None:
    """But for what no image or XML can have; nothing warns of letters that the font lacks."""
    shown = " ".join(label.translate(dict.fromkeys((0, 0x1B, 0xFFFE, 0xD83D), " ")).split())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = images(survival(grouped(2), [label, "other"], title=label, time_label=label, value_label=label))
    assert picture.texts("at-risk")[0] == (shown or "At risk")
    assert picture.child("title") == (shown or "Kaplan-Meier curves")
    assert picture.child("desc").startswith(shown)
    assert "script" not in {element.tag.rpartition("}")[2] for element in picture.root.iter()}


@pytest.mark.parametrize(
    ("time", "event"),
    [([5], [1]), ([5], [0]), ([0], [0]), ([0, 0], [1, 0]), ([1, 2, 3], [0, 0, 0]), ([1e-12], [1]), ([1e15, 1], [1, 1])],
)
def test_there_is_a_figure_of_the_smallest_samples(time: Sequence[float], event: Sequence[int]) -> None:
    for min_cell_count in (None, 2):
        picture = images(survival(observe(time, event), min_cell_count=min_cell_count))
        assert picture.texts("time-axis-0")[-1] == "Time (months)"
    images(incidences(observe(time, event), [""], ["cause"]))
    images(incidences(observe(time, np.zeros(len(time), dtype=int)), [""], []))


def test_an_image_has_no_date_and_no_program() -> None:
    figure = survival(grouped(2), ["a", "b"])
    svg = draw(figure, "image/svg+xml")
    assert b"<metadata" not in svg
    assert b"atplotlib" not in svg
    assert b"tIME" not in draw(figure, "image/png")


def test_a_reader_of_the_screen_hears_what_is_drawn() -> None:
    picture = Picture(draw(survival(grouped(2), ["a", "b"]), "image/svg+xml"))
    root = picture.root.attrib
    assert root["role"] == "img"
    assert root["aria-labelledby"].split() == ["title", "description"]
    ids = [element.attrib["id"] for element in picture.root.iter() if "id" in element.attrib]
    assert {"title", "description"} < {*ids}
    assert len({*ids}) == len(ids)
    description = picture.child("desc")
    assert description.startswith("a: 50 subjects, ")
    assert "hazard ratio" in description
    assert "Log-rank test: P " in description


def test_text_is_text() -> None:
    picture = Picture(draw(survival(grouped(2), ["first", "second"]), "image/svg+xml"))
    assert {"first", "second", "Time (months)", "Event-free probability", "0.2"} <= {*picture.texts()}


def test_threads_draw_the_same() -> None:
    figures = [survival(grouped(groups), [f"g{place}" for place in range(groups)]) for groups in (1, 2, 3)]
    alone = [draw(figure, "image/png") for figure in figures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda figure: draw(figure, "image/png"), figures * 4))
    assert together == alone * 4


def test_a_large_sample_is_drawn_as_finely_as_can_be_seen() -> None:
    """Its marks of censorings would cover the curve, and are left out."""
    generator = np.random.default_rng(1)
    time, last = generator.exponential(20, 20_000), generator.uniform(0, 60, 20_000)
    figure = survival(observe(np.minimum(time, last), time <= last))
    picture = images(figure)
    ((line,),) = picture.paths("curve-0")
    assert 1000 < len(line) <= 2 * 801 + 1
    assert "censored-0" not in picture.layers
    assert figure.footnote == "Shaded: pointwise 95 % CI. Curves end where 10 % are still at risk."
