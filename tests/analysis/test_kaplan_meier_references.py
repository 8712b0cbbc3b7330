"""Kaplan-Meier and Nelson-Aalen against other software: lifelines and R."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from app.analysis.kaplan_meier import KaplanMeier, kaplan_meier
from tests.references import assert_equal_to_r, blocks, numbers, sample
from tests.strategies import Rows, rows

FILES = ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma", "myeloma")


@given(rows(entry=False, cluster=False))
@settings(deadline=None, max_examples=25)
def test_survival_and_log_log_limits_equal_those_of_lifelines(sample: Rows) -> None:
    """Where 0 < S < 1; elsewhere lifelines has limits of 0 and 1 that do not exist."""
    from lifelines import KaplanMeierFitter  # noqa: PLC0415  one test wants it, and it takes a second

    observations = sample.observe()
    curve = kaplan_meier(observations, confidence_type="log-log")
    fitter = KaplanMeierFitter().fit(observations.time, observations.event, weights=observations.weights)
    np.testing.assert_allclose(curve.survival, fitter.survival_function_at_times(curve.time), rtol=1e-9, atol=1e-12)
    inside = (curve.survival > 1e-9) & (curve.survival < 1)
    limits = fitter.confidence_interval_.loc[curve.time[inside]].to_numpy()
    np.testing.assert_allclose(np.column_stack((curve.lower, curve.upper))[inside], limits, rtol=1e-9)


def blocks_with(section: str, figures: str) -> list[Any]:
    """Return the blocks whose strata have such figures, but those on what is left after a start time."""
    return [
        pytest.param(name, block, id=f"{name}-{block['id']}")
        for name in FILES
        for block in blocks(name, section)
        if block["strata"][0].get(figures) and "start_time" not in block["inputs"]
    ]


def curves(name: str, block: dict[str, Any], **options: Any) -> list[tuple[KaplanMeier, dict[str, Any]]]:
    """Return the curve of each stratum of a block, next to R's figures."""
    observations, labels = sample(name, block)
    parts = observations.split(max(len(labels), 1))
    return [(kaplan_meier(part, **options), r) for part, r in zip(parts, block["strata"], strict=True)]


@pytest.mark.parametrize(("name", "block"), blocks_with("km", "curve"))
def test_curve_and_standard_errors_equal_survfit(name: str, block: dict[str, Any]) -> None:
    for curve, stratum in curves(name, block):
        figures = stratum["curve"]
        assert_equal_to_r(curve.time, figures["time"])
        assert_equal_to_r(curve.table.at_risk, figures["n_risk"])
        assert_equal_to_r(curve.table.events, figures["n_event"])
        assert_equal_to_r(curve.table.censored, figures["n_censor"])
        assert_equal_to_r(curve.survival, figures["surv"])
        # Where S = 0 R has no Greenwood error, but a clustered one of 0; we have none either way.
        not_estimable = numbers(figures["surv"]) == 0
        assert_equal_to_r(curve.standard_error, np.where(not_estimable, np.nan, numbers(figures["std_err"])))


@pytest.mark.parametrize(("name", "block"), blocks_with("km", "ci"))
def test_limits_equal_survfit(name: str, block: dict[str, Any]) -> None:
    for confidence_type in block["strata"][0]["ci"]:
        options = {"confidence_level": block["conf_level"], "confidence_type": confidence_type}
        for curve, stratum in curves(name, block, **options):
            not_estimable = numbers(stratum["curve"]["surv"]) == 0
            for limit in ("lower", "upper"):
                expected = numbers(stratum["ci"][confidence_type][limit])
                assert_equal_to_r(getattr(curve, limit), np.where(not_estimable, np.nan, expected))


@pytest.mark.parametrize(("name", "block"), blocks_with("km", "landmarks"))
def test_landmark_survival_equals_survfit(name: str, block: dict[str, Any]) -> None:
    for curve, stratum in curves(name, block):
        assert_equal_to_r(curve.survival_at(numbers(stratum["landmarks"]["times"])), stratum["landmarks"]["surv"])


@pytest.mark.parametrize(("name", "block"), blocks_with("nelson_aalen", "landmarks"))
def test_cumulative_hazard_equals_survfit(name: str, block: dict[str, Any]) -> None:
    for curve, stratum in curves(name, block):
        hazard, error = curve.cumulative_hazard, curve.cumulative_hazard_standard_error
        if "curve" in stratum:
            assert_equal_to_r(hazard, stratum["curve"]["cumhaz"])
            assert_equal_to_r(error, stratum["curve"]["std_chaz"])
        at_landmarks = curve.at(numbers(stratum["landmarks"]["times"])) + 1
        assert_equal_to_r(np.append(0, hazard)[at_landmarks], stratum["landmarks"]["cumhaz"])
        assert_equal_to_r(np.append(0, error)[at_landmarks], stratum["landmarks"]["std_chaz"])
