"""Request and response of `POST /v1/regression/fine-gray`."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.schemas.common import (
    NULL,
    Lower,
    Meta,
    Probability,
    ProbabilityError,
    PValue,
    Ratio,
    RatioLower,
    RatioUpper,
    Reason,
    ResponseModel,
    Test,
    Time,
    Times,
    Upper,
)
from app.schemas.competing_risks import CauseName
from app.schemas.faults import Fault, refuse
from app.schemas.flat_request import SUBJECTS
from app.schemas.regression import (
    CauseRegressionColumns,
    CauseRegressionRow,
    RegressionRequest,
    prediction_faults,
    regression_faults,
)
from app.schemas.regression_response import BaselineProfile, Effect, Profile, Stratum
from app.schemas.subjects import OrRows

INCIDENCE = "Probability of an event of `cause` up to and including"


class FineGrayRequest(RegressionRequest):
    """Subjects with their covariates, and the cause whose subdistribution hazard is modelled."""

    subjects: Annotated[CauseRegressionColumns, OrRows(CauseRegressionRow)] = Field(description=SUBJECTS)
    cause: CauseName = Field(description="The cause of interest; all others compete with it.")
    ties: Literal["breslow", "efron"] = Field(default="breslow", description="How tied events are treated.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(_faults(self))
        return self


def _faults(request: FineGrayRequest) -> Iterator[Fault]:
    yield from regression_faults(request)
    subjects = request.subjects
    if request.cause not in subjects.cause:
        yield ("cause",), "is no cause of the subjects"
    if request.robust is False:
        yield ("robust",), "must not be false: standard errors of this model are robust"
    yield from prediction_faults(request)
    yield from _end_faults(subjects)


def _end_faults(subjects: CauseRegressionColumns) -> Iterator[Fault]:
    last: dict[object, float] = {}
    for one, time in zip(subjects.id or (), subjects.time, strict=False):
        last[one] = max(time, last.get(one, time))
    for place, one in enumerate(subjects.id or ()):
        if subjects.cause[place] is not None and subjects.time[place] < last[one]:
            yield ("subjects", *subjects.at("cause", place)), "must be null: its id has a later row"


class FineGrayCoefficient(Effect):
    """A coefficient: of a number, or of a level of a factor."""

    coefficient: float = Field(description="Log ratio of subdistribution hazards, of one unit more or of the level.")
    standard_error: float | None = Field(
        ge=0,
        description="Robust, with the variance of the estimated weights: that of the paper and of R's `crr`, which "
        f"limits and tests use; {NULL}",
    )
    fixed_weights_standard_error: float | None = Field(
        ge=0, description=f"Robust, as if the weights were known: that of R's `finegray` with `coxph`; {NULL}"
    )
    subdistribution_hazard_ratio: Ratio
    lower: RatioLower
    upper: RatioUpper
    z: float | None = Field(description=f"Coefficient over its standard error; {NULL}")
    p_value: PValue
    reason: Reason


class FineGrayFit(ResponseModel):
    """The model as a whole."""

    subjects: float = Field(description="Subjects in the model: ids, or sums of frequencies.")
    events: float = Field(description="Events of `cause`, sums of frequencies.")
    competing: float = Field(description="Events of other causes.")
    censored: float = Field(description="Subjects without an event of any cause.")
    log_likelihood: float = Field(description="Log of the partial pseudo-likelihood.")
    null_log_likelihood: float = Field(description="That with all coefficients 0.")
    wald_test: Test = Field(description="That all coefficients are 0, with the robust variance.")
    iterations: int = Field(description="Newton steps.")


class IncidenceBaselineCurve(ResponseModel):
    """The baseline of a stratum at the event times of `cause`."""

    stratum: Stratum
    time: Times
    cumulative_subdistribution_hazard: list[float] = Field(description="Cumulative hazard at each time.")
    cumulative_incidence: list[float] = Field(description=f"{INCIDENCE} each time.")


class IncidenceBaseline(ResponseModel):
    """Subdistribution hazard of a subject with the covariates of a profile."""

    profile: BaselineProfile
    strata: list[IncidenceBaselineCurve] = Field(
        description='One a stratum; empty with `curve: "none"` or over 50 strata.'
    )


class PredictedIncidenceRate(ResponseModel):
    """Predicted cumulative incidence at a landmark."""

    time: Time
    cumulative_incidence: Probability | None = Field(description=f"{INCIDENCE} `time`; {NULL}")
    standard_error: ProbabilityError
    lower: Lower
    upper: Upper
    reason: Reason


class PredictedIncidenceCurve(ResponseModel):
    """Predicted cumulative incidence at the event times of `cause`; its limits are at landmarks alone."""

    time: Times
    cumulative_incidence: list[float] = Field(description=f"{INCIDENCE} each time.")


class PredictedIncidenceStratum(ResponseModel):
    """Prediction for a profile in a stratum."""

    stratum: Stratum
    rates: list[PredictedIncidenceRate] = Field(description="One a requested landmark.")
    curve: PredictedIncidenceCurve | None = Field(description='`null` where the request has `curve: "none"`.')


class IncidencePrediction(ResponseModel):
    """What the model predicts for a profile of covariates."""

    profile: Profile
    subdistribution_hazard_ratio: Ratio = Field(description="In relation to the profile of `baseline`.")
    reason: Reason
    strata: list[PredictedIncidenceStratum] = Field(description="One a stratum, one without strata.")


class FineGrayResponse(ResponseModel):
    """A model of the subdistribution hazard of a cause, after Fine and Gray."""

    meta: Meta
    cause: str = Field(description="The cause of interest.")
    coefficients: list[FineGrayCoefficient] = Field(
        description="One a number, one a level of a factor but the reference."
    )
    model: FineGrayFit
    baseline: IncidenceBaseline
    predictions: list[IncidencePrediction] = Field(description="One a profile of `predict_for`.")
