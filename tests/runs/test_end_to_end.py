"""Whole videos through real workers: what is published, what is not, and what the manifest says."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnx_models
import pytest
from decoded import pictures, times
from distributed import Client
from fixture_types import Ffmpeg, MakeClip
from local_cluster import workers
from made_up import Row
from magenta import RAISING, excess
from manifest_rows import rows
from numpy.typing import NDArray

import redact_dask
from redact_dask import Summary
from redact_dask.sources import listing

QUICK = {"encode": {"preset": "ultrafast"}}
EVERY = QUICK | {"detect": {"detectors": ["magenta"], "every": 1}}
"""Looks at every frame."""


def files(folder: Path) -> set[str]:
    """Return the paths of all files below a folder, but those of the manifest and what is kept."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if path.parts[0] not in ("_manifest", "_kept")}


def shown(video: Path) -> NDArray[np.uint8]:
    """Return all frames of a video: shape (frames, height, width, 3), RGB."""
    return np.stack(pictures(video, "rgb24"))


def audio_packets(video: Path) -> list[tuple[Fraction, bytes]]:
    """Return time, seconds, and content of every audio packet."""
    with av.open(video) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets]


def is_magenta(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell for each pixel whether it is rather magenta than grey."""
    return excess(images) > 40


@pytest.fixture
def fleet(tmp_path: Path, make_clip: MakeClip) -> Path:
    """A source folder: two good videos, one of them deeper, and one with a blue picture."""
    source = tmp_path / "fleet"
    make_clip(source / "a.mp4", frames=30, audio=False)
    make_clip(source / "blue.mp4", frames=30, blue_frame=20, audio=False)
    make_clip(source / "car" / "b.mkv", frames=30, audio=False)
    return source


@pytest.fixture(scope="module")
def one_worker() -> Iterator[Client]:
    """A client of one real worker process with one thread."""
    with workers(1) as client:
        yield client


# What is published


@pytest.fixture
def square(tmp_path: Path, make_clip: MakeClip) -> Path:
    """A clip with 7 open GOPs: some pictures are shown before their own keyframe."""
    open_gops = ["-x264-params", "open-gop=1"]
    path = tmp_path / "square.mp4"
    return make_clip(path, *open_gops, frames=105, audio=False)


@pytest.fixture
def talking_man(tmp_path: Path, ffmpeg: Ffmpeg, carphone: Path) -> Path:
    """A real clip with 7 GOPs of 15 frames."""
    path = tmp_path / "talking_man.mp4"
    gops = ["-c:v", "libx264", "-bf", "2", "-g", "15", "-sc_threshold", "0"]
    ffmpeg("-i", carphone, *gops, "-frames:v", "105", path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("video", "detect"),
    [
        ("square", {"detectors": ["magenta"]}),
        ("talking_man", {"options": {"centerface": {"long_side": 320}}}),
    ],
)
def test_chunks_and_workers_cannot_be_seen_in_the_manifest(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    client: Client,
    one_worker: Client,
    video: str,
    detect: dict[str, Any],
) -> None:
    source: Path = request.getfixturevalue(video)
    seen: list[tuple[list[Row], list[Row]]] = []
    for cluster, seconds, chunks in (
        (client, 100.0, 1),
        (client, 1.7, 2),
        (client, 0.2, 7),
        (one_worker, 0.2, 7),
    ):
        destination = tmp_path / f"destination{len(seen)}"
        config = QUICK | {"detect": detect, "chunk": {"seconds": seconds}}
        redact_dask.redact(source, destination, config, cluster)
        tasks = [row for row in rows(destination, "chunks") if row["stage"] == "detect"]
        assert len(tasks) == chunks
        seen.append((rows(destination, "detections"), rows(destination, "regions")))
    detections, regions = seen[0]
    assert len(detections) > 30
    assert {row["frame"] for row in regions} == set(range(105))
    assert seen[1:] == 3 * [seen[0]]


def test_output_has_the_sources_frames_times_and_audio_but_not_the_square(
    tmp_path: Path, make_clip: MakeClip, client: Client
) -> None:
    """The square begins to leave the picture at frame 136, has left it at 155, and is padded."""
    source = make_clip(tmp_path / "source" / "clip.mp4", frames=195)
    config = EVERY | {"chunk": {"seconds": 1}, "redact": {"style": "solid"}}
    redact_dask.redact(source, tmp_path, config, client)
    output = tmp_path / "clip.mp4"

    assert times(output) == times(source)
    assert audio_packets(output) == audio_packets(source)

    before, after = shown(source), shown(output)
    assert after.shape == before.shape == (195, 180, 320, 3)
    assert is_magenta(before[:134]).sum(axis=(1, 2)).min() > 1000
    assert not is_magenta(after).any()
    for frame, image in enumerate(after[:134]):
        assert image[60:100, 10 + 2 * frame : 50 + 2 * frame].max() < 40

    # The noise of the rows far from the square tells whether each picture is the right one.
    source_noise, noise = before[:, 130:].astype(int), after[:, 130:].astype(int)
    loss = np.abs(noise - source_noise).mean(axis=(1, 2, 3))
    others = np.abs(noise[1:] - source_noise[:-1]).mean(axis=(1, 2, 3))
    assert loss.max() < 8
    assert (others > 1.2 * loss[1:]).all()
    assert np.array_equal(after[180:], before[180:])


@pytest.fixture
def man_and_plate(tmp_path: Path, ffmpeg: Ffmpeg, carphone: Path) -> Path:
    """A real clip of 40 frames, 320x256, with a magenta square of 8 pixels at x = 240, y = 40."""
    path = tmp_path / "man_and_plate.mp4"
    scene = "scale=320:256,setsar=1,drawbox=x=240:y=40:w=8:h=8:color=magenta:t=fill"
    codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "10", "-g", "15"]
    ffmpeg("-i", carphone, "-vf", scene, *codec, "-frames:v", "40", path)
    return path


def plates(model: Path, sha256: str = "") -> dict[str, Any]:
    """Return settings that look for faces and, with a small network, for magenta plates."""
    yolo = {
        "model": str(model),
        "sha256": sha256 or onnx_models.digest(model),
        "classes": {0: "plate"},
    }
    yolo |= {"threshold": 0.5, "long_side": 320}
    options = {"centerface": {"long_side": 320}, "yolo": yolo}
    detect = {"detectors": ["centerface", "yolo"], "every": 1, "options": options}
    return {"detect": detect}


def test_faces_and_plates_are_hidden_in_one_pass(
    tmp_path: Path, man_and_plate: Path, client: Client
) -> None:
    destination = tmp_path / "destination"
    config = QUICK | plates(onnx_models.yolo(tmp_path / "plates.onnx"))
    config |= {"redact": {"style": "solid"}, "chunk": {"seconds": 0.4}}
    summary = redact_dask.redact(man_and_plate, destination, config, client)
    assert (summary.published, summary.tracks) == (1, {"face": 1, "plate": 1})

    (video,) = rows(destination, "videos")
    assert [name.split("-")[0] for name in video["detectors"]] == ["centerface", "yolo"]
    seen = [
        (row["detector"], row["label"], row["frame"]) for row in rows(destination, "detections")
    ]
    assert {*seen} == {
        (*who, frame) for who in (("centerface", "face"), ("yolo", "plate")) for frame in range(40)
    }

    before, after = shown(man_and_plate), shown(destination / "man_and_plate.mp4")
    assert is_magenta(before).sum(axis=(1, 2)).min() > 30
    assert after[:, 34:54, 238:250].max() < 40  # the plate
    assert after[:, 90:150, 130:185].max() < 40  # the face
    assert np.abs(after[:, 200:].astype(int) - before[:, 200:]).mean() < 5


def test_every_frame_is_analysed_also_without_a_face(
    tmp_path: Path, ffmpeg: Ffmpeg, client: Client
) -> None:
    source = tmp_path / "empty road.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=160x90:r=25", "-frames:v", 50, "-g", 10, source)
    destination = tmp_path / "destination"
    config = QUICK | {"chunk": {"seconds": 0.4}}
    summary = redact_dask.redact(source, destination, config, client)
    (video,) = rows(destination, "videos")
    tasks = [row for row in rows(destination, "chunks") if row["stage"] == "detect"]
    analysed = [
        frame for row in tasks for frame in range(row["first_frame"], row["last_frame"] + 1)
    ]
    assert len(tasks) == 5
    assert analysed == list(range(50))
    assert video["frames"] == video["frames_analysed"] == sum(row["frames"] for row in tasks) == 50
    assert video["faces"] == summary.faces == 0
    assert video["detectors"]


def test_destination_holds_the_outputs_and_the_manifest_and_nothing_else(
    tmp_path: Path, fleet: Path, client: Client
) -> None:
    (fleet / "notes.txt").write_text("not a video")
    destination = tmp_path / "destination"
    redact_dask.redact(fleet, destination, EVERY, client)
    assert files(destination) == {"a.mp4", "blue.mp4", "car/b.mkv"}
    assert {path.name for path in destination.iterdir()} == {
        "a.mp4",
        "blue.mp4",
        "car",
        "_manifest",
        "_kept",
    }
    for row in rows(destination, "videos"):
        assert Path(row["output"].removeprefix("file://")).stat().st_size == row["bytes_out"]


# What is not published


def test_video_with_a_frame_that_a_detector_cannot_look_at_is_quarantined(
    tmp_path: Path, fleet: Path, client: Client
) -> None:
    destination = tmp_path / "destination"
    summary = redact_dask.redact(fleet, destination, QUICK | {"detect": RAISING}, client)
    must_have_quarantined_only_the_blue(summary, destination)
    (failure,) = summary.failures
    assert failure.reason == "RuntimeError: the scripted detector met a blue picture"


def must_have_quarantined_only_the_blue(summary: Summary, destination: Path) -> None:
    (failure,) = summary.failures
    assert (failure.path, failure.stage) == ("blue.mp4", "detect")
    assert (summary.published, summary.quarantined) == (2, 1)
    assert {path for path in files(destination) if not path.startswith("_work/")} == {
        "a.mp4",
        "car/b.mkv",
    }
    videos = {Path(row["source"]).name: row for row in rows(destination, "videos")}
    blue = videos.pop("blue.mp4")
    assert (blue["status"], blue["stage"]) == ("quarantined", "detect")
    assert blue["reason"] == failure.reason
    assert blue["output"] is None
    assert {row["status"] for row in videos.values()} == {"published"}


def test_text_file_named_as_a_video_is_quarantined(tmp_path: Path, client: Client) -> None:
    source = tmp_path / "text.mp4"
    source.write_text("This is no video.\n" * 100)
    summary = redact_dask.redact(source, tmp_path / "destination", None, client)
    (failure,) = summary.failures
    assert (failure.path, failure.stage) == ("text.mp4", "probe")
    assert failure.reason.startswith("it cannot be opened as a video")
    assert files(tmp_path / "destination") == set()


def test_run_with_another_model_than_was_meant_does_nothing(
    tmp_path: Path, fleet: Path, client: Client
) -> None:
    destination = tmp_path / "destination"
    config = plates(onnx_models.yolo(tmp_path / "plates.onnx"), sha256=64 * "0")
    with pytest.raises(redact_dask.ConfigError, match=r"plates\.onnx was not loaded: its SHA-256"):
        redact_dask.redact(fleet, destination, config, client)
    assert not destination.exists()


# Again


def test_second_run_redoes_only_what_is_missing_or_different(
    tmp_path: Path, fleet: Path, make_clip: MakeClip, client: Client
) -> None:
    destination = tmp_path / "destination"

    def run(**settings: Any) -> tuple[int, int]:
        summary = redact_dask.redact(fleet, destination, EVERY | settings, client)
        assert summary.videos == 3
        return summary.published, summary.skipped

    def written() -> dict[str, int]:
        return {name: (destination / name).stat().st_mtime_ns for name in files(destination)}

    assert run() == (3, 0)
    first = written()
    assert run() == (0, 3)
    assert written() == first

    (destination / "a.mp4").unlink()
    assert run() == (1, 2)
    assert {name for name, time in written().items() if time != first[name]} == {"a.mp4"}

    (destination / "a.mp4").write_bytes(b"cut off")
    assert run() == (1, 2)

    solid = {"redact": {"style": "solid"}}
    assert run(**solid) == (3, 0)
    assert run(**solid) == (0, 3)

    make_clip(fleet / "a.mp4", frames=45, audio=False)
    assert run(**solid) == (1, 2)
    assert len(times(destination / "a.mp4")) == 45


def test_seconds_count_from_the_call(
    short: Path, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*arguments: Any) -> Any:
        time.sleep(0.5)
        return listed(*arguments)

    listed = listing.list_selected
    monkeypatch.setattr(listing, "list_selected", late)
    assert redact_dask.redact(short, tmp_path, EVERY, client).published == 1
    assert redact_dask.redact(short, tmp_path, EVERY, client).wall_s > 0.5


def test_run_that_was_broken_off_goes_on_from_there(
    tmp_path: Path, fleet: Path, client: Client
) -> None:
    destination = tmp_path / "destination"

    def break_off(status: redact_dask.Status) -> None:
        if status.published:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redact_dask.redact(fleet, destination, EVERY, client, break_off)
    summary = redact_dask.redact(fleet, destination, EVERY, client)
    assert summary.skipped >= 1
    assert summary.skipped + summary.published == 3
    assert files(destination) == {"a.mp4", "blue.mp4", "car/b.mkv"}


# From Python


def test_source_may_be_a_pattern_and_the_users_client_stays_open(
    tmp_path: Path, fleet: Path, client: Client
) -> None:
    shutil.copy(fleet / "a.mp4", fleet / "car" / "c.mp4")
    destination = tmp_path / "destination"
    observed = []
    summary = redact_dask.redact(
        f"{fleet}/*/*", destination, EVERY, client, lambda status: observed.append(status.share)
    )
    assert files(destination) == {"car/b.mkv", "car/c.mp4"}
    assert (summary.videos, summary.published) == (2, 2)
    assert observed[-1] == 1
    assert client.submit(sum, [1, 2]).result() == 3


def test_work_area_may_lie_elsewhere(tmp_path: Path, short: Path, client: Client) -> None:
    work = tmp_path / "work"
    config = EVERY | {"work": str(work)}
    redact_dask.redact(short, tmp_path / "destination", config, client)
    assert files(tmp_path / "destination") == {"clip.mp4"}
    assert not work.exists() or not any(work.iterdir())
