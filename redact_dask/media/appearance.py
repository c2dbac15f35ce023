"""Reading how pictures are to be shown, from a stream's container and its first picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import fields
from fractions import Fraction
from typing import cast

import av
from av.buffer import Buffer
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from redact_dask.errors import UnsupportedVideo
from redact_dask.media import containers
from redact_dask.records import Appearance

_CROPPED = (0x54CC, 0x54DD, 0x54BB, 0x54AA)
"""Numbers of the Matroska elements that tell what is cropped away (RFC 9559, 5.1.4.1.28)."""
_STEREO = 0x53B8
"""Number of the element that tells where the picture of each eye is."""
_PATH = {0x18538067: "Segment", 0x1654AE6B: "Tracks", 0xAE: "TrackEntry", 0xE0: "Video"}
"""Numbers of the elements that they lie in."""


def read(container: InputContainer, stream: VideoStream, frame: VideoFrame) -> Appearance:
    """Return how the pictures of a stream are to be shown, of which ``frame`` is the first."""
    matrix = _numbers(frame, "DISPLAYMATRIX")
    told = _told(container, stream)
    left, right, top, bottom = (told.get(number, 0) for number in _CROPPED)
    return Appearance(
        crop=(left, right, top, bottom),
        aspect=float(stream.sample_aspect_ratio or Fraction(1)),
        rotation=tuple(round(matrix[at] / 2**16, 3) for at in (0, 1, 3, 4)) if matrix else (),
        colours=(
            frame.color_range == 2 or frame.format.name.startswith("yuvj"),
            frame.color_primaries or 2,  # Code point 0 is reserved, 2 means that nothing is told.
            frame.color_trc or 2,
            frame.colorspace,
        ),
        projection=_numbers(frame, "SPHERICAL"),
        stereo=_numbers(frame, "STEREO3D")[:1],
        container_tells_stereo=told.get(_STEREO, 0) > 0,
        dolby_vision=_announces_dolby_vision(stream),
        mastering_display=_mastering_display(_numbers(frame, "MASTERING_DISPLAY_METADATA")),
        light_level=_numbers(frame, "CONTENT_LIGHT_LEVEL"),
    )


def is_told_alike(look: Appearance) -> bool:
    """Tell whether a copy of the same codec takes over what the container tells of its pictures.

    It must not if it is cropped, if it lacks the messages that the container announces, or of a
    stereo picture: what FFmpeg writes of that into MP4, nobody reads as it was.
    """
    return not (any(look.crop) or look.container_tells_stereo or look.dolby_vision)


def differences(one: Appearance, other: Appearance) -> list[str]:
    """Return the names of what is shown otherwise, such as ``projection``."""
    names = [
        field.name
        for field in fields(Appearance)
        if field.name not in ("aspect", "container_tells_stereo", "dolby_vision")
    ]
    found = [name for name in names if getattr(one, name) != getattr(other, name)]
    # Containers tell the shape of a pixel, or of the whole picture, in whole numbers.
    if abs(one.aspect / other.aspect - 1) > 0.005:
        found.append("aspect")
    return [name.replace("_", " ") for name in found]


def _numbers(frame: VideoFrame, name: str) -> tuple[int, ...]:
    """Return side data of a frame, which is a structure of whole numbers with 32 bits."""
    data = frame.side_data.get(name)
    return tuple(memoryview(cast("Buffer", data)).cast("i")) if data else ()


def _mastering_display(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of the SEI message: red, green, blue, white, luminances (D.1.29)."""
    if len(numbers) != 22 or not all(numbers[1:20:2]):
        return ()
    values = [Fraction(*numbers[at : at + 2]) for at in range(0, 20, 2)]
    units = [50000] * 8 + [10000] * 2
    return tuple(round(value * unit) for value, unit in zip(values, units, strict=True))


def _told(container: InputContainer, stream: VideoStream) -> dict[int, int]:
    """Return what the container tells about the picture, by the numbers of Matroska's elements.

    PyAV does not tell it. But FFmpeg writes it into the header of a Matroska file, whatever
    container it comes from.
    """
    if container.format.name not in ("matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"):
        return {}
    codec = stream.codec_context.name
    if codec in containers.codecs("matroska"):
        return dict(_elements(_header(stream, "matroska")))
    if codec in containers.codecs("mov") and b"clap" in _header(stream, "mov"):
        raise UnsupportedVideo(f"its container crops pictures of {codec}; crop them, or convert it")
    return {}


def _announces_dolby_vision(stream: VideoStream) -> bool:
    """Tell whether the container says that messages of Dolby Vision come with the pictures."""
    if stream.codec_context.name != "hevc":
        return False
    header = _header(stream, "mp4")
    return b"dvcC" in header or b"dvvC" in header


def _header(stream: VideoStream, container: str) -> bytes:
    """Return what FFmpeg writes into a container before the first packet of a stream."""
    header = io.BytesIO()
    options = {"strict": "unofficial"}  # Otherwise it leaves some out.
    if container != "matroska":
        options["movflags"] = "empty_moov"
    with av.open(header, "w", format=container, options=options) as copy:
        copy.add_stream_from_template(stream, opaque=True)
        copy.start_encoding()
        return header.getvalue()


def _elements(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield number and value of some whole numbers about the picture in a Matroska header."""
    at = 0
    while at < len(data):
        number, at = _variable(data, at, keep=True)
        size, at = _variable(data, at, keep=False)
        end = min(at + size, len(data))
        if number in _PATH:
            yield from _elements(data[at:end])
        elif number in (*_CROPPED, _STEREO):
            yield number, int.from_bytes(data[at:end])
        at = end


def _variable(data: bytes, at: int, *, keep: bool) -> tuple[int, int]:
    """Read a number of variable length (RFC 8794, 4), with or without the mark of its length."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length])
    return value if keep else value & ((1 << 7 * length) - 1), at + length
