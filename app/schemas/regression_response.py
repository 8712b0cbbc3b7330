"""What the responses of `POST /v1/regression/*` have in common."""

from typing import Annotated

from pydantic import Field

from app.schemas.common import (
    NULL,
    Lower,
    Probability,
    ProbabilityError,
    PValue,
    Ratio,
    RatioLower,
    RatioUpper,
    Reason,
    ResponseModel,
    Time,
    Upper,
)

Stratum = Annotated[str | None, Field(description="Label of the stratum; `null` without strata.")]
Profile = Annotated[dict[str, float | str], Field(description="Values of the terms.")]
BaselineProfile = Annotated[
    dict[str, float | str],
    Field(description="Values of the terms: means of numbers, reference levels of factors."),
]


class Effect(ResponseModel):
    """What an effect is of: a number, or a level of a factor."""

    term: str = Field(description="Name of the covariate.")
    level: str | None = Field(description="Level of the factor; `null` for numbers.")
    reference: str | None = Field(description="Level that it is compared with; `null` for numbers.")


class Coefficient(Effect):
    """A coefficient of a regression on hazards: of a number, or of a level of a factor."""

    coefficient: float = Field(description="Log hazard ratio, of one unit more or of the level.")
    standard_error: float | None = Field(ge=0, description=f"Model-based standard error; {NULL}")
    robust_standard_error: float | None = Field(
        ge=0,
        description="Robust standard error, which limits and tests use; `null` where it is not asked for or does "
        "not exist.",
    )
    hazard_ratio: Ratio
    lower: RatioLower
    upper: RatioUpper
    z: float | None = Field(description=f"Coefficient over its standard error; {NULL}")
    p_value: PValue
    reason: Reason


class PredictedRate(ResponseModel):
    """Predicted survival at a landmark."""

    time: Time
    survival: Probability | None = Field(description=f"Probability of no event up to and including `time`; {NULL}")
    standard_error: ProbabilityError
    lower: Lower
    upper: Upper
    reason: Reason
