"""The service: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI

from app import __version__
from app.api.draining import draining
from app.api.errors import HANDLERS
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
    with draining(app.state, settings.drain_seconds):
        async with app.state.workers.running() if app.state.workers else nullcontext():
            yield


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the service, with the settings of the environment unless others are given."""
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
        telemetry={"tracing": False, "metrics": False, "logs": False},  # spans and logs would hold exception texts
    )
    app.state.settings = settings or Settings()
    app.state.metrics = Metrics()
    app.state.draining = False
    app.state.workers = None
    if app.state.settings.computing_processes:
        app.state.workers = Workers(app.state.settings, create_app, app.state.metrics.registry)
    app.add_middleware(RequestMiddleware, metrics=app.state.metrics)
    for router in ROUTERS:
        app.include_router(router)
    return app


app = create_app()
