"""What a crowded hour takes of the worker that tracks it, and of the driver.

Real driver, scheduler, tracking, plan and manifest, but made-up detections, and no pictures: what
decoding and encoding take is in ``memory.py``. Prints a Markdown table::

    python benchmarks/crowd.py --minutes 60 --faces 20
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial, update_wrapper
from pathlib import Path

import click
import cloudpickle
import imageio_ffmpeg
import memory
import numpy as np
from distributed import Client, LocalCluster, Worker, WorkerPlugin

from redact_dask import manifest, redact
from redact_dask.media import mux, verify
from redact_dask.pipeline import detection, proving, published, stages
from redact_dask.pipeline.job import Job
from redact_dask.pipeline.rendering import Rendering
from redact_dask.pipeline.timing import Timer
from redact_dask.records import Chunk, Detected, Detection, Detections, Segment, StreamInfo


@click.command()
@click.option("--minutes", default=60, help="Length of the video, of 30 frames a second.")
@click.option("--faces", default=20, help="Faces on each frame.")
def main(minutes: int, faces: int) -> None:
    """Print the highest resident memory of worker and driver for one video."""
    cloudpickle.register_pickle_by_value(memory)  # The worker does not find this folder.
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
        memory.worker_of(cluster.scheduler_address),
    ):
        video, destination = Path(folder, "source", "video.mp4"), Path(folder, "redacted")
        make_video(video, minutes)
        client.wait_for_workers(1)
        client.register_plugin(MadeUp(faces))
        before, start = memory.peak_mib(), time.perf_counter()
        summary = redact(video, destination, None, client)
        seconds = time.perf_counter() - start
        if summary.quarantined:
            raise click.ClickException(summary.failures[0].reason)
        (worker,) = client.run(memory.peak_mib).values()
        driver = memory.peak_mib()
        names = ("detections", "regions")
        rows = [manifest.read(summary.manifest, name).num_rows for name in names]
    print("| length | faces | detections | regions | wall time | worker | driver before | driver |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    print(
        f"| {minutes} min | {faces} | {rows[0]:,} | {rows[1]:,} | {seconds:.0f} s "
        f"| {worker:.0f} MiB | {before:.0f} MiB | {driver:.0f} MiB |"
    )


def make_video(path: Path, minutes: int) -> None:
    """Make a grey video with a keyframe each second."""
    path.parent.mkdir()
    source = ["-f", "lavfi", "-i", "color=gray:s=160x90:r=30", "-t", str(60 * minutes)]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "30", path]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *codec], check=True)


class MadeUp(WorkerPlugin):
    """Puts made-up work in place of all that touches pictures."""

    name = "made-up"

    def __init__(self, faces: int) -> None:
        self._faces = faces

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 (Dask's contract)
        """Run on each worker when it starts."""
        stages.detect = update_wrapper(partial(detect, self._faces), detect)
        Rendering.segments = segments
        mux.write = write
        verify.verify = proving.check_pictures = lambda *_: None
        published.streams = lambda *_: []


def detect(faces: int, job: Job, info: StreamInfo, chunk: Chunk) -> Detected:
    """See faces that walk through the picture, each in its own row and at its own speed."""
    chance = np.random.default_rng(chunk.index)
    looks = chunk.frames[:: detection.stride(info, job.config.detect)]
    found = []
    for frame in looks:
        for face in range(faces):
            x = (31 * face + frame * (1 + face % 7) / 20) % info.width + chance.normal(0, 0.2)
            y = info.height * (face + 0.5) / faces + chance.normal(0, 0.2)
            found.append(Detection(frame, x, y, x + 8, y + 8, 0.8, "face", "made-up"))
    frames, moved = len(chunk.pts), chance.normal(0, 0.01, len(chunk.pts)).tolist()
    return Detected(
        chunk=chunk.index,
        frames=frames,
        looked_at=len(looks),
        detections=Detections.of(found),
        detectors=("made-up",),
        damage=(),
        changes=(0.0,) * frames,
        timing=Timer().timing(),
        steps=tuple((1.0, step, 0.0) for step in moved),
    )


def write(path: Path, *_: object) -> tuple[mux.Written, ...]:
    """Join nothing."""
    path.write_bytes(b"v")
    return (mux.Written(b"", b"", copies_are_known=False),)


def segments(self: Rendering, _timer: Timer) -> Iterator[Segment]:
    """Encode nothing."""
    yield Segment(len(self._chunk.pts), self._chunk.start, "file:///nowhere.mkv", 0)


if __name__ == "__main__":
    main()
