"""Groups of patients or lesions, by a variable and bins or categories."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import TypeVar

from app.analysis.errors import InvalidParameterError
from app.cohort.model import Cohort, CovariateValue, Lesion, Patient, Unit

AnyUnit = TypeVar("AnyUnit", Patient, Lesion)

PATIENT_VARIABLES: dict[str, Callable[[Patient], CovariateValue]] = {
    "lesion_count": lambda patient: float(len(patient.lesions)),
    "session_count": lambda patient: float(len(patient.sessions)),
    "total_volume_cm3": lambda patient: _if_known(_decimal_sum, [lesion.volume_cm3 for lesion in patient.lesions]),
    "max_diameter_mm": lambda patient: _if_known(max, [lesion.diameter_mm for lesion in patient.lesions]),
}
LESION_VARIABLES: dict[str, Callable[[Lesion], CovariateValue]] = {
    "diameter_mm": lambda lesion: lesion.diameter_mm,
    "volume_cm3": lambda lesion: lesion.volume_cm3,
}
COVARIATE_PREFIX = "covariates."
MAX_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Bin:
    """An interval of a numeric variable; each limit belongs to it or not."""

    label: str
    lower: float = -inf
    upper: float = inf
    includes_lower: bool = False
    includes_upper: bool = False

    def holds(self, value: CovariateValue) -> bool:
        """Return whether a value lies in the bin; what is no number lies in none."""
        if isinstance(value, bool) or not isinstance(value, float | int):
            return False
        above = value > self.lower or (self.includes_lower and value == self.lower)
        below = value < self.upper or (self.includes_upper and value == self.upper)
        return above and below


@dataclass(frozen=True, slots=True)
class Grouping:
    """How units are grouped: by bins of a variable, or by its values where `bins` is empty."""

    name: str
    unit: Unit
    variable: str
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True, slots=True)
class Groups:
    """A grouping of a cohort.

    Attributes
    ----------
    labels : of the groups; bins in their order, categories by first appearance
    patient_codes : group of each patient, -1 = left out; None for a grouping of lesions
    lesion_codes : group of each lesion, -1 = left out
    """

    grouping: Grouping
    labels: tuple[str, ...]
    patient_codes: list[int] | None
    lesion_codes: list[int]

    def codes(self, unit: Unit) -> list[int] | None:
        """Return the group of each unit; None for patients where lesions were grouped."""
        return self.patient_codes if unit == "patient" else self.lesion_codes


def assign_groups(cohort: Cohort, grouping: Grouping) -> Groups:
    """Group the units of a cohort; the lesions of a grouped patient are in the patient's group.

    A unit with no value, or in no bin, is left out. A total volume or largest diameter is known only where that of
    every lesion is.

    Raises
    ------
    InvalidParameterError
        If a grouping without bins has more than 50 values: every pair of groups is compared.

    Examples
    --------
    >>> from app.cohort.model import Session
    >>> lesion = Lesion("L1", 0.0, True, True, diameter_mm=30.0)
    >>> patient = Patient("P1", 5.0, False, 5.0, (Session("S1", 0.0),), (lesion,))
    >>> bins = (Bin("small", upper=30.0), Bin("large", lower=30.0, includes_lower=True))
    >>> assign_groups(Cohort((patient,)), Grouping("size", "lesion", "diameter_mm", bins)).lesion_codes
    [1]
    """
    lesions = cohort.lesions()
    if grouping.unit == "lesion":
        values = _values([lesion for _, lesion in lesions], LESION_VARIABLES, grouping.variable)
        labels, codes = _code(values, grouping.bins)
        return Groups(grouping, labels, None, codes)
    labels, codes = _code(_values(cohort.patients, PATIENT_VARIABLES, grouping.variable), grouping.bins)
    return Groups(grouping, labels, codes, [codes[place] for place, _ in lesions])


def _code(values: list[CovariateValue], bins: tuple[Bin, ...]) -> tuple[tuple[str, ...], list[int]]:
    if bins:
        places = [next((place for place, one in enumerate(bins) if one.holds(value)), -1) for value in values]
        return tuple(one.label for one in bins), places
    categories = [None if value is None else _category(value) for value in values]
    labels = tuple(dict.fromkeys(category for category in categories if category is not None))
    if len(labels) > MAX_GROUPS:
        raise InvalidParameterError(f"a grouping without bins has more than {MAX_GROUPS} different values")
    place_of: dict[str | None, int] = {label: place for place, label in enumerate(labels)}
    return labels, [place_of.get(category, -1) for category in categories]


def _category(value: str | bool | float) -> str:  # noqa: FBT001 - a value, no switch
    """Return a value as a label, a number without needless digits and a boolean as JSON writes it."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else f"{value + 0.0:.15g}"


def _values(
    units: Sequence[AnyUnit], variables: dict[str, Callable[[AnyUnit], CovariateValue]], variable: str
) -> list[CovariateValue]:
    if variable.startswith(COVARIATE_PREFIX):
        name = variable.removeprefix(COVARIATE_PREFIX)
        return [unit.covariates.get(name) for unit in units]
    return [variables[variable](unit) for unit in units]


def _decimal_sum(values: list[float]) -> float:
    # Decimals as the caller wrote them: 0.1 + 0.2 is in a bin up to 0.3.
    return float(sum(Decimal(str(value)) for value in values))


def _if_known(summary: Callable[[list[float]], float], values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return summary(known) if len(known) == len(values) else None
