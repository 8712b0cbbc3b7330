"""Estimates as the cells of a table, with the reason where one does not exist."""

import math
from collections.abc import Callable

from app.analysis.hazard_ratios import HazardRatio
from app.analysis.hypothesis_test import HypothesisTest
from app.analysis.proportions import Proportion
from app.analysis.quantiles import Quantile
from app.analysis.restricted_mean import RestrictedMean
from app.rendering.document import Cell
from app.rendering.sentences import TEST_NAMES
from app.rendering.words import NOT_ESTIMABLE, NOT_REACHED, p_value, percent, ratio

NO_UNITS = "there is no unit"
TOO_FEW_CLUSTERS = "fewer than 2 patients"
ONE_UNIT_EACH = "each patient counts once"


def capitalized(text: str) -> str:
    """Return a text with its first letter large and the others as they are."""
    return text[:1].upper() + text[1:]


def whole(number: float) -> Cell:
    """Return a count."""
    return Cell(f"{number:.15g}")


def share(count: int, total: int) -> Cell:
    """Return a count of a total."""
    return Cell(f"{count}/{total} ({percent(count / total)})") if total else Cell(f"0/0 ({NOT_ESTIMABLE})", NO_UNITS)


def percentages(lower: float, upper: float, reason: str | None = None) -> Cell:
    """Return limits of a share, in per cent."""
    return Cell(between(lower, upper, lambda value: f"{100 * value:.1f}"), reason)


def between(lower: float, upper: float, form: Callable[[float], str], unknown: str = NOT_ESTIMABLE) -> str:
    """Return limits, and for an upper one that does not exist what it is then.

    Examples
    --------
    >>> between(0.5, 2, str), between(9.2, math.nan, str, NOT_REACHED), between(math.nan, math.nan, str)
    ('0.5 to 2', '9.2 to not reached', 'not estimable')
    """
    if math.isnan(lower):
        return NOT_ESTIMABLE
    return f"{form(lower)} to {unknown if math.isnan(upper) else form(upper)}"


def proportion_cells(proportion: Proportion) -> list[Cell]:
    """Return the share, its limits, and those that count patients as clusters."""
    adjusted = proportion.cluster_adjusted
    if not proportion.total:
        return [share(0, 0), *(Cell(NOT_ESTIMABLE, NO_UNITS) for _ in range(2))]
    if adjusted is None:
        clustered = Cell("-", ONE_UNIT_EACH)
    else:
        reason = TOO_FEW_CLUSTERS if math.isnan(adjusted.lower) else None
        clustered = percentages(adjusted.lower, adjusted.upper, reason)
    return [share(proportion.count, proportion.total), percentages(proportion.lower, proportion.upper), clustered]


def quantile_cell(quantile: Quantile) -> Cell:
    """Return a quantile with its error and its limits."""
    limits = between(quantile.lower, quantile.upper, _decimal, NOT_REACHED)
    if not math.isnan(quantile.estimate):
        text = f"{_with_error(quantile.estimate, quantile.standard_error)} ({limits})"
    else:
        text = NOT_REACHED if math.isnan(quantile.lower) else f"{NOT_REACHED} ({limits})"
    return Cell(text, quantile.reason)


def mean_cell(mean: RestrictedMean) -> Cell:
    """Return a mean with its error and its limits."""
    if math.isnan(mean.estimate):
        return Cell(NOT_ESTIMABLE, mean.reason)
    limits = between(mean.lower, mean.upper, _decimal)
    return Cell(f"{_with_error(mean.estimate, mean.standard_error)} ({limits})", mean.reason)


def test_cells(test: HypothesisTest) -> list[Cell]:
    """Return the name of a test, its statistic, degrees of freedom, and p value."""
    if math.isnan(test.statistic) and not math.isnan(test.p_value):
        statistic = [Cell("exact"), Cell("-")]
    elif math.isnan(test.statistic):
        statistic = [Cell("-"), Cell("-")]
    else:
        statistic = [Cell(f"{test.statistic:.2f}"), Cell(f"{test.degrees_of_freedom}")]
    return [Cell(capitalized(TEST_NAMES[test.name])), *statistic, p_cell(test.p_value, test.reason)]


def ratio_cell(estimate: float, lower: float, upper: float, reason: str | None) -> Cell:
    """Return a ratio with its limits."""
    if math.isnan(estimate):
        return Cell(NOT_ESTIMABLE, reason)
    return Cell(f"{ratio(estimate)} ({between(lower, upper, ratio)})", reason)


def hazard_ratio_cells(found: HazardRatio) -> list[Cell]:
    """Return a hazard ratio with its limits, and its p value."""
    estimate = ratio_cell(found.hazard_ratio, found.lower, found.upper, found.reason)
    return [estimate, p_cell(found.p_value, found.reason)]


def p_cell(value: float, reason: str | None) -> Cell:
    """Return a p value in a column of such.

    Examples
    --------
    >>> p_cell(0.0312, None).text, p_cell(1e-9, None).text, p_cell(math.nan, "no events")
    ('0.031', '< 0.001', Cell(text='not estimable', reason='no events'))
    """
    return Cell(p_value(value).removeprefix("P ").removeprefix("= "), reason if math.isnan(value) else None)


def _with_error(estimate: float, standard_error: float) -> str:
    return _decimal(estimate) + ("" if math.isnan(standard_error) else f" ± {_decimal(standard_error)}")


def _decimal(value: float) -> str:
    return f"{value:.1f}"
