"""What a client gets when a request fails (RFC 9457), and how a schema tells what is wrong with a body."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

FAULT = "fault"
"""The pydantic error type of our own faults: their sentences reach the client as they are."""


MAX_FAULTS = 10_000
"""So many faults of a body are told one by one; to make more of them would cost more than the body is worth."""


Location = tuple[str | int, ...]


class Fault(BaseModel):
    """One thing that is wrong, and where."""

    model_config = ConfigDict(frozen=True)

    pointer: Annotated[str, Field(description="RFC 6901 JSON pointer into the body; empty for the whole body")]
    detail: Annotated[str, Field(description="A sentence without its subject, which is what the pointer points at")]


class Problem(BaseModel):
    """Why a request failed. It never holds a value that was sent."""

    type: Annotated[str, Field(description="A stable URI for `code`, `urn:atrisk:problem:` and the code")]
    title: Annotated[str, Field(description="What the code means, the same every time")]
    status: Annotated[int, Field(description="The HTTP status", ge=400, le=599)]
    code: Annotated[str, Field(description="What programs branch on")]
    detail: Annotated[str, Field(description="What happened this time; empty where that is ours to know")]
    instance: Annotated[str, Field(description="`urn:atrisk:request:` and the request id, which our log lines carry")]
    errors: Annotated[list[Fault], Field(description="The first faults of the body, at most 20")]
    errors_total: Annotated[int, Field(description="How many faults the body has", ge=0)]


def refuse(faults: Iterable[tuple[Location, str]]) -> None:
    """Raise the faults, all at once, for a validator of a model to call; do nothing where there are none.

    A fault is where, from the model that raises it, and a sentence that holds no value sent. Of very many one more than
    MAX_FAULTS tells that there are too many.
    """
    details = [
        InitErrorDetails(type=PydanticCustomError(FAULT, detail), loc=location, input=None)
        for location, detail in islice(faults, MAX_FAULTS + 1)
    ]
    if details:
        raise ValidationError.from_exception_data(FAULT, details)
