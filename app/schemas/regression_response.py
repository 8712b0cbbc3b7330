"""What the responses of `POST /v1/regression/*` have in common."""

from pydantic import Field

from app.schemas.common import NULL, PValue, Ratio, RatioLower, RatioUpper, Reason, ResponseModel


class Coefficient(ResponseModel):
    """A coefficient of a regression on hazards: of a number, or of a level of a factor."""

    term: str = Field(description="Name of the covariate.")
    level: str | None = Field(description="Level of the factor; `null` for numbers.")
    reference: str | None = Field(description="Level that it is compared with; `null` for numbers.")
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
