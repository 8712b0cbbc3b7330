"""What no service of FastAPI can do without: to take a body, and to validate it."""

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from app.schemas.outcomes import OutcomesRequest
from app.schemas.survival_request import SurvivalRequest

raw = FastAPI()
validating = FastAPI()


@raw.get("/readyz")
@validating.get("/readyz")
async def answer_ready() -> Response:
    return Response()


@raw.post("/v1/{resource}")
async def take(request: Request) -> Response:
    """Take any body, and do nothing with it."""
    await request.body()
    return Response()


@validating.post("/v1/outcomes")
async def validate_outcomes(request: Request) -> Response:
    """Validate a body as the service does, but do nothing else."""
    return await validate(request, OutcomesRequest)


@validating.post("/v1/survival")
async def validate_survival(request: Request) -> Response:
    """Validate a body as the service does, but do nothing else."""
    return await validate(request, SurvivalRequest)


async def validate(request: Request, model: type[BaseModel]) -> Response:
    model.model_validate_json(await request.body())
    return Response()
