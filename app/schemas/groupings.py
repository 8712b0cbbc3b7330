"""How the patients or lesions of a cohort are grouped."""

from collections.abc import Iterator
from math import inf
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.schemas.cohort import Cohort
from app.schemas.common import RequestModel
from app.schemas.faults import Fault, refuse

VARIABLES = {
    "patient": ("lesion_count", "session_count", "total_volume_cm3", "max_diameter_mm"),
    "lesion": ("diameter_mm", "volume_cm3"),
}
Label = Annotated[str, Field(min_length=1, max_length=200, description="A name for the answer.")]


class Bin(RequestModel):
    """An interval of the variable: at most one upper (`lt`, `le`) and one lower limit (`gt`, `ge`)."""

    label: Label
    lt: float | None = Field(default=None, description="Values less than this.")
    le: float | None = Field(default=None, description="Values less than or equal to this.")
    gt: float | None = Field(default=None, description="Values greater than this.")
    ge: float | None = Field(default=None, description="Values greater than or equal to this.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults: list[Fault] = [
            ((second,), f"cannot stand beside {first}")
            for first, second in (("lt", "le"), ("gt", "ge"))
            if getattr(self, first) is not None and getattr(self, second) is not None
        ]
        if self.lower == (-inf, True) and self.upper == (inf, True):
            faults.append(((), "needs one of lt, le, gt, ge"))
        elif self.lower[0] > self.upper[0] or (
            self.lower[0] == self.upper[0] and not (self.lower[1] and self.upper[1])
        ):
            faults.append(((), "holds no value"))
        refuse(faults)
        return self

    @property
    def lower(self) -> tuple[float, bool]:
        """Return the lower limit and whether it belongs to the bin."""
        if self.gt is not None:
            return self.gt, False
        return (-inf, True) if self.ge is None else (self.ge, True)

    @property
    def upper(self) -> tuple[float, bool]:
        """Return the upper limit and whether it belongs to the bin."""
        if self.lt is not None:
            return self.lt, False
        return (inf, True) if self.le is None else (self.le, True)


class Grouping(RequestModel):
    """A variable and the bins that make its groups; without bins its values are the groups.

    A grouping of patients applies to the results of patients and, through them, to those of their lesions; a
    grouping of lesions to the results of lesions.
    """

    name: Label
    unit: Literal["patient", "lesion"] = Field(description="What is grouped.")
    variable: str = Field(
        max_length=300,
        description="Of patients `lesion_count`, `session_count`, `total_volume_cm3`, `max_diameter_mm`; of lesions "
        "`diameter_mm`, `volume_cm3`; of either `covariates.NAME`. Totals and maxima are known where every lesion's "
        "value is.",
        examples=["diameter_mm", "covariates.histology"],
    )
    bins: list[Bin] = Field(
        default=[],
        max_length=50,
        description="Must not overlap; a value in no bin is left out. Without bins there may be at most 50 values.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults: list[Fault] = []
        if not self.variable.startswith("covariates.") and self.variable not in VARIABLES[self.unit]:
            known = ", ".join(VARIABLES[self.unit])
            faults.append((("variable",), f"must be one of {known} or covariates.NAME for a grouping of this unit"))
        for place, one in enumerate(self.bins):
            if one.label in [earlier.label for earlier in self.bins[:place]]:
                faults.append((("bins", place, "label"), "is used before"))
            if any(_overlap(one, earlier) for earlier in self.bins[:place]):
                faults.append((("bins", place), "overlaps an earlier bin"))
        refuse(faults)
        return self


def _overlap(one: Bin, other: Bin) -> bool:
    low, high = sorted((one, other), key=lambda bin_: (bin_.lower[0], not bin_.lower[1]))
    return low.upper[0] > high.lower[0] or (low.upper[0] == high.lower[0] and low.upper[1] and high.lower[1])


def grouping_faults(groupings: list[Grouping], cohort: Cohort) -> Iterator[Fault]:
    """Yield what is wrong with the groupings together, and with respect to the cohort."""
    covariates = {
        "patient": {name for patient in cohort.patients for name in patient.covariates},
        "lesion": {name for patient in cohort.patients for lesion in patient.lesions for name in lesion.covariates},
    }
    for place, grouping in enumerate(groupings):
        if grouping.name in [earlier.name for earlier in groupings[:place]]:
            yield ("groupings", place, "name"), "is used before"
        name = grouping.variable.removeprefix("covariates.")
        if name != grouping.variable and name not in covariates[grouping.unit]:
            yield ("groupings", place, "variable"), f"is a covariate of no {grouping.unit}"
