"""The methods of survival figures, in sentences with their sources."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from app.analysis import survival_notes as notes
from app.analysis.comparison import ComparisonOptions, MaxCombo, SurvivalTest, Trend
from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.logrank import Weighting, WeightName
from app.analysis.multiple_testing import Adjustment
from app.analysis.observations import Observations, observe
from app.analysis.survival import SurvivalOptions
from app.analysis.survival_summary import summarize_survival

NO_TEST, LOG_RANK, PAIRWISE = ComparisonOptions(()), ComparisonOptions(), ComparisonOptions(pairwise="holm")
GROUPED = observe(range(1, 9), [True] * 8, group=[0, 1] * 4)


def options(name: ConventionName = "r", **fields: Any) -> SurvivalOptions:
    return SurvivalOptions(CONVENTIONS[name], **fields)


def methods(
    sample: Observations = GROUPED,
    groups: int = 2,
    comparison: ComparisonOptions = LOG_RANK,
    options: SurvivalOptions = SurvivalOptions(CONVENTIONS["r"]),  # noqa: B008  frozen
    **fields: Any,
) -> list[str]:
    summary = summarize_survival(sample, groups, options, comparison, **fields)
    return [*notes.summary_methods(summary, options, comparison)]


def test_those_of_one_sample_word_for_word() -> None:
    assert methods(observe([1, 2], [1, 0]), 0) == [
        (
            "Survival was estimated by the method of Kaplan and Meier (J Am Stat Assoc 1958;53:457-481) with 95 % "
            "intervals of type log from Greenwood's variance."
        ),
        (
            "Medians, means and their errors follow the conventions of R (survival); the standard error of a quantile "
            "is that of survival over the density in a window of 0.05 (Collett, Modelling Survival Data in Medical "
            "Research, 2015, section 2.4)."
        ),
        notes.FOLLOW_UP,
        (
            "Cumulative hazards are Nelson and Aalen's (Aalen, Ann Stat 1978;6:701-726). Events come before censorings "
            "at the same time; times closer than 1.5e-8, absolutely or relative to their mean, are one."
        ),
    ]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_they_name_the_package_and_its_interval(name: ConventionName) -> None:
    found = methods(options=options(name))
    assert f"intervals of type {CONVENTIONS[name].confidence_type} from" in found[0]
    assert f"conventions of {notes.PACKAGES[name]};" in found[1]
    ties = {"efron": "Efron's", "breslow": "Breslow's"}[CONVENTIONS[name].ties]
    assert f"a Cox model with {ties} treatment of ties" in found[-2]


def test_they_name_the_interval_asked_for() -> None:
    (first, *_) = methods(options=options(confidence_level=0.975, confidence_type="logit"))
    assert "with 97.5 % intervals of type logit from" in first


def test_they_name_the_variance() -> None:
    clustered = observe([1, 2, 3], [1, 1, 0], cluster=[0, 0, 1])
    weighted = observe([1, 2, 3], [1, 1, 0], weight=[1, 2, 1.5], sampling=True)
    for sample, what in ((clustered, "clusters"), (weighted, "sampling weights")):
        assert methods(sample, 0)[0].endswith(
            f" from the infinitesimal jackknife variance for {what} (Efron, The jackknife, 1982, chapter 6)."
        )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sample": observe([1, 2], [1, 1], entry=[0, 1])}, "Entry was delayed: a subject is at risk after its "),
        ({"start_time": 2}, "Estimates are for subjects who are event-free just before 2."),
        ({"options": options(risk_table_times=(1,))}, "Numbers at risk, with events and censorings, follow Morris"),
    ],
)
def test_they_say_what_is_special(fields: dict[str, Any], words: str) -> None:
    plain = observe([1, 2], [1, 1])
    found = methods(fields.get("sample", plain), 0, **{name: fields[name] for name in fields if name != "sample"})
    (special,) = [sentence for sentence in found if sentence not in methods(plain, 0)]
    assert special.startswith(words)


def test_those_of_comparison_word_for_word() -> None:
    *_, tests, ratios, proportional = found = methods()
    assert len(found) == 7
    assert tests == (
        "Survival of groups was compared by the log-rank test (Mantel, Cancer Chemother Rep 1966;50:163-170; Peto "
        "and Peto, J R Stat Soc A 1972;135:185-207)."
    )
    assert ratios == (
        "Hazard ratios are those of a Cox model with Efron's treatment of ties; restricted means were compared up "
        "to the shortest of the groups' follow-ups (Royston and Parmar, BMC Med Res Methodol 2013;13:152)."
    )
    assert proportional == (
        "Proportional hazards were tested by the score test of Grambsch and Therneau (Biometrika 1994;81:515-526)."
    )


def test_those_of_comparison_are_left_out_where_there_is_none() -> None:
    one_group = replace(GROUPED, group=GROUPED.groups * 0)
    assert methods(one_group, 1) == methods(one_group, 0) == methods(replace(GROUPED, group=None), 0)


@pytest.mark.parametrize("name", get_args(WeightName))
def test_they_name_every_test_with_its_source(name: WeightName) -> None:
    found = methods(comparison=ComparisonOptions((Weighting(name, 0.5, 2),) if "fl" in name else (Weighting(name),)))
    assert found[4].startswith("Survival of groups was compared by the ")
    assert found[4].endswith(").")
    assert notes.WEIGHTED_TESTS[name].format(rho=0.5, gamma=2) in found[4]
    assert ("with rho 0.5 and gamma 2 (" in found[4]) == (name == "fleming-harrington")


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (Trend(), "log-rank test for trend with scores 1, 2, .. (Tarone, Biometrika 1975;62:679-682)"),
        (Trend((0, 2.5)), "log-rank test for trend with scores 0, 2.5 (Tarone"),
        (MaxCombo(), "max-combo test of the Fleming-Harrington weights (0, 0), (1, 0), (0, 1) and (1, 1) (Lin et"),
    ],
)
def test_they_name_tests_of_other_kinds(test: SurvivalTest, words: str) -> None:
    assert notes.test_method(test).startswith(words)
    assert f"compared by the {notes.test_method(test)}." in methods(comparison=ComparisonOptions((test,)))[4]


def test_they_name_several_tests_in_one_sentence_and_that_they_are_stratified() -> None:
    tests = ComparisonOptions((Weighting("tarone-ware"), MaxCombo()))
    stratified = replace(GROUPED, stratum=GROUPED.groups * 0)
    assert methods(stratified, 2, tests)[4] == (
        f"Survival of groups was compared by the {notes.test_method(Weighting('tarone-ware'))}; the "
        f"{notes.test_method(MaxCombo())}, stratified."
    )
    assert methods(stratified)[5].startswith("Hazard ratios are those of a stratified Cox model with Efron's")


def test_without_tests_there_is_no_sentence_on_them() -> None:
    assert methods(comparison=NO_TEST)[4].startswith("Hazard ratios are")


@pytest.mark.parametrize("sampling", [False, True])
def test_they_name_the_robust_score_test(sampling: bool) -> None:
    weight = [1.5] * 8 if sampling else None
    columns: dict[str, Any] = {"weight": weight, "sampling": sampling, "cluster": None if sampling else range(8)}
    sample = observe(range(1, 9), [True] * 8, group=[0, 1] * 4, **columns)
    robust = f"score test of a Cox model with variance clustered by {'subject' if sampling else 'cluster'} (Lin and"
    assert f"compared by the {robust}" in methods(sample, 2, NO_TEST)[4]
    # With sampling weights there is no log-rank test.
    assert f"{'' if sampling else '; '}the {robust}" in methods(sample)[4]
    assert f"Pairs of groups were compared by the {robust}" in methods(sample, 2, PAIRWISE)[5]


@pytest.mark.parametrize("adjustment", get_args(Adjustment))
def test_they_say_how_p_values_of_pairs_are_adjusted(adjustment: Adjustment) -> None:
    found = methods(comparison=ComparisonOptions(pairwise=adjustment))[5]
    assert found.startswith(f"Pairs of groups were compared by the {notes.test_method(Weighting())}; p values")
    assert found.endswith(f"; p values are {notes.ADJUSTMENTS[adjustment]}.")


def test_they_name_the_test_of_pairs() -> None:
    tests = (Trend((1, 4)), Weighting("peto-peto"))
    stratified = replace(GROUPED, stratum=GROUPED.groups * 0)
    found = methods(stratified, 2, ComparisonOptions(tests, "bh"))[5]
    assert found.startswith(
        f"Pairs of groups were compared by the {notes.test_method(Weighting())}, stratified; p values"
    )
    assert "Benjamini and Hochberg's method (J R Stat Soc B 1995;57:289-300)." in found


def test_they_name_the_horizon_of_restricted_means() -> None:
    assert " compared up to 7.5 (Royston" in methods(options=options(horizon=7.5))[5]


def test_they_are_sentences() -> None:
    sample = observe(range(1, 9), [1] * 8, entry=[0] * 8, group=[0, 1] * 4, cluster=range(8), stratum=[0] * 8)
    found = methods(sample, 2, PAIRWISE, options=options(risk_table_times=(1,)), start_time=1)
    assert len(found) == 11
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in found)
    assert len(set(found)) == len(found)


def test_they_say_how_disclosure_is_controlled() -> None:
    summary = summarize_survival(GROUPED, 2, options(), NO_TEST)
    usual = [*notes.summary_methods(summary, options(), NO_TEST)]
    found = [*notes.summary_methods(replace(summary, min_cell_count=7), options(), NO_TEST)]
    (special,) = [sentence for sentence in found if sentence not in usual]
    assert special.startswith("For disclosure control times were averaged over runs of at least 7 subjects of a group ")
