"""`GET /v1/conventions`: whose figures a request can ask for, as data."""

from fastapi import APIRouter

from app.analysis.conventions import CONVENTIONS
from app.analysis.quantiles import DENSITY_WINDOW
from app.analysis.survival_notes import PACKAGES
from app.api import convert
from app.api.errors import problem_responses
from app.api.negotiation import JSONOnly
from app.schemas.conventions import Convention, Conventions

router = APIRouter(
    prefix="/v1", tags=["survival"], dependencies=[JSONOnly], responses=problem_responses("not_acceptable")
)


@router.get("/conventions")
async def list_conventions() -> Conventions:
    """Return what each convention sets. Figures follow a package by one word; any single option overrides it."""
    return Conventions(
        default="r",
        quantile_standard_error=f"standard error of S over the density in a window of {DENSITY_WINDOW:g} either side",
        conventions=[
            Convention(package=PACKAGES[name], **convert.figures(convention))
            for name, convention in CONVENTIONS.items()
        ],
    )
