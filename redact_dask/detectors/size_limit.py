"""Dropping boxes that are too large for what they are said to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from redact_dask.detectors.base import Box

Share = Annotated[float, Field(gt=0, le=1)]


class SizeLimit(BaseModel):
    """Settings of a detector that may find too large things."""

    largest: dict[str, tuple[Share, Share]] = {}
    """Largest width and height of a box, as shares of the picture's, by its label, such as
    ``{plate: [0.2, 0.12]}``. Larger boxes are dropped, also where a thing is that close. By
    default, none is."""

    def kept(self, boxes: Sequence[Box], width: int, height: int) -> list[Box]:
        """Return the boxes of a picture of a width and height, pixels, that are not too large."""
        return [box for box in boxes if self._fits(box, width, height)]

    def _fits(self, box: Box, width: int, height: int) -> bool:
        across, down = self.largest.get(box.label, (float("inf"), float("inf")))
        too_large = box.x1 - box.x0 > across * width or box.y1 - box.y0 > down * height
        return not too_large  # A box that is not finite stays, and is reported.
