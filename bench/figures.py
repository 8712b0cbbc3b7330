"""What a figure costs beside the JSON answer of the same request, and of it what drawing alone costs.

Run with `python -m bench.figures`; take the ratios of one run, not the milliseconds.
"""

import asyncio
import json
import statistics
import time

import httpx
import numpy as np

from app.api import convert_figure
from app.main import create_app
from app.rendering.image import draw
from app.schemas.survival_request import SurvivalRequest
from app.settings import Settings

ANSWERS = ("application/json", "image/svg+xml", "image/png")


def body(size: int) -> dict[str, object]:
    """Return a request about two groups, half of `size` each; its JSON answer has as many points as the figure."""
    generator = np.random.default_rng(1)
    group = np.arange(size) % 2
    event_time, last = generator.exponential(20 + 10 * group), generator.uniform(10, 60, size)
    return {
        "subjects": {
            "time": np.minimum(event_time, last).round(4).tolist(),
            "event": (event_time <= last).tolist(),
            "group": [("A", "B")[code] for code in group.tolist()],
        },
        "curve": {"max_points": 800},
    }


async def milliseconds(client: httpx.AsyncClient, content: bytes, accept: str, seconds: float) -> list[float]:
    """Return how long each of the answers takes that fit in some seconds, three at least."""
    headers = {"content-type": "application/json", "accept": accept}
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        response = await client.post("/v1/survival", content=content, headers=headers)
        times.append((time.perf_counter() - start) * 1e3)
        assert response.headers["content-type"] == accept, response.text  # noqa: S101
    return times


def drawing(request: dict[str, object], media_type: str, seconds: float) -> float:
    """Return the median cost of drawing, the sample being summarised already."""
    figure = convert_figure.survival(SurvivalRequest.model_validate_json(json.dumps(request)))
    times: list[float] = []
    until = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        draw(figure, "image/png" if media_type == "image/png" else "image/svg+xml")
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


async def main(sizes: tuple[int, ...] = (200, 300_000), seconds: float = 3.0) -> None:
    """Print the costs of the representations, warm, and their ratios to that of JSON."""
    app = create_app(Settings(log_level="error", computing_processes=0))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://atrisk") as client:
        await milliseconds(client, json.dumps(body(20)).encode(), "image/png", 0)
        for size in sizes:
            request = body(size)
            content = json.dumps(request).encode()
            medians = {
                accept: statistics.median(await milliseconds(client, content, accept, seconds)) for accept in ANSWERS
            }
            for accept, median in medians.items():
                alone = "" if accept == ANSWERS[0] else f", drawing {drawing(request, accept, seconds):.1f} ms"
                ratio = median / medians[ANSWERS[0]]
                print(f"n = {size}: {accept} p50 {median:.1f} ms ({ratio:.2f}){alone}")


if __name__ == "__main__":
    asyncio.run(main())
