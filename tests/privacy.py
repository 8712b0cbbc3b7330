"""Values that stand out, in every place where a request takes any: what emits one of them has told of a request."""

import json
import re
from collections.abc import Iterator
from typing import Any

from app.api.examples import example
from app.main import create_app
from tests.requests import Json

TEXT, DIGITS = "Qx7Leak", "918273"
NUMBER, SMALL = 918273.6455, 0.00918273
SECRETS = (TEXT.lower(), DIGITS)
HEADERS = {
    **dict.fromkeys(("user-agent", "referer", "cookie", "origin", "from", "x-forwarded-for", "if-none-match"), TEXT),
    "x-request-id": f"{TEXT} {DIGITS}",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": f"{TEXT.lower()}={TEXT}",
    "baggage": f"{TEXT}={TEXT}, {TEXT}",
    "x-unknown": DIGITS,
}
"""A request id that is sane is there to be told, so that this one is not."""

DOCUMENT = create_app().openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
EXAMPLES = {
    "/v1/outcomes": ["outcomes_request", "bale2018"],
    "/v1/endpoints": ["endpoints_request"],
    "/v1/survival": ["survival_request"],
    "/v1/competing-risks": ["competing_risks_request"],
    "/v1/recurrences": ["recurrences_request"],
    "/v1/success-rates": ["success_rates_request"],
    "/v1/regression/cox": ["regression_cox_request"],
    "/v1/regression/fine-gray": ["regression_fine_gray_request"],
    "/v1/regression/parametric": ["regression_parametric_request"],
}
RARE: Json = {
    "subjects": {
        "time": [5, 6, 7, 8, 9, 10],
        "event": [1, 0, 1, 1, 0, 1],
        "entry": [0, 1, 2, 3, 0, 1],
        "group": ["a", "b"] * 3,
        "stratum": ["north", "north", "north", "south", "south", "south"],
        "cluster": ["p", "q", "r", "s", "t", "u"],
    },
    "group_order": ["b", "a"],
    "landmarks": [6],
    "risk_table_times": [0, 7],
    "figure": {"labels": {"title": "t", "time": "u"}, "percent": True},
}
"""What the examples do not have."""


def choices(schema: Any) -> Iterator[str]:
    """Yield the words that the schemas know."""
    if isinstance(schema, dict):
        yield from (word for word in (*schema.get("enum", ()), schema.get("const")) if isinstance(word, str))
        schema = [*schema.values()]
    if isinstance(schema, list):
        for part in schema:
            yield from choices(part)


KNOWN = {*choices(SCHEMAS), *("lesion_count", "session_count", "total_volume_cm3", "max_diameter_mm")}
KNOWN |= {"diameter_mm", "volume_cm3"}
WHOLE = {"event", "weight", "successes", "total", "max_points", "width", "height", "periprocedural_days", "grade"}


def planted(value: Any, name: str = "") -> Any:
    """Return a request with a marker in every text, number and name that is the caller's, and as valid as it was."""
    if isinstance(value, dict):
        is_free = name in ("covariates", "reference_levels", "predict_for")
        inner = "covariates" if is_free else ""
        return {TEXT + key if is_free else key: planted(part, inner or key) for key, part in value.items()}
    if isinstance(value, list):
        return [planted(part, name) for part in value]
    if isinstance(value, str) and value not in KNOWN and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return f"covariates.{TEXT}{value[11:]}" if value.startswith("covariates.") else TEXT + value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value + SMALL if is_number and value and name not in WHOLE else value


def answered() -> Iterator[tuple[str, Json]]:
    """Yield requests that are answered, with markers wherever there may be any."""
    for path, names in EXAMPLES.items():
        for name in names:
            yield path, planted(example(name))
    yield "/v1/survival", planted(RARE)
    counts = [{"label": label, "successes": 918273, "total": 9182730} for label in (TEXT, DIGITS)]
    yield "/v1/success-rates", {"groups": counts}


def model(path: str) -> Json:
    """Return the schema of the requests to a path."""
    content = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]
    schema: Json = content["application/json"]["schema"]
    return schema


def named(reference: str) -> Json:
    """Return the schema that a reference leads to."""
    schema: Json = SCHEMAS[reference.rpartition("/")[2]]
    return schema


