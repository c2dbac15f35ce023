"""Videos that nobody has, and what is said of them."""

from __future__ import annotations

from redact_dask.driver.history import History, VideoState
from redact_dask.records import Video


class Judge(History):
    """Judges a video by its name."""

    def __init__(self) -> None:
        pass

    def state(self, video: Video) -> VideoState:
        return VideoState[video.path.partition(" ")[0]]


def videos(*names: str) -> list[Video]:
    return [Video(f"file:///{name}", name, 10, f"version of {name}", 1.5) for name in names]
