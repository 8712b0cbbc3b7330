"""What every request and response is made of."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

ConventionName = Literal["r", "sas", "spss", "stata"]
ConfidenceType = Literal["plain", "log", "log-log", "logit", "arcsin"]
ProportionInterval = Literal["wilson", "clopper-pearson", "jeffreys", "agresti-coull", "wald"]
TimeUnit = Literal["days", "weeks", "months", "years"]

NULL = "`null` where it does not exist."

Label = Annotated[str, Field(description="Label of the group.")]
Time = Annotated[float, Field(ge=0, description="A time, in `time_unit`.")]
Times = Annotated[list[float], Field(description="Times, in `time_unit`, ascending.")]
TimeEstimate = Annotated[float | None, Field(ge=0, description=f"The estimate, in `time_unit`; {NULL}")]
TimeError = Annotated[float | None, Field(ge=0, description=f"Standard error, in `time_unit`; {NULL}")]
TimeLower = Annotated[float | None, Field(description=f"Lower limit, in `time_unit`; {NULL}")]
TimeUpper = Annotated[float | None, Field(description=f"Upper limit, in `time_unit`; {NULL}")]
SUPPRESSED = "`null` where `min_cell_count` suppresses it."

Count = Annotated[
    float | None, Field(ge=0, description=f"Subjects (a sum of weights where rows are weighted); {SUPPRESSED}")
]
AtRisk = Annotated[float | None, Field(ge=0, description=f"Subjects at risk just before `time`; {SUPPRESSED}")]
AtRiskSeries = Annotated[list[float], Field(description="Subjects at risk just before each time.")]
Probability = Annotated[float, Field(ge=0, le=1, description="A probability.")]
ProbabilityError = Annotated[float | None, Field(ge=0, description=f"Standard error of the probability; {NULL}")]
Lower = Annotated[float | None, Field(ge=0, le=1, description=f"Lower limit at `confidence_level`; {NULL}")]
Upper = Annotated[float | None, Field(ge=0, le=1, description=f"Upper limit at `confidence_level`; {NULL}")]
ErrorSeries = Annotated[list[float | None], Field(description=f"Standard error at each time; {NULL}")]
LowerSeries = Annotated[list[float | None], Field(description=f"Lower limit at each time; {NULL}")]
UpperSeries = Annotated[list[float | None], Field(description=f"Upper limit at each time; {NULL}")]
PValue = Annotated[float | None, Field(ge=0, le=1, description=f"Two-sided p value; {NULL}")]
Ratio = Annotated[float | None, Field(ge=0, description=f"A ratio; {NULL}")]
RatioLower = Annotated[float | None, Field(ge=0, description=f"Lower limit of the ratio; {NULL}")]
RatioUpper = Annotated[float | None, Field(ge=0, description=f"Upper limit of the ratio; {NULL}")]
Reason = Annotated[str | None, Field(description="Why a figure is `null`; `null` where none is.")]


class RequestModel(BaseModel):
    """Strict: no coercion, no unknown field, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return the model, which nobody changes: pydantic copies a default for every request."""
        return self


class CurvePoints(RequestModel):
    """How many points of a curve are in the answer."""

    max_points: int = Field(
        ge=2, le=100_000, description="As many as the plot is wide in pixels, with every drop that it can show."
    )


CurveChoice = Annotated[
    Literal["full", "none"] | CurvePoints,
    Field(description="Whether the curves are in the answer, and with how many points."),
]


class ResponseModel(BaseModel):
    """Built by the service, so not validated field by field again."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CountedReason(ResponseModel):
    """How many were left out, and why."""

    reason: str = Field(description="Why they were left out.")
    count: int | None = Field(description=f"How many they are; {SUPPRESSED}")


class Caution(ResponseModel):
    """What a careful statistician would say aloud."""

    code: str = Field(description="Stable name of the warning.")
    detail: str = Field(description="The warning in a sentence, with the results that it is about.")


class Service(ResponseModel):
    """The service that gave the answer."""

    name: str = Field(description="Name of the service.")
    version: str = Field(description="Version of the service.")


class Meta(ResponseModel):
    """By which service, method and input the figures came."""

    service: Service
    convention: ConventionName = Field(description="The package whose conventions the figures follow.")
    confidence_level: float = Field(description="Level of every interval.")
    confidence_type: ConfidenceType | None = Field(
        description="Interval of survival probabilities; `null` without any."
    )
    time_unit: TimeUnit | None = Field(description="Unit of every time in the answer; `null` without any.")
    input_sha256: str | None = Field(
        description="SHA-256 of the request's canonical JSON (RFC 8785), in hexadecimal digits; `null` with "
        "`min_cell_count`, where guesses could be tried on it."
    )
    subjects_in: int | None = Field(
        description=f"Subjects in the request, those that weights count included; of a cohort, patients. {SUPPRESSED}"
    )
    subjects_used: int | None = Field(description=f"Subjects that entered the analysis; {SUPPRESSED}")
    excluded: list[CountedReason] = Field(description="Subjects that did not.")
    warnings: list[Caution] = Field(description="What should be said aloud about the figures, each warning once.")
    methods: list[str] = Field(description="The methods in sentences, with references.")


class ClusterAdjusted(ResponseModel):
    """A proportion's error where its units are clustered, as lesions are in patients."""

    standard_error: ProbabilityError = Field(description=f"By Taylor linearisation of the ratio estimator; {NULL}")
    lower: Lower
    upper: Upper
    design_effect: float | None = Field(description=f"Variance in relation to that of independent units; {NULL}")
    clusters: int = Field(description="Number of clusters.")


class Proportion(ResponseModel):
    """A count of a total, with its interval."""

    count: int = Field(description="Units with the outcome.")
    total: int = Field(description="Units in all.")
    proportion: Probability | None = Field(description="`count` / `total`; `null` where the total is 0.")
    lower: Lower
    upper: Upper
    interval: ProportionInterval = Field(description="Method of the interval.")
    cluster_adjusted: ClusterAdjusted | None = Field(description="`null` where units are no clusters.")


class Test(ResponseModel):
    """A two-sided test."""

    name: str = Field(description="Name of the test.")
    statistic: float | None = Field(
        description="Chi-squared statistic, or the largest |z| of max-combo; `null` for exact tests."
    )
    degrees_of_freedom: int = Field(description="0 for exact tests and max-combo.")
    p_value: PValue
    reason: Reason
