"""`POST /v1/recurrences`: recurrent events of subjects."""

from typing import Annotated

from fastapi import Body

from app.api.convert_recurrences import answer
from app.api.dependencies import CurrentSettings, InputDigest
from app.api.examples import example
from app.api.resource import check_rows, resource_router, shown
from app.schemas.recurrences import RecurrencesRequest, RecurrencesResponse

router = resource_router("recurrences", "invalid_observations", tables=True)

BODY = Body(
    openapi_examples={
        "columns": {
            "summary": "Eight subjects of two groups, as columns",
            "value": example("recurrences_request"),
        },
        "rows": {
            "summary": "Two subjects, as rows: two recurrences and the end of follow-up, and a death",
            "value": {
                "subjects": [
                    {"id": "A", "time": 5, "event": True, "terminal": False},
                    {"id": "A", "time": 9, "event": True, "terminal": False},
                    {"id": "A", "time": 24, "event": False, "terminal": False},
                    {"id": "B", "time": 8.5, "event": False, "terminal": True},
                ]
            },
        },
    }
)


@router.post("/recurrences", responses=shown("Recurrences by group.", "recurrences_response"))
async def estimate_recurrences(
    body: Annotated[RecurrencesRequest, BODY], digest: InputDigest, settings: CurrentSettings
) -> RecurrencesResponse:
    """Estimate how often events recur, by group, and compare the groups.

    Returns the counts of recurrences and their rates per time at risk with exact Poisson limits, the mean cumulative
    count with a robust error, which allows for deaths, and the cumulative incidence of the first recurrence; rate
    ratios and a test of equal mean cumulative counts.
    """
    check_rows(len(body.subjects.time), settings)
    return answer(body, digest)
