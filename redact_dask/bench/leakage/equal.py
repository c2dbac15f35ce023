"""Comparing configurations where they hide equally much beside faces.

Whoever hides more leaks less. Which configuration sees better shows only at equal over-blur.
"""

from __future__ import annotations

from collections.abc import Callable

from redact_dask.bench.leakage.dataset import Dataset
from redact_dask.bench.leakage.measure import Result, measure_in
from redact_dask.config import Config, validate
from redact_dask.config.loading import merged
from redact_dask.monitoring.status import Observer
from redact_dask.storage import scratch

_HALVINGS = 6
"""Steps of the search, after which ``track.start`` is known to a hundredth."""


def measure_at(
    over_blur: float, dataset: Dataset, name: str, config: Config, observe: Observer | None
) -> Result:
    """Measure a configuration with the ``track.start`` at which its over-blur is nearest to a goal.

    The detectors look once, and what they saw is tracked again with each start.

    Parameters
    ----------
    over_blur
        The goal, by the regions, of all labels together: a share of the pixels, between 0 and 1.
    dataset, name, config, observe
        As for `measure.measure`.

    Returns
    -------
    The result nearest to the goal. Its name tells the start.
    """
    given = config.model_dump(mode="json", by_alias=True)
    with scratch.folder() as folder:

        def measured(start: float) -> Result:
            settings = validate(merged(given, {"track": {"start": start}}))
            return measure_in(folder, dataset, f"{name}, start {start:.2f}", settings, observe)

        return nearest(over_blur, measured)


def nearest(over_blur: float, measured: Callable[[float], Result]) -> Result:
    """Return the result nearest to an over-blur; what is measured hides less with a higher start.

    Parameters
    ----------
    over_blur
        Share of the pixels.
    measured
        Returns the result with some ``track.start``.
    """
    least, most = 0.0, 1.0
    found = []
    for _ in range(_HALVINGS):
        start = (least + most) / 2
        found.append(measured(start))
        if _over_blur(found[-1]) > over_blur:
            least = start
        else:
            most = start
    return min(found, key=lambda result: abs(_over_blur(result) - over_blur))


def _over_blur(result: Result) -> float:
    return sum(figures.leakage.over_blur for figures in result.labels.values())
