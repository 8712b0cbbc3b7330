"""`POST /v1/outcomes`: the outcome summary of a treatment cohort."""

from typing import Annotated

from fastapi import Body, Response

from app.api.convert_outcomes import answer
from app.api.convert_report import report
from app.api.convert_table import outcome_curve, outcome_summary
from app.api.dependencies import CurrentSettings, InputDigest, reported, tabled
from app.api.examples import example
from app.api.negotiation import CSV, JSON, JSONOrReport, TableChoice
from app.api.resource import check_patients, resource_router, shown_or_reported
from app.schemas.outcomes import OutcomesRequest, OutcomesResponse

router = resource_router("outcomes", "invalid_parameter", negotiates=True)

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


@router.post(
    "/outcomes",
    response_model=OutcomesResponse,
    responses=shown_or_reported("The outcome summary.", "outcomes_response"),
)
async def summarize_outcomes(
    body: Annotated[OutcomesRequest, BODY],
    digest: InputDigest,
    settings: CurrentSettings,
    representation: JSONOrReport,
    *,
    table: TableChoice = "summary",
) -> OutcomesResponse | Response:
    """Summarise the outcomes of a treatment cohort.

    Returns what a results section reports: technical success, local recurrence, safety, follow-up and the
    time-to-event end points, overall and by group, with intervals, tests, methods and warnings.

    `Accept: text/html` or `text/markdown` gets the same as a report: prose, tables, methods, and figures, which in
    Markdown stand as tables; with `curve: "none"` it has none. `Accept: text/csv` gets all figures as
    a table, or with `table=curve` the curves of the end points. Errors stay `application/problem+json`.
    """
    check_patients(len(body.cohort.patients), settings)
    if representation == JSON:
        return answer(body, digest)
    if representation == CSV:
        write = outcome_curve if table == "curve" else outcome_summary
        return tabled(write(answer(body, digest)))
    return reported(report(body, digest), representation)
