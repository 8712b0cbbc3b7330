"""Tables as bodies: a table is read as the columns of `subjects`, and `options` as the rest of the request.

What comes of both is the JSON request that they stand for: the same model checks it, pointers lead into it, and
`input_sha256` is that of its canonical JSON.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from operator import methodcaller
from typing import Any, get_args

from fastapi import Request
from pydantic import TypeAdapter

from app.api import adtte, arrow_table
from app.api.adtte import Columns
from app.api.arrow_table import ARROW, Limits, is_installed
from app.api.body import (
    NOT_PLAIN,
    JSONRoute,
    Reader,
    accepted,
    check_media_type,
    conforming,
    is_json,
    media_type_of,
    unreadable,
)
from app.api.csv_table import covariates, labels, read_csv, scalars
from app.api.errors import ProblemError
from app.api.json_text import MalformedError, canonical_sha256, parsed
from app.api.negotiation import CSV, JSON
from app.api.packing import packed
from app.api.table_docs import documented
from app.schemas import subjects
from app.schemas.problem import Fault

TABLES = (CSV, *ARROW)
SCALARS = {"time", "entry", "weight", "event", "success", "terminal", "CNSR"}
LABELS = {"group", "stratum", "cluster", "id", "cause", "PARAMCD"}
COVARIATES = "covariates"


class TableRoute(JSONRoute):
    """A route whose body has `subjects`, and may be a table of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.openapi_extra = documented(self)

    def reader(self, request: Request, model: TypeAdapter[Any]) -> Reader:
        """Return what makes an instance of the model of a table and the query, or of JSON."""
        check_media_type(request, lambda sent: is_json(sent) or sent in TABLES, *TABLES)
        media_type, _ = media_type_of(request)
        query = {name: request.query_params.getlist(name) for name in ("options", "paramcd")}
        if is_json(media_type):
            _refuse_query(query)
            return super().reader(request, model)
        if media_type in ARROW and not is_installed():
            detail = f"The extra [arrow] is not installed here: send {JSON} or {CSV}."
            raise ProblemError("unsupported_media_type", detail, headers={"Accept": f"{JSON}, {CSV}"})
        request_model: Any = self.body_field and self.body_field.field_info.annotation
        settings = request.app.state.settings
        return partial(
            read_request,
            model=model,
            fields=fields_of(request_model),
            table=Sent(media_type, Limits(settings.max_subjects, settings.max_body_bytes)),
            options=_one(query, "options"),
            parameter=_one(query, "paramcd"),
        )

    def is_slow(self, request: Request, body: bytes) -> bool:
        """Return whether other requests should not wait for the answer; of Arrow, few bytes may be many rows."""
        return media_type_of(request)[0] in ARROW or super().is_slow(request, body)


@dataclass(frozen=True, slots=True)
class Sent:
    """What kind of table a body is, and how large it may be."""

    media_type: str
    limits: Limits


def read_request(
    body: bytes,
    *,
    model: TypeAdapter[Any],
    fields: Collection[str],
    table: Sent,
    options: str | None,
    parameter: str | None,
) -> tuple[Any, str]:
    """Return the request that a table stands for, as the model has it, and the SHA-256 of its canonical JSON."""
    rest = _parsed_options(options)
    try:
        read = csv_columns(body, fields) if table.media_type == CSV else arrow_columns(body, fields, table)
    except MalformedError as error:
        raise unreadable(error, table=True) from None

    def request(columns: dict[str, Any]) -> tuple[dict[str, Any], int]:
        rows_of, unit = adtte.translated(columns, fields, parameter)
        values = sum(map(len, rows_of.values())) + len(options or "")
        return {**unit, **rest, "subjects": in_subjects(rows_of, fields)}, values

    with suppress(*NOT_PLAIN):
        as_it_is = parameter is None and adtte.VARIABLES.isdisjoint(read)
        quick, _ = request(_packed(read) if as_it_is else _lists(read, fields))
        found, digest = accepted(packed(quick), model, large=True)
        return found, digest.sha256
    value, values = request(_lists(read, fields))
    validate = methodcaller("validate_python", value, strict=True)
    return conforming(lambda: value, model, values, validate), canonical_sha256(value)


