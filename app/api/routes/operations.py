"""Routes for operators: is it alive, is it ready, which version is it, what does it do."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from app import __version__
from app.api.dependencies import CurrentSettings
from app.api.errors import ProblemError, problem_responses
from app.api.json_text import MAX_DEPTH, MAX_MEMBERS
from app.api.workers import workers_of
from app.schemas.operations import Health, Limits, ServiceVersion

router = APIRouter(tags=["operations"], responses=problem_responses())


@router.get("/livez")
async def check_liveness() -> Health:
    """Answer as long as the process does; a restart is due when it does not."""
    return Health()


@router.get("/readyz", responses=problem_responses("not_ready"))
async def check_readiness(request: Request) -> Health:
    """Answer when requests may be sent here: all is loaded, and nobody has told the service to end.

    The service depends on no other, and is ready however much it computes: what is too much is refused one by one.
    """
    workers = workers_of(request)
    if request.app.state.draining:
        raise ProblemError("not_ready", "The service is about to end.")
    if workers and not workers.ready:
        raise ProblemError("not_ready", "The service is starting.")
    return Health()


@router.get("/version")
async def read_version(settings: CurrentSettings) -> ServiceVersion:
    """Return the name, the version and the limits of this installation."""
    limits = Limits(
        **settings.model_dump(include=set(Limits.model_fields)), max_levels=MAX_DEPTH, max_members=MAX_MEMBERS
    )
    return ServiceVersion(version=__version__, limits=limits, min_cell_count=settings.min_cell_count)


@router.get("/metrics", response_class=PlainTextResponse)
async def read_metrics(request: Request) -> Response:
    """Return counts and durations of requests, in the text format of Prometheus."""
    return Response(request.app.state.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
