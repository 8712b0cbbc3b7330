"""Survival as a service, as most would write it: records, a data frame, lifelines, a response model."""

from typing import Any

import pandas as pd  # type: ignore[import-untyped]
from fastapi import FastAPI
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
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


@app.get("/readyz")
def answer_ready() -> str:
    return "ready"


@app.post("/v1/survival")
def estimate_survival(request: SurvivalRequest) -> SurvivalResponse:
    frame = pd.DataFrame([subject.model_dump() for subject in request.subjects])
    groups = [estimate_group(label, rows, curve=request.curve) for label, rows in frame.groupby("group")]
    p_value = multivariate_logrank_test(frame["time"], frame["group"], frame["event"]).p_value
    return SurvivalResponse(groups=groups, p_value=p_value)


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
