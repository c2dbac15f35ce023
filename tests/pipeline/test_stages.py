"""The five stages of a video in a row, without Dask."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import boto3
import numpy as np
import pytest
from decoded import pictures
from five_stages import run
from fixture_types import Ffmpeg, MakeClip
from magenta import RAISING
from plans import plan
from s3fs import S3FileSystem
from store_proxy import Answer, Forward, Request, proxy

from redact_dask import config, storage
from redact_dask.errors import (
    CheckFailed,
    DamagedVideo,
    RunEnded,
    UnsupportedVideo,
    VideoError,
)
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Detections, Probed, Region, RegionOrigin, Rendered, Tracked
from redact_dask.sources import listing
from redact_dask.storage import lease


@pytest.fixture
def prepare(clip: Path, tmp_path: Path) -> Callable[..., Job]:
    """Make a job of a copy of the clip, or of another file."""

    def make(seconds: float = 1000, path: Path = clip, **sections: dict[str, object]) -> Job:
        copy = tmp_path / "source" / path.name
        copy.parent.mkdir(exist_ok=True)
        if not copy.exists():
            shutil.copy2(path, copy)
        destination = tmp_path / f"chunks of {seconds} s"
        (video,) = listing.list_videos(str(copy), str(destination))
        settings = {"chunk": {"seconds": seconds}, "detect": {"detectors": ["magenta"], "every": 1}}
        settings["encode"] = {"preset": "ultrafast"}
        work = str(destination / "_work" / video.id)
        return Job(video, str(destination), work, config.validate(settings | sections))

    return make


def test_chunks_are_invisible(prepare: Callable[..., Job]) -> None:
    done = {chunks: run(prepare(seconds)) for chunks, seconds in ((1, 9), (2, 1.6), (6, 0.1))}
    assert {chunks: len(one.probed.chunks) for chunks, one in done.items()} == {1: 1, 2: 2, 6: 6}
    for one in done.values():
        assert one.joined.regions == done[1].joined.regions
        found = Detections.joined([seen.detections for seen in one.detected])
        assert found == done[1].detected[0].detections
        assert one.joined.output == one.probed.target


def test_what_was_seen_is_hidden_and_nothing_else(clip: Path, prepare: Callable[..., Job]) -> None:
    done = run(prepare(0.9, encode={"crf": 0, "copy": "never"}))
    on_frame = {region.frame: region for region in done.joined.regions}
    assert list(on_frame) == list(range(90)), "one thing, on every frame"
    before, after = (pictures(path, "gray") for path in (clip, Path(done.joined.output)))
    columns, rows = np.arange(320), np.arange(180)[:, None]
    for frame, (was, now) in enumerate(zip(before, after, strict=True)):
        region = on_frame[frame]
        assert region.origin is RegionOrigin.DETECTED
        x = 12 + 2 * frame
        assert [region.x0, region.x1] == pytest.approx([x - 6, x + 46], abs=2)
        assert [region.y0, region.y1] == pytest.approx([54, 106], abs=2)
        inside = (columns >= np.floor(region.x0)) & (columns < np.ceil(region.x1))
        inside = inside & (rows >= np.floor(region.y0)) & (rows < np.ceil(region.y1))
        assert len(np.unique(now[inside])) <= 16
        assert np.array_equal(was[~inside], now[~inside])


def test_what_is_published_is_what_is_reported(prepare: Callable[..., Job]) -> None:
    done = run(prepare(0.5))
    content = Path(done.joined.output).read_bytes()
    assert done.joined.size == len(content)
    assert done.joined.sha256 == hashlib.sha256(content).hexdigest()
    assert all(seen.detectors == ("magenta-1",) for seen in done.detected)
    steps = {name for seen in done.detected for name, _ in seen.timing.steps}
    assert steps == {"recall", "decode", "motion", "scale", "detect", "commit"}


def test_what_was_committed_is_not_decoded_again(prepare: Callable[..., Job]) -> None:
    job = prepare(0.5)
    probed = stages.probe(job)
    first = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    Path(job.video.source.removeprefix("file://")).unlink()
    again = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    assert [replace(seen, timing=first[0].timing) for seen in again] == [
        replace(seen, timing=first[0].timing) for seen in first
    ]
    other = replace(job, config=config.load(assignments=["detect.detectors=[centerface]"]))
    with pytest.raises((VideoError, OSError)):
        stages.detect(other, probed.info, probed.chunks[0])


def test_what_was_rendered_is_not_encoded_again(prepare: Callable[..., Job]) -> None:
    job = prepare(0.5)
    done = run(job)
    Path(job.video.source.removeprefix("file://")).unlink()
    for made, chunk in zip(done.rendered, done.probed.chunks, strict=True):
        again = stages.render(job, done.probed.info, chunk, done.tracked[0])
        assert replace(again, timing=made.timing) == made
    assert any(segment.url for made in done.rendered for segment in made.segments)


def test_a_segment_with_other_regions_is_not_taken(prepare: Callable[..., Job]) -> None:
    job = prepare(1000, encode={"copy": "never", "crf": 0})
    done = run(job)
    (chunk,), (first,) = done.probed.chunks, done.rendered
    moved = [replace(region, x1=region.x1 + 9) for region in done.joined.regions]
    other = stages.render(job, done.probed.info, chunk, plan(job, done.probed, moved))
    assert other.segments[0].url != first.segments[0].url
    assert storage.read(str(other.segments[0].url)) != storage.read(str(first.segments[0].url))
    # Back to the first regions: their segment is still their own.
    before = storage.read(str(first.segments[0].url))
    again = stages.render(job, done.probed.info, chunk, done.tracked[0])
    assert again.segments == first.segments
    assert storage.read(str(again.segments[0].url)) == before


def test_a_lost_segment_is_encoded_again(prepare: Callable[..., Job]) -> None:
    job = prepare(1000, encode={"copy": "never"})
    done = run(job)
    (url,) = (segment.url for made in done.rendered for segment in made.segments)
    before = storage.read(str(url))
    storage.remove(str(url))
    stages.render(job, done.probed.info, done.probed.chunks[0], done.tracked[0])
    assert storage.read(str(url)) == before


def test_what_is_left_of_a_run_that_another_has_followed_publishes_nothing(
    prepare: Callable[..., Job],
) -> None:
    job = prepare(0.5)
    with lease.acquire(job.destination, "first", (1, 1)) as held:
        job = replace(job, lease=held)
        done = run(job)
        Path(done.joined.output).unlink()
    with pytest.raises(RunEnded, match="another run has taken over"):
        stages.join(job, done.probed, done.tracked, done.rendered)
    assert not Path(done.joined.output).exists()


def test_a_copy_that_takes_long_does_not_replace_that_of_the_next_run(
    prepare: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = prepare(0.5)
    done, target = run(job), storage.local_path(stages.probe(job).target)
    assert target
    copy = shutil.copyfile
    with lease.acquire(job.destination, "first", (1, 1)) as held:

        def copy_slowly(source: Path, part: Path) -> None:
            copy(source, part)
            storage.remove(held)
            Path(target).write_bytes(b"the next run's")

        monkeypatch.setattr(shutil, "copyfile", copy_slowly)
        with pytest.raises(RunEnded, match="another run has taken over"):
            stages.join(replace(job, lease=held), done.probed, done.tracked, done.rendered)
    assert Path(target).read_bytes() == b"the next run's"


def test_an_upload_that_takes_long_does_not_replace_the_copy_of_the_next_run(
    s3: str, prepare: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(prepare(0.5), destination=f"{s3}/long", work=f"{s3}/long/_work/video")
    done = run(job)
    with lease.acquire(job.destination, "first", (1, 1)) as held:

        def hold(request: Request, forward: Forward) -> Answer:
            if request.method == "PUT" and request.path.startswith("/bucket/long/clip.mp4"):
                store.delete_object(Bucket="bucket", Key=held.removeprefix(f"{s3}/"))
                store.put_object(Bucket="bucket", Key="long/clip.mp4", Body=b"the next run's")
            return forward(request)

        store = boto3.client("s3")
        with proxy(os.environ["AWS_ENDPOINT_URL"], hold) as url, monkeypatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", url)
            S3FileSystem.clear_instance_cache()  # One that is connected would be used again.
            with pytest.raises(RunEnded, match="another run has taken over"):
                stages.join(replace(job, lease=held), done.probed, done.tracked, done.rendered)
        S3FileSystem.clear_instance_cache()
    assert storage.read(f"{s3}/long/clip.mp4") == b"the next run's"


def test_a_frame_that_was_not_analysed_stops_the_video(prepare: Callable[..., Job]) -> None:
    job = prepare(0.9)
    probed = stages.probe(job)
    detected = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    short = [replace(detected[0], frames=detected[0].frames - 1), *detected[1:]]
    swapped = [*reversed(detected)]
    for wrong in (short, swapped):
        with pytest.raises(CheckFailed, match=r"not all .* frames of chunk"):
            stages.track(job, probed, wrong)


def test_a_detector_that_fails_ends_the_stage_and_commits_nothing(
    prepare: Callable[..., Job], make_clip: MakeClip, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "blue.mp4", frames=20, blue_frame=12)
    job = prepare(path=clip, detect=RAISING)
    probed = stages.probe(job)
    with pytest.raises(RuntimeError, match="blue picture"):
        stages.detect(job, probed.info, probed.chunks[0])
    assert not Path(job.work).exists()
    assert not Path(str(job.kept)).exists()


def test_a_source_that_changed_since_it_was_probed_is_not_rendered(
    prepare: Callable[..., Job], make_clip: MakeClip, tmp_path: Path
) -> None:
    job = prepare(0.5)
    probed = stages.probe(job)
    other = make_clip(tmp_path / "other.mp4", "-crf", "25")
    shutil.copy(other, job.video.source.removeprefix("file://"))
    with pytest.raises(DamagedVideo):
        stages.render(job, probed.info, probed.chunks[0], on_one_frame(job, probed))
    copied = [stages.render(job, probed.info, chunk, plan(job, probed)) for chunk in probed.chunks]
    with pytest.raises((CheckFailed, DamagedVideo)):
        stages.join(job, probed, [plan(job, probed)], copied)
    assert not Path(probed.target).exists()


class TestJoin:
    """Joining refuses what is not exactly this video's segments, and then publishes nothing."""

    @pytest.fixture
    def job(self, prepare: Callable[..., Job]) -> Job:
        return prepare(0.9, encode={"preset": "ultrafast", "copy": "never"})

    @pytest.fixture
    def probed(self, job: Job) -> Probed:
        return stages.probe(job)

    @pytest.fixture
    def rendered(self, job: Job, probed: Probed) -> list[Rendered]:
        return [
            stages.render(job, probed.info, chunk, on_one_frame(job, probed))
            for chunk in probed.chunks
        ]

    def refuses(self, job: Job, probed: Probed, rendered: list[Rendered]) -> None:
        with pytest.raises((CheckFailed, FileNotFoundError)):
            stages.join(job, probed, [on_one_frame(job, probed)], rendered)
        assert not Path(probed.target).exists()

    def test_accepts_all_segments(self, job: Job, probed: Probed, rendered: list[Rendered]) -> None:
        stages.join(job, probed, [on_one_frame(job, probed)], rendered)
        assert [path.name for path in Path(job.destination).iterdir() if path.is_file()] == [
            Path(probed.target).name
        ]

    def test_a_segment_too_few(self, job: Job, probed: Probed, rendered: list[Rendered]) -> None:
        self.refuses(job, probed, rendered[:-1])

    def test_a_segment_twice(self, job: Job, probed: Probed, rendered: list[Rendered]) -> None:
        self.refuses(job, probed, [*rendered, rendered[0]])

    def test_a_segment_that_is_gone(
        self, job: Job, probed: Probed, rendered: list[Rendered]
    ) -> None:
        Path(rendered[1].segments[0].url).unlink()
        self.refuses(job, probed, rendered)

    def test_a_segment_of_another_encoder(
        self, job: Job, probed: Probed, rendered: list[Rendered], prepare: Callable[..., Job]
    ) -> None:
        other = replace(prepare(0.8), destination=job.destination, work=job.work + "-other")
        other = replace(
            other, config=config.load(assignments=["encode.preset=medium", "encode.copy=never"])
        )
        foreign = stages.render(other, probed.info, probed.chunks[0], on_one_frame(job, probed))
        self.refuses(job, probed, [foreign, *rendered[1:]])

    def test_a_segment_that_is_no_video(
        self, job: Job, probed: Probed, rendered: list[Rendered]
    ) -> None:
        Path(rendered[0].segments[0].url).write_text("text")
        self.refuses(job, probed, rendered)

    def test_a_segment_with_a_damaged_picture(
        self, job: Job, probed: Probed, rendered: list[Rendered]
    ) -> None:
        segment = Path(rendered[0].segments[0].url)
        with av.open(segment) as container:
            place, size = next((p.pos, p.size) for p in container.demux(video=0) if p.pts)
        content = bytearray(segment.read_bytes())
        content[place + size // 2 : place + size] = bytes(size - size // 2)
        segment.write_bytes(content)
        self.refuses(job, probed, rendered)


def test_text_is_refused(tmp_path: Path, prepare: Callable[..., Job]) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("text")
    with pytest.raises(UnsupportedVideo, match="cannot be opened"):
        stages.probe(prepare(path=path))


def test_a_name_that_leads_out_of_the_destination_is_refused(prepare: Callable[..., Job]) -> None:
    job = prepare()
    with pytest.raises(UnsupportedVideo, match="would leave the destination"):
        stages.probe(replace(job, video=replace(job.video, path="../clip.mp4")))


def test_a_name_in_a_folder_of_ours_is_refused(prepare: Callable[..., Job]) -> None:
    job = prepare()
    with pytest.raises(UnsupportedVideo, match="keeps its own files in the folder _work"):
        stages.probe(replace(job, video=replace(job.video, path="_work/clip.mp4")))


def test_audio_that_nobody_decodes_can_be_dropped(
    clip: Path, tmp_path: Path, prepare: Callable[..., Job]
) -> None:
    path = tmp_path / "strange.mp4"
    content = clip.read_bytes()
    assert content.count(b"mp4a") == 1
    path.write_bytes(content.replace(b"mp4a", b"apac").replace(b"esds", b"free"))
    assert stages.probe(prepare(path=path)).info.audio == ("unknown",)
    with pytest.raises(UnsupportedVideo, match=r"see output\.audio"):
        run(prepare(path=path))
    dropped = run(prepare(path=path, output={"audio": "drop"}))
    with av.open(Path(dropped.joined.output)) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_kept_timecode_makes_no_stream(
    clip: Path, tmp_path: Path, ffmpeg: Ffmpeg, prepare: Callable[..., Job]
) -> None:
    for suffix in (".mov", ".mp4"):
        path = tmp_path / f"timecode{suffix}"
        ffmpeg("-i", clip, "-c", "copy", "-timecode", "01:02:03:04", path)
        kept = run(prepare(path=path, output={"keep": ["other_tags"]}))
        with av.open(Path(kept.joined.output)) as container:
            assert {stream.type for stream in container.streams} == {"video", "audio"}


def on_one_frame(job: Job, probed: Probed) -> Tracked:
    return plan(
        job, probed, [Region(3, 0, 10.0, 60.0, 50.0, 100.0, RegionOrigin.DETECTED, "face", "told")]
    )


def test_audio_is_dropped_as_told(prepare: Callable[..., Job]) -> None:
    dropped = run(prepare(3, output={"audio": "drop"}))
    with av.open(Path(dropped.joined.output)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
