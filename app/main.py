"""The service: `uvicorn app.main:app`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from app import __version__
from app.api.access import Check, Gate, access
from app.api.crash_reports import reticent
from app.api.draining import draining
from app.api.errors import HANDLERS
from app.api.floor import Floor
from app.api.middleware import Metrics, RequestMiddleware, configure_logging
from app.api.routes import (
    competing_risks,
    conventions,
    cox,
    endpoints,
    fine_gray,
    gallery,
    operations,
    outcomes,
    parametric,
    recurrences,
    success_rates,
    survival,
)
from app.api.workers import Workers
from app.openapi import DESCRIPTION, SUMMARY, TAGS, TITLE, Service, pages
from app.settings import Settings

ROUTERS = (
    outcomes.router,
    endpoints.router,
    survival.router,
    competing_risks.router,
    recurrences.router,
    success_rates.router,
    cox.router,
    fine_gray.router,
    parametric.router,
    conventions.router,
    operations.router,
    gallery.router,
    pages,
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Set logging up as late as this: importing the app changes nothing, and the server has set up its own by now."""
    settings: Settings = app.state.settings
    configure_logging(settings.log_level)
    with reticent(), draining(app.state, settings.drain_seconds):
        async with app.state.workers.running() if app.state.workers else nullcontext():
            yield


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service, with the settings of the environment unless others are given."""
    settings = settings or Settings()
    app = Service(
        title=TITLE,
        summary=SUMMARY,
        description=DESCRIPTION,
        version=__version__,
        openapi_tags=TAGS,
        openapi_url=None,  # as the other pages of the documentation, the document has a route of ours
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        exception_handlers=HANDLERS,
        lifespan=lifespan,
        telemetry=_telemetry() if settings.telemetry else {"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.metrics = Metrics(settings.metrics_folder)
    app.state.turn = asyncio.Lock()
    app.state.draining = False
    app.state.workers = None
    if settings.computing_processes:
        app.state.workers = Workers(settings, create_app, app.state.metrics.registry)
    for router in ROUTERS:
        app.include_router(router)
    if checks := list(_checks(app)):
        app.add_middleware(Gate, checks=checks)
    app.add_middleware(RequestMiddleware, metrics=app.state.metrics)
    return app


def _telemetry() -> TelemetryConfig:
    from app.api.telemetry import telemetry  # noqa: PLC0415 - of an extra

    return telemetry()


def _checks(app: Service) -> Iterator[Check]:
    settings: Settings = app.state.settings
    if settings.guarded:
        yield access(settings)
    if settings.min_cell_count is not None:
        yield Floor(app.documented)


app = create_app()
