"""Response of `GET /v1/conventions`."""

from typing import Literal

from pydantic import Field

from app.schemas.common import ConfidenceType, ConventionName, ResponseModel


class Convention(ResponseModel):
    """What a package does where packages differ."""

    name: ConventionName = Field(description="The word that asks for it.")
    package: str = Field(description="The package, and what of it.")
    confidence_type: ConfidenceType = Field(description="Interval of S(t), unless `confidence_type` overrides it.")
    quantile_on_flat: Literal["middle", "middle-or-missing", "first"] = Field(
        description="The quantile where S equals the level along a flat: its middle, its first time, or its middle but "
        "none where the flat runs to the last follow-up."
    )
    quantile_interval: Literal["band", "normal"] = Field(
        description="Limits of a quantile: inversion of the band of S(t), or estimate -+ z standard errors."
    )
    horizon: Literal["largest-time-of-all", "largest-time", "largest-event-time"] = Field(
        description="Where the mean ends, unless `horizon` overrides it: at the largest time over all groups, or of "
        "the group, or at the largest event time of the group."
    )
    corrects_mean_variance: bool = Field(
        description="Whether the variance of the mean has the factor m / (m - 1), m being the number of events."
    )
    carries_forward: bool = Field(
        description="Whether S keeps its last value after the last follow-up; it does not exist there otherwise."
    )
    ties: Literal["efron", "breslow"] = Field(description="How Cox models treat tied events.")
    rounded_normal_quantile: float | None = Field(
        description="What stands for 1.959964 in symmetric intervals at level 0.95; `null` where nothing does."
    )


class Conventions(ResponseModel):
    """The conventions that requests can ask for."""

    default: ConventionName = Field(description="The one of requests that ask for none.")
    quantile_standard_error: str = Field(description="How all of them estimate the standard error of a quantile.")
    conventions: list[Convention] = Field(description="One a package.")
