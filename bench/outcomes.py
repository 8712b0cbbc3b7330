"""`POST /v1/outcomes` beside a bare FastAPI route that only validates the same body: `python -m bench.outcomes`.

Both run as one uvicorn worker each and are asked in turn by one client over kept connections, so that what else the
machine does touches both alike. Read the ratio, not the milliseconds.
"""

import statistics
import time
from pathlib import Path

import httpx
from fastapi import FastAPI, Response

from app.schemas.outcomes import OutcomesRequest
from examples.demo import serving

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 300

bare = FastAPI()


@bare.get("/readyz")
async def answer_ready() -> Response:
    """Answer that the server runs."""
    return Response()


@bare.post("/v1/outcomes")
async def validate_only(body: OutcomesRequest) -> Response:  # noqa: ARG001 - validating it is the point
    """Validate the body, and do nothing with it."""
    return Response()


def milliseconds(client: httpx.Client, url: str, body: bytes) -> float:
    """Return how long one request takes."""
    start = time.perf_counter()
    response = client.post(f"{url}/v1/outcomes", content=body, headers={"Content-Type": "application/json"})
    elapsed = 1000 * (time.perf_counter() - start)
    response.raise_for_status()
    return elapsed


def main() -> None:
    """Measure both in turn, and print the medians and their ratio."""
    body = (ROOT / "examples" / "bale2018.json").read_bytes()
    with serving("app.main:app") as service, serving("bench.outcomes:bare") as floor, httpx.Client() as client:
        for url in (service, floor) * 20:
            milliseconds(client, url, body)
        times = [(milliseconds(client, service, body), milliseconds(client, floor, body)) for _ in range(ROUNDS)]
    print(f"{ROUNDS} requests each, {len(body)} bytes, one worker, one client, interleaved")
    medians = []
    for name, taken in zip(("POST /v1/outcomes", "validate the body only"), zip(*times, strict=True), strict=True):
        medians.append(statistics.median(taken))
        p90 = statistics.quantiles(taken, n=10)[-1]
        print(f"{name:<24} p50 {medians[-1]:8.2f} ms   p90 {p90:8.2f} ms")
    print(f"ratio of the medians: {medians[0] / medians[1]:.1f}")


if __name__ == "__main__":
    main()
