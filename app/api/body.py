"""The JSON body of a request: read within the limit, checked strictly, validated by the model of its route.

FastAPI would parse with the standard library, which takes NaN and duplicate keys, and would echo what it refuses.
`JSONRoute` does all that before FastAPI sees the request, and hands it the model ready made: a route declares its
body as any FastAPI route does, and its OpenAPI is what FastAPI makes of that.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from email.message import Message
from functools import cache, partial
from typing import Any

import rfc8785
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from app.api.errors import ProblemError, body_faults
from app.api.negotiation import JSON, wants_figures
from app.api.workers import workers_of
from app.schemas.faults import MAX_FAULTS
from app.schemas.problem import Fault

MAX_DEPTH = 32
MAX_MEMBERS = 1_000
"""Of an object; each that no model knows is a fault."""

MAX_VALUES = 50_000
"""Of a body whose faults are all found: pydantic keeps up to a kilobyte a fault, and `{}` is several."""

ARRAYS = ("list", "tuple", "set", "frozenset")
"""Types of pydantic's core schema that take a JSON array."""


Reader = Callable[[bytes], tuple[Any, str]]
"""Makes of a body an instance of the route's model, and the SHA-256 of its canonical JSON."""


class MalformedError(ValueError):
    """The body is no JSON or table that we take; the message says why and holds nothing of the body."""


class JSONRoute(APIRoute):
    """A route whose body is checked JSON; `InputDigest` works in it, and what is slow goes to a worker process."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, preceded by our reading of the body where the route has one."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        model: Any = self.body_field.field_info.annotation
        adapter: TypeAdapter[Any] = TypeAdapter(model)

        async def handle_body(request: Request) -> Response:
            read, settings, workers = self.reader(request, adapter), request.app.state.settings, workers_of(request)
            if workers and announced_bytes(request) > settings.inline_body_bytes:
                workers.check_room()
            body = await read_body(request, settings.max_body_bytes)
            if workers and self.is_slow(request, body):
                return await workers.answer(request, body)
            value, request.state.input_sha256 = read(body)
            request.state.rows = getattr(value, "rows", 0)
            return await handle(_ValidatedRequest(request, body, value))

        return handle_body

    def reader(self, request: Request, model: TypeAdapter[Any]) -> Reader:
        """Return what makes an instance of the model of the request's body, or refuse the kind of body that it is."""
        check_media_type(request, is_json)
        return partial(validated, model=model)

    def is_slow(self, request: Request, body: bytes) -> bool:
        """Return whether other requests should not wait for the answer."""
        limit: int = request.app.state.settings.inline_body_bytes
        return len(body) > limit or wants_figures(request)


class _ValidatedRequest(Request):
    """A request that has been read, and whose JSON is the instance of the model; it says so whatever was sent."""

    def __init__(self, request: Request, body: bytes, value: object) -> None:
        headers = [header for header in request.scope["headers"] if header[0] != b"content-type"]
        as_json = [*headers, (b"content-type", JSON.encode())]
        super().__init__({**request.scope, "headers": as_json}, request.receive)
        self._read = body
        self._value = value

    async def body(self) -> bytes:
        return self._read

    async def json(self) -> object:
        return self._value


def media_type_of(request: Request) -> tuple[str, str]:
    """Return the media type of a request's body, without parameters, and its character set; both in lower case."""
    content_type = Message()
    content_type["content-type"] = request.headers.get("content-type", "")
    return content_type.get_content_type(), str(content_type.get_content_charset("utf-8"))


def check_media_type(request: Request, is_taken: Callable[[str], bool], *others: str) -> None:
    """Refuse a body of a media type that is not taken, or not in UTF-8, or compressed; JSON and `others` are named."""
    media_type, charset = media_type_of(request)
    if not is_taken(media_type) or charset != "utf-8":
        names = ", ".join((JSON, *others))
        detail = f"The content type of the body must be {names}, in UTF-8."
        raise ProblemError("unsupported_media_type", detail, headers={"Accept": names})
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        detail = "The body must be sent without a content encoding."
        raise ProblemError("unsupported_media_type", detail, headers={"Accept-Encoding": "identity"})


def is_json(media_type: str) -> bool:
    """Return whether a media type is JSON's, or one that is made of it."""
    return media_type == JSON or (media_type.startswith("application/") and media_type.endswith("+json"))


def announced_bytes(request: Request) -> int:
    """Return how large a request says that its body is; 0 where it does not."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body, or refuse it as soon as it is known to be larger than the limit."""
    too_large = ProblemError("body_too_large", f"A body may have at most {max_bytes} bytes.")
    if announced_bytes(request) > max_bytes:
        raise too_large
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > max_bytes:
                raise too_large
    return bytes(body)


