"""The JSON body of a request: read within the limit, checked strictly, validated by the model of its route.

FastAPI would parse with the standard library, which takes NaN and duplicate keys, and would echo what it refuses.
`JSONRoute` does all that before FastAPI sees the request, and hands it the model ready made: a route declares its
body as any FastAPI route does, and its OpenAPI is what FastAPI makes of that.
"""

from collections.abc import Callable, Coroutine
from contextlib import aclosing
from email.message import Message
from functools import cache, lru_cache, partial
from operator import methodcaller
from typing import Any

from anyio.lowlevel import checkpoint
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, from_json

from app.api.content_coding import CODINGS, PIECE, TAKEN, Decoder
from app.api.errors import ProblemError, body_faults
from app.api.json_text import Digest, MalformedError, canonical_sha256, check_containers, colons_in, parsed
from app.api.negotiation import JSON, wants_figures
from app.api.packing import canonical_pieces, packed
from app.api.workers import workers_of
from app.schemas.faults import MAX_FAULTS
from app.schemas.problem import Fault

MAX_VALUES = 50_000
"""Of a body whose faults are all found: pydantic keeps up to a kilobyte a fault, and `{}` is several."""

ARRAYS = ("list", "tuple", "set", "frozenset")
"""Types of pydantic's core schema that take a JSON array."""


Reader = Callable[[bytes], tuple[Any, str]]
"""Makes of a body an instance of the route's model, and the SHA-256 of its canonical JSON."""


NOT_PLAIN = (ValueError, TypeError, OverflowError)
"""What the quick way of reading may meet."""

COLON_ESCAPED = b"\\u003"
"""How an escape of a colon begins."""


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
            try:
                body = await read_body(request, settings.max_body_bytes)
            except MalformedError as error:
                raise unreadable(error, table=not is_json(media_type_of(request)[0])) from None
            if workers and self.is_slow(request, body):
                return await workers.answer(request, body)
            async with request.app.state.turn:
                await checkpoint()  # of many requests that wait one is computed, then health answers, and who is new
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
    return _media_type(request.headers.get("content-type", ""))


@lru_cache(maxsize=64)  # clients send a few, and reading one costs as much as reading a small body
def _media_type(content_type: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = content_type
    return message.get_content_type(), str(message.get_content_charset("utf-8"))


def check_media_type(request: Request, is_taken: Callable[[str], bool], *others: str) -> None:
    """Refuse a body of a media type that is not taken, or not in UTF-8, or of another content coding than we know.

    JSON and `others` are named.
    """
    media_type, charset = media_type_of(request)
    if not is_taken(media_type) or charset != "utf-8":
        names = ", ".join((JSON, *others))
        detail = f"The content type of the body must be {names}, in UTF-8."
        raise ProblemError("unsupported_media_type", detail, headers={"Accept": names})
    if content_coding(request) not in {"identity", *CODINGS}:
        detail = f"The content encoding of the body must be one of {TAKEN}, or none."
        raise ProblemError("unsupported_media_type", detail, headers={"Accept-Encoding": TAKEN})


def content_coding(request: Request) -> str:
    """Return the content coding of a request's body, in lower case."""
    return request.headers.get("content-encoding", "identity").lower()


def is_json(media_type: str) -> bool:
    """Return whether a media type is JSON's, or one that is made of it."""
    return media_type == JSON or (media_type.startswith("application/") and media_type.endswith("+json"))


def announced_bytes(request: Request) -> int:
    """Return how large a request says that its body is; 0 where it does not."""
    announced = request.headers.get("content-length", "")
    return int(announced) if announced.isdecimal() else 0


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body without its content coding, or refuse it as soon as it is known to be larger than the limit.

    Raises
    ------
    MalformedError
        If it is not what its content coding says.
    """
    too_large = ProblemError("body_too_large", f"A body may have at most {max_bytes} bytes.")
    if announced_bytes(request) > max_bytes:
        raise too_large
    coding, body, received = content_coding(request), bytearray(), 0
    decoder = None if coding == "identity" else Decoder(coding)
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            received += len(chunk)
            for piece in [chunk] if decoder is None else decoder.decoded(chunk):
                body += piece
                if max(len(body), received) > max_bytes:
                    raise too_large
                if len(piece) == PIECE:
                    await checkpoint()  # few bytes may be many: others need not wait for all of them
    if decoder is not None:
        decoder.end()
    return bytes(body)


def unreadable(error: MalformedError, *, table: bool = False) -> ProblemError:
    """Return the problem of a body that is no JSON, or no table."""
    faults = [Fault(pointer="", detail=str(error))]
    if table:
        return ProblemError("invalid_table", "The body cannot be read as a table.", faults=faults)
    return ProblemError("invalid_json", "The body cannot be read as JSON.", faults=faults)


def validated(body: bytes, model: TypeAdapter[Any]) -> tuple[Any, str]:
    """Return the body as the model has it, and the SHA-256 of its canonical JSON."""
    try:
        check_containers(body)
        return _at_once(body, model) or _strictly(body, model)
    except MalformedError as error:
        raise unreadable(error) from None


def _at_once(body: bytes, model: TypeAdapter[Any]) -> tuple[Any, str] | None:
    """Return what `_strictly` does, in a fraction of its time, of a body with which nothing is wrong; else None.

    What a model takes is finite, and has few levels and objects of few members. A key that stands twice is seen by its
    colon, which the canonical text lacks, where no escape stands for another.
    """
    try:
        request = packed(from_json(body, allow_inf_nan=False))
        value, digest = accepted(request, model, large=len(body) > MAX_VALUES)
    except NOT_PLAIN:
        return None
    hidden = b"\\" in body and COLON_ESCAPED in body
    return None if hidden or digest.colons < colons_in(body) else (value, digest.sha256)


def accepted(request: object, model: TypeAdapter[Any], *, large: bool) -> tuple[Any, Digest]:
    """Return what the model makes of a parsed request, columns of which may be packed, and its digest.

    Raises
    ------
    NOT_PLAIN
        If something is wrong, or out of the ordinary: what it is, another way of reading tells.
    """
    digest = Digest.of(canonical_pieces(request))
    validator = first_faults(model) if large else model
    return validator.validate_python(request, strict=True), digest


def _strictly(body: bytes, model: TypeAdapter[Any]) -> tuple[Any, str]:
    digest = canonical_sha256(parsed(body))
    values = sum(map(body.count, b",[{"))  # no value is without one of them before it
    validate = methodcaller("validate_json", body, strict=True)
    return conforming(lambda: from_json(body), model, values, validate), digest


def conforming(
    value: Callable[[], object],
    model: TypeAdapter[Any],
    values: int,
    validate: Callable[[TypeAdapter[Any] | SchemaValidator], Any],
) -> Any:
    """Return what the model makes of a request of so many values, or refuse it; `validate` is given a validator.

    The value is asked for when something is wrong with it: before, it need not be in memory.
    """
    validator = model if values <= MAX_VALUES else first_faults(model)
    try:
        return validate(validator)
    except ValidationError as error:
        raise _invalid_body(error, value(), every=validator is model) from None


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
