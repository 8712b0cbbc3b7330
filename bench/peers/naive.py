"""Survival as a service, as most would write it: records, a data frame, lifelines, a response model."""

from itertools import combinations
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
from fastapi import FastAPI
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test
from lifelines.utils import median_survival_times, restricted_mean_survival_time
from pydantic import BaseModel

app = FastAPI()


class Subject(BaseModel):
    """A subject."""

    time: float
    event: bool
    group: str


class SurvivalRequest(BaseModel):
    """A sample, and whether the curves are wanted."""

    subjects: list[Subject]
    curve: bool = True


class Point(BaseModel):
    """A point of a curve."""

    time: float
    survival: float
    lower: float
    upper: float


class Group(BaseModel):
    """The estimate of a group."""

    label: str
    subjects: int
    events: int
    median: float
    median_lower: float
    median_upper: float
    restricted_mean: float
    curve: list[Point]


class SurvivalResponse(BaseModel):
    """The estimates of all groups, and the log-rank test."""

    groups: list[Group]
    p_value: float


class WholeResponse(SurvivalResponse):
    """Those, and what else of our answer lifelines knows."""

    overall: Group
    follow_up: dict[str, float]
    mean_differences: list[float]
    hazard_ratios: dict[str, float]
    limits: dict[str, list[float]]
    proportional: list[float]


@app.get("/readyz")
def answer_ready() -> str:
    return "ready"


@app.post("/v1/survival")
def estimate_survival(request: SurvivalRequest) -> SurvivalResponse:
    frame = frame_of(request)
    groups = [estimate_group(label, rows, curve=request.curve) for label, rows in frame.groupby("group")]
    p_value = multivariate_logrank_test(frame["time"], frame["group"], frame["event"]).p_value
    return SurvivalResponse(groups=groups, p_value=p_value)


@app.post("/v1/survival/whole")
def estimate_whole(request: SurvivalRequest) -> WholeResponse:
    frame, of_groups = frame_of(request), estimate_survival(request)
    parts = dict(list(frame.groupby("group")))
    horizon = min(rows["time"].max() for rows in parts.values())
    curves = [KaplanMeierFitter().fit(rows["time"], rows["event"]) for rows in parts.values()]
    means = [restricted_mean_survival_time(curve, t=horizon) for curve in curves]
    reverse = {
        label: KaplanMeierFitter().fit(rows["time"], ~rows["event"]) for label, rows in {"": frame, **parts}.items()
    }
    indicators = pd.get_dummies(frame["group"], drop_first=True, dtype=float).join(frame[["time", "event"]])
    model = CoxPHFitter().fit(indicators, "time", "event")
    return WholeResponse(
        groups=of_groups.groups,
        p_value=of_groups.p_value,
        overall=estimate_group("", frame, curve=request.curve),
        follow_up={label: curve.median_survival_time_ for label, curve in reverse.items()},
        mean_differences=[first - second for first, second in combinations(means, 2)],
        hazard_ratios=model.hazard_ratios_.to_dict(),
        limits={label: list(limits) for label, *limits in model.confidence_intervals_.itertuples()},
        proportional=proportional_hazard_test(model, indicators, time_transform="km").p_value,
    )


def frame_of(request: SurvivalRequest) -> Any:
    return pd.DataFrame([subject.model_dump() for subject in request.subjects])


def estimate_group(label: str, rows: Any, *, curve: bool) -> Group:
    fitter = KaplanMeierFitter().fit(rows["time"], rows["event"], label=label)
    interval = fitter.confidence_interval_survival_function_
    median_interval = median_survival_times(interval)
    points = zip(fitter.timeline, fitter.survival_function_[label], *interval.to_numpy().T, strict=True)
    return Group(
        label=label,
        subjects=len(rows),
        events=rows["event"].sum(),
        median=fitter.median_survival_time_,
        median_lower=median_interval.iloc[0, 0],
        median_upper=median_interval.iloc[0, 1],
        restricted_mean=restricted_mean_survival_time(fitter, t=rows["time"].max()),
        curve=[Point(time=t, survival=s, lower=low, upper=high) for t, s, low, high in points] if curve else [],
    )
