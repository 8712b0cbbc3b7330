"""`POST /v1/competing-risks`: cumulative incidence of several causes."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from app.api.body import JSONRoute
from app.api.convert_competing_risks import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.competing_risks import CompetingRisksRequest, CompetingRisksResponse

router = APIRouter(
    prefix="/v1",
    tags=["competing risks"],
    route_class=JSONRoute,
    dependencies=[JSONOnly],
    responses=BODY_PROBLEMS | problem_responses("body_too_large", "too_many_subjects", "invalid_observations"),
)

ANSWER: dict[str, Any] = {
    "description": "Cumulative incidences, by group and cause.",
    "content": {"application/json": {"example": example("competing_risks_response")}},
}
BODY = Body(
    openapi_examples={
        "columns": {
            "summary": "Twelve subjects of two groups, as columns",
            "value": example("competing_risks_request"),
        },
        "rows": {
            "summary": "Three subjects, as rows",
            "value": {
                "subjects": [
                    {"time": 5, "cause": "relapse"},
                    {"time": 8.5, "cause": None},
                    {"time": 12, "cause": "death"},
                ]
            },
        },
    }
)


@router.post("/competing-risks", responses={200: ANSWER})
async def estimate_incidences(
    body: Annotated[CompetingRisksRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> CompetingRisksResponse:
    """Estimate the cumulative incidence of each cause, by group, and compare the groups.

    Returns Aalen-Johansen curves of each cause and of the event-free probability, which sum to 1 at every time, rates
    at landmarks and medians with their intervals, and Gray's test of each cause.
    """
    if len(body.subjects.time) > settings.max_subjects:
        raise ProblemError("too_many_subjects", f"There may be at most {settings.max_subjects} rows of subjects.")
    return await run_sized(request, answer, body, digest)
