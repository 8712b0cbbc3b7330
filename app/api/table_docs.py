"""How the OpenAPI document tells of tables as bodies."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute

from app.api.arrow_table import ARROW
from app.api.negotiation import CSV

OPTIONS = (
    "With a table as the body: the rest of the request, all but `subjects`, as one JSON object. Pointers of errors "
    "lead into the request that both make."
)
PARAMCD = "With an ADTTE table: the PARAMCD whose rows are taken; needed where there are several."
TABLE = (
    "A header of field names (of `subjects`, or of ADTTE: AVAL, CNSR, PARAMCD, AVALU, TRTP, USUBJID), then a line a "
    "subject. An empty cell is `null`."
)
COLUMNS = "Columns with the same names: numbers, booleans or text. Only where the extra [arrow] is installed; else 415."


def documented(route: APIRoute) -> dict[str, Any]:
    """Return what a route adds to its operation: the media types of tables, and the parameters that go with them."""
    request = _as_columns(route)
    options = {name: value for name, value in request.items() if name != "subjects"}
    schema = {"type": "string", "contentMediaType": CSV, "description": TABLE}
    examples = {"columns": {"summary": "The columns of the JSON example", "value": as_csv(request["subjects"])}}
    arrow = {name: {"schema": {"contentMediaType": name, "description": COLUMNS}} for name in ARROW}
    return {
        "requestBody": {"content": {CSV: {"schema": schema, "examples": examples}} | arrow},
        "parameters": [
            {
                "name": "options",
                "in": "query",
                "required": False,
                "description": OPTIONS,
                "content": {"application/json": {"schema": {"type": "object"}, "example": options}},
            },
            {
                "name": "paramcd",
                "in": "query",
                "required": False,
                "description": PARAMCD,
                "schema": {"type": "string"},
            },
        ],
    }


def as_csv(subjects: Mapping[str, Any]) -> str:
    r"""Return columns of subjects, covariates among them, as a CSV body.

    Examples
    --------
    >>> as_csv({"time": [5, 8.5], "event": [True, False], "covariates": {"age": [71, None]}})
    'time,event,age\r\n5,true,71\r\n8.5,false,\r\n'
    """
    columns = {name: column for name, column in subjects.items() if name != "covariates"} | subjects.get(
        "covariates", {}
    )
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(columns)
    lines.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return text.getvalue()


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _as_columns(route: APIRoute) -> dict[str, Any]:
    """Return the example of a request whose subjects are columns."""
    examples = (route.body_field and getattr(route.body_field.field_info, "openapi_examples", None)) or {}
    values = (example["value"] for example in examples.values())
    return next(value for value in values if isinstance(value.get("subjects"), dict))
