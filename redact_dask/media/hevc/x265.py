"""Telling x265 how to work, and how pictures are to be shown."""

from __future__ import annotations

from collections.abc import Iterator

from redact_dask.records import Appearance

REFERENCES = {
    "ultrafast": 1, "superfast": 1, "veryfast": 2, "faster": 2, "fast": 3, "medium": 3, "slow": 4,
    "slower": 5,
}  # fmt: skip
"""Most frames that x265 predicts a picture from, by preset (``x265 --fullhelp``)."""

_ALWAYS = (
    "log-level=error",
    "pools=none:frame-threads=1:wpp=0",  # One thread does all.
    "bframes=0:rc-lookahead=5",  # It would hold a hundred pictures, and H.264 takes forty.
    "open-gop=0",  # Decoding can start at each keyframe.
    "repeat-headers=1",  # Messages about the display are in each GOP, not only in extradata.
    "info=0",  # No message names the encoder and its settings.
)


def parameters(look: Appearance, crf: float) -> Iterator[str]:
    """Yield the parameters of x265, besides its preset and those of a smart copy.

    Parameters
    ----------
    look
        How pictures are to be shown.
    crf
        Constant rate factor. 0 means without loss, as x264 takes it.
    """
    yield from _ALWAYS
    if not crf:
        yield "lossless=1"
    if look.mastering_display:
        red_x, red_y, green_x, green_y, blue_x, blue_y, x, y, least, most = look.mastering_display
        primaries = f"G({green_x},{green_y})B({blue_x},{blue_y})R({red_x},{red_y})"
        yield f"master-display={primaries}WP({x},{y})L({most},{least})"
    if look.light_level:
        yield f"max-cll={look.light_level[0]},{look.light_level[1]}"
