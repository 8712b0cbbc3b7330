"""`POST /v1/regression/fine-gray`: the subdistribution hazard model of competing risks."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from app.api.body import JSONRoute
from app.api.convert_fine_gray import answer
from app.api.dependencies import CurrentSettings, InputDigest, run_sized
from app.api.errors import BODY_PROBLEMS, ProblemError, problem_responses
from app.api.examples import example
from app.api.negotiation import JSONOnly
from app.schemas.fine_gray import FineGrayRequest, FineGrayResponse

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
    "description": "A Fine-Gray model with its predictions.",
    "content": {"application/json": {"example": example("regression_fine_gray_response")}},
}
BODY = Body(
    openapi_examples={
        "columns": {
            "summary": "Twenty-four subjects with a number and a factor, as columns",
            "value": example("regression_fine_gray_request"),
        },
        "rows": {
            "summary": "Five subjects with one covariate, as rows",
            "value": {
                "subjects": [
                    {"time": 5, "cause": "relapse", "covariates": {"age": 61}},
                    {"time": 8.5, "cause": None, "covariates": {"age": 64}},
                    {"time": 12, "cause": "death", "covariates": {"age": 58}},
                    {"time": 13, "cause": "relapse", "covariates": {"age": 66}},
                    {"time": 20, "cause": None, "covariates": {"age": 60}},
                ],
                "cause": "relapse",
            },
        },
    }
)


@router.post("/fine-gray", responses={200: ANSWER})
async def fit_fine_gray_model(
    body: Annotated[FineGrayRequest, BODY], digest: InputDigest, settings: CurrentSettings, request: Request
) -> FineGrayResponse:
    """Fit a Fine-Gray model of the subdistribution hazard of a cause, and return it with its predictions.

    Returns ratios of subdistribution hazards with robust errors that allow for the estimated weights, the Wald test,
    the baseline, and the cumulative incidence predicted for profiles of covariates. A model that does not exist is
    refused (422, `no_estimate`) with the names of the covariates that are to blame.
    """
    if len(body.subjects.time) > settings.max_subjects:
        raise ProblemError("too_many_subjects", f"There may be at most {settings.max_subjects} rows of subjects.")
    return await run_sized(request, answer, body, digest)
