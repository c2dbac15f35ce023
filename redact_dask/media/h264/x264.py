"""Telling x264 how pictures are to be shown."""

from __future__ import annotations

from collections.abc import Iterator

from redact_dask.records import Fields, StreamInfo

_PACKING = {1: 3, 2: 4, 3: 5, 4: 0, 6: 2, 7: 1}
"""Number of a stereo picture's layout in H.264 (Table D-8), by FFmpeg's ``AVStereo3DType``."""


def parameters(info: StreamInfo) -> Iterator[str]:
    """Yield the parameters of x264 that tell with the pictures how they are to be shown.

    Parameters
    ----------
    info
        What the source's stream is.
    """
    look = info.appearance
    if info.fields != Fields.PROGRESSIVE:
        yield "tff=1" if info.fields == Fields.TOP_FIRST else "bff=1"
    if look.mastering_display:
        red_x, red_y, green_x, green_y, blue_x, blue_y, x, y, least, most = look.mastering_display
        primaries = f"G({green_x},{green_y})B({blue_x},{blue_y})R({red_x},{red_y})"
        yield f"mastering-display={primaries}WP({x},{y})L({most},{least})"
    if look.light_level:
        yield f"cll={look.light_level[0]},{look.light_level[1]}"
    if look.stereo and look.stereo[0] in _PACKING:
        yield f"frame-packing={_PACKING[look.stereo[0]]}"
