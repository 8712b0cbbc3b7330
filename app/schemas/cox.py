"""Request and response of `POST /v1/regression/cox`."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.schemas.common import (
    NULL,
    LowerSeries,
    Meta,
    Probability,
    ProbabilityError,
    Ratio,
    Reason,
    ResponseModel,
    Test,
    TimeEstimate,
    TimeLower,
    Times,
    TimeUpper,
    UpperSeries,
)
from app.schemas.faults import Fault, refuse
from app.schemas.flat_request import SUBJECTS
from app.schemas.regression import (
    EventRegressionColumns,
    EventRegressionRow,
    RegressionRequest,
    prediction_faults,
    regression_faults,
)
from app.schemas.regression_response import BaselineProfile, Coefficient, PredictedRate, Profile, Stratum
from app.schemas.subjects import OrRows

Ties = Literal["efron", "breslow", "exact"]
Transform = Literal["km", "rank", "identity"]


class CoxRequest(RegressionRequest):
    """Subjects with their covariates, and how the Cox model of them is fitted."""

    subjects: Annotated[EventRegressionColumns, OrRows(EventRegressionRow)] = Field(description=SUBJECTS)
    ties: Ties | None = Field(
        default=None, description="How tied events are treated. Default: the convention's (`r` efron, others breslow)."
    )
    penalizer: float = Field(
        default=0,
        ge=0,
        le=1e6,
        description="Ridge penalty, as in lifelines: that of the log likelihood over the number of subjects is "
        "`penalizer` / 2 times the sum of squares of coefficients in standard deviations of their covariates.",
    )
    l1_ratio: float = Field(default=0, ge=0, le=1, description="0: the lasso is not offered.")
    transform: Transform = Field(
        default="km", description="Of time, against which hazard ratios may change in the test of proportional hazards."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(_faults(self))
        return self


def _faults(request: CoxRequest) -> Iterator[Fault]:
    yield from regression_faults(request)
    if request.l1_ratio > 0:
        yield ("l1_ratio",), "must be 0: the lasso is not offered, as its estimates have no standard errors"
    subjects = request.subjects
    yield from prediction_faults(request)
    if request.ties == "exact":
        if request.weight_kind == "sampling":
            yield ("ties",), "must not be exact with sampling weights"
        elif request.robust or (request.robust is None and subjects.cluster is not None):
            yield ("ties",), "must not be exact with robust standard errors"


class CoxConcordance(ResponseModel):
    """The probability that of two subjects the one with the higher predicted risk has the event first."""

    estimate: Probability | None = Field(description=f"Harrell's C, within strata; {NULL}")
    standard_error: ProbabilityError


class CoxFit(ResponseModel):
    """The model as a whole."""

    subjects: float = Field(description="Subjects in the model: ids, or sums of frequencies.")
    events: float = Field(description="Events, sums of frequencies.")
    log_likelihood: float = Field(description="Log of the partial likelihood, without a penalty.")
    null_log_likelihood: float = Field(description="That with all coefficients 0.")
    likelihood_ratio_test: Test
    wald_test: Test = Field(description="With the robust variance where errors are robust.")
    score_test: Test
    robust_score_test: Test | None = Field(description="`null` where errors are not robust.")
    concordance: CoxConcordance
    aic: float | None = Field(description="Akaike's information criterion; `null` with a penalty.")
    iterations: int = Field(description="Newton steps.")


class TermTest(Test):
    """The test of proportional hazards of a term, or of all together."""

    term: str | None = Field(description="Name of the covariate; `null` for all together.")


class BaselineCurve(ResponseModel):
    """The baseline of a stratum at its event times."""

    stratum: Stratum
    time: Times
    cumulative_hazard: list[float | None] = Field(
        description="Cumulative hazard at each time; `null` beyond the largest number."
    )
    survival: list[float] = Field(description="exp(-cumulative hazard) at each time.")


class Baseline(ResponseModel):
    """Hazard of a subject with the covariates of a profile."""

    profile: BaselineProfile
    strata: list[BaselineCurve] = Field(description='One a stratum; empty with `curve: "none"` or over 50 strata.')


class PredictedMedian(ResponseModel):
    """The first event time by which predicted survival is 0.5 or less."""

    estimate: TimeEstimate
    lower: TimeLower
    upper: TimeUpper
    reason: Reason


class PredictedCurve(ResponseModel):
    """Predicted survival at the event times."""

    time: Times
    survival: list[float] = Field(description="Probability of no event up to and including each time.")
    lower: LowerSeries
    upper: UpperSeries


class PredictedStratum(ResponseModel):
    """Prediction for a profile in a stratum."""

    stratum: Stratum
    median: PredictedMedian
    rates: list[PredictedRate] = Field(description="One a requested landmark.")
    curve: PredictedCurve | None = Field(description='`null` where the request has `curve: "none"`.')


class Prediction(ResponseModel):
    """What the model predicts for a profile of covariates."""

    profile: Profile
    hazard_ratio: Ratio = Field(description="Hazard in relation to the profile of `baseline`.")
    reason: Reason
    strata: list[PredictedStratum] = Field(description="One a stratum, one without strata.")


class CoxResponse(ResponseModel):
    """A Cox proportional hazards model with its diagnostics."""

    meta: Meta
    coefficients: list[Coefficient] = Field(description="One a number, one a level of a factor but the reference.")
    model: CoxFit
    proportional_hazards: list[TermTest] = Field(
        description="Grambsch and Therneau's test of each term, and last of all together."
    )
    baseline: Baseline
    predictions: list[Prediction] = Field(description="One a profile of `predict_for`.")
