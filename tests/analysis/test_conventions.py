"""The conventions as data: the table of the contract, cell by cell."""

import pytest

from app.analysis.conventions import CONVENTIONS, ConventionName
from app.analysis.intervals import normal_quantile


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("r", ("log", "middle", "band", "largest-time-of-all", False, True, "efron")),
        ("sas", ("log-log", "middle-or-missing", "band", "largest-event-time", True, False, "breslow")),
        ("spss", ("plain", "first", "normal", "largest-time", False, False, "breslow")),
        ("stata", ("log-log", "first", "band", "largest-time", False, False, "breslow")),
    ],
)
def test_what_each_package_does(name: ConventionName, expected: tuple[object, ...]) -> None:
    convention = CONVENTIONS[name]
    assert convention.name == name
    assert expected == (
        convention.confidence_type,
        convention.quantile_on_flat,
        convention.quantile_interval,
        convention.horizon,
        convention.corrects_mean_variance,
        convention.carries_forward,
        convention.ties,
    )


def test_spss_rounds_the_normal_quantile_at_level_95_only() -> None:
    assert CONVENTIONS["spss"].normal_quantile(0.95) == 1.96
    assert CONVENTIONS["spss"].normal_quantile(0.9) == normal_quantile(0.9)
    assert CONVENTIONS["r"].normal_quantile(0.95) == normal_quantile(0.95)
