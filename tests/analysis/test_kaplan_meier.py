"""Kaplan-Meier and Nelson-Aalen: by hand, literally, and against R."""

import numpy as np
import pytest

from app.analysis.kaplan_meier import kaplan_meier
from tests.references import assert_equal_to_r, blocks, numbers, sample

R_SAMPLES = [
    (name, block["id"])
    for name in ("aml", "lung", "veteran", "ovarian", "kidney", "melanoma")
    for block in blocks(name, "km")
    if not block["id"].startswith("sampling")
]


@pytest.mark.parametrize(("name", "block_id"), R_SAMPLES)
def test_curve_and_intervals_equal_survfit(name: str, block_id: str) -> None:
    block = next(block for block in blocks(name, "km") if block["id"] == block_id)
    observations, labels = sample(name, block)
    for part, stratum in zip(observations.split(max(len(labels), 1)), block["strata"], strict=True):
        figures = stratum["curve"]
        # Where S = 0 R has no Greenwood error, but a clustered one of 0; we have none either way.
        not_estimable = numbers(figures["surv"]) == 0
        for confidence_type, expected in stratum["ci"].items():
            curve = kaplan_meier(part, confidence_level=block["conf_level"], confidence_type=confidence_type)
            assert_equal_to_r(curve.lower, np.where(not_estimable, np.nan, numbers(expected["lower"])))
            assert_equal_to_r(curve.upper, np.where(not_estimable, np.nan, numbers(expected["upper"])))
        assert_equal_to_r(curve.time, figures["time"])
        assert_equal_to_r(curve.table.at_risk, figures["n_risk"])
        assert_equal_to_r(curve.table.events, figures["n_event"])
        assert_equal_to_r(curve.table.censored, figures["n_censor"])
        assert_equal_to_r(curve.survival, figures["surv"])
        assert_equal_to_r(curve.standard_error, np.where(not_estimable, np.nan, numbers(figures["std_err"])))
        assert_equal_to_r(curve.survival_at(numbers(stratum["landmarks"]["times"])), stratum["landmarks"]["surv"])
