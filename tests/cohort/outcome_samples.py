"""Cohorts of two arms, and their summaries."""

from typing import Any

from app.analysis.conventions import ConventionName
from app.cohort.groupings import Grouping
from app.cohort.model import Cohort, Lesion
from app.cohort.outcomes import EndpointGrouping, EndpointResult, Outcomes, summarize_outcomes
from tests.cohort.builders import cohort, lesion, options, patient

Z = 1.959963984540054
CONVENTIONS: tuple[ConventionName, ...] = ("r", "sas", "spss", "stata")


def arm(label: str | None, follow_up: float, *lesions: Lesion, **fields: Any) -> Any:
    return patient(follow_up, *lesions, covariates={"arm": label}, **fields)


ARMS = cohort(
    arm("A", 6, lesion(2, diameter_mm=10.0), lesion(diameter_mm=30.0), died=True),
    arm("A", 8, lesion(diameter_mm=10.0), lesion(3, diameter_mm=40.0)),
    arm("B", 3, lesion(diameter_mm=20.0), died=True),
    arm("B", 5, lesion(4, diameter_mm=30.0), lesion(1), died=True),
    arm("B", 9, lesion(primary_success=False, secondary_success=False, diameter_mm=50.0)),
    arm(None, 7, lesion(6, diameter_mm=20.0)),
)


def summarized(found: Cohort, *groupings: Grouping, convention: ConventionName = "r", **fields: Any) -> Outcomes:
    return summarize_outcomes(found, options(convention, *groupings, **fields))


def grouped(result: EndpointResult, name: str) -> EndpointGrouping:
    return next(grouping for grouping in result.groupings if grouping.name == name)
