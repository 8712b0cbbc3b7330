"""The results section in sentences, word for word; the figures are worked by hand."""

from typing import Any

import pytest

from app.analysis.comparison import ComparisonOptions
from app.analysis.conventions import ConventionName
from app.analysis.success_rates import TableOptions
from app.cohort.groupings import Grouping
from app.cohort.model import Cohort, TimeUnit
from app.cohort.outcomes import OutcomeOptions, summarize_outcomes
from app.rendering.sentences import summarize
from tests.cohort.builders import BY_ARM, BY_DIAMETER, MANY, RESIDUAL, A, B, cohort, lesion, options, patient


def sentences(found: Cohort, *groupings: Grouping, convention: ConventionName = "r", **fields: Any) -> list[str]:
    return summarize(summarize_outcomes(found, options(convention, *groupings, **fields)))


def mortality(of_both: str) -> str:
    """Return the sentence where 30 and 90 days have the same figures and nobody is left out."""
    return f"Mortality within 30 days of the first session was {of_both}, within 90 days {of_both}."


def about(words: str, found: list[str]) -> list[str]:
    return [sentence for sentence in found if sentence.startswith(words)]


def test_one_patient_with_one_lesion() -> None:
    """Wilson's limits of 1/1 and 0/1 are 1 / (1 + z^2) = 0.207 and z^2 / (1 + z^2) = 0.793."""
    assert sentences(cohort(patient(12))) == [
        "1 patient with 1 lesion was treated in 1 session.",
        (
            "Primary technical success was 1/1 (100.0 %; 95 % CI 20.7-100.0 %), "
            "secondary technical success 1/1 (100.0 %; 95 % CI 20.7-100.0 %)."
        ),
        "Lesions with local recurrence: 0/1 (0.0 %; 95 % CI 0.0-79.3 %), in 0/1 patients.",
        "No patient died of the procedure or within 30 days (0/1; upper limit 79.3 %).",
        mortality("0/1 (0.0 %; 95 % CI 0.0-79.3 %)"),
        (
            "Median follow-up was 12.0 months (mean 12.0; range 12.0-12.0); "
            "the reverse Kaplan-Meier median was 12.0 months."
        ),
        "Median overall survival was not reached, with 0 events among 1 patient.",
        "Local recurrence came first in 0 of 1 lesion, death in 0.",
    ]


def test_one_death() -> None:
    """Survival falls from 1 to 0 at 5: there is no variance, and no limit but the one that is 1 before."""
    found = sentences(cohort(patient(5, died=True), time_unit="days"), periprocedural_days=1)
    assert found[3:] == [
        "No patient died of the procedure or within 1 day (0/1; upper limit 79.3 %).",
        mortality("1/1 (100.0 %; 95 % CI 20.7-100.0 %)"),
        "Median follow-up was 5.0 days (mean 5.0; range 5.0-5.0); the reverse Kaplan-Meier median was not reached.",
        "Median overall survival was 5.0 days (95 % CI not estimable), with 1 event among 1 patient.",
        "Local recurrence came first in 0 of 1 lesion, death in 1.",
    ]


