"""Fixtures: generated and real clips, real workers, a real object store, a stand-in for AWS."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import dask.config
import imageio_ffmpeg
import pytest
import seaweedfs
from demo import fetch_clips
from distributed import Client, Security
from fixture_types import Ffmpeg, MakeClip, StartStandin
from installed import Installed
from local_cluster import workers
from standin import Standin

from redact_dask.cluster import local_workers

SUPPORT = Path(__file__).with_name("support")

# The scripted detector is found as any installed package's is, also by processes that are started.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(SUPPORT), os.environ.get("PYTHONPATH")])
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with whole runs: the longest files, if begun last, would leave a processor idle."""
    runs = Path(__file__).with_name("runs")
    items.sort(key=lambda item: runs not in item.path.parents)


@pytest.fixture(scope="session", autouse=True)
def warm_workers() -> None:
    """Load what workers are forked from before a test changes the environment."""
    with dask.config.set(local_workers.dask_settings()):
        local_workers.warm_up()


@pytest.fixture(scope="session")
def ffmpeg() -> Ffmpeg:
    """Run the ffmpeg program with some arguments."""

    def run(*arguments: str | Path) -> None:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    return run


@pytest.fixture(scope="session")
def make_clip(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """Make a clip of a magenta square that moves over grey noise.

    Its upper left corner is at x = 12 + 2 * frame, y = 60 in a picture of 320x180; it is 40 wide
    and 40 high. Most of the noise stands still, H.264 has B-frames and a keyframe every 15 frames,
    and there is AAC, unless told otherwise. A clip that was made before is copied.
    """
    folder = tmp_path_factory.mktemp("made")
    known: dict[tuple[str, ...], Path] = {}

    def make(
        path: Path,
        *options: str | Path,
        frames: int = 90,
        rate: int = 30,
        blue_frame: int = -1,
        audio: bool = True,
        keyframes: int = 15,
        still: bool = True,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = "noise=c0s=30,noise=c0s=20:c0f=t" if still else "noise=c0s=30:c0f=t"
        size = f"s=320x180:r={rate}"
        scene = (
            f"[0]{noise}[back];[back][1]overlay=x=10+2*n:y=60:eval=frame[seen];"
            f"[seen]drawbox=color=blue:t=fill:enable='eq(n,{blue_frame})'"
        )
        inputs = ["-f", "lavfi", "-i", f"color=0x707070:{size}"]
        inputs += ["-f", "lavfi", "-i", f"color=magenta:s=40x40:r={rate}"]
        if audio:
            inputs += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
        codec = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
        codec += ["-bf", "2", "-b_strategy", "0", "-g", str(keyframes)]
        codec += ["-sc_threshold", "0"]  # Noise looks like a change of scene.
        length = ["-t", str(frames / rate), "-frames:v", str(frames)]
        arguments = [*inputs, "-filter_complex", scene, *codec, "-crf", "20", *length, *options]
        key = (*map(str, arguments), path.suffix)
        if key not in known:
            known[key] = folder / f"{len(known)}{path.suffix}"
            ffmpeg(*arguments, known[key])
        shutil.copyfile(known[key], path)
        return path

    return make


@pytest.fixture(scope="session")
def clip(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 90 frames with B-frames, six GOPs and audio."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="session")
def short(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 30 frames, two GOPs and audio, for runs whose frames nobody looks at."""
    return make_clip(tmp_path_factory.mktemp("short") / "clip.mp4", frames=30)


@pytest.fixture(scope="session")
def carphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real clip: 120 frames of a person talking in a car, 176x144."""
    return fetch_clips(tmp_path_factory.mktemp("real"))[0]


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    """An empty folder in which videos land."""
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """A client of two real worker processes with one thread each."""
    with workers(2) as client:
        yield client


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A SeaweedFS server: gives ``s3://bucket``; the environment names the server."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    server = seaweedfs.Server(folder)
    with pytest.MonkeyPatch.context() as patch, (folder / "log").open("wb") as log:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        running = subprocess.Popen(server.command, stdout=log, stderr=log)
        try:
            seaweedfs.make_bucket()
            yield f"s3://{seaweedfs.BUCKET}"
        finally:
            running.kill()  # It would take 25 s to end by itself.
            running.wait()


@pytest.fixture(scope="module")
def s3(s3_server: str) -> str:
    """Give ``s3://bucket``, empty at a module's beginning: modules may use the same names."""
    boto3.resource("s3").Bucket(seaweedfs.BUCKET).objects.all().delete()
    return s3_server


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, in an environment of its own."""
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of ``cluster.security``, with a certificate that has signed itself."""
    return _certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def foreign_tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same of somebody else."""
    return _certificate(tmp_path_factory.mktemp("foreign_tls"))


def _certificate(folder: Path) -> dict[str, str]:
    made = Security.temporary()
    (folder / "cert.pem").write_text(made.tls_client_cert)
    (folder / "key.pem").write_text(made.tls_client_key)
    (folder / "key.pem").chmod(0o600)
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    return {"ca_file": cert, "cert": cert, "key": key}


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[StartStandin]:
    """Start a stand-in for Amazon Rekognition, with options of its command line.

    The environment names the one started last; processes that are to find it start later. Its
    credentials are those of the object store, so that a test can have both.
    """
    with ExitStack() as running:

        def start(*options: object) -> Standin:
            started = running.enter_context(Standin(*options))
            for name, value in started.environment.items():
                monkeypatch.setenv(name, value)
            return started

        yield start
