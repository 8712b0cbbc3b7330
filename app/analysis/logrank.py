"""The log-rank test."""

import numpy as np

from app.analysis.arrays import sum_by
from app.analysis.hypothesis_test import HypothesisTest, quadratic_form_test
from app.analysis.observations import Observations
from app.analysis.risk_table import count_at_risk, risk_table


def logrank_test(observations: Observations, groups: int) -> HypothesisTest:
    """Test whether the groups have the same hazard of an event.

    At each event time t_i, with n_ij at risk and d_ij events in group j, n_i and d_i in all: expected events
    e_ij = d_i n_ij / n_i, covariance d_i (n_i - d_i) / (n_i - 1) (n_ij / n_i) (1[j = k] - n_ik / n_i), both summed
    over i. Risk sets count entry < t_i <= time. A group at risk at no event time drops out of the degrees of freedom.

    Parameters
    ----------
    groups : number of groups; `observations.group` holds codes below it

    Source: Mantel, Cancer Chemother Rep 1966;50:163; Peto & Peto, JRSS A 1972;135:185. Checked against the `logrank`
    blocks of aml.json, lung.json, veteran.json, ovarian.json, kidney.json, melanoma.json, and spss31.json.

    Examples
    --------
    >>> from app.analysis.observations import observe
    >>> test = logrank_test(observe([1, 2, 3, 4], [True] * 4, group=[0, 0, 1, 1]), 2)
    >>> test.observed, test.expected.round(4), round(test.statistic, 4)
    (array([2., 2.]), array([0.8333, 3.1667]), 2.8824)
    """
    table = risk_table(observations)
    times = table.time[table.events > 0]
    events, at_risk = table.events[table.events > 0], table.at_risk[table.events > 0]
    share = np.array([count_at_risk(part, times) for part in observations.split(groups)]) / at_risk
    observed = sum_by(observations.groups, observations.weights * observations.event, groups)
    expected = share @ events
    spread = events * (at_risk - events) / np.maximum(at_risk - 1, 1)
    covariance = np.diag(share @ spread) - (share * spread) @ share.T
    return quadratic_form_test("log-rank", observed - expected, covariance, observed, expected)
