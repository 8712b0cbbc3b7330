"""The methods in sentences, each where it is asked for."""

from typing import Any

import pytest

from app.analysis.comparison import ComparisonOptions, MaxCombo, Trend
from app.analysis.conventions import ConventionName
from app.analysis.logrank import Weighting
from app.analysis.proportion_notes import INTERVALS, TABLE_TESTS
from app.analysis.success_rates import TableOptions
from app.analysis.survival_notes import PACKAGES
from app.cohort.endpoints import EndpointName
from app.cohort.notes import methods, row_methods
from app.cohort.outcomes import OutcomeOptions
from tests.cohort.builders import BY_ARM, options


class TestMethods:
    def test_of_estimation_are_always_named(self) -> None:
        found = methods(options())
        assert len(found) == 6
        for sentence, words in zip(
            found,
            (
                "SIO/DATECAN consensus",
                "Kaplan and Meier (J Am Stat Assoc 1958;53:457-481) with 95 % intervals of type log",
                "the conventions of R (survival)",
                "reverse Kaplan-Meier method",
                "Proportions have 95 % intervals by Wilson's score method",
                "Aalen and Johansen (Scand J Stat 1978;5:141-150) with 95 % intervals of type log-log",
            ),
            strict=True,
        ):
            assert words in sentence
            assert sentence.endswith(".")

    @pytest.mark.parametrize("convention", PACKAGES)
    def test_the_package_is_named(self, convention: ConventionName) -> None:
        found = options(convention)
        assert f"follow the conventions of {PACKAGES[convention]};" in methods(found)[2]
        assert f"intervals of type {found.survival.convention.confidence_type} from" in methods(found)[1]

    @pytest.mark.parametrize("interval", INTERVALS)
    def test_the_interval_of_proportions_is_named(self, interval: Any) -> None:
        found = OutcomeOptions(options().survival, TableOptions(interval=interval))
        assert f"95 % intervals by {INTERVALS[interval]};" in methods(found)[4]

    def test_what_is_asked_for_is_named(self) -> None:
        found = methods(
            options(survival={"confidence_level": 0.975, "confidence_type": "logit"}, incidence_interval="plain")
        )
        assert "with 97.5 % intervals of type logit" in found[1]
        assert "have 97.5 % intervals" in found[4]
        assert "with 97.5 % intervals of type plain" in found[5]

    @pytest.mark.parametrize(("convention", "ties"), [("r", "Efron's"), ("spss", "Breslow's")])
    def test_of_comparison_are_named_where_groups_are(self, convention: ConventionName, ties: str) -> None:
        *_, tables, survival, ratios, incidences, lesions = found = methods(options(convention, BY_ARM))
        assert len(found) == 11
        assert tables == f"Proportions of groups were compared by {TABLE_TESTS['fisher']}."
        assert survival.startswith("Survival of groups was compared by the log-rank test (Mantel,")
        assert ratios.startswith(f"Hazard ratios are those of a Cox model with {ties} treatment of ties;")
        assert incidences.startswith("Cumulative incidences of groups were compared by Gray's test (Ann Stat 1988")
        assert lesions.startswith("Hazards of groups of lesions were compared by the score test of a Cox model with")

    def test_every_test_of_survival_is_a_sentence(self) -> None:
        tests = ComparisonOptions((Weighting("peto-peto"), Trend((1, 5)), MaxCombo()))
        found = methods(options("r", BY_ARM, comparison=tests))[7:10]
        for sentence, name in zip(
            found, ("Peto-Peto test", "log-rank test for trend with scores 1, 5", "max-combo test"), strict=True
        ):
            assert sentence.startswith(f"Survival of groups was compared by the {name} ")
            assert sentence.endswith(").")

    def test_tests_not_asked_for_are_not_named(self) -> None:
        found = methods(options("r", BY_ARM, tests=(), comparison=ComparisonOptions(())))
        assert [sentence.split()[0] for sentence in found[6:]] == ["Hazard", "Cumulative", "Hazards"]

    def test_several_tests_of_tables_are_one_sentence(self) -> None:
        found = methods(options("r", BY_ARM, tests=("chi-squared", "trend")))
        assert found[6] == (
            "Proportions of groups were compared by Pearson's chi-squared test without continuity correction and "
            "the Cochran-Armitage test for trend (Armitage, Biometrics 1955;11:375-386)."
        )

    @pytest.mark.parametrize(
        ("endpoint", "is_competing", "is_of_lesions"),
        [
            ("overall_survival", False, False),
            ("cancer_specific_survival", True, False),
            ("time_to_untreatable_progression", True, False),
            ("local_progression_free_survival", False, True),
            ("local_progression", True, True),
        ],
    )
    def test_are_those_of_the_end_points_asked_for(
        self, endpoint: EndpointName, is_competing: bool, is_of_lesions: bool
    ) -> None:
        """Gray's test where events compete, the clustered score test where lesions are compared."""
        found = " ".join(methods(options("r", BY_ARM, endpoints=(endpoint,)))[9:])
        assert ("Gray's test" in found) == is_competing
        assert ("clustered by patient (Lin and Wei, J Am Stat Assoc 1989;84:1074-1078)." in found) == is_of_lesions

    def test_of_incidences_every_other_cause_competes(self) -> None:
        assert methods(options())[5].startswith(
            "Cumulative incidences, with every other cause of the end point competing, were estimated by"
        )

    def test_of_rows_are_the_definitions_and_what_comes_first(self) -> None:
        consensus, order = row_methods()
        assert methods(options())[0] == consensus
        assert order.startswith("Only the first event of a patient or lesion counts; a recurrence or progression comes")