def validated(body: bytes, model: TypeAdapter[Any]) -> tuple[Any, str]:
    """Return the body as the model has it, and the SHA-256 of its canonical JSON."""
    try:
        value = parsed(body)
        digest = canonical_sha256(value)
    except MalformedError as error:
        faults = [Fault(pointer="", detail=str(error))]
        raise ProblemError("invalid_json", "The body cannot be read as JSON.", faults=faults) from None
    values = sum(map(body.count, b",[{"))  # no value is without one of them before it
    return conforming(value, model, values, lambda validator: validator.validate_json(body, strict=True)), digest


def conforming(
    value: object, model: TypeAdapter[Any], values: int, validate: Callable[[TypeAdapter[Any] | SchemaValidator], Any]
) -> Any:
    """Return what the model makes of a request of so many values, or refuse it; `validate` is given a validator."""
    validator = model if values <= MAX_VALUES else first_faults(model)
    try:
        return validate(validator)
    except ValidationError as error:
        raise _invalid_body(error, value, every=validator is model) from None


@cache
def first_faults(model: TypeAdapter[Any]) -> SchemaValidator:
    """Return a validator that does what the model's does, but gives up an array at its first item with a fault."""
    # Prebuilt, the models inside the schema would keep the validators that they have.
    return SchemaValidator(_failing_fast(model.core_schema), _use_prebuilt=False)


def _failing_fast(schema: Any) -> Any:
    if isinstance(schema, dict):
        parts = {key: _failing_fast(part) for key, part in schema.items()}
        return parts | {"fail_fast": True} if schema.get("type") in ARRAYS else parts
    return type(schema)(map(_failing_fast, schema)) if isinstance(schema, list | tuple) else schema


def _invalid_body(error: ValidationError, value: object, *, every: bool) -> ProblemError:
    detail = "The pointers of `errors` say where the body is wrong."
    if not every:
        detail += " Of each array only the first item with a fault is told, as the body is large."
    if error.error_count() > MAX_FAULTS:
        faults = [Fault(pointer="", detail=f"has more than {MAX_FAULTS} faults")]
        return ProblemError("invalid_body", detail, faults=faults, faults_total=error.error_count())
    faults = body_faults(error.errors(include_url=False, include_input=False), value)
    return ProblemError("invalid_body", detail, faults=faults)


def parsed(body: bytes) -> object:
    """Return the value of a JSON text that leaves nothing open: RFC 8259 and its warnings (I-JSON, RFC 7493).

    Integers that a double cannot hold exactly become the double that they mean, whole doubles become integers.

    Raises
    ------
    MalformedError
        If it is no JSON in UTF-8, or has a byte order mark, NaN or Infinity, a number beyond double, a duplicate
        key, more than 32 levels or an object with more than 1000 members.

    Examples
    --------
    >>> parsed(b'{"time": [1.5, 2.0, 9007199254740993]}')
    {'time': [1.5, 2, 9007199254740992.0]}
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_int=number,
            parse_float=number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError:
        raise MalformedError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise MalformedError(f"is not JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise MalformedError(f"has more than {MAX_DEPTH} levels") from None
    _check_depth(value)
    return value


def number(digits: str) -> float:
    """Return the double that digits mean, or the integer that it is.

    Raises
    ------
    MalformedError
        If it is beyond double.
    """
    double = float(digits)
    if math.isinf(double):
        raise MalformedError("has a number beyond double precision")
    return canonical_number(double)


def canonical_number(double: float) -> float:
    """Return a double as the integer that it is where doubles count exactly, so that Python writes it as RFC 8785."""
    return int(double) if double.is_integer() and abs(double) < 2**53 else double


def _refuse_constant(_name: str) -> object:
    raise MalformedError("has NaN or Infinity, which are not JSON")


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    if len(members) > MAX_MEMBERS:
        raise MalformedError(f"has an object with more than {MAX_MEMBERS} members")
    value = dict(members)
    if len(value) < len(members):
        raise MalformedError("has an object with a duplicate key")
    return value


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
    if level:
        raise MalformedError(f"has more than {MAX_DEPTH} levels")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    return [child for child in value if isinstance(child, dict | list)] if isinstance(value, list) else []


UNLIKE_RFC_8785 = re.compile("\\.0(?![0-9])|[0-9]e[+-][0-9]|[\ud800-\U0010ffff]")
"""Where Python writes a number, or may sort keys, unlike RFC 8785; in a string it is a false alarm."""


def canonical_sha256(value: object) -> str:
    """Return the SHA-256 of the canonical JSON (RFC 8785) of a parsed value.

    Python's own encoder, five times as fast, writes the same but for rare numbers and letters.

    Raises
    ------
    MalformedError
        If a string has half a surrogate pair.

    Examples
    --------
    >>> canonical_sha256({"b": 2, "a": [1e21]}) == hashlib.sha256(b'{"a":[1e+21],"b":2}').hexdigest()
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if not UNLIKE_RFC_8785.search(text):
        return hashlib.sha256(text.encode()).hexdigest()
    try:
        return hashlib.sha256(rfc8785.dumps(value)).hexdigest()  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        raise MalformedError("has a string with half a surrogate pair") from None
