"""The method that this project started from, made anew for comparisons: AWS's Field Notes.

    AWS_ENDPOINT_URL_REKOGNITION=http://127.0.0.1:8000 \
        .venv/bin/python benchmarks/original.py VIDEO OUTPUT --processes 16

One video is shared out by its number of frames among processes; each makes one call at a time. Its
faults are kept, since they are part of its speed and of its result: frames that remain after the
division are lost, red and blue are swapped, sound is dropped, and each face blurs the whole frame.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import av
import boto3
import click
import cv2
import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageFilter

RADIUS = 20
"""Of the blur, pixels."""
MARGIN = 0.1
"""Share of a box that is added on each side."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process does."""

    video: Path
    folder: Path
    number: int
    frames: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a run took and gave."""

    seconds: float
    frames_in: int
    """Of the video, or as many as were asked for."""
    frames_out: int
    """Decoded from the output."""

    @property
    def lost(self) -> int:
        """Number of frames that are missing in the output."""
        return self.frames_in - self.frames_out


def redact(video: Path, output: Path, processes: int, frames: int | None = None) -> Report:
    """Hide the faces that Amazon Rekognition finds, and say how long it took.

    Processes are started as the platform starts them: call it from a program without threads.

    Parameters
    ----------
    video, output
        Paths of files; the output is an MP4 file.
    processes
        Number of processes, each with one call at a time.
    frames
        Only so many of the first frames; None: all.
    """
    start = time.perf_counter()
    capture = cv2.VideoCapture(str(video))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    capture.release()
    count = count if frames is None else min(count, frames)
    each = count // processes
    if not each:
        raise ValueError(f"{count} frames are too few for {processes} processes")
    with tempfile.TemporaryDirectory() as name:
        parts = [Part(video, Path(name), number, each) for number in range(processes)]
        with multiprocessing.Pool(processes) as pool:
            made = pool.map(redact_part, parts, chunksize=1)
        join(made, output)
    seconds = time.perf_counter() - start
    with av.open(output) as container:
        decoded = sum(1 for _ in container.decode(video=0))
    return Report(seconds, count, decoded)


def redact_part(part: Part) -> Path:
    """Redact the frames of one process, and return the path of what it made."""
    rekognition = boto3.client("rekognition")
    output = part.folder / f"{part.number}.mp4"
    picture = part.folder / f"{part.number}.jpg"
    capture = cv2.VideoCapture(str(part.video))
    capture.set(cv2.CAP_PROP_POS_FRAMES, part.number * part.frames)
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    codec, rate = cv2.VideoWriter.fourcc(*"mp4v"), capture.get(cv2.CAP_PROP_FPS)
    writer = cv2.VideoWriter(str(output), codec, rate, size)
    for _ in range(part.frames):
        found, frame = capture.read()
        if not found:
            break
        cv2.imwrite(str(picture), frame)
        answer = rekognition.detect_faces(Image={"Bytes": picture.read_bytes()})
        boxes = [face["BoundingBox"] for face in answer["FaceDetails"]]
        # The array is RGB, and is taken for BGR.
        writer.write(np.asarray(hide(picture, boxes)))
    capture.release()
    writer.release()
    return output


def hide(picture: Path, boxes: list[dict[str, float]]) -> Image.Image:
    """Blur each box of a picture, one after the other."""
    image = Image.open(picture)
    for box in boxes:
        x0 = image.width * (box["Left"] - MARGIN * box["Width"])
        y0 = image.height * (box["Top"] - MARGIN * box["Height"])
        x1 = x0 + image.width * box["Width"] * (1 + 2 * MARGIN)
        y1 = y0 + image.height * box["Height"] * (1 + 2 * MARGIN)
        corners = int(x0), int(y0), int(x1), int(y1)
        blurred = image.filter(ImageFilter.GaussianBlur(RADIUS))
        image.paste(blurred.crop(corners), corners)
    return image


def join(parts: list[Path], output: Path) -> None:
    """Put the parts one behind the other."""
    names = parts[0].with_name("parts.txt")
    names.write_text("".join(f"file '{part}'\n" for part in parts))
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "concat", "-safe", "0"]
    command += ["-i", str(names), "-c", "copy", str(output)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@click.command()
@click.argument("video", type=click.Path(exists=True, path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--processes", type=click.IntRange(1), default=16)
@click.option("--frames", type=click.IntRange(1), help="Only so many of the first frames.")
def main(video: Path, output: Path, processes: int, frames: int | None) -> None:
    """Redact one video, and print seconds, frames in, frames out and frames lost."""
    done = redact(video, output, processes, frames)
    print(
        f"{done.seconds:.1f} s, {done.frames_in} frames in, {done.frames_out} frames out,"
        f" {done.lost} lost"
    )


if __name__ == "__main__":
    main()
