"""Routes for operators: is it alive, which version is it, what does it do."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from app import __version__
from app.api.dependencies import CurrentSettings
from app.api.errors import problem_responses
from app.schemas.operations import Health, Limits, ServiceVersion

router = APIRouter(tags=["operations"], responses=problem_responses())


@router.get("/livez")
async def check_liveness() -> Health:
    """Answer as long as the process does; a restart is due when it does not."""
    return Health()


@router.get("/readyz")
async def check_readiness() -> Health:
    """Answer when requests may be sent here. The service depends on no other, so that is all its life."""
    return Health()


@router.get("/version")
async def read_version(settings: CurrentSettings) -> ServiceVersion:
    """Return the name, the version and the limits of this installation."""
    limits = Limits(
        max_body_bytes=settings.max_body_bytes,
        max_patients=settings.max_patients,
        max_subjects=settings.max_subjects,
    )
    return ServiceVersion(version=__version__, limits=limits, min_cell_count=settings.min_cell_count)


@router.get("/metrics", response_class=PlainTextResponse)
async def read_metrics(request: Request) -> Response:
    """Return counts and durations of requests, in the text format of Prometheus."""
    return Response(request.app.state.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
