"""The pictures of a sample are the frames of the copies, or a sentence says why not."""

from __future__ import annotations

import io
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from redact_dask import storage
from redact_dask.audit.audits import Audit
from redact_dask.audit.pictures import NotShown, Pictures
from redact_dask.errors import ConfigError, UsageError


def test_a_picture_is_the_frame_that_was_drawn_or_the_one_beside_it(audit: Audit) -> None:
    pictures = Pictures(audit.items)
    for item in audit.items[:6]:
        with av.open(storage.local_path(item.output)) as container:
            every = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        for offset in (-1, 0, 1):
            if not 0 <= item.frame + offset < 90:
                continue
            shown = Image.open(io.BytesIO(pictures.jpeg(item.item, offset)))
            difference = np.abs(np.asarray(shown, int) - every[item.frame + offset])
            assert difference.mean() < 3
            # The noise of every other frame is another one.
            assert np.abs(np.asarray(shown, int) - every[item.frame - 7]).mean() > 8


def test_neighbours_end_where_the_video_ends(audit: Audit) -> None:
    first, last = replace(audit.items[0], frame=0), replace(audit.items[0], frame=89)
    pictures = Pictures([first, last])
    for item, beyond in ((0, -1), (1, 1)):
        assert pictures.jpeg(item, 0)
        assert pictures.jpeg(item, -beyond)
        with pytest.raises(NotShown, match="no such frame"):
            pictures.jpeg(item, beyond)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bytes_out": 7}, "not the one that was published"),
        ({"output": "file:///nowhere/a.mp4"}, "not there any more"),
        ({"frame": 90}, "has no frame 90"),
        ({"stream": 1}, "cannot be read: it has no video stream 1"),
    ],
)
def test_what_cannot_be_shown_is_told(audit: Audit, change: dict[str, object], reason: str) -> None:
    pictures = Pictures([replace(audit.items[0], **change)])
    for _ in range(2):
        with pytest.raises(NotShown, match=reason):
            pictures.jpeg(0, 0)


def test_an_item_that_is_not_in_the_sample_is_told(audit: Audit) -> None:
    for item in (-1, 20):
        with pytest.raises(NotShown, match="no such frame"):
            Pictures(audit.items).jpeg(item, 0)


def test_a_second_detector_sees_the_picture(audit: Audit) -> None:
    # The copies are not redacted: the magenta square is where the clip has it.
    item = next(item for item in audit.items if item.frame < 100)
    ((x0, y0, x1, y1),) = Pictures([item], "magenta").finds(0)
    assert (x0, y0) == pytest.approx((10 + 2 * item.frame, 60), abs=4)
    assert (x1 - x0, y1 - y0) == pytest.approx((40, 40), abs=6)
    assert Pictures([item]).finds(0) == []


def test_a_detector_that_is_unknown_or_paid_for_is_refused(audit: Audit) -> None:
    with pytest.raises(ConfigError, match="no detector is called nobody"):
        Pictures(audit.items, "nobody")
    with pytest.raises(UsageError, match="rekognition is paid"):
        Pictures(audit.items, "rekognition")
