"""How long small requests wait beside large ones, and how soon the service is ready: `python -m bench.latency`.

One uvicorn worker with the options of the image; other processes post 1,000,000 rows back to back, and this one asks
for the survival of 26 rows and for `/livez` in turn.
"""

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

import httpx

from bench.memory import groups
from bench.server import serving

ROWS, SECONDS = 1_000_000, 20
JSON = {"Content-Type": "application/json"}
Milliseconds = dict[str, list[float]]


def post(url: str, rows: int, begun: Event, ended: Event, statuses: "multiprocessing.Queue[int]") -> None:
    """Post large requests until told to end, and tell their statuses."""
    body = groups(rows)
    with httpx.Client(timeout=600) as client:
        begun.set()
        while not ended.is_set():
            statuses.put(client.post(f"{url}/v1/survival", content=body, headers=JSON).status_code)


@contextmanager
def posting(url: str, at_once: int) -> Iterator[list[int]]:
    """Have so many processes post large requests; their statuses are in the list afterwards."""
    context = multiprocessing.get_context("spawn")
    begun, ended = [context.Event() for _ in range(at_once)], context.Event()
    queue: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=post, args=(url, ROWS, one, ended, queue)) for one in begun]
    statuses: list[int] = []
    for process in processes:
        process.start()
    for one in begun:
        one.wait()
    yield statuses
    ended.set()
    for process in processes:
        process.join()
    while not queue.empty():
        statuses.append(queue.get())


def ask(url: str, seconds: float) -> Milliseconds:
    """Return how long each small request and each `/livez` took, one after the other for some seconds."""
    body, took = groups(26), Milliseconds(survival=[], livez=[])
    until = time.perf_counter() + seconds
    with httpx.Client(timeout=60) as client:
        while time.perf_counter() < until:
            for name, method, path, content in (
                ("survival", "POST", "/v1/survival", body),
                ("livez", "GET", "/livez", None),
            ):
                start = time.perf_counter()
                client.request(method, url + path, content=content, headers=JSON).raise_for_status()
                took[name].append(1000 * (time.perf_counter() - start))
                time.sleep(0.01)
    return took


def show(load: str, took: Milliseconds) -> None:
    """Print a line a kind of request."""
    for name, each in took.items():
        percentiles = statistics.quantiles(each, n=100)
        print(
            f"{load:<28}{name:<10}p50 {percentiles[49]:7.1f} ms  p99 {percentiles[98]:7.1f} ms  max {max(each):7.1f} ms"
        )


def main() -> None:
    """Print the time until the service is ready, and latencies without and with large requests beside."""
    start = time.perf_counter()
    with serving() as server:
        url = server.url
        print(f"ready after {time.perf_counter() - start:.1f} s")
        ask(url, 1)
        show("alone", ask(url, SECONDS / 4))
        for at_once in (1, 2):
            with posting(url, at_once) as statuses:
                took = ask(url, SECONDS)
            show(f"{ROWS} rows, {at_once} at once", took)
            print(f"{len(statuses)} large requests, of which {sum(status != 200 for status in statuses)} failed")


if __name__ == "__main__":
    main()
