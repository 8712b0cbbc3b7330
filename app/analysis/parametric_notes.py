"""What a careful statistician adds to parametric models: meanings and methods in sentences, and warnings."""

from collections.abc import Iterator

import numpy as np

from app.analysis.cox_notes import SENTENCES as COX_SENTENCES
from app.analysis.cox_notes import few_clusters, sample_cautions
from app.analysis.design_matrix import DesignColumn, Value
from app.analysis.lifelines_fit import MAX_ROWS
from app.analysis.parametric_maximum import has_one_maximum
from app.analysis.parametric_summary import ParametricOptions, ParametricSummary
from app.analysis.survival_notes import Caution, Found, cautions

SENTENCES = {
    name: COX_SENTENCES[name] for name in ("missing_covariates", "few_events", "more_coefficients_than_events")
} | {
    "not_converged": "These fits did not converge, so that they have no figures: {}.",
    "extrapolated": "Predicted beyond the last follow-up, where nothing but the distribution tells of survival: {}.",
    "few_clusters": COX_SENTENCES["few_clusters"],
    "repeated_events": COX_SENTENCES["repeated_events"],
    "rows_as_independent": "These take the rows of a cluster, or sampling weights, as independent subjects; standard "
    "errors do not: {}.",
}
ERRORS = {
    "exponential": "exponential (extreme value W, scale 1)",
    "weibull": "Weibull (extreme value W)",
    "log-normal": "log-normal (normal W)",
    "log-logistic": "log-logistic (logistic W)",
    "generalized-gamma": "generalized gamma (log gamma W with a shape, 0 for log-normal, 1 for Weibull times; "
    "Prentice, Biometrika 1974;61:539-544)",
}


def meaning(column: DesignColumn, time_ratio: float) -> str | None:
    """Return what a time ratio says in words, None where there is none.

    Examples
    --------
    >>> meaning(DesignColumn("age"), 0.981)
    'Times are 1.9 % shorter for each unit more of age.'
    >>> meaning(DesignColumn("arm", "B", "A"), 12.0)
    'Times are 12 times as long with arm B as with arm A.'
    """
    if not np.isfinite(time_ratio):
        return None
    change, joined = f"{100 * abs(time_ratio - 1):.3g} % {'longer' if time_ratio >= 1 else 'shorter'}", "than"
    if time_ratio >= 10:
        change, joined = f"{time_ratio:.3g} times as long", "as"
    if column.level is None:
        return f"Times are {change} for each unit more of {column.term}."
    level, reference = (f"with {column.term} {_words(value)}" for value in (column.level, column.reference))
    return f"Times are {change} {level} {joined} {reference}."


def _words(value: Value | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parametric_warnings(summary: ParametricSummary, *, dropped: str = "", repeated: bool = False) -> list[Caution]:
    """Return what should be said aloud about parametric models, each warning once.

    Parameters
    ----------
    dropped : how many subjects were left out for a missing covariate, "" for none
    repeated : whether a subject has more than one event
    """
    coefficients = max(1, len(summary.design.columns))
    found = [*sample_cautions(coefficients, summary.events, dropped), *_model_cautions(summary)]
    if repeated and not summary.is_robust:
        found.append(("repeated_events", "standard errors"))
    return cautions(found, SENTENCES)


def _model_cautions(summary: ParametricSummary) -> Iterator[Found]:
    for one in summary.models:
        if not one.model.converged:
            yield "not_converged", one.model.distribution
        if few_clusters(summary.observations, one.model.standard_error):
            yield "few_clusters", one.model.distribution
    if summary.is_robust:
        yield "rows_as_independent", "log-likelihoods and AIC"
    last = summary.observations.time[-1]
    for landmark in summary.options.landmarks if summary.predicts else ():
        if landmark > last:
            yield "extrapolated", f"survival at {landmark:.15g}"
    for one in summary.models:
        beyond = np.flatnonzero(one.medians.estimate[:, 0] > last) + 1
        if beyond.size:
            yield "extrapolated", f"{one.model.distribution} median of profile {', '.join(map(str, beyond))}"


def parametric_methods(summary: ParametricSummary, unit: str = "subject") -> Iterator[str]:
    """Yield how the figures of parametric models came about, in sentences with their references.

    Parameters
    ----------
    unit : what clusters are
    """
    options, observations = summary.options, summary.observations
    level = f"{100 * options.confidence_level:g} %"
    yield (
        "Accelerated-failure-time models log T = intercept + x b + scale W were fitted by maximum likelihood "
        "(Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 2002, chapter 3) with Newton's "
        f"method; times are {', '.join(ERRORS[name] for name in options.distributions)}."
    )
    yield from _several_maxima(summary)
    yield from _meanings(options)
    variance = "the inverse of the observed information"
    if summary.is_robust:
        variance = f"the robust variance by {unit} (White, Econometrica 1982;50:1-25)"
    yield f"Standard errors are from {variance}; intervals of {level} and two-sided p values are Wald's."
    if observations.entry is not None:
        yield "Entry was delayed: a time counts by its probability given survival until its `entry`."
    yield (
        "Models were compared by Akaike's information criterion (IEEE Trans Automat Contr 1974;19:716-723), with "
        "weights exp(-difference / 2) over their sum (Burnham and Anderson, Sociol Methods Res 2004;33:261-304)."
    )
    if summary.predicts:
        yield (
            f"Medians and survival of profiles have {level} intervals by the delta method, on the scales of log t and "
            "of log(-log S)."
        )


def _several_maxima(summary: ParametricSummary) -> Iterator[str]:
    observations = summary.observations
    late = observations.entry is not None
    several = [name for name in summary.options.distributions if not has_one_maximum(name, late=late)]
    if several:
        start = ", one of its starts being where lifelines arrives (Davidson-Pilon, J Open Source Softw 2019;4:1317)"
        yield (
            f"The likelihood may have several maxima ({', '.join(several)}): the highest that Newton's method climbed "
            f"was taken{start if observations.size <= MAX_ROWS else ''}."
        )


def _meanings(options: ParametricOptions) -> Iterator[str]:
    yield (
        "A coefficient is the change of log time with one unit of the covariate; its exponential, the time ratio, is "
        "what times are multiplied by: a time ratio of 1.2 means that times are 20 % longer."
    )
    if {"exponential", "weibull"} & {*options.distributions}:
        yield "In exponential and Weibull models exp(-coefficient / scale) is the hazard ratio."
