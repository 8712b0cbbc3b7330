"""`POST /v1/survival`: survival of a sample, overall and by group."""

from typing import Annotated

from fastapi import Body, Response

from app.api import convert_figure
from app.api.convert_survival import answer
from app.api.convert_table import survival_curve, survival_summary
from app.api.dependencies import CurrentSettings, InputDigest, drawn, tabled
from app.api.examples import example
from app.api.floor import with_floor
from app.api.negotiation import CSV, JSON, JSONOrImage, TableChoice
from app.api.resource import check_rows, resource_router, shown_or_drawn
from app.schemas.survival import SurvivalResponse
from app.schemas.survival_request import SurvivalRequest

router = resource_router("survival", "invalid_observations", negotiates=True, tables=True)

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


@router.post(
    "/survival",
    response_model=SurvivalResponse,
    responses=shown_or_drawn("Survival, overall and by group.", "survival_response"),
)
async def estimate_survival(
    body: Annotated[SurvivalRequest, BODY],
    digest: InputDigest,
    settings: CurrentSettings,
    representation: JSONOrImage,
    *,
    table: TableChoice = "summary",
) -> SurvivalResponse | Response:
    """Estimate survival overall and by group, and compare the groups.

    Returns Kaplan-Meier curves with their numbers at risk, medians and other quantiles, rates at landmarks, restricted
    means and follow-up, each with its interval; tests of equal hazards, hazard ratios and differences of means.

    `Accept: image/svg+xml` or `image/png` gets the Kaplan-Meier curves as a figure; `figure` says how
    it looks. `Accept: text/csv` gets the summary, or with `table=curve` the curves. Errors stay
    `application/problem+json`.
    """
    check_rows(len(body.subjects.time), settings)
    body = with_floor(body, settings)
    if representation == JSON:
        return answer(body, digest)
    if representation == CSV:
        write = survival_curve if table == "curve" else survival_summary
        return tabled(write(answer(body, digest)))
    return drawn(convert_figure.survival(body), representation)
