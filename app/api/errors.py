"""Every way to fail, and the one place that knows its status code.

Whatever fails is a `ProblemError` in the end, and answers as `application/problem+json`. Its sentences are ours:
no value of the body, and no text of an exception, reaches a client.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.analysis.errors import AnalysisError
from app.schemas.faults import FAULT
from app.schemas.problem import Fault, Problem

MEDIA_TYPE = "application/problem+json"
LISTED_FAULTS = 20
UNAVAILABLE = 503
RETRY_AFTER = {"Retry-After": "5"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code means: the status that carries it, and its title."""

    status: int
    title: str


KINDS = {
    "invalid_json": Kind(400, "The body is not valid JSON"),
    "invalid_table": Kind(400, "The body is not a valid table"),
    "unauthenticated": Kind(401, "The request needs valid credentials"),
    "forbidden": Kind(403, "The credentials do not open this path"),
    "disclosure_control": Kind(403, "The answer could tell of single subjects"),
    "not_found": Kind(404, "There is nothing at this path"),
    "method_not_allowed": Kind(405, "This path does not take this method"),
    "not_acceptable": Kind(406, "The answer does not exist in a representation that Accept admits"),
    "body_too_large": Kind(413, "The body is larger than the limit"),
    "too_many_subjects": Kind(413, "There are more subjects than the limit"),
    "unsupported_media_type": Kind(415, "The body must be of a media type and a content encoding that are taken"),
    "invalid_body": Kind(422, "The body does not describe a request that can be answered"),
    "invalid_observations": Kind(422, "The data do not form a sample"),
    "invalid_parameter": Kind(422, "An option lies outside its range"),
    "no_estimate": Kind(422, "The estimate does not exist for these data"),
    "analysis_error": Kind(422, "The analysis cannot be done"),
    "internal_error": Kind(500, "The service failed; the request is not to blame"),
    "overloaded": Kind(UNAVAILABLE, "The service has as much to compute as it takes on"),
    "time_limit_exceeded": Kind(UNAVAILABLE, "The computation was ended at its time limit"),
    "computation_lost": Kind(UNAVAILABLE, "The process that computed the answer ended before it had"),
    "not_ready": Kind(UNAVAILABLE, "The service is starting, or about to end"),
}

SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "list_type": "must be an array",
    "tuple_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be null",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "union_tag_invalid": "must have one of {expected_tags} as {discriminator}",
    "union_tag_not_found": "must have a {discriminator}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have {min_length} or more items",
    "too_long": "must have {max_length} or fewer items",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} or fewer characters",
    "string_pattern_mismatch": "must match {pattern}",
    "date_type": "must be an ISO 8601 date",
    "date_parsing": "must be an ISO 8601 date",
    "date_from_datetime_parsing": "must be an ISO 8601 date",
    "date_from_datetime_inexact": "must be an ISO 8601 date",
}
"""By pydantic's error type; what the braces name is of our schema, not of the body."""