def arrow_columns(body: bytes, fields: Collection[str], sent: Sent) -> dict[str, Any]:
    """Return the columns of an Arrow or Parquet body that are used, by their names in `subjects`."""
    table = arrow_table.read_arrow(body, sent.media_type, sent.limits)
    return {name: table[column] for column, name in _names(table.column_names, fields).items()}


def _packed(read: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: column if isinstance(column, list) else arrow_table.packed(name, column) or arrow_table.values(column)
        for name, column in read.items()
    }


def _lists(read: Mapping[str, Any], fields: Collection[str]) -> Columns:
    columns = {}
    for name, column in read.items():
        try:
            columns[name] = column if isinstance(column, list) else arrow_table.values(column)
        except TypeError:
            raise adtte.refused(_pointer(name, fields), arrow_table.REFUSED_TYPE) from None
    return columns


def _pointer(name: str, fields: Collection[str]) -> str:
    inside = f"{COVARIATES}/" if COVARIATES in fields and name not in fields else ""
    return f"/subjects/{inside}{name.replace('~', '~0').replace('/', '~1')}"


def csv_columns(body: bytes, fields: Collection[str]) -> Columns:
    """Return the columns of a CSV body that are used, by their names in `subjects`, with the values of JSON."""
    table = read_csv(body)
    return {
        name: _typed(name, table.columns[column], table.delimiter, fields)
        for column, name in _names(table.columns, fields).items()
    }


def _names(names: Collection[str], fields: Collection[str]) -> dict[str, str]:
    used = adtte.named(names, fields)
    if len({*used.values()}) < len(used):
        raise MalformedError("has two columns that mean the same field")
    return used


def _typed(name: str, cells: list[str], delimiter: str, fields: Collection[str]) -> list[Any]:
    if name in SCALARS and name in {*fields, "CNSR"}:
        return scalars(cells, delimiter)
    return labels(cells) if name in LABELS and name in {*fields, "PARAMCD"} else covariates(cells, delimiter)


def in_subjects(columns: Columns, fields: Collection[str]) -> dict[str, Any]:
    """Return the columns as `subjects` has them: where it takes covariates, what is no field is one."""
    if COVARIATES not in fields:
        return dict(columns)
    known = {name: column for name, column in columns.items() if name in fields and name != COVARIATES}
    others = {name: column for name, column in columns.items() if name not in known}
    return known | ({COVARIATES: others} if others else {})


@cache
def fields_of(model: Any) -> frozenset[str]:
    """Return the fields that `subjects` has in a request, those left out that it never takes."""
    columns = _columns_model(model.model_fields["subjects"].annotation)
    return frozenset(columns.model_json_schema()["properties"])


def _columns_model(annotation: Any) -> type[subjects.Columns]:
    while not (isinstance(annotation, type) and issubclass(annotation, subjects.Columns)):
        annotation = get_args(annotation)[0]
    return annotation


def _refuse_query(query: Mapping[str, list[str]]) -> None:
    for name, values in query.items():
        if values:
            raise _unfit(f"query parameter {name} is for tables only")


def _one(query: Mapping[str, list[str]], name: str) -> str | None:
    if len(query[name]) > 1:
        raise _unfit(f"query parameter {name} is given more than once")
    return next(iter(query[name]), None)


def _unfit(detail: str) -> ProblemError:
    faults = [Fault(pointer="", detail=detail)]
    return ProblemError("invalid_parameter", "A parameter of the request does not fit.", faults=faults)


def _parsed_options(text: str | None) -> dict[str, Any]:
    try:
        options = parsed(b"{}" if text is None else text.encode())
        canonical_sha256(options)
    except MalformedError as error:
        faults = [Fault(pointer="", detail=f"query parameter options {error}")]
        raise ProblemError("invalid_json", "The query parameter options cannot be read.", faults=faults) from None
    if not isinstance(options, dict):
        raise adtte.refused("", "query parameter options must be an object")
    if "subjects" in options:
        raise adtte.refused("/subjects", "is the body itself, and no option")
    return options
