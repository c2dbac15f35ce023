"""Videos whose pictures are large wait for room in a worker's memory, or are refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client
from fixture_types import Ffmpeg
from local_cluster import workers
from streams import HD

import redact_dask
from redact_dask.cluster.memory import USABLE, Memory, needed_mib
from redact_dask.config import DetectSettings
from redact_dask.driver.history import PERMANENT_ERRORS
from redact_dask.errors import TooLarge
from redact_dask.records import StreamInfo

MIB = 2**20
UHD = replace(HD, width=3840, height=2160)
SMALL = DetectSettings(detectors=("centerface",), options={"centerface": {"long_side": 640}})
DEFAULT = DetectSettings(detectors=("centerface",))
NOBODY = DetectSettings(detectors=("magenta",))
"""A detector that is no network."""


def needed(info: StreamInfo, detect: DetectSettings = SMALL, codec: str = "h264") -> float:
    return needed_mib(info.width, info.height, info.pixel_format, codec, detect)


def test_the_estimate_covers_what_was_measured_and_not_much_more() -> None:
    assert 435 <= needed(HD) <= 1.1 * 435
    assert 791 <= needed(UHD) <= 1.1 * 791
    assert 2021 <= needed(replace(HD, width=7680, height=4320)) <= 1.15 * 2021


def test_hevc_needs_more_and_what_the_documents_advise_is_enough() -> None:
    faces = DetectSettings()
    assert 439 <= needed(HD, codec="hevc") <= 1.15 * 439
    assert 924 <= needed(UHD, codec="hevc") <= 1.1 * 924
    assert needed(HD, faces, "hevc") <= 640 * USABLE
    assert needed(UHD, faces, "hevc") <= 1280 * USABLE


def test_deeper_pictures_and_more_chroma_need_more() -> None:
    base = needed(replace(HD, width=16, height=16), NOBODY)
    assert needed(replace(HD, pixel_format="yuv420p10le"), NOBODY) - base == pytest.approx(
        2 * (needed(HD, NOBODY) - base), rel=0.01
    )
    assert needed(replace(HD, pixel_format="yuv444p"), NOBODY) - base == pytest.approx(
        2 * (needed(HD, NOBODY) - base), rel=0.01
    )


def test_a_network_that_sees_more_needs_more() -> None:
    """As measured of CenterFace in f32: 43 MiB for 640x352, 123 for 1280x704, 456 for 2560x1440."""
    assert 456 - 43 <= needed(UHD, DEFAULT) - needed(UHD, SMALL) <= 1.1 * (456 - 43)
    assert 123 - 43 <= needed(HD, DEFAULT) - needed(HD, SMALL) <= 1.1 * (123 - 43)
    seen = 640 * 352 / 1e6
    assert needed(HD, SMALL) - needed(HD, NOBODY) == pytest.approx(125 * seen)


def test_what_does_not_fit_alone_is_refused() -> None:
    limit = int(needed(UHD) * MIB) - 1  # Enough, were none of it kept back.
    sentence = (
        r"3840x2160 in yuv420p needs about 8\d\d MiB a thread, and a worker may use 7\d\d MiB"
    )
    with pytest.raises(TooLarge, match=sentence), Memory().reserved(UHD, "h264", SMALL, limit):
        pass
    assert TooLarge.__name__ not in PERMANENT_ERRORS


def test_without_a_limit_everything_fits() -> None:
    with Memory().reserved(replace(UHD, width=10**6), "h264", DEFAULT, None):
        pass


@pytest.mark.timeout(60)
def test_who_needs_much_waits_and_nobody_passes_by() -> None:
    """Two small videos fit side by side, a large one fits only alone."""
    memory, limit = Memory(), int(2.1 * needed(HD) / USABLE * MIB)
    begun: list[str] = []
    events = {name: threading.Event() for name in ("first", "second", "large", "last")}

    def work(name: str, info: StreamInfo) -> None:
        with memory.reserved(info, "h264", SMALL, limit):
            begun.append(name)
            assert events[name].wait(30)

    def start(name: str, info: StreamInfo) -> threading.Thread:
        thread = threading.Thread(target=work, args=(name, info))
        thread.start()
        return thread

    def settled(*expected: str) -> None:
        for _ in range(100):
            threading.Event().wait(0.01)
        assert begun == [*expected]

    threads = [start("first", HD), start("second", HD)]
    settled("first", "second")
    threads.append(start("large", UHD))
    settled("first", "second")
    events["first"].set()
    threads.append(start("last", HD))  # It would fit beside the second, but the large one waits.
    settled("first", "second")
    events["second"].set()
    settled("first", "second", "large")
    events["large"].set()
    settled("first", "second", "large", "last")
    events["last"].set()
    for thread in threads:
        thread.join(30)


@pytest.fixture
def small_worker() -> Iterator[Client]:
    """A client of one real worker process that may use 400 MiB."""
    with workers(1, memory_limit=int(400 / USABLE * MIB)) as client:
        yield client


def test_a_large_video_is_quarantined_by_a_small_worker_that_lives_on(
    small_worker: Client, tmp_path: Path, ffmpeg: Ffmpeg, clip: Path
) -> None:
    source = tmp_path / "fleet"
    source.mkdir()
    (source / "small.mp4").write_bytes(clip.read_bytes())
    large = ["-f", "lavfi", "-i", "color=gray:s=7680x4320:r=10", "-frames:v", "2"]
    ffmpeg(*large, "-pix_fmt", "yuv420p", "-preset", "ultrafast", source / "large.mp4")
    before = {*small_worker.scheduler_info()["workers"]}

    settings = {"detect": {"detectors": ["magenta"]}}
    summary = redact_dask.redact(source, tmp_path / "out", settings, small_worker)

    (failure,) = summary.failures
    assert (summary.published, failure.path, failure.stage) == (1, "large.mp4", "detect")
    assert "7680x4320 in yuv420p needs about" in failure.reason
    assert {*small_worker.scheduler_info()["workers"]} == before