class ProblemError(Exception):
    """A request that fails with one of the codes of KINDS; `detail` holds no value that was sent."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        faults_total: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.faults = faults
        self.faults_total = len(faults) if faults_total is None else faults_total
        self.headers = headers


class RemoteError(Exception):
    """What the app raised in a worker process; `description` has its class, and the place."""

    def __init__(self, description: dict[str, object]) -> None:
        super().__init__("the app failed in a worker process")
        self.description = description


def problem_response(scope: Scope, error: ProblemError) -> Response:
    """Return the answer to a request that failed."""
    kind = KINDS.get(error.code, KINDS["analysis_error"])
    problem = Problem(
        type=f"urn:atrisk:problem:{error.code}",
        title=kind.title,
        status=kind.status,
        code=error.code,
        detail=error.detail,
        instance=f"urn:atrisk:request:{scope['state']['request_id']}",
        errors=list(error.faults[:LISTED_FAULTS]),
        errors_total=error.faults_total,
    )
    headers = RETRY_AFTER if kind.status == UNAVAILABLE else error.headers
    return Response(problem.model_dump_json(), kind.status, headers, MEDIA_TYPE)


def problem_responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return how a route documents the codes that it may fail with, besides `internal_error`."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    documented: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, "internal_error"):
        kind = KINDS[code]
        response = documented.setdefault(kind.status, {"description": "", "content": content})
        response["description"] = "; ".join(filter(None, (response["description"], f"`{code}`: {kind.title}")))
        if kind.status == UNAVAILABLE:
            response["headers"] = {"Retry-After": {"description": "In seconds", "schema": {"type": "integer"}}}
    return documented


WORKER_CODES = ("overloaded", "time_limit_exceeded", "computation_lost")
"""What a request may fail with that a worker process is to answer."""

BODY_CODES = (
    *("invalid_json", "not_acceptable", "body_too_large", "unsupported_media_type", "invalid_body"),
    *WORKER_CODES,
)
"""What every route that takes JSON and returns JSON may fail with."""


def body_faults(errors: Sequence[ErrorDetails], body: object) -> list[Fault]:
    """Return the faults in document order, one a pointer, of a body that a model refused.

    Several branches of a union that fail at one place are one fault; a branch that wanted another kind of value
    than the one whose inside is at fault is left out.
    """
    pointers = [_pointer(error, body) for error in errors]
    looked_into = {ancestor for pointer in pointers for ancestor in _ancestors(pointer)}
    details: dict[str, list[str]] = {}
    for error, pointer in zip(errors, pointers, strict=True):
        sentence = _sentence(error)
        if not (pointer in looked_into and error["type"] != FAULT and sentence.startswith("must be ")):
            details.setdefault(pointer, []).append(sentence)
    return [Fault(pointer=pointer, detail=_merged(sentences)) for pointer, sentences in details.items()]


def parameter_faults(errors: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """Return the faults of parameters outside the body."""
    return [
        Fault(pointer="", detail=f"{error['loc'][0]} parameter {error['loc'][1]} {_sentence(error)}")
        for error in errors
    ]


def _sentence(error: Mapping[str, Any] | ErrorDetails) -> str:
    if error["type"] == FAULT:
        return str(error["msg"])
    return SENTENCES.get(error["type"], "is not valid").format(**error.get("ctx", {}))


def _merged(sentences: list[str]) -> str:
    first, *rest = dict.fromkeys(sentences)
    if all(sentence.startswith("must be ") for sentence in (first, *rest)):
        return " or ".join((first, *(sentence.removeprefix("must be ") for sentence in rest)))
    return "; ".join((first, *rest))


def _pointer(error: ErrorDetails, body: Any) -> str:
    # pydantic puts the branch of a union, or the name of a validator, among the steps: they are not in the body.
    steps = []
    for step in error["loc"]:
        if _holds(body, step):
            body = body[step]
            steps.append(step)
    if error["type"] == "missing":
        steps.append(error["loc"][-1])
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _ancestors(pointer: str) -> Iterator[str]:
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def _holds(value: object, step: int | str) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


async def on_problem(request: Request, error: ProblemError) -> Response:
    """Answer a problem that we raised."""
    return problem_response(request.scope, error)


async def on_analysis_error(request: Request, error: AnalysisError) -> Response:
    """Answer an error of the analysis, whose message holds no value of the data by its own rule."""
    return problem_response(request.scope, ProblemError(error.code, str(error)))


async def on_invalid_parameters(request: Request, error: RequestValidationError) -> Response:
    """Answer a query, path or header parameter that does not fit; bodies are read by `app.api.body`."""
    faults = parameter_faults(error.errors())
    problem = ProblemError("invalid_parameter", "A parameter of the request does not fit.", faults=faults)
    return problem_response(request.scope, problem)


async def on_http_exception(request: Request, error: HTTPException) -> Response:
    """Answer what Starlette refuses: a path or a method. Its own words are dropped."""
    if error.status_code == 404:
        return problem_response(request.scope, ProblemError("not_found", "The path is not one of this service."))
    if error.status_code == 405:
        return _method_not_allowed(request, error.headers or {})
    return problem_response(request.scope, ProblemError("internal_error", ""))


def _method_not_allowed(request: Request, headers: Mapping[str, str]) -> Response:
    methods = {method.strip() for method in headers.get("Allow", "GET").split(",")}
    methods |= {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    allow = {"Allow": ", ".join(sorted(methods))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    detail = "The methods of this path are in the header Allow."
    return problem_response(request.scope, ProblemError("method_not_allowed", detail, headers=allow))


HANDLERS: dict[Any, Any] = {
    ProblemError: on_problem,
    AnalysisError: on_analysis_error,
    RequestValidationError: on_invalid_parameters,
    HTTPException: on_http_exception,
}