def test_a_whole_cohort() -> None:
    """By hand.

    Overall survival is 3/4 from 0.4 on, 1/2 from 8, 1/4 from 10. At 8 log S has the variance 1/12 + 1/6, the density
    is (3/4 - 1/4) / 9.6, so that the standard error is 1/4 x 9.6 / (1/2) = 4.8. For the arms the log-rank test is
    49/17. Lesions end at 0.4 (death), 4 (recurrence), 8 (death, from 2 on) and 20; by size and by arm log-rank tests
    are 1/2 and 2, score tests 1 and 2, Gray's tests 64/201 and 4/5.
    """
    success_by_group = (
        "technical success by size: 3/3 (100.0 %) for small, 1/2 (50.0 %) for large (Fisher's exact test P = 0.400).",
        "technical success by arm: 2/3 (66.7 %) for A, 2/2 (100.0 %) for B (Fisher's exact test P = 1.000).",
    )
    assert sentences(MANY, BY_DIAMETER, BY_ARM, survival={"landmarks": (6, 12)}) == [
        "4 patients with 5 lesions were treated in 5 sessions.",
        (
            "Primary technical success was 4/5 (80.0 %; 95 % CI 37.6-96.4 %), "
            "secondary technical success 4/5 (80.0 %; 95 % CI 37.6-96.4 %)."
        ),
        *(f"Primary {sentence}" for sentence in success_by_group),
        *(f"Secondary {sentence}" for sentence in success_by_group),
        (
            "Lesions with local recurrence: 1/4 (25.0 %; 95 % CI 4.6-69.9 %), in 1/4 patients; "
            "1 lesion never completely ablated left out."
        ),
        "Local recurrence by size: 1/3 (33.3 %) for small, 0/1 (0.0 %) for large (Fisher's exact test P = 1.000).",
        "Local recurrence by arm: 1/2 (50.0 %) for A, 0/2 (0.0 %) for B (Fisher's exact test P = 1.000).",
        "Patients who died of the procedure or within 30 days: 1/4 (25.0 %; 95 % CI 4.6-69.9 %).",
        mortality("1/4 (25.0 %; 95 % CI 4.6-69.9 %)"),
        "Sessions with complications: 1/5 (20.0 %; 95 % CI 3.6-62.4 %).",
        "Median follow-up was 9.0 months (mean 9.6; range 0.4-20.0); the reverse Kaplan-Meier median was 20.0 months.",
        "Median overall survival was 9.0 +- 4.8 months (95 % CI 0.4-not reached), with 3 events among 4 patients.",
        "Overall survival was 75.0 % at 6 months, 25.0 % at 12 months.",
        "Median overall survival by arm: 4.2 +- 2.8 months for A, 15.0 months for B (log-rank test P = 0.090).",
        "Cumulative incidence of local recurrence was 25.0 % at 6 months, 25.0 % at 12 months, death competing.",
        (
            "Cumulative incidence of local recurrence by size at 12 months: 33.3 % for small, 0.0 % for large "
            "(log-rank test P = 0.480; score test clustered by patient P = 0.317; Gray's test P = 0.573)."
        ),
        (
            "Cumulative incidence of local recurrence by arm at 12 months: 50.0 % for A, 0.0 % for B (log-rank "
            "test P = 0.157; score test clustered by patient P = 0.157; Gray's test P = 0.371)."
        ),
    ]


def test_without_landmarks_there_are_no_rates() -> None:
    found = sentences(MANY, BY_ARM)
    assert about("Overall survival", found) == []
    assert about("Local recurrence came", found) == ["Local recurrence came first in 1 of 4 lesions, death in 2."]
    assert about("Cumulative incidence", found) == [
        (
            "Cumulative incidence of local recurrence by arm (log-rank test P = 0.157; "
            "score test clustered by patient P = 0.157; Gray's test P = 0.371)."
        )
    ]


def test_without_tests_there_are_no_p_values() -> None:
    found = sentences(MANY, BY_ARM, tests=(), comparison=ComparisonOptions(()), endpoints=("overall_survival",))
    assert not any("P =" in sentence for sentence in found)
    assert found[-1] == "Median overall survival by arm: 4.2 +- 2.8 months for A, 15.0 months for B."


def test_end_points_come_in_the_order_asked_for() -> None:
    fields: dict[str, Any] = {"endpoints": ("local_progression", "overall_survival"), "survival": {"landmarks": (6,)}}
    assert [sentence.split()[0] for sentence in sentences(MANY, **fields)[-3:]] == ["Cumulative", "Median", "Overall"]


@pytest.mark.parametrize("time_unit", ["days", "weeks", "years"])
def test_times_are_in_the_unit_of_the_cohort(time_unit: TimeUnit) -> None:
    found = sentences(cohort(patient(3, died=True), patient(9), time_unit=time_unit), survival={"landmarks": (2.5,)})
    assert about("Overall", found) == [f"Overall survival was 100.0 % at 2.5 {time_unit}."]
    assert about("Median follow-up was 6.0", found) == [
        (
            f"Median follow-up was 6.0 {time_unit} (mean 6.0; range 3.0-9.0); "
            f"the reverse Kaplan-Meier median was 9.0 {time_unit}."
        )
    ]


def test_the_level_is_that_asked_for() -> None:
    """Wilson's upper limit of 0/1 at 90 % is 2.7055 / 3.7055."""
    asked = OutcomeOptions(options(survival={"confidence_level": 0.9}).survival, TableOptions(confidence_level=0.9))
    found = summarize(summarize_outcomes(cohort(patient(12)), asked))
    assert "Lesions with local recurrence: 0/1 (0.0 %; 90 % CI 0.0-73.0 %), in 0/1 patients." in found


