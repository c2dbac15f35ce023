"""One file through the five stages, without Dask; and a network of hosts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from five_stages import LOSSLESS, Done, run
from fixture_types import Ffmpeg, Redact
from hosts import Network

from redact_dask import config
from redact_dask.pipeline.job import Job
from redact_dask.sources import listing


@pytest.fixture
def redact(tmp_path: Path) -> Redact:
    """Take a file through the five stages, in chunks of half a second."""

    def through(path: Path, **sections: Any) -> Done:
        destination = tmp_path / "redacted"
        (video,) = listing.list_videos(str(path), str(destination))
        settings = {"chunk": {"seconds": 0.5}, "detect": {"detectors": ["magenta"]}}
        settings["redact"] = {"style": "solid"}
        configured = config.validate(settings | {"encode": LOSSLESS} | sections)
        return run(Job.of(video, str(destination), configured))

    return through


@pytest.fixture(scope="module")
def grey(ffmpeg: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 60 frames that show nothing to hide, with B-frames, four GOPs and audio."""
    path = tmp_path_factory.mktemp("grey") / "grey.mp4"
    picture = "testsrc2=s=160x96:r=30,hue=s=0"
    codec = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-bf", "2", "-g", "15", "-sc_threshold", "0"]
    sound = ["-f", "lavfi", "-i", "sine=sample_rate=48000"]
    ffmpeg("-f", "lavfi", "-i", picture, *sound, "-frames:v", "60", "-t", "2", *codec, path)
    return path


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """A network with no hosts yet, which are removed at the end."""
    try:
        made = Network()
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or error
        pytest.skip(f"network namespaces need root's rights and Debian's iproute2: {told}")
    yield made
    made.close()
