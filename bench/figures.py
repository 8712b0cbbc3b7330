"""What a figure costs beside the JSON answer of the same request, and of it what drawing alone costs.

Run with `python -m bench.figures [--quick] [sizes]`; take the ratios of one run, not the milliseconds.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from statistics import median
from typing import get_args

import numpy as np

from app.api import convert_figure
from app.rendering.image import ImageType, draw
from app.schemas.survival_request import SurvivalRequest
from bench.client import JSON, Connection, one_by_one, request
from bench.markdown import figure, section, sizes_asked_for, table
from bench.server import serving
from bench.timing import seconds

IMAGES: tuple[ImageType, ...] = get_args(ImageType)


def body(size: int) -> bytes:
    """Return a request about two groups, half of `size` each; its JSON answer has as many points as the figure."""
    generator = np.random.default_rng(1)
    group = np.arange(size) % 2
    event_time, last = generator.exponential(20 + 10 * group), generator.uniform(10, 60, size)
    subjects = {
        "time": np.minimum(event_time, last).round(4).tolist(),
        "event": (event_time <= last).tolist(),
        "group": [("A", "B")[code] for code in group.tolist()],
    }
    return json.dumps({"subjects": subjects, "curve": {"max_points": 800}}).encode()


def drawing(body: bytes, media_type: ImageType, least: float) -> float:
    """Return what drawing costs, in seconds, the sample being summarised already."""
    drawn = convert_figure.survival(SurvivalRequest.model_validate_json(body))
    draw(drawn, media_type)  # the first one loads matplotlib
    return seconds(lambda: draw(drawn, media_type), least)


def rows_of(connection: Connection, size: int, least: float) -> Iterator[tuple[str, ...]]:
    """Yield what the representations cost at a number of subjects."""
    sent = body(size)
    costs = {
        media_type: median(one_by_one(connection, request("/v1/survival", sent, Accept=media_type), least))
        for media_type in (JSON, *IMAGES)
    }
    for media_type, cost in costs.items():
        alone = figure(1e3 * drawing(sent, media_type, least)) if media_type in IMAGES else ""
        yield f"{size:,}", media_type, figure(1e3 * cost), alone, figure(cost / costs[JSON])


def main(sizes: Iterable[int], least: float = 3.0) -> None:
    """Print the costs of the representations, warm, and their ratios to that of JSON."""
    with serving() as server, Connection(server.port) as connection:
        for media_type in (JSON, *IMAGES):
            one_by_one(connection, request("/v1/survival", body(20), Accept=media_type), 0)
        rows = [row for size in sizes for row in rows_of(connection, size, least)]
    section("Figures", *table(("subjects", "answer", "p50, ms", "of which drawing", "it : JSON"), *rows))


if __name__ == "__main__":
    main(sizes_asked_for(200, 300_000), 0.3 if "--quick" in sys.argv else 3)
