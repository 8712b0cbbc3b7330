"""`POST /v1/regression/parametric`: accelerated-failure-time models."""

from typing import Annotated

from fastapi import Body

from app.api.convert_parametric import answer
from app.api.dependencies import CurrentSettings, InputDigest
from app.api.examples import example
from app.api.resource import check_rows, resource_router, shown
from app.schemas.parametric import ParametricRequest, ParametricResponse

router = resource_router(
    "regression", "invalid_observations", "no_estimate", prefix="/v1/regression", tables=True, slow=True
)

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


@router.post("/parametric", responses=shown("Parametric models, compared by AIC.", "regression_parametric_response"))
async def fit_parametric_models(
    body: Annotated[ParametricRequest, BODY], digest: InputDigest, settings: CurrentSettings
) -> ParametricResponse:
    """Fit accelerated-failure-time models, and compare them by AIC.

    Returns for each distribution the coefficients of log time and the time ratios with their meaning in words, and the
    medians and the survival at landmarks that it predicts for profiles of covariates, each with its interval. Where the
    likelihood may have several maxima (generalized gamma, delayed entry), lifelines gives a start for up to 200 rows;
    the first such request of a process waits for it to be loaded.
    """
    check_rows(len(body.subjects.time), settings)
    return answer(body, digest)
