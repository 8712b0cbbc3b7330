"""What a client gets when a request fails (RFC 9457)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


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
