"""Samples with the smallest, largest and closest values that are taken, with any options: answered or refused."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.main import create_app
from app.settings import Settings
from tests.conftest import served
from tests.hostile import FUZZING, examples
from tests.requests import Json, validator

Post = Callable[[str, Json], httpx.Response]
Columns = dict[str, st.SearchStrategy[Any]]

EXTREME = settings(  # `make fuzz` looks for new ones; what it finds once in thousands is to fail there, not anywhere
    max_examples=examples(40), derandomize=not FUZZING, deadline=None, suppress_health_check=list(HealthCheck)
)
LARGEST = 1_000_000

times = st.sampled_from([0, 5e-324, 1e-300, 1e-9, 0.1 + 0.2, 0.3, 1, 1 + 1e-9, 1 + 2e-9, 2, 3, LARGEST - 1, LARGEST])
later = times.filter(bool)
levels = st.sampled_from([5e-324, 1e-9, 0.5, 0.95, 1 - 1e-9, 1 - 2**-53])
labels = st.sampled_from(["A", "B", "C"])
flags = st.sampled_from([True, False, 1, 0])
weights = st.sampled_from([1, 2, 3, LARGEST])
numbers = st.sampled_from([0, 1, 2, -1, 0.1, 1e-300, 5e-324, LARGEST, -LARGEST, 1e-9]) | st.floats(-3, 3)
curves = st.sampled_from(["full", "none", {"max_points": 2}])

COMMON: Columns = {"time": times, "weight": weights, "stratum": labels, "cluster": labels, "entry": times}
OPTIONS: Columns = {
    "convention": st.sampled_from(["r", "sas", "spss", "stata"]),
    "confidence_level": levels,
    "weight_kind": st.sampled_from(["frequency", "sampling"]),
    "landmarks": st.lists(times, max_size=4),
    "curve": curves,
}
TESTS: list[Any] = ["log-rank", "gehan-breslow", "tarone-ware", "peto-peto", "modified-peto-peto"]
TESTS += [{"name": "fleming-harrington", "rho": 100, "gamma": 100}, {"name": "trend"}, {"name": "max-combo"}]
KINDS: dict[str, tuple[Columns, set[str], Columns]] = {
    "/v1/survival": (
        COMMON | {"event": flags, "group": labels},
        {"time", "event"},
        OPTIONS
        | {
            "confidence_type": st.sampled_from(["plain", "log", "log-log", "logit", "arcsin"]),
            "quantiles": st.lists(levels, max_size=3),
            "horizon": later,
            "start_time": times,
            "risk_table_times": st.lists(times, max_size=3),
            "tests": st.lists(st.sampled_from(TESTS), max_size=4, unique_by=str),
            "pairwise": st.sampled_from([{"adjustment": "holm"}, {"adjustment": "by"}]),
            "min_cell_count": st.sampled_from([2, 3, 1000]),
        },
    ),
    "/v1/competing-risks": (
        COMMON | {"cause": st.sampled_from(["a", "b", None]), "group": labels},
        {"time", "cause"},
        OPTIONS,
    ),
    "/v1/recurrences": (
        {"time": times, "event": flags, "terminal": flags, "id": labels, "group": labels, "cluster": labels},
        {"time", "event", "id"},
        OPTIONS | {"per": later},
    ),
}
MODELS: Columns = OPTIONS | {
    "robust": st.booleans(),
    "missing": st.sampled_from(["refuse", "drop"]),
    "predict_for": st.lists(st.fixed_dictionaries({"x": numbers, "f": labels}), max_size=2),
}
KINDS |= {
    "/v1/regression/cox": (
        COMMON | {"event": flags},
        {"time", "event"},
        MODELS
        | {
            "ties": st.sampled_from(["efron", "breslow", "exact"]),
            "penalizer": st.sampled_from([0, 5e-324, 0.1, 1e6]),
            "transform": st.sampled_from(["km", "rank", "identity"]),
        },
    ),
    "/v1/regression/fine-gray": (
        COMMON | {"cause": st.sampled_from(["a", "b", None])},
        {"time", "cause"},
        MODELS | {"cause": st.just("a")},
    ),
    "/v1/regression/parametric": (
        {name: COMMON[name] for name in COMMON if name != "stratum"} | {"time": later, "event": flags},
        {"time", "event"},
        {name: MODELS[name] for name in MODELS if name != "curve"},
    ),
}


@st.composite
def requests(draw: st.DrawFn, path: str) -> Json:
    """Draw a request whose columns fit each other, but for what is a rule of their values."""
    columns, needed, options = KINDS[path]
    size = draw(st.integers(6, 14) if "regression" in path else st.integers(1, 12))
    chosen = needed | draw(st.sets(st.sampled_from(sorted(columns)), max_size=4))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=size, max_size=size))

    subjects: Json = {name: column(columns[name]) for name in sorted(chosen)}
    if "entry" in subjects:
        subjects["entry"], subjects["time"] = _in_order(subjects["entry"], subjects["time"])
    if "regression" in path:
        subjects["covariates"] = {"x": column(numbers), "f": column(labels)}
    asked = draw(st.sets(st.sampled_from(sorted(options)), max_size=4))
    if path.endswith("fine-gray"):
        asked |= {"cause"}
    return {"subjects": subjects} | {name: draw(options[name]) for name in sorted(asked)}


def _in_order(first: list[float], second: list[float]) -> tuple[list[float], list[float]]:
    pairs = [sorted(pair) for pair in zip(first, second, strict=True)]
    return [low for low, _ in pairs], [high if high > low else high + 1 for low, high in pairs]


@pytest.fixture(scope="module")
def post() -> Iterator[Post]:
    """Give what posts a request and returns the answer, as hypothesis, which waits for nothing, can call it."""
    app = create_app(Settings(log_level="error"))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(served(app)) as client:
        headers = {"Content-Type": "application/json"}
        yield lambda path, body: portal.call(
            lambda: client.post(path, content=json.dumps(body).encode(), headers=headers)
        )


@pytest.mark.parametrize("path", KINDS)
def test_is_answered_or_refused_as_documented(path: str, post: Post) -> None:
    validators = {status: validator(path, status) for status in (200, 422)}
    seen = set()

    @EXTREME
    @given(requests(path))
    def check(body: Json) -> None:
        response = post(path, body)
        seen.add(response.status_code)
        validators[response.status_code].validate(json.loads(response.content, parse_constant=pytest.fail))

    check()
    assert seen == {200, 422}
