"""Every end point in sentences that a results section could have."""

import pytest

from app.cohort.endpoints import ENDPOINTS, EndpointName
from app.cohort.model import Progression
from app.cohort.outcomes import summarize_outcomes
from app.rendering.sentences import summarize
from tests.cohort.builders import BY_ARM, cohort, lesion, options, patient

A, B = {"arm": "A"}, {"arm": "B"}

HISTORIES = cohort(
    patient(10, lesion(4), died=True, cause_of_death="disease", last_imaging=8, covariates=A),
    patient(9, died=True, cause_of_death="other", progressions=(Progression(6, treatable=False),), covariates=A),
    patient(12, lesion(session_time=2.0), last_imaging=11, covariates=B),
    patient(7, lesion(), died=True, covariates=B),
)

#: By end point the sentence of the median, or of counts where an event competes, that of rates, and that by arm.
SPOKEN: dict[EndpointName, tuple[str, str, str]] = {
    "overall_survival": (
        "Median overall survival was 9.5 +- 1.5 months (95 % CI 7.0-not reached), with 3 events among 4 patients.",
        "Overall survival was 100.0 % at 5 months, 75.0 % at 8 months.",
        "Median overall survival by arm: 9.5 +- 3.5 months for A, 9.5 months for B (log-rank test",
    ),
    "cancer_specific_survival": (
        "Death of disease came first in 1 of 3 patients, other death in 1.",
        "Cumulative incidence of death of disease was 0.0 % at 5 months, 0.0 % at 8 months, other death competing.",
        "Cumulative incidence of death of disease by arm at 8 months: 0.0 % for A, 0.0 % for B (log-rank test",
    ),
    "progression_free_survival": (
        "Median progression-free survival was",
        "Progression-free survival was 75.0 % at 5 months, 25.0 % at 8 months.",
        "Median progression-free survival by arm: ",
    ),
    "time_to_progression": (
        "Progression came first in 2 of 4 patients, death in 1.",
        "Cumulative incidence of progression was 25.0 % at 5 months, 50.0 % at 8 months, death competing.",
        "Cumulative incidence of progression by arm at 8 months: 100.0 % for A, 0.0 % for B (log-rank test",
    ),
    "local_progression_free_survival": (
        "Median local progression-free survival was",
        "Local progression-free survival was 75.0 % at 5 months, 50.0 % at 8 months.",
        "Median local progression-free survival by arm: ",
    ),
    "local_progression": (
        "Local recurrence came first in 1 of 4 lesions, death in 2.",
        "Cumulative incidence of local recurrence was 25.0 % at 5 months, 25.0 % at 8 months, death competing.",
        "Cumulative incidence of local recurrence by arm at 8 months: 50.0 % for A, 0.0 % for B (log-rank test",
    ),
    "distant_progression_free_survival": (
        "Median distant progression-free survival was",
        "Distant progression-free survival was 100.0 % at 5 months, 50.0 % at 8 months.",
        "Median distant progression-free survival by arm: ",
    ),
    "time_to_untreatable_progression": (
        "Untreatable progression came first in 1 of 4 patients, death in 2.",
        "Cumulative incidence of untreatable progression was 0.0 % at 5 months, 25.0 % at 8 months, death competing.",
        "Cumulative incidence of untreatable progression by arm at 8 months: 50.0 % for A, 0.0 % for B (log-rank test",
    ),
}


def test_none_is_missing() -> None:
    assert list(SPOKEN) == list(ENDPOINTS)


@pytest.mark.parametrize("name", SPOKEN)
def test_every_end_point_is_spoken_of(name: EndpointName) -> None:
    """By hand.

    Deaths at 7 (of a cause not known), 9 and 10; a recurrence at 4 and an untreatable progression at 6; of the lesions
    one ends by recurrence at 4, two by death at 7 and 9, one is censored 11 - 2 months after its session. At 9 overall
    survival has the error 1/4 and the density (3/4 - 1/4) / 3, in arm A sqrt(1/8) and 1 / 10.
    """
    whole, rates, by_arm = SPOKEN[name]
    with_rates, without = (
        summarize(summarize_outcomes(HISTORIES, options("r", BY_ARM, endpoints=(name,), survival=survival)))
        for survival in ({"landmarks": (5, 8)}, {})
    )
    assert rates in with_rates
    assert with_rates[-1].startswith(by_arm)
    assert without[-2].startswith(whole)
