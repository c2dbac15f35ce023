"""Hiding regions in place, on the planes of a decoded frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor, sqrt

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from redact_dask.config import RedactSettings
from redact_dask.media.planes import Pixels, Plane, planes
from redact_dask.records import Region, StreamInfo
from redact_dask.redaction.styles import hidden, solid
from redact_dask.redaction.zones import Area


def hide(
    frame: VideoFrame, regions: Iterable[Region], settings: Callable[[str], RedactSettings]
) -> None:
    """Hide regions of a frame in luma and chroma; all other pixels keep their values.

    Parameters
    ----------
    frame
        A planar YUV picture. It is made writable, because the decoder may still need its own copy.
    regions
        Regions in pixels of the frame; one without a pixel is skipped.
    settings
        Style, strength and shape of the redaction, by label.
    """
    chosen = [(region, settings(region.label)) for region in regions]
    frame.make_writable()
    for number, plane in enumerate(planes(frame)):
        for region, own in chosen:
            part, inside = part_of(plane, region, own.shape)
            if part.size:
                new = hidden(part, own, plane.across, plane.down, is_luma=number == 0)
                if inside is None:
                    part[:] = new
                else:
                    np.copyto(part, new, where=inside)


def cover(frame: VideoFrame, area: Area) -> None:
    """Cover an area of a frame in one colour; all other pixels keep their values.

    Of letters, averaged cells or a blur would leave what tells them apart.
    """
    frame.make_writable()
    for number, plane in enumerate(planes(frame)):
        np.copyto(plane.pixels, solid(plane.pixels, is_luma=number == 0), where=area.on(plane))


def black(info: StreamInfo) -> VideoFrame:
    """Return a black picture with the size and pixel format of a video."""
    frame = VideoFrame(info.width, info.height, info.pixel_format)
    for number, plane in enumerate(planes(frame)):
        plane.pixels[:] = solid(plane.pixels, is_luma=number == 0)
    return frame


def part_of(plane: Plane, region: Region, shape: str) -> tuple[Pixels, NDArray[np.bool_] | None]:
    """Return the part of a plane around a region's shape, and a mask of the pixels inside it.

    The mask is None if all pixels are inside.

    Parameters
    ----------
    plane
        Plane of a picture.
    region
        Region in pixels of the picture.
    shape
        ``rectangle`` or ``ellipse``.
    """
    x0, x1 = floor(region.x0) // plane.across, ceil(ceil(region.x1) / plane.across)
    y0, y1 = floor(region.y0) // plane.down, ceil(ceil(region.y1) / plane.down)
    x, y, a, b = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    reach = sqrt(2) if shape == "ellipse" else 1.0
    top, bottom = max(floor(y - reach * b), 0), max(ceil(y + reach * b), 0)
    left, right = max(floor(x - reach * a), 0), max(ceil(x + reach * a), 0)
    part = plane.pixels[top:bottom, left:right]
    if shape == "rectangle":
        return part, None
    rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
    # On the ellipse through the corners, (dx / a)**2 + (dy / b)**2 is 2; in the box it is less.
    return part, ((columns + 0.5 - x) * b) ** 2 + ((rows + 0.5 - y) * a) ** 2 <= 2 * (a * b) ** 2
