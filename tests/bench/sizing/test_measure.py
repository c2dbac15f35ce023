"""What is run, with which settings, and what a run tells."""

from __future__ import annotations

from made_up_costs import ONE, run

from redact_dask.bench.sizing.measure import Shape, matrix
from redact_dask.bench.sizing.predict import Clip


def test_the_matrix_has_every_shape_once_and_one_slot_first() -> None:
    shapes = matrix([2, 1], [1, 2], [10.0, 5.0], ["centerface"])
    assert shapes[0] == ONE
    assert len(shapes) == len({*shapes}) == 8
    added = matrix([2], [1], [10.0], ["centerface", "rekognition"])
    assert [(one.slots, one.detector) for one in added] == [
        (1, "centerface"),
        (1, "rekognition"),
        (2, "centerface"),
        (2, "rekognition"),
    ]


def test_a_shape_is_settings() -> None:
    settings = Shape(2, 3, 5.0, "centerface").settings({"detect": {"every": 2}})
    assert settings.cluster.kwargs["n_workers"] == 2
    assert settings.cluster.kwargs["threads_per_worker"] == 3
    assert (settings.chunk.seconds, settings.detect.every) == (5.0, 2)


def test_a_run_tells_what_was_done() -> None:
    assert run().workload.groups == ((Clip(100, 2), 1),)
