"""`POST /v1/outcomes`: the outcome summary of a treatment cohort."""

from typing import Annotated

from fastapi import Body, Request

from app.api.convert_outcomes import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.examples import example
from app.api.resource import check_patients, resource_router, shown
from app.schemas.outcomes import OutcomesRequest, OutcomesResponse

router = resource_router("outcomes")

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


@router.post("/outcomes", responses=shown("The outcome summary.", "outcomes_response"))
async def summarize_outcomes(
    body: Annotated[OutcomesRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> OutcomesResponse:
    """Summarise the outcomes of a treatment cohort.

    Returns what a results section reports: technical success, local recurrence, safety, follow-up and the
    time-to-event end points, overall and by group, with intervals, tests, methods and warnings.
    """
    check_patients(len(body.cohort.patients), settings)
    return await run_sized(request, answer, body, digest)
