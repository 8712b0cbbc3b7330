"""`POST /v1/competing-risks`: cumulative incidence of several causes."""

from typing import Annotated

from fastapi import Body, Request

from app.api.convert_competing_risks import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.examples import example
from app.api.resource import check_rows, resource_router, shown
from app.schemas.competing_risks import CompetingRisksRequest, CompetingRisksResponse

router = resource_router("competing risks", "invalid_observations")

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


@router.post(
    "/competing-risks", responses=shown("Cumulative incidences, by group and cause.", "competing_risks_response")
)
async def estimate_incidences(
    body: Annotated[CompetingRisksRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> CompetingRisksResponse:
    """Estimate the cumulative incidence of each cause, by group, and compare the groups.

    Returns Aalen-Johansen curves of each cause and of the event-free probability, which sum to 1 at every time, rates
    at landmarks and medians with their intervals, and Gray's test of each cause.
    """
    check_rows(len(body.subjects.time), settings)
    return await run_sized(request, answer, body, digest)
