"""The frames of a sample as pictures, decoded from the published copies and never from a source."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np
from PIL import Image

from redact_dask import detectors, storage
from redact_dask.audit.answers import Box
from redact_dask.audit.audits import Item
from redact_dask.detectors import Detector
from redact_dask.detectors.base import PaidOptions
from redact_dask.errors import UsageError, VideoError
from redact_dask.media.stills import stills
from redact_dask.pages.server import NotShown

_QUALITY = 92
"""JPEG quality: nothing of a small face is lost."""
_KEPT = 8
"""Frames of the sample whose pictures are kept: one of 4K and its neighbours have 8 MB."""


class Pictures:
    """The frames of a sample, and those beside them; any thread may ask for one.

    Parameters
    ----------
    items
        The sample.
    detector
        Registered name of a detector that looks at the frames; None: there is none.

    Raises
    ------
    UsageError
        The detector is paid for.
    ConfigError
        No detector has the name.
    """

    def __init__(self, items: Sequence[Item], detector: str | None = None) -> None:
        self._items = items
        self._detector = _unpaid(detector) if detector else None
        self._lock = Lock()
        self._kept: OrderedDict[int, dict[int, bytes] | str] = OrderedDict()

    def jpeg(self, item: int, offset: int) -> bytes:
        """Return a frame of the sample, or the one beside it, as JPEG.

        Parameters
        ----------
        item
            Rank of the frame in the sample.
        offset
            -1 for the frame before, 0 for the frame itself, 1 for the frame after.

        Raises
        ------
        NotShown
            There is no such frame, or its copy is not the one that was published.
        """
        if not 0 <= item < len(self._items):
            raise NotShown("The sample has no such frame.")
        with self._lock:
            if item not in self._kept:
                self._kept[item] = _decoded(self._items[item])
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            found = self._kept[item]
        if isinstance(found, str):
            raise NotShown(found)
        if offset not in found:
            raise NotShown("The video has no such frame.")
        return found[offset]

    def finds(self, item: int) -> list[Box]:
        """Return what the detector finds on a frame of the sample, pixels of the picture.

        Raises
        ------
        NotShown
            As `jpeg`.
        """
        picture = Image.open(io.BytesIO(self.jpeg(item, 0)))
        if self._detector is None:
            return []
        with self._lock:
            return _found(self._detector, picture)


def _unpaid(name: str) -> Detector:
    """Build a detector, unless each picture would cost money."""
    if isinstance(detectors.options(name, {}), PaidOptions):
        raise UsageError(f"{name} is paid for each picture: judge with a detector that is not")
    return detectors.create(name, {})


def _decoded(item: Item) -> dict[int, bytes] | str:
    """Return a frame's picture and those beside it by their offsets, or why there are none."""
    try:
        sizes = [facts["size"] for facts in storage.find(item.output).values()]
        # Another file may have replaced the copy, and it may not be redacted.
        if sizes != [item.bytes_out]:
            now = "not the one that was published" if sizes else "not there any more"
            return f"The copy is {now}."
        found = stills(item.output, max(item.frame - 1, 0), item.frame + 1, item.stream)
        pictures = {number - item.frame: _jpeg(image) for number, image in found}
    except (VideoError, *storage.FAILURES) as error:
        return f"The copy cannot be read: {error}."
    return pictures if 0 in pictures else f"The copy has no frame {item.frame}."


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, subsampling=0)
    return file.getvalue()


def _found(detector: Detector, picture: Image.Image) -> list[Box]:
    """Return the boxes of what a detector finds on a picture, pixels of the picture."""
    width, height = detector.input_size(*picture.size)
    rgb = np.asarray(picture.resize((width, height)), np.uint8)
    across, down = picture.width / width, picture.height / height
    (boxes,) = detector.detect(np.ascontiguousarray(rgb[np.newaxis, ..., ::-1]))
    return [(box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down) for box in boxes]
