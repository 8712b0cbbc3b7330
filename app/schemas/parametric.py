"""Request and response of `POST /v1/regression/parametric`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NotRequired, Self

from pydantic import Field, model_validator, with_config
from pydantic.json_schema import SkipJsonSchema

from app.schemas.common import (
    NULL,
    Meta,
    PValue,
    Ratio,
    RatioLower,
    RatioUpper,
    Reason,
    RequestModel,
    ResponseModel,
    TimeError,
    TimeEstimate,
    TimeLower,
    TimeUpper,
)
from app.schemas.faults import Fault, refuse, repeated
from app.schemas.flat_request import SUBJECTS
from app.schemas.regression import (
    MAX_COVARIATES,
    Cell,
    EventRegressionColumns,
    EventRegressionRow,
    RegressionRequest,
    regression_faults,
)
from app.schemas.regression_response import Effect, PredictedRate
from app.schemas.subjects import OrRows, Taken, Text

Distribution = Literal["exponential", "weibull", "log-normal", "log-logistic", "generalized-gamma"]

_NoStratum = Annotated[None, Taken(None, "is not used here: send it as a covariate"), SkipJsonSchema()]


@with_config(RequestModel.model_config)
class ParametricRow(EventRegressionRow):
    """A subject with its covariates, if any, and whether its follow-up ended with the event."""

    covariates: NotRequired[  # type: ignore[misc]
        Annotated[dict[Text, Cell], Field(max_length=MAX_COVARIATES, description="Values by name; `null` is missing.")]
    ]
    stratum: NotRequired[_NoStratum]  # type: ignore[misc]


class ParametricColumns(EventRegressionColumns):
    """Subjects with their covariates, if any, and whether the follow-up ended with the event: columns of one length."""

    covariates: dict[Text, list[Cell]] = Field(
        default={},
        max_length=MAX_COVARIATES,
        description="Columns by name, each all numbers, all booleans or all strings (factors); `null` is missing.",
    )
    stratum: _NoStratum = Field(default=None, description="Not taken.")

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Return the columns of rows that are sound one by one."""
        return super().of_rows([{"covariates": {}} | dict(row) for row in rows])

    @classmethod
    def _columns_of(cls, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        columns = super()._columns_of(rows)
        columns.pop("stratum", None)
        return columns

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong with items of a column together, with columns together, and times of 0."""
        yield from super().faults()
        for place, time in enumerate(self.time):
            if time == 0:
                yield self.at("time", place), "must be above 0, which has no logarithm"


class ParametricRequest(RegressionRequest):
    """Subjects with their covariates, and which parametric models of them are fitted."""

    subjects: Annotated[ParametricColumns, OrRows(ParametricRow)] = Field(description=SUBJECTS)
    terms: list[Text] | None = Field(
        default=None,
        max_length=MAX_COVARIATES,
        description="Covariates in the models, none of them in those of the intercept alone. Default: all.",
    )
    distributions: list[Distribution] = Field(
        default=["exponential", "weibull", "log-normal", "log-logistic"],
        min_length=1,
        max_length=5,
        description="Distributions of the times, each fitted by a model of its own.",
    )
    curve: SkipJsonSchema[Literal["none"]] = Field(default="none", description="Not taken.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(_faults(self))
        return self


def _faults(request: ParametricRequest) -> Iterator[Fault]:
    yield from regression_faults(request)
    yield from repeated(request.distributions, "distributions")


Error = Annotated[float | None, Field(ge=0, description=f"Standard error, robust where errors are; {NULL}")]


class ModelParameter(ResponseModel):
    """A parameter of a model, with its Wald interval."""

    estimate: float | None = Field(description=f"The estimate; {NULL}")
    standard_error: Error
    lower: float | None = Field(description=f"Lower limit at `confidence_level`; {NULL}")
    upper: float | None = Field(description=f"Upper limit at `confidence_level`; {NULL}")


class TimeRatio(Effect):
    """What a covariate does to times: its coefficient in a model of log time, and the exponential of that."""

    coefficient: float | None = Field(description=f"Change of log time with one unit, or with the level; {NULL}")
    standard_error: Error
    time_ratio: Ratio = Field(description=f"exp(coefficient), what times are multiplied by; {NULL}")
    lower: RatioLower
    upper: RatioUpper
    z: float | None = Field(description=f"`coefficient` / `standard_error`; {NULL}")
    p_value: PValue
    meaning: str | None = Field(description=f"What the time ratio says in words; {NULL}")
    reason: Reason


class PredictedTime(ResponseModel):
    """Predicted time by which half of the subjects have had the event."""

    estimate: TimeEstimate
    standard_error: TimeError
    lower: TimeLower
    upper: TimeUpper
    reason: Reason


class ParametricPrediction(ResponseModel):
    """What a model predicts for a profile."""

    profile: dict[str, float | str] = Field(description="Values of the terms; empty for models of the intercept alone.")
    median: PredictedTime
    rates: list[PredictedRate] = Field(description="Survival at each requested landmark.")


class ParametricModel(ResponseModel):
    """The model log T = intercept + x b + scale W of a distribution."""

    distribution: Distribution = Field(description="Distribution of the times.")
    converged: bool = Field(description="Whether the likelihood has a maximum that was found.")
    iterations: int = Field(description="Newton steps.")
    log_likelihood: float | None = Field(description=f"Logarithm of the likelihood of the times; {NULL}")
    parameters: int = Field(description="Number of parameters: coefficients, intercept, scale and shape.")
    aic: float | None = Field(description=f"2 (parameters - log-likelihood); {NULL}")
    intercept: ModelParameter = Field(description="Of log time, with all numbers 0 and all factors at their reference.")
    coefficients: list[TimeRatio] = Field(description="One a number and one a level of a factor but the reference.")
    scale: float | None = Field(
        description="What the error W is multiplied by, 1 for exponential times; "
        "a Weibull distribution has shape 1 / scale; `null` where it does not exist."
    )
    log_scale: ModelParameter | None = Field(description="`null` for exponential times.")
    shape: ModelParameter | None = Field(
        description="Of the generalized gamma distribution: 0 is log-normal, 1 Weibull; `null` for all others."
    )
    predictions: list[ParametricPrediction] = Field(description="One a profile of the request.")
    reason: Reason


class RankedModel(ResponseModel):
    """A model by its AIC."""

    distribution: Distribution = Field(description="Distribution of the times.")
    aic: float = Field(description="Akaike's information criterion.")
    difference: float = Field(ge=0, description="How much more it is than the least.")
    weight: float = Field(ge=0, le=1, description="exp(-difference / 2) over the sum of these.")


class ParametricResponse(ResponseModel):
    """Parametric models of a sample."""

    meta: Meta
    models: list[ParametricModel] = Field(description="One a distribution, in the order asked for.")
    comparison: list[RankedModel] = Field(description="Those that converged, the least AIC first.")