def test_spss_has_symmetric_limits_of_the_median() -> None:
    """Of ten deaths, at 1 to 10: median 5, log S has the variance 1/10, the density is 2/10 over 2."""
    everyone = cohort(*[patient(time, died=True) for time in range(1, 11)])
    found = sentences(everyone, convention="spss")
    assert about("Median overall", found) == [
        "Median overall survival was 5.0 +- 1.6 months (95 % CI 1.9-8.1), with 10 events among 10 patients."
    ]


def test_figures_beyond_the_last_follow_up_are_not_known() -> None:
    found = sentences(MANY, BY_ARM, convention="stata", survival={"landmarks": (6, 30)})
    assert "Overall survival was 75.0 % at 6 months, not known at 30 months." in found
    assert (
        "Cumulative incidence of local recurrence was 25.0 % at 6 months, not known at 30 months, death competing."
        in found
    )
    assert about("Cumulative incidence of local recurrence by arm", found)[0].startswith(
        "Cumulative incidence of local recurrence by arm at 30 months: 50.0 % for A, not known for B (log-rank"
    )


def test_small_p_values_have_a_bound() -> None:
    arms = [(A, 30, False), (B, 1, True)]
    apart = [
        patient(time, lesion(primary_success=time > 1), died=died, covariates=arm) for arm, time, died in arms * 20
    ]
    found = sentences(cohort(*apart), BY_ARM)
    assert about("Primary technical success by arm", found) == [
        "Primary technical success by arm: 20/20 (100.0 %) for A, 0/20 (0.0 %) for B (Fisher's exact test P < 0.001)."
    ]
    assert about("Median overall survival by arm", found) == [
        "Median overall survival by arm: not reached for A, 1.0 months for B (log-rank test P < 0.001)."
    ]


def test_tests_that_do_not_exist_are_not_estimable() -> None:
    nobody = cohort(patient(4, covariates=A), patient(6, covariates=B))
    found = sentences(nobody, BY_ARM, tests=("fisher", "chi-squared", "trend"))
    assert found[-1] == (
        "Cumulative incidence of local recurrence by arm (log-rank test not estimable; "
        "score test clustered by patient not estimable; Gray's test not estimable)."
    )
    assert about("Median overall survival by arm", found) == [
        "Median overall survival by arm: not reached for A, not reached for B (log-rank test not estimable)."
    ]
    assert about("Local recurrence by arm", found) == [
        (
            "Local recurrence by arm: 0/1 (0.0 %) for A, 0/1 (0.0 %) for B (Fisher's exact test P = 1.000; "
            "chi-squared test not estimable; Cochran-Armitage test for trend not estimable)."
        )
    ]


def test_technical_success_is_compared_only_where_it_was_not_complete() -> None:
    found = sentences(cohort(patient(4, lesion(primary_success=False), lesion(), covariates=A)), BY_ARM)
    assert about("Primary technical success by", found) == ["Primary technical success by arm: 1/2 (50.0 %) for A."]
    assert about("Secondary technical success by", found) == []


def test_groupings_without_a_value() -> None:
    unknown = cohort(patient(4, lesion(**RESIDUAL), lesion()))
    found = sentences(unknown, BY_ARM, survival={"landmarks": (2,)})
    assert "Primary technical success by arm: no lesion with a value." in found
    assert "Local recurrence by arm: no lesion with a value." in found
    assert "Median overall survival by arm: no unit with a value." in found
    assert found[-1] == "Cumulative incidence of local recurrence by arm."


def test_an_end_point_without_units_is_not_spoken_of() -> None:
    residual = cohort(patient(9, lesion(**RESIDUAL), lesion(**RESIDUAL)), patient(9, lesion(**RESIDUAL)))
    found = sentences(residual, survival={"landmarks": (2,)}, endpoints=("local_progression",))
    assert found[2:] == [
        "Lesions with local recurrence: 0/0 (not known), in 0/0 patients; 3 lesions never completely ablated left out.",
        "No patient died of the procedure or within 30 days (0/2; upper limit 65.8 %).",
        mortality("0/2 (0.0 %; 95 % CI 0.0-65.8 %)"),
        "Median follow-up was 9.0 months (mean 9.0; range 9.0-9.0); the reverse Kaplan-Meier median was 9.0 months.",
    ]


def test_a_group_without_lesions_has_no_proportion() -> None:
    found = sentences(cohort(patient(9, lesion(3, diameter_mm=10.0))), BY_DIAMETER)
    assert about("Local recurrence by", found) == [
        (
            "Local recurrence by size: 1/1 (100.0 %) for small, 0/0 (not known) for large "
            "(Fisher's exact test not estimable)."
        )
    ]
