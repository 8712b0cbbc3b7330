"""A service with one route that takes a body, and has every kind of field; and ways to fail."""

import os
import time
import warnings
from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal, Self

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.analysis.errors import AnalysisError, InvalidObservationsError, InvalidParameterError, NoEstimateError
from app.api.body import JSONRoute
from app.api.dependencies import CurrentSettings, InputDigest
from app.api.errors import BODY_CODES, ProblemError, problem_responses
from app.api.negotiation import JSONOnly
from app.main import create_app
from app.schemas.faults import refuse
from app.schemas.problem import Fault
from app.settings import Settings

router = APIRouter(
    prefix="/v1", route_class=JSONRoute, dependencies=[JSONOnly], responses=problem_responses(*BODY_CODES)
)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Circle(Strict):
    kind: Literal["circle"]
    diameter: float


class Square(Strict):
    kind: Literal["square"]
    side: float


class Subject(Strict):
    id: str
    time: float | date = 0.0
    parts: list[str] = []

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse((("parts", place), "is {nothing} here") for place, part in enumerate(self.parts) if part == "bad")
        refuse([(("time",), "is not for the unnamed")] if self.id == "unnamed" else [])
        return self


class Toy(Strict):
    name: Annotated[str, Field(min_length=1, max_length=30, pattern="^[A-Za-z0-9-]+$")] = "toy"
    fail: Literal["none", "bug", "analysis", "observations", "parameter", "estimate", "future", "subjects"] = "none"
    seconds: Annotated[float, Field(ge=0)] = 0.0
    loud: bool = False
    age: Annotated[int, Field(ge=0, lt=150)] = 0
    width: Annotated[float, Field(gt=0, le=10)] = 1.0
    alive: bool = True
    event: bool | Literal[0, 1] = True
    start: date | None = None
    nothing: None = None
    pair: tuple[float, float] = (0.0, 0.0)
    shape: Annotated[Circle | Square, Field(discriminator="kind")] | None = None
    subjects: Annotated[list[Subject], Field(min_length=1, max_length=3)] | dict[str, list[float]] = {}
    many: list[float] = []
    tags: dict[str, str] = {}


class Answer(BaseModel):
    digest: str
    process: int
    max_patients: int


class FutureError(AnalysisError):
    code = "known_to_no_table"


FAILURES: dict[str, Callable[[str], Exception]] = {
    "bug": lambda name: ZeroDivisionError(f"cannot divide {name}"),
    "analysis": lambda _: AnalysisError("the analysis cannot be done"),
    "observations": lambda _: InvalidObservationsError("a time is below 0"),
    "parameter": lambda _: InvalidParameterError("a level is not in (0, 1)"),
    "estimate": lambda _: NoEstimateError("no event in any group"),
    "future": lambda _: FutureError("nobody knows"),
    "subjects": lambda _: ProblemError("too_many_subjects", "At most 2.", faults=[Fault(pointer="/many", detail="x")]),
}


def compute(body: Toy, digest: str, max_patients: int) -> Answer:
    until = time.monotonic() + body.seconds
    while time.monotonic() < until:
        pass
    if body.loud:
        print(body.name)  # noqa: T201
        warnings.warn(body.name, stacklevel=1)
        os.write(2, body.name.encode())
    if body.fail != "none":
        raise FAILURES[body.fail](body.name)
    return Answer(digest=digest, process=os.getpid(), max_patients=max_patients)


@router.post("/toys")
async def count_toys(body: Toy, digest: InputDigest, settings: CurrentSettings, request: Request) -> Answer:
    """Count toys."""
    request.state.rows = len(body.many)
    return compute(body, digest, settings.max_patients)


@router.post("/echoes")
async def echo_body(body: Toy, request: Request) -> dict[str, str]:
    """Return the body as the request has it."""
    assert await request.json() is body
    return {"body": (await request.body()).decode()}


@router.get("/toys/{number}")
async def read_toy(number: int, size: float = 0.0) -> dict[str, float]:
    """Return a toy."""
    return {"number": number, "size": size}


def toy_app(settings: Settings | None = None) -> FastAPI:
    """Return the service with the routes of the toy."""
    app = create_app(settings)
    app.include_router(router)
    if app.state.workers:
        app.state.workers.factory = toy_app
        app.state.workers.loaded = (__name__,)
    return app
