"""`POST /v1/regression/cox`: the Cox proportional hazards model."""

from typing import Annotated

from fastapi import Body

from app.api.convert_cox import answer
from app.api.dependencies import CurrentSettings, InputDigest
from app.api.examples import example
from app.api.resource import check_rows, resource_router, shown
from app.schemas.cox import CoxRequest, CoxResponse

router = resource_router(
    "regression", "invalid_observations", "invalid_parameter", "no_estimate", prefix="/v1/regression", tables=True
)

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


@router.post("/cox", responses=shown("A Cox model with its diagnostics.", "regression_cox_response"))
async def fit_cox_model(
    body: Annotated[CoxRequest, BODY], digest: InputDigest, settings: CurrentSettings
) -> CoxResponse:
    """Fit a Cox proportional hazards model, and return it with its diagnostics and predictions.

    Returns hazard ratios with model-based or robust errors, the tests of the model, its concordance, tests of
    proportional hazards, the baseline hazard, and survival predicted for profiles of covariates. A model that does not
    exist is refused (422, `no_estimate`) with the names of the covariates that are to blame.
    """
    check_rows(len(body.subjects.time), settings)
    return answer(body, digest)
