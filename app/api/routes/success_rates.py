"""`POST /v1/success-rates`: proportions with their intervals, by group, with tests."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from app.api.body import JSONRoute
from app.api.convert_success_rates import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.success_rates import SuccessRatesRequest, SuccessRatesResponse

router = APIRouter(
    prefix="/v1",
    tags=["success rates"],
    route_class=JSONRoute,
    dependencies=[JSONOnly],
    responses=BODY_PROBLEMS | problem_responses("body_too_large", "too_many_subjects"),
)

ANSWER: dict[str, Any] = {
    "description": "Proportions, overall and by group.",
    "content": {"application/json": {"example": example("success_rates_response")}},
}
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


@router.post("/success-rates", responses={200: ANSWER})
async def estimate_success_rates(
    body: Annotated[SuccessRatesRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> SuccessRatesResponse:
    """Estimate proportions of units that succeeded, overall and by group, and compare the groups.

    Takes counts, or rows that may be clustered as lesions are in patients. Returns proportions with their intervals,
    adjusted for clusters too; tests; differences, odds ratios and relative risks of each group against the first.
    """
    if body.subjects is not None and len(body.subjects.success) > settings.max_subjects:
        raise ProblemError("too_many_subjects", f"There may be at most {settings.max_subjects} rows of subjects.")
    return await run_sized(request, answer, body, digest)
