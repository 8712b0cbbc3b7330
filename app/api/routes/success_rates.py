"""`POST /v1/success-rates`: proportions with their intervals, by group, with tests."""

from typing import Annotated

from fastapi import Body

from app.api.convert_success_rates import answer
from app.api.dependencies import CurrentSettings, InputDigest
from app.api.examples import example
from app.api.resource import check_rows, resource_router, shown
from app.schemas.success_rates import SuccessRatesRequest, SuccessRatesResponse

router = resource_router("success rates", tables=True)

BODY = Body(
    openapi_examples={
        "rows": {
            "summary": "Lesions of fourteen patients in two groups, as columns",
            "value": example("success_rates_request"),
        },
        "counts": {
            "summary": "Two groups, as their counts",
            "value": {
                "groups": [
                    {"label": "ablation", "successes": 62, "total": 64},
                    {"label": "resection", "successes": 48, "total": 53},
                ]
            },
        },
    }
)


@router.post("/success-rates", responses=shown("Proportions, overall and by group.", "success_rates_response"))
async def estimate_success_rates(
    body: Annotated[SuccessRatesRequest, BODY], digest: InputDigest, settings: CurrentSettings
) -> SuccessRatesResponse:
    """Estimate proportions of units that succeeded, overall and by group, and compare the groups.

    Takes counts, or rows that may be clustered as lesions are in patients. Returns proportions with their intervals,
    adjusted for clusters too; tests; differences, odds ratios and relative risks of each group against the first.
    """
    check_rows(0 if body.subjects is None else len(body.subjects.success), settings)
    return answer(body, digest)
