"""`POST /v1/endpoints`: the analysis rows of a treatment cohort."""

from typing import Annotated

from fastapi import Body, Response

from app.api.convert_adtte import adtte
from app.api.convert_endpoints import answer
from app.api.dependencies import CurrentSettings, InputDigest, tabled
from app.api.examples import example
from app.api.negotiation import JSON, JSONOrTable
from app.api.resource import check_patients, resource_router, shown_or_tabled
from app.schemas.endpoints import EndpointsRequest, EndpointsResponse

router = resource_router("outcomes", negotiates=True)

BODY = Body(
    openapi_examples={
        "all": {
            "summary": "Four patients, with dates and with months",
            "value": example("endpoints_request"),
        },
    }
)


@router.post(
    "/endpoints",
    response_model=EndpointsResponse,
    responses=shown_or_tabled("The analysis rows.", "endpoints_response"),
)
async def derive_endpoints(
    body: Annotated[EndpointsRequest, BODY],
    digest: InputDigest,
    settings: CurrentSettings,
    representation: JSONOrTable,
) -> EndpointsResponse | Response:
    """Derive the analysis rows of a treatment cohort.

    Returns for each time-to-event end point its definition, which patients or lesions are analysed, when and by what
    each of them ended, and how many are left out and why: the rows that `POST /v1/outcomes` estimates from. Those
    with `event` can be sent to `POST /v1/survival`, those with `cause` to `POST /v1/competing-risks`.

    `Accept: text/csv` gets the rows in the form of CDISC's ADTTE, which `POST /v1/survival` takes as they are. PARAMCD
    is OS, CSS, PFS, TTP, LTPFS, TTLTP, DPFS or TTUP, in the order of `endpoints` in the schema. CNSR is 0 for the
    event, 1 for a censoring and from 2 for competing events. LESID is the lesion of a row, and USUBJID its patient.
    """
    check_patients(len(body.cohort.patients), settings)
    if representation == JSON:
        return answer(body, digest)
    return tabled(adtte(answer(body, digest)))
