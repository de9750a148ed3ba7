"""What the API server says of its own load: its metrics, before and after. Pure but for `read`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from ops.environment import Environment

LINE = re.compile(r"^(\w+)(?:\{(.*)\})? ([0-9.eE+-]+|\+Inf|NaN)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
CPU, REQUESTS = "process_cpu_seconds_total", "apiserver_request_total"
LATENCY = "apiserver_request_duration_seconds_bucket"
LONG = frozenset({"WATCH", "CONNECT"})
"""Verbs of requests that stay open: they last as long as somebody listens."""


@dataclass(frozen=True)
class Load:
    """Counters since the API server started. `latency`: requests by the bound of their bucket, in seconds."""

    cpu_s: float
    requests: Mapping[tuple[str, str], float]
    """By verb and resource."""
    refused: float
    """Answered with 429, Too Many Requests."""
    latency: Mapping[float, float]


@dataclass(frozen=True)
class Phase:
    """What happened between two looks."""

    seconds: float
    cpu_s: float
    requests: dict[tuple[str, str], float]
    refused: float
    p99_s: float | None
    """Bound of the bucket that 99 in 100 requests are in or below; None: there were none."""

    @property
    def total(self) -> float:
        """Requests of all kinds."""
        return sum(self.requests.values())

    @property
    def busiest(self) -> list[tuple[str, float]]:
        """The five kinds of requests that there were most of."""
        ordered = sorted(self.requests.items(), key=lambda item: -item[1])[:5]
        return [(f"{verb} {resource}", count) for (verb, resource), count in ordered]


def parse(text: str) -> Load:
    """Metrics in Prometheus' text format."""
    cpu_s = refused = 0.0
    requests: dict[tuple[str, str], float] = defaultdict(float)
    latency: dict[float, float] = defaultdict(float)
    for match in filter(None, map(LINE.match, text.splitlines())):
        name, value = match[1], float(match[3])
        if name == CPU:
            cpu_s = value
        elif name in (REQUESTS, LATENCY):
            labels = dict(LABEL.findall(match[2] or ""))
            if name == REQUESTS:
                requests[labels["verb"], labels["resource"]] += value
                refused += value if labels["code"] == "429" else 0.0
            elif labels["verb"] not in LONG:
                latency[float(labels["le"])] += value
    return Load(cpu_s, dict(requests), refused, dict(latency))


def read(environment: Environment) -> Load:
    """The environment's API server, now."""
    return parse(environment.kubectl("get", "--raw", "/metrics"))


def between(before: Load, after: Load, seconds: float) -> Phase:
    """What happened in so many seconds."""
    requests = {key: count - before.requests.get(key, 0.0) for key, count in after.requests.items()}
    latency = {bound: count - before.latency.get(bound, 0.0) for bound, count in after.latency.items()}
    return Phase(
        seconds,
        after.cpu_s - before.cpu_s,
        {key: count for key, count in requests.items() if count},
        after.refused - before.refused,
        quantile_bound(latency, 0.99),
    )


def quantile_bound(buckets: Mapping[float, float], share: float) -> float | None:
    """The smallest bound that at least `share` of the values do not exceed; buckets are cumulative."""
    total = buckets.get(float("inf"), 0.0)
    if not total:
        return None
    return min(bound for bound, count in buckets.items() if count >= share * total)
