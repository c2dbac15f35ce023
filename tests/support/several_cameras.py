"""Files with several video streams: each camera shows a magenta square for some of its frames."""

from __future__ import annotations

from pathlib import Path

from fixture_types import Ffmpeg

GOP = 15
"""Frames from one keyframe to the next."""
X265 = ("libx265", "-x265-params", f"log-level=none:keyint={GOP}:min-keyint={GOP}:scenecut=0")


def camera(
    ffmpeg: Ffmpeg,
    path: Path,
    *options: str | Path,
    size: str = "320x180",
    rate: int = 30,
    frames: int = 60,
    seen: tuple[int, int] | None = (10, 14),
    codec: tuple[str, ...] = ("libx264", "-bf", "2"),
) -> Path:
    """Make what one camera records: grey noise, with the square on the frames ``seen``.

    Most of the noise stands still, as what a camera sees does: so its motion is found at once.
    """
    scene = f"color=0x707070:s={size}:r={rate},noise=c0s=30,noise=c0s=8:c0f=t"
    if seen:
        first, last = seen
        scene += f",drawbox=40:40:40:40:magenta:fill:enable='between(n,{first},{last})'"
    arguments = ["-f", "lavfi", "-i", scene, "-frames:v", str(frames), "-pix_fmt", "yuv420p"]
    arguments += ["-g", str(GOP), "-sc_threshold", "0", "-preset", "ultrafast", "-crf", "20"]
    ffmpeg(*arguments, "-c:v", *codec, *options, path)
    return path


def together(ffmpeg: Ffmpeg, path: Path, *parts: Path, options: tuple[str, ...] = ()) -> Path:
    """Put the streams of some files into one, in their order."""
    inputs = [argument for part in parts for argument in ("-i", part)]
    maps = [argument for number in range(len(parts)) for argument in ("-map", str(number))]
    ffmpeg(*inputs, *maps, "-c", "copy", *options, path)
    return path


def sound(ffmpeg: Ffmpeg, path: Path, seconds: float = 3, codec: str = "aac") -> Path:
    """Make audio."""
    ffmpeg("-f", "lavfi", "-i", f"sine=440:d={seconds}:sample_rate=8000", "-c:a", codec, path)
    return path


def preview(ffmpeg: Ffmpeg, path: Path, pictures: int = 1) -> Path:
    """Make some small pictures of JPEG, which nothing marks as a preview."""
    scene = "color=magenta:s=160x96:r=1"
    ffmpeg("-f", "lavfi", "-i", scene, "-frames:v", pictures, "-c:v", "mjpeg", path)
    return path
