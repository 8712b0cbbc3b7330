"""`POST /v1/competing-risks`: cumulative incidence of several causes."""

from typing import Annotated

from fastapi import Body, Response

from app.api import convert_figure
from app.api.convert_competing_risks import answer
from app.api.convert_table import incidence_curve, incidence_summary
from app.api.dependencies import CurrentSettings, InputDigest, drawn, tabled
from app.api.examples import example
from app.api.negotiation import CSV, JSON, JSONOrImage, TableChoice
from app.api.resource import check_rows, resource_router, shown_or_drawn
from app.schemas.competing_risks import CompetingRisksRequest, CompetingRisksResponse

router = resource_router("competing risks", "invalid_observations", negotiates=True, tables=True)

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
    "/competing-risks",
    response_model=CompetingRisksResponse,
    responses=shown_or_drawn("Cumulative incidences, by group and cause.", "competing_risks_response"),
)
async def estimate_incidences(
    body: Annotated[CompetingRisksRequest, BODY],
    digest: InputDigest,
    settings: CurrentSettings,
    representation: JSONOrImage,
    *,
    table: TableChoice = "summary",
) -> CompetingRisksResponse | Response:
    """Estimate the cumulative incidence of each cause, by group, and compare the groups.

    Returns Aalen-Johansen curves of each cause and of the event-free probability, which sum to 1 at every time, rates
    at landmarks and medians with their intervals, and Gray's test of each cause.

    `Accept: image/svg+xml` or `image/png` gets the cumulative incidences as a figure; `figure` says how
    it looks. `Accept: text/csv` gets the summary, or with `table=curve` the curves. Errors stay
    `application/problem+json`.
    """
    check_rows(len(body.subjects.time), settings)
    if representation == JSON:
        return answer(body, digest)
    if representation == CSV:
        write = incidence_curve if table == "curve" else incidence_summary
        return tabled(write(answer(body, digest)))
    return drawn(convert_figure.incidences(body), representation)
