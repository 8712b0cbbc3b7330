"""`POST /v1/endpoints`: the analysis rows of a treatment cohort."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from app.api.body import JSONRoute
from app.api.convert_endpoints import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.endpoints import EndpointsRequest, EndpointsResponse

router = APIRouter(
    prefix="/v1",
    tags=["outcomes"],
    route_class=JSONRoute,
    dependencies=[JSONOnly],
    responses=BODY_PROBLEMS | problem_responses("body_too_large", "too_many_subjects"),
)

ANSWER: dict[str, Any] = {
    "description": "The analysis rows.",
    "content": {"application/json": {"example": example("endpoints_response")}},
}
BODY = Body(
    openapi_examples={
        "all": {
            "summary": "Four patients, with dates and with months",
            "value": example("endpoints_request"),
        },
    }
)


@router.post("/endpoints", responses={200: ANSWER})
async def derive_endpoints(
    body: Annotated[EndpointsRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> EndpointsResponse:
    """Derive the analysis rows of a treatment cohort.

    Returns for each time-to-event end point its definition, which patients or lesions are analysed, when and by what
    each of them ended, and how many are left out and why: the rows that `POST /v1/outcomes` estimates from. Those
    with `event` can be sent to `POST /v1/survival`, those with `cause` to `POST /v1/competing-risks`.
    """
    if len(body.cohort.patients) > settings.max_patients:
        raise ProblemError("too_many_subjects", f"A cohort may have at most {settings.max_patients} patients.")
    return await run_sized(request, answer, body, digest)
