"""`POST /v1/survival`: survival of a sample, overall and by group."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from app.api.body import JSONRoute
from app.api.convert_survival import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.survival import SurvivalResponse
from app.schemas.survival_request import SurvivalRequest

router = APIRouter(
    prefix="/v1",
    tags=["survival"],
    route_class=JSONRoute,
    dependencies=[JSONOnly],
    responses=BODY_PROBLEMS | problem_responses("body_too_large", "too_many_subjects", "invalid_observations"),
)

ANSWER: dict[str, Any] = {
    "description": "Survival, overall and by group.",
    "content": {"application/json": {"example": example("survival_response")}},
}
BODY = Body(
    openapi_examples={
        "columns": {
            "summary": "Acute myelogenous leukaemia (Miller 1981), as columns",
            "value": example("survival_request"),
        },
        "rows": {
            "summary": "Three subjects, as rows",
            "value": {"subjects": [{"time": 5, "event": 1}, {"time": 8.5, "event": 0}, {"time": 12, "event": 1}]},
        },
    }
)


@router.post("/survival", responses={200: ANSWER})
async def estimate_survival(
    body: Annotated[SurvivalRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> SurvivalResponse:
    """Estimate survival overall and by group, and compare the groups.

    Returns Kaplan-Meier curves with their numbers at risk, medians and other quantiles, rates at landmarks, restricted
    means and follow-up, each with its interval; tests of equal hazards, hazard ratios and differences of means.
    """
    if len(body.subjects.time) > settings.max_subjects:
        raise ProblemError("too_many_subjects", f"There may be at most {settings.max_subjects} rows of subjects.")
    return await run_sized(request, answer, body, digest)
