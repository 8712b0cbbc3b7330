"""Recurrent events against R: rhDNase, with gaps in the periods at risk, and rats2, where all enter late."""

from typing import Any

import numpy as np
import pytest

from app.analysis.hazard_ratios import robust_score_test
from app.analysis.mean_cumulative_count import CountInterval, mean_cumulative_count, mean_cumulative_count_test
from app.analysis.rates import poisson_rate, rate_ratio
from app.analysis.recurrent import Recurrences, observe_recurrences
from tests.references import assert_equal_to_r, blocks, reference

FILES = ("rhdnase", "rats2")


def recurrences(name: str) -> Recurrences:
    """Return the sample of a reference file."""
    columns = reference(name)["columns"]
    labels = reference(name)["column_info"]["group"]["levels"]
    known = {one: code for code, one in enumerate(dict.fromkeys(columns["id"]))}
    return observe_recurrences(
        [known[one] for one in columns["id"]],
        columns["time"],
        columns["event"],
        entry=columns["entry"],
        group=[labels.index(label) for label in columns["group"]],
    )


def parts(name: str, block: dict[str, Any]) -> list[Recurrences]:
    """Return the samples of the strata of a block."""
    sample = recurrences(name)
    return sample.split(2) if "group" in block["inputs"] else [sample]


def blocks_of(section: str) -> list[Any]:
    return [pytest.param(name, block, id=f"{name}-{block['id']}") for name in FILES for block in blocks(name, section)]


@pytest.mark.parametrize(("name", "block"), blocks_of("mcf"))
def test_mean_cumulative_counts_and_robust_errors_equal_survfit(name: str, block: dict[str, Any]) -> None:
    for part, stratum in zip(parts(name, block), block["strata"], strict=True):
        count, figures = mean_cumulative_count(part), stratum["curve"]
        assert_equal_to_r(count.time, figures["time"])
        assert_equal_to_r(count.at_risk, figures["n_risk"])
        assert_equal_to_r(count.events, figures["n_event"])
        assert_equal_to_r(count.estimate, figures["mcf"])
        assert_equal_to_r(count.standard_error, figures["std_err_robust"])
        assert (part.counts.size, part.counts.sum()) == (stratum["n_subjects"], stratum["n_events"])


@pytest.mark.parametrize("interval", ["log", "plain"])
@pytest.mark.parametrize(("name", "block"), blocks_of("mcf"))
def test_counts_at_landmarks_equal_survfit(name: str, block: dict[str, Any], interval: CountInterval) -> None:
    for part, stratum in zip(parts(name, block), block["strata"], strict=True):
        figures = stratum["landmarks"]
        count = mean_cumulative_count(part, interval=interval)
        found = count.at(figures["times"], carries_forward=True)
        assert_equal_to_r([one.estimate for one in found], figures["mcf"])
        assert_equal_to_r([one.standard_error for one in found], figures["std_err_robust"])
        for limit in ("lower", "upper"):
            assert_equal_to_r([getattr(one, limit) for one in found], figures[f"ci_{interval}_robust"][limit])


@pytest.mark.parametrize(("name", "block"), blocks_of("person_time"))
def test_rates_equal_poisson_test(name: str, block: dict[str, Any]) -> None:
    for part, figures in zip(parts(name, block), block["rates"], strict=True):
        assert_equal_to_r(part.person_time, figures["person_time"])
        rate = poisson_rate(int(part.counts.sum()), part.person_time, confidence_level=figures["conf_level"])
        assert_equal_to_r([rate.estimate, rate.lower, rate.upper], [figures[key] for key in ("rate", "lower", "upper")])


@pytest.mark.parametrize("name", FILES)
def test_rate_ratios_equal_poisson_test(name: str) -> None:
    (figures,) = (block["rate_ratio"] for block in blocks(name, "person_time") if "rate_ratio" in block)
    first, second = recurrences(name).split(2)
    events = (int(second.counts.sum()), int(first.counts.sum()))
    ratio = rate_ratio(events, (second.person_time, first.person_time))
    expected = [figures[key] for key in ("rate_ratio", "lower", "upper", "p_value")]
    assert_equal_to_r([ratio.rate_ratio, ratio.lower, ratio.upper, ratio.p_value], expected)


def test_the_test_of_equal_counts_is_that_of_coxph_but_for_ties() -> None:
    """R's robust score test has Efron's treatment of ties: the same sample gives it by the other module."""
    (block,) = (block for block in blocks("rats2", "cox") if block["id"] == "andersen_gill")
    sample = recurrences("rats2")
    expected = block["tests"]["robust_score"]
    assert_equal_to_r(robust_score_test(sample.rows, 2).statistic, expected["statistic"])
    test = mean_cumulative_count_test(sample, 2)
    assert test.statistic == pytest.approx(expected["statistic"], rel=0.05)
    # Times apart in the order of the rows: now without ties.
    columns = reference("rats2")["columns"]
    shift = np.arange(len(columns["time"])) * 1e-5
    known = {one: code for code, one in enumerate(dict.fromkeys(columns["id"]))}
    apart = observe_recurrences(
        [known[one] for one in columns["id"]],
        columns["time"] + shift,
        columns["event"],
        group=[int(label == "retinoid") for label in columns["group"]],
    )
    assert mean_cumulative_count_test(apart, 2).statistic == pytest.approx(robust_score_test(apart.rows, 2).statistic)
