"""What is told of single videos."""

from __future__ import annotations

import pytest
from fixture_types import WriteRows
from made_up import FAILED, MINUTE, START, later

from redact_dask.report import videos
from redact_dask.storage import layout


def test_each_video_that_failed_is_told_once_unless_it_was_published_later(
    write: WriteRows,
) -> None:
    a, b, c = ({"source": f"s3://fleet/{name}.mp4"} for name in "abc")
    write("run-1", a | FAILED, b | FAILED, c | FAILED)
    again = {"finished": later(1000)}
    write("run-2", a | FAILED | again | {"reason": "again"}, b | again)
    # Published before it failed: the failure stands.
    destination = write("run-0", c | {"finished": later(-1000)})
    root = layout.manifest(destination)
    found = videos.read(root, ["run-0", "run-1", "run-2"], MINUTE)
    assert [(row["source"], row["reason"]) for row in found.failed] == [
        ("s3://fleet/a.mp4", "again"),
        ("s3://fleet/c.mp4", "frame with pts 512 is missing"),
    ]
    assert found.published_later == 1
    assert videos.read(root, ["run-1"], MINUTE).published_later == 1


def test_only_the_slowest_are_kept(write: WriteRows) -> None:
    took = [*range(videos.SLOWEST + 20)]
    destination = write("run-1", *({"seconds": float(seconds)} for seconds in took))
    found = videos.read(layout.manifest(destination), ["run-1"], MINUTE)
    assert [row["seconds"] for row in found.slowest] == took[: -videos.SLOWEST - 1 : -1]


def test_lag_and_reasons(write: WriteRows) -> None:
    whys = ["has no keyframes", "is HEVC", "is HEVC", None]
    destination = write(
        "run-1",
        *(
            {"finished": later(10 * number), "written": START, "why_encoded": why}
            for number, why in enumerate(whys)
        ),
        FAILED | {"written": START, "finished": later(1000), "why_encoded": "is damaged"},
    )
    found = videos.read(layout.manifest(destination), ["run-1"], MINUTE)
    assert found.why_encoded == (("is HEVC", 2), ("has no keyframes", 1))
    assert found.lag == videos.Lag(15.0, pytest.approx(28.5), 30.0)
    assert found.faces.tolist() == [3, 3, 3, 3, 0, 0]


def test_other_labels_than_faces_are_counted(write: WriteRows) -> None:
    root = layout.manifest(
        write(
            "run-1",
            {"tracks": [("face", 3), ("plate", 2)]},
            {"tracks": [("plate", 5), ("text", 1)]},
            {"tracks": None},
            {"tracks": [("plate", 7)], "status": "quarantined"},
        )
    )
    assert videos.read(root, ["run-1"], MINUTE).others == (("plate", 7), ("text", 1))
