"""`POST /v1/regression/cox`: the Cox proportional hazards model."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from app.api.body import JSONRoute
from app.api.convert_cox import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.cox import CoxRequest, CoxResponse

router = APIRouter(
    prefix="/v1/regression",
    tags=["regression"],
    route_class=JSONRoute,
    dependencies=[JSONOnly],
    responses=BODY_PROBLEMS
    | problem_responses(
        "body_too_large", "too_many_subjects", "invalid_observations", "invalid_parameter", "no_estimate"
    ),
)

ANSWER: dict[str, Any] = {
    "description": "A Cox model with its diagnostics.",
    "content": {"application/json": {"example": example("regression_cox_response")}},
}
BODY = Body(
    openapi_examples={
        "columns": {
            "summary": "Twenty subjects with a number and a factor, as columns",
            "value": example("regression_cox_request"),
        },
        "rows": {
            "summary": "Five subjects with one covariate, as rows",
            "value": {
                "subjects": [
                    {"time": 5, "event": True, "covariates": {"age": 71}},
                    {"time": 8.5, "event": False, "covariates": {"age": 64}},
                    {"time": 12, "event": True, "covariates": {"age": 58}},
                    {"time": 13, "event": True, "covariates": {"age": 66}},
                    {"time": 20, "event": False, "covariates": {"age": 60}},
                ]
            },
        },
    }
)


@router.post("/cox", responses={200: ANSWER})
async def fit_cox_model(
    body: Annotated[CoxRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> CoxResponse:
    """Fit a Cox proportional hazards model, and return it with its diagnostics and predictions.

    Returns hazard ratios with model-based or robust errors, the tests of the model, its concordance, tests of
    proportional hazards, the baseline hazard, and survival predicted for profiles of covariates. A model that does not
    exist is refused (422, `no_estimate`) with the names of the covariates that are to blame.
    """
    if len(body.subjects.time) > settings.max_subjects:
        raise ProblemError("too_many_subjects", f"There may be at most {settings.max_subjects} rows of subjects.")
    return await run_sized(request, answer, body, digest)
