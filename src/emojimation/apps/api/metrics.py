"""Metrics for Prometheus; one set of counters per service, so that tests do not share them."""

from collections.abc import Callable, Iterable
from functools import partial

import prometheus_client as prometheus

from emojimation.apps.api.pool import RequestPool

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """Counters of one service; `text` renders the page."""

    def __init__(self) -> None:
        self.registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        prometheus.PlatformCollector(registry=self.registry)
        prometheus.GCCollector(registry=self.registry)
        name = "emojimation_"
        labels = ("route", "method", "status")
        self.requests = prometheus.Counter(f"{name}requests", "Answered requests.", labels, registry=self.registry)
        self.seconds = prometheus.Histogram(
            f"{name}request_seconds",
            "From a request's headers to its response.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.waited, self.worked = (
            prometheus.Histogram(f"{name}{part}_seconds", words, buckets=SECONDS, registry=self.registry)
            for part, words in (
                ("queue", "An image's time in the queue, before a thread is free."),
                ("inference", "An image's time on a thread: decoding, detection, classification."),
            )
        )
        self.pictures = prometheus.Counter(f"{name}pictures", "Analysed images and frames.", registry=self.registry)
        self.faces = prometheus.Counter(f"{name}faces", "Faces in them.", registry=self.registry)
        self.refused = prometheus.Counter(
            f"{name}refused_pictures", "Images that could not be read.", registry=self.registry
        )
        self.streams = prometheus.Gauge(f"{name}streams", "Open streams.", registry=self.registry)
        self.jobs = prometheus.Gauge(f"{name}jobs", "Video jobs by state.", ("state",), registry=self.registry)
        self.batch = prometheus.Histogram(
            f"{name}classifier_callers",
            "Requests per classifier call.",
            buckets=(1, 2, 3, 4, 6, 8, 16, 32),
            registry=self.registry,
        )

    def took(self, waited_s: float, worked_s: float) -> None:
        """Count the times of an image: in the queue and on a thread."""
        self.waited.observe(waited_s)
        self.worked.observe(worked_s)

    def watch(self, engine: RequestPool) -> None:
        """Export the length of the engine's queue."""
        gauge = prometheus.Gauge("emojimation_accepted", "Requests in progress.", registry=self.registry)
        gauge.set_function(lambda: engine.accepted)

    def watch_jobs(self, states: Iterable[str], count: Callable[[str], int]) -> None:
        """Export the number of video jobs in each state."""
        for state in states:
            self.jobs.labels(state).set_function(partial(count, state))

    def count(self, row: dict) -> None:
        """Count the row of an image."""
        self.pictures.inc()
        self.faces.inc(len(row.get("faces", ())))
        if "faces" not in row:
            self.refused.inc()

    def text(self) -> bytes:
        """The page in Prometheus' text format."""
        return prometheus.generate_latest(self.registry)
