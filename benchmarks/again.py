"""CPU time of a second rendering beside that of a whole run, on the demonstration's street.

    .venv/bin/python benchmarks/again.py

The five stages run one after the other in this process, with the default settings.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from clips import fetch_clips

from redact_dask import config, storage
from redact_dask.media import decode, index
from redact_dask.media.encode import Encoder
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Rendered, Video
from redact_dask.records.edits import Edit, EditKind
from redact_dask.sources import listing


def make_clip(folder: Path, seconds: int) -> Path:
    """Repeat the street, with a keyframe each second."""
    clip = folder / "source" / "street.mp4"
    clip.parent.mkdir()
    arguments = ["-stream_loop", "-1", "-i", str(fetch_clips(folder)[1]), "-t", str(seconds)]
    arguments += ["-an", "-c:v", "libx264", "-preset", "veryfast", "-g", "30", str(clip)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return clip


def render(job: Job) -> list[Rendered]:
    """Run the stages of a file with one video stream, and remove its work as a run does."""
    probed = stages.probe(job)
    seen = [stages.detect(job, probed.info, part) for part in probed.parts]
    plan = stages.track(job, probed, seen)
    made = [stages.render(job, probed.info, chunk, plan) for chunk in probed.chunks]
    stages.join(job, probed, [plan], made)
    storage.remove(job.work)
    return made


def edit_of(video: Video) -> Edit:
    """Hide something for two seconds in the middle of the first twenty."""
    boxes = ((300, 200.0, 100.0, 260.0, 160.0), (359, 220.0, 100.0, 280.0, 160.0))
    now = datetime.now(UTC)
    return Edit(video.path, video.id, None, EditKind.HIDE, "face", boxes, "benchmark", now)


def encoded_bytes(clip: Path, every: int) -> int:
    """Return the size of all frames, encoded with an IDR picture every so many frames; 0: none."""
    settings = config.EncodeSettings()
    scanned = index.scan(str(clip), settings)
    (chunk,) = scanned.chunks(1e9)
    content = io.BytesIO()
    encoder = Encoder(scanned.info, settings, content)
    for number, frame in enumerate(decode.frames(str(clip), scanned.info, chunk)):
        encoder.add(frame, begins_piece=bool(every) and number % every == 0)
    encoder.finish()
    return len(content.getvalue())


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and its children so far."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = make_clip(folder, options.seconds)
        (video,) = listing.list_videos(str(clip), str(folder / "out"))
        edit = (edit_of(video),)
        runs: Sequence[tuple[str, dict[str, Any], tuple[Edit, ...]]] = (
            ("a whole run", {}, ()),
            ("an edit of two seconds", {}, edit),
            ("another style", {"redact": {"style": "solid"}}, edit),
        )
        print("| | CPU s | of a whole run | frames encoded | taken | copied |")
        print("|---|---:|---:|---:|---:|---:|")
        whole = 0.0
        for what, sections, edits in runs:
            job = Job.of(video, (folder / "out").as_uri(), config.validate(sections))
            before = cpu_seconds()
            made = render(replace(job, edits=edits))
            spent = cpu_seconds() - before
            whole = whole or spent
            frames, taken, copied = (
                sum(getattr(one, kind) for one in made) for kind in ("frames", "taken", "copied")
            )
            figures = f"{spent:.1f} | {100 * spent / whole:.0f} % | {frames - taken - copied}"
            print(f"| {what} | {figures} | {taken} | {copied} |", flush=True)
        plain = encoded_bytes(clip, 0)
        for every in (30, 60, 120):
            more = encoded_bytes(clip, every) / plain - 1
            print(f"an IDR picture every {every} frames: {100 * more:.1f} % more bytes")


if __name__ == "__main__":
    main()
