"""The conventions of R, SAS, SPSS and Stata, as data: one word makes the figures those of the package."""

from dataclasses import dataclass
from typing import Literal

from app.analysis.intervals import ConfidenceType, normal_quantile

ConventionName = Literal["r", "sas", "spss", "stata"]
Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class Convention:
    """What a package does where packages differ.

    Attributes
    ----------
    name : of the package
    confidence_type : interval of S(t)
    quantile_on_flat : the quantile where S equals the level along a flat: its middle, its first time, or its middle
        but missing where the flat runs to the end of follow-up
    quantile_interval : limits of a quantile: inversion of the band of S(t), or estimate -+ z standard errors
    horizon : of the mean: the largest time over all groups, or of the group, or the largest event time of the group
    corrects_mean_variance : whether the variance of the mean has the factor m / (m - 1), m events
    carries_forward : whether S keeps its last value after the last follow-up; it does not exist there otherwise
    ties : how Cox models treat tied events
    rounded_normal_quantile : stands for 1.959964 at level 0.95, None where the package does not round it
    """

    name: ConventionName
    confidence_type: ConfidenceType
    quantile_on_flat: Literal["middle", "middle-or-missing", "first"]
    quantile_interval: Literal["band", "normal"]
    horizon: Literal["largest-time-of-all", "largest-time", "largest-event-time"]
    corrects_mean_variance: bool
    carries_forward: bool
    ties: Ties
    rounded_normal_quantile: float | None = None

    def normal_quantile(self, confidence_level: float) -> float:
        """Return z with P(|Z| <= z) = `confidence_level`, with the digits that the package uses.

        Examples
        --------
        >>> CONVENTIONS["spss"].normal_quantile(0.95)
        1.96
        """
        if self.rounded_normal_quantile is not None and confidence_level == 0.95:
            return self.rounded_normal_quantile
        return normal_quantile(confidence_level)


CONVENTIONS: dict[ConventionName, Convention] = {
    "r": Convention("r", "log", "middle", "band", "largest-time-of-all", False, True, "efron"),
    "sas": Convention("sas", "log-log", "middle-or-missing", "band", "largest-event-time", True, False, "breslow"),
    "spss": Convention("spss", "plain", "first", "normal", "largest-time", False, False, "breslow", 1.96),
    "stata": Convention("stata", "log-log", "first", "band", "largest-time", False, False, "breslow"),
}