def loaded(schema: Json, leaf: Any, fields: set[str]) -> Any:
    """Return a value with a marker in every field of a schema, whatever the field takes, and note these fields."""
    if "$ref" in schema:
        schema = named(schema["$ref"])
    forms: list[Json] = schema.get("anyOf") or schema.get("oneOf") or []
    rich = [form for form in forms if {"$ref", "anyOf", "oneOf", "items", "properties"} & form.keys()]
    if rich:
        return [loaded(form, leaf, fields) for form in rich] if len(rich) > 1 else loaded(rich[0], leaf, fields)
    if "properties" in schema:
        fields |= set(schema["properties"])
        return {name: loaded(part, leaf, fields) for name, part in schema["properties"].items()} | {TEXT: leaf}
    if isinstance(schema.get("items"), dict):
        return [loaded(schema["items"], leaf, fields), leaf]
    return {TEXT: leaf} if schema.get("type") == "object" else leaf


def fields_below(schema: Json, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the names of all fields that a schema leads to."""
    found: set[str] = set(schema.get("properties", ()))
    for key, part in schema.items():
        if key == "$ref" and part not in seen:
            found |= fields_below(named(part), seen | {part})
        for one in part if isinstance(part, list) else [part]:
            if isinstance(one, dict):
                found |= fields_below(one if key != "properties" else {"anyOf": [*one.values()]}, seen)
    return found


def refused(path: str) -> Iterator[Any]:
    """Yield requests to a path that are refused, or answered nevertheless: a marker for a field, or in all of them."""
    for leaf in (TEXT, NUMBER, [TEXT, NUMBER], {TEXT: NUMBER}):
        fields: set[str] = set()
        yield loaded(model(path), leaf, fields)
        assert fields == fields_below(model(path))
        valid = planted(example(EXAMPLES[path][0]))
        for field in model_fields(path):
            yield valid | {field: leaf}
        for column in valid.get("subjects", ()):
            yield valid | {"subjects": valid["subjects"] | {column: leaf}}
            yield valid | {"subjects": valid["subjects"] | {column: [leaf]}}


def model_fields(path: str) -> list[str]:
    """Return the fields of the requests to a path."""
    return [*named(model(path)["$ref"])["properties"]]


def leaks(emitted: str) -> list[str]:
    """Return the lines that have a marker."""
    return [line for line in emitted.splitlines() if any(secret in line.lower() for secret in SECRETS)]


TABLE = f"time,event,group,{TEXT}\n1.{DIGITS},1,{TEXT},{DIGITS}\n{DIGITS},0,{TEXT}b,5\n{TEXT},{DIGITS},x,y\n"
BROKEN = f'time,event\n{DIGITS},"{TEXT}"x\n'
COUNTS = json.dumps({"subjects": {"time": [1.918273, 2], "event": [1, 0], "group": [TEXT, DIGITS]}})
JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv"}

FAILING: list[tuple[str, str, dict[str, str], str, int]] = [
    ("POST", "/v1/survival", JSON, f'{{"{TEXT}": {DIGITS}', 400),
    ("POST", "/v1/survival", JSON, f'{{"{TEXT}": {DIGITS}e999}}', 400),
    ("POST", "/v1/survival", JSON, f'{{"{TEXT}": NaN}}', 400),
    ("POST", "/v1/survival", JSON, f'{{"{TEXT}": 1, "{TEXT}": 2}}', 400),
    ("POST", "/v1/survival", CSV, BROKEN, 400),
    ("POST", "/v1/survival", JSON | {"traceparent": TEXT, "tracestate": f"{TEXT}=="}, TEXT, 400),
    ("POST", f"/v1/survival?options={{{TEXT}", CSV, TABLE, 400),
    ("POST", f"/v1/survival?paramcd={TEXT}", CSV, TABLE, 422),
    ("POST", f"/v1/survival?{TEXT}={DIGITS}&table={TEXT}", JSON, "{}", 422),
    ("POST", "/v1/survival", CSV, TABLE, 422),
    ("POST", "/v1/regression/cox", CSV, TABLE, 422),
    ("POST", f"/v1/{TEXT}", JSON, json.dumps(TEXT), 404),
    ("GET", f"/{TEXT}/{DIGITS}?{TEXT}={DIGITS}", {}, "", 404),
    ("GET", f"/assets/{TEXT}", {}, "", 404),
    ("GET", f"/example/{TEXT}.svg", {}, "", 404),
    ("DELETE", f"/v1/survival?{TEXT}", {}, "", 405),
    (TEXT.upper(), "/v1/survival", {}, "", 405),
    ("POST", "/v1/survival", JSON | {"accept": f"text/{TEXT}"}, COUNTS, 406),
    ("POST", "/v1/survival", JSON, json.dumps(TEXT * 200_000), 413),
    ("POST", "/v1/survival", {"content-type": f"text/{TEXT}; {TEXT}={DIGITS}"}, TABLE, 415),
    ("POST", "/v1/survival", JSON | {"content-encoding": TEXT}, TABLE, 415),
]
"""How a request can fail: method, path, headers, body and the status."""
