"""Each entry of zones is told with the videos that it fits."""

from __future__ import annotations

from redact_dask.config import validate
from redact_dask.records import Video
from redact_dask.sources.zone_fits import ZoneFits

SQUARE = [[0, 0], [1, 1]]


def test_entries_that_fit_no_video_are_named() -> None:
    zones = [
        {"paths": ["front/*", "*/front/*"], "hide": [SQUARE]},
        {"hide": [SQUARE]},
        {"paths": ["cabin/*"], "hide": [SQUARE]},
    ]
    fits = ZoneFits(validate({"zones": zones}).zones)
    names = ["front/1.mp4", "car/front/2.mp4", "rear/3.mp4"]
    videos = [Video(f"file:///source/{name}", name, 1, "v") for name in names]
    assert [*fits.counted(videos)] == videos
    assert fits.sentences == (
        "zones.0 (front/*, */front/*) fits 2 of 3 videos",
        "zones.1 fits 3 of 3 videos",
        "zones.2 (cabin/*) fits 0 of 3 videos",
    )
    assert fits.unused == ("zones.2 (cabin/*) fits 0 of 3 videos",)
