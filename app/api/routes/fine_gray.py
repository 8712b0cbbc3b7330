"""`POST /v1/regression/fine-gray`: the subdistribution hazard model of competing risks."""

from typing import Annotated

from fastapi import Body

from app.api.convert_fine_gray import answer
from app.api.dependencies import CurrentSettings, InputDigest
from app.api.examples import example
from app.api.resource import check_rows, resource_router, shown
from app.schemas.fine_gray import FineGrayRequest, FineGrayResponse

router = resource_router(
    "regression", "invalid_observations", "invalid_parameter", "no_estimate", prefix="/v1/regression", tables=True
)

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


@router.post("/fine-gray", responses=shown("A Fine-Gray model with its predictions.", "regression_fine_gray_response"))
async def fit_fine_gray_model(
    body: Annotated[FineGrayRequest, BODY], digest: InputDigest, settings: CurrentSettings
) -> FineGrayResponse:
    """Fit a Fine-Gray model of the subdistribution hazard of a cause, and return it with its predictions.

    Returns ratios of subdistribution hazards with robust errors that allow for the estimated weights, the Wald test,
    the baseline, and the cumulative incidence predicted for profiles of covariates. A model that does not exist is
    refused (422, `no_estimate`) with the names of the covariates that are to blame.
    """
    check_rows(len(body.subjects.time), settings)
    return answer(body, digest)
