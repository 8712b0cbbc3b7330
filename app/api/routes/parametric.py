"""`POST /v1/regression/parametric`: accelerated-failure-time models."""

from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Body

from app.api.body import JSONRoute
from app.api.convert_parametric import answer
from app.api.dependencies import CurrentSettings, InputDigest
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.parametric import ParametricRequest, ParametricResponse

router = APIRouter(
    prefix="/v1/regression",
    tags=["regression"],
    route_class=JSONRoute,
    dependencies=[JSONOnly],
    responses=BODY_PROBLEMS
    | problem_responses("body_too_large", "too_many_subjects", "invalid_observations", "no_estimate"),
)

ANSWER: dict[str, Any] = {
    "description": "Parametric models, compared by AIC.",
    "content": {"application/json": {"example": example("regression_parametric_response")}},
}
BODY = Body(
    openapi_examples={
        "columns": {
            "summary": "Twenty subjects with a number and a factor, as columns",
            "value": example("regression_parametric_request"),
        },
        "rows": {
            "summary": "Three subjects without covariates, as rows",
            "value": {
                "subjects": [{"time": 5, "event": 1}, {"time": 8.5, "event": 0}, {"time": 12, "event": 1}],
                "distributions": ["exponential", "weibull"],
                "landmarks": [10],
            },
        },
    }
)


@router.post("/parametric", responses={200: ANSWER})
async def fit_parametric_models(
    body: Annotated[ParametricRequest, BODY], digest: InputDigest, settings: CurrentSettings
) -> ParametricResponse:
    """Fit accelerated-failure-time models, and compare them by AIC.

    Returns for each distribution the coefficients of log time and the time ratios with their meaning in words, and the
    medians and the survival at landmarks that it predicts for profiles of covariates, each with its interval. The first
    request of a process waits for lifelines to be loaded.
    """
    if len(body.subjects.time) > settings.max_subjects:
        raise ProblemError("too_many_subjects", f"There may be at most {settings.max_subjects} rows of subjects.")
    # However small the body, lifelines takes longer than other requests should wait.
    return await anyio.to_thread.run_sync(answer, body, digest)
