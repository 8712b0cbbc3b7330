"""How long a function takes."""

from collections.abc import Callable
from time import perf_counter


def seconds(function: Callable[[], object], least: float = 1.0) -> float:
    """Return the shortest of the times that fit in some seconds, one at least."""
    best, until = float("inf"), perf_counter() + least
    while True:
        start = perf_counter()
        function()
        best = min(best, perf_counter() - start)
        if perf_counter() > until:
            return best
