"""Reading what a video stream is: from its container, and from its first picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import cast

import av
from av.audio.stream import AudioStream
from av.buffer import Buffer
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from redact_dask.errors import DamagedVideo, UnsupportedVideo
from redact_dask.media import appearance
from redact_dask.media.demux import MOST_PIXELS
from redact_dask.media.survey import Survey
from redact_dask.records import Appearance, Fields, StreamInfo

_FIELDS = {
    2: Fields.TOP_FIRST,
    3: Fields.BOTTOM_FIRST,
    4: Fields.TOP_FIRST,
    5: Fields.BOTTOM_FIRST,
}
"""Which field is shown first, by number of FFmpeg's ``AVFieldOrder``; the other one may be coded
first."""


def read(
    container: InputContainer,
    stream: VideoStream,
    pts: Sequence[int],
    survey: Survey,
    audio: Mapping[int, Fraction],
) -> StreamInfo:
    """Decode the first picture of an open video, and return what its stream is.

    Parameters
    ----------
    container, stream
        An open video whose packets have not been read yet.
    pts
        The pts of every frame, ascending.
    survey
        What the packets told.
    audio
        Start, seconds, of each audio stream that has packets, by its number.

    Raises
    ------
    DamagedVideo
        No picture decodes.
    UnsupportedVideo
        Its pictures are too large, or its container crops them in a way that cannot be kept.
    """
    frame = _first_picture(container, stream)
    if frame is None and not stream.width:
        # FFmpeg tells no size that is above the limit either.
        raise UnsupportedVideo(
            "it does not tell the size of its pictures, or they are larger than the "
            f"{MOST_PIXELS:,} pixels that H.264's highest level allows; make them smaller first"
        )
    if frame is None or stream.time_base is None:
        raise DamagedVideo("none of its pictures decodes")
    elapsed = (pts[-1] - pts[0]) * stream.time_base
    rate = Fraction(len(pts) - 1) / elapsed if elapsed else stream.average_rate or Fraction(25)
    look = appearance.read(container, stream, frame)
    _check(frame, look)
    side_data = cast("Buffer | None", frame.side_data.get("DISPLAYMATRIX"))
    matrix = tuple(memoryview(side_data).cast("i")) if side_data else ()
    return StreamInfo(
        codec=stream.codec_context.name,
        width=frame.width - look.crop[0] - look.crop[1],
        height=frame.height - look.crop[2] - look.crop[3],
        pixel_format=frame.format.name,
        quarter_turns=_quarter_turns(matrix),
        display_matrix=matrix,
        fields=_FIELDS.get(stream.codec_context.field_order, Fields.PROGRESSIVE),
        sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
        color_range=frame.color_range,
        color_primaries=frame.color_primaries,
        color_transfer=frame.color_trc,
        color_space=frame.colorspace,
        time_base=stream.time_base,
        rate=rate,
        frames=len(pts),
        seconds=float(elapsed + 1 / rate),
        audio=tuple(_codec(beside) for beside in container.streams.audio if beside.index in audio),
        audio_streams=tuple(sorted(audio)),
        audio_start=min(audio.values(), default=Fraction(0)),
        parameter_sets=survey.parameter_sets,
        reorder_depth=survey.reorder_depth,
        why_encoded=survey.why_not or _why_not_copied(container, stream, look),
        appearance=look,
    )


def _why_not_copied(container: InputContainer, stream: VideoStream, look: Appearance) -> str:
    """Return why the container rules out that GOPs are copied; empty: it does not."""
    if any(look.crop):
        return "its container crops its pictures"
    if look.dolby_vision:
        return "its messages of Dolby Vision cannot be kept"
    if look.container_tells_stereo:
        return "only its container tells which eye sees what"
    # PyAV writes the aspect ratio into MP4, but into Matroska only if the pictures tell it.
    of_pictures = stream.codec_context.sample_aspect_ratio or 1
    if container.format.name == "matroska,webm" and of_pictures != look.aspect:
        return "only its container tells the shape of its pixels"
    return ""


def _check(frame: VideoFrame, look: Appearance) -> None:
    """Raise `UnsupportedVideo` if the container crops pictures in a way that a copy cannot."""
    left, _, top, _ = look.crop
    across = 2 if frame.format.chroma_width() < frame.width else 1
    down = 2 if frame.format.chroma_height() < frame.height else 1
    for pixels, unit, side in ((left, across, "left"), (top, down, "top")):
        if pixels % unit:
            raise UnsupportedVideo(
                f"its container crops {pixels} pixels on its {side}, which cuts a pixel of chroma "
                f"apart; change that to an even number"
            )


def _codec(stream: AudioStream) -> str:
    """Return the name of a stream's codec; FFmpeg need not know it, since packets are copied."""
    context: CodecContext | None = stream.codec_context
    return context.name if context else "unknown"


def _first_picture(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    for packet in container.demux(stream):
        # Whatever needs a picture that does not decode will report it.
        with suppress(av.error.FFmpegError):
            for frame in packet.decode():
                return frame
    return None


def _quarter_turns(matrix: tuple[int, ...]) -> int:
    """Return how many counter-clockwise quarter turns, 0 to 3, turn a picture upright.

    The display matrix shows a point (x, y), y downwards, at (a x + c y, b x + d y) (ISO/IEC
    14496-12, 6.2.2). If it also mirrors the picture, that is ignored: a detector finds a mirrored
    face, but easily misses one that lies on its side.
    """
    if not matrix:
        return 0
    _, b, _, _, d, *_ = matrix
    # How far down the upper, right, lower and left side are shown: n turns bring the n-th one up.
    down = [d * -1, b, d, -b]
    return min(range(4), key=down.__getitem__)
