"""`POST /v1/outcomes`: the outcome summary of a treatment cohort."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from app.api.body import JSONRoute
from app.api.convert_outcomes import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.outcomes import OutcomesRequest, OutcomesResponse

router = APIRouter(
    prefix="/v1",
    tags=["outcomes"],
    route_class=JSONRoute,
    dependencies=[JSONOnly],
    responses=BODY_PROBLEMS | problem_responses("body_too_large", "too_many_subjects"),
)

ANSWER: dict[str, Any] = {
    "description": "The outcome summary.",
    "content": {"application/json": {"example": example("outcomes_response")}},
}
BODY = Body(
    openapi_examples={
        "small": {
            "summary": "Four patients, with dates and with months",
            "value": example("outcomes_request"),
        },
        "bale2018": {
            "summary": "The synthetic cohort with the figures of Bale et al. 2018",
            "value": example("bale2018"),
        },
    }
)


@router.post("/outcomes", responses={200: ANSWER})
async def summarize_outcomes(
    body: Annotated[OutcomesRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> OutcomesResponse:
    """Summarise the outcomes of a treatment cohort.

    Returns what a results section reports: technical success, local recurrence, safety, follow-up and the
    time-to-event end points, overall and by group, with intervals, tests, methods and warnings.
    """
    if len(body.cohort.patients) > settings.max_patients:
        raise ProblemError("too_many_subjects", f"A cohort may have at most {settings.max_patients} patients.")
    return await run_sized(request, answer, body, digest)
