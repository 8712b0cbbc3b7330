"""`POST /v1/endpoints`: the analysis rows of a treatment cohort."""

from typing import Annotated

from fastapi import Body, Request

from app.api.convert_endpoints import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.examples import example
from app.api.resource import check_patients, resource_router, shown
from app.schemas.endpoints import EndpointsRequest, EndpointsResponse

router = resource_router("outcomes")

BODY = Body(
    openapi_examples={
        "all": {
            "summary": "Four patients, with dates and with months",
            "value": example("endpoints_request"),
        },
    }
)


@router.post("/endpoints", responses=shown("The analysis rows.", "endpoints_response"))
async def derive_endpoints(
    body: Annotated[EndpointsRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> EndpointsResponse:
    """Derive the analysis rows of a treatment cohort.

    Returns for each time-to-event end point its definition, which patients or lesions are analysed, when and by what
    each of them ended, and how many are left out and why: the rows that `POST /v1/outcomes` estimates from. Those
    with `event` can be sent to `POST /v1/survival`, those with `cause` to `POST /v1/competing-risks`.
    """
    check_patients(len(body.cohort.patients), settings)
    return await run_sized(request, answer, body, digest)
