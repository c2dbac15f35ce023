"""How many listed videos each entry of `zones` fits: an entry that fits none would do nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from redact_dask.config import ZoneSettings
from redact_dask.records import Video


class ZoneFits:
    """Counts the listed videos that each entry of ``zones`` fits by its paths.

    Parameters
    ----------
    zones
        The entries.
    """

    def __init__(self, zones: Iterable[ZoneSettings]) -> None:
        self._zones = tuple(zones)
        self._counts = [0] * len(self._zones)
        self._videos = 0

    def counted(self, videos: Iterable[Video]) -> Iterator[Video]:
        """Yield some videos, and count them."""
        for video in videos:
            self._videos += 1
            for number, zone in enumerate(self._zones):
                self._counts[number] += zone.fits(video.path)
            yield video

    @property
    def sentences(self) -> tuple[str, ...]:
        """A sentence for each entry, without a full stop."""
        return tuple(
            f"zones.{number}{self._paths(zone)} fits {count:,} of {self._videos:,} videos"
            for number, (zone, count) in enumerate(zip(self._zones, self._counts, strict=True))
        )

    @property
    def unused(self) -> tuple[str, ...]:
        """A sentence for each entry that fits no video: nothing is hidden or shown by it."""
        pairs = zip(self.sentences, self._counts, strict=True)
        return tuple(sentence for sentence, count in pairs if not count)

    @staticmethod
    def _paths(zone: ZoneSettings) -> str:
        return f" ({', '.join(zone.paths)})" if zone.paths else ""
