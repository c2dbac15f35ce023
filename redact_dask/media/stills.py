"""Single pictures of a published copy, as a player shows them, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from redact_dask.errors import DamagedVideo
from redact_dask.media.decode import gops
from redact_dask.media.demux import open_video


def stills(
    url: str, first: int, last: int, number: int | None = None
) -> Iterator[tuple[int, Image.Image]]:
    """Yield number and picture of consecutive frames, in the order of presentation.

    Packets before the frames are counted, not decoded, and MP4 is read from the GOP on that holds
    the first of them.

    Parameters
    ----------
    url
        URL of a copy: each of its GOPs can be decoded alone, and is shown before the next.
    first, last
        Numbers of the first and the last frame, from 0; frames beyond the video's are left out.
    number
        Number of the video stream in the file; None: it is the only one.

    Raises
    ------
    VideoError
        The file cannot be read, or is no video.
    """
    with open_video(url, number) as (container, stream):
        frame = _skip(container, stream, first)
        for gop in gops(container.demux(stream)):
            after = frame + sum(not packet.is_discard for packet in gop)
            if after > first:
                stream.codec_context.flush_buffers()
                # The last, empty packet makes the decoder give all frames that it still holds.
                decoded = chain.from_iterable(map(stream.codec_context.decode, [*gop, None]))
                for rank, picture in enumerate(decoded, start=frame):
                    if first <= rank <= last:
                        yield rank, upright(picture, stream)
            frame = after
            if frame > last:
                return


def shape(url: str, number: int | None = None) -> tuple[int, int, int]:
    """Return width and height of a copy's stored pictures, and the turns that show them upright.

    The turns are counter-clockwise quarter turns, 0 to 3.

    Parameters
    ----------
    url, number
        See `stills`.

    Raises
    ------
    VideoError
        The file cannot be read, or is no video.
    """
    with open_video(url, number) as (container, stream):
        for frame in container.decode(stream):
            return frame.width, frame.height, round(frame.rotation / 90) % 4
    raise DamagedVideo(f"{url} has no picture")


def _skip(container: InputContainer, stream: VideoStream, frame: int) -> int:
    """Go to a keyframe before a frame, if the container's index has every frame.

    Returns the number of the frame with which reading begins.
    """
    if "mp4" not in container.format.name:
        return 0
    places = [entry.timestamp for entry in stream.index_entries][: frame + 1]
    if not places:
        return 0
    container.seek(places[-1], stream=stream)
    # FFmpeg compares some containers' seeks with pts: what it has found tells where it is.
    found = next(container.demux(stream)).dts
    container.seek(places[-1] if found in places else places[0], stream=stream)
    return places.index(found) if found in places else 0


def upright(frame: VideoFrame, stream: VideoStream) -> Image.Image:
    """Return a frame as a player shows it: with square pixels, and upright."""
    image: Image.Image = frame.to_image()
    if ratio := stream.sample_aspect_ratio:
        image = image.resize((max(round(image.width * ratio), 1), image.height))
    return image.rotate(frame.rotation, expand=True)
