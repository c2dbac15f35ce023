"""A joined video of copied and encoded GOPs that is not what was planned is never accepted."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from decoded import pictures
from fixture_types import MakeClip

from redact_dask import config, storage
from redact_dask.errors import CheckFailed
from redact_dask.media import ffmpeg, mux, verify
from redact_dask.pipeline import stages
from redact_dask.pipeline.job import Job
from redact_dask.records import Footage, Probed, Segment, Tracked
from redact_dask.sources import listing

SETTINGS = config.validate(
    {
        "detect": {"detectors": ["magenta"]},
        "encode": {"preset": "ultrafast"},
        "chunk": {"seconds": 2},
    }
)
MUTATIONS = {"h264": 500, "hevc": 150}
X265 = "log-level=none:open-gop=0:keyint=15:min-keyint=15:scenecut=0"
CODERS = {"h264": (), "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", X265)}


@dataclass(frozen=True)
class Planned:
    """A video that is rendered: some of its GOPs are copied, and some encoded."""

    job: Job
    probed: Probed
    tracked: Tracked
    segments: list[Segment]

    @property
    def footage(self) -> Footage:
        packets = self.tracked.packets
        return Footage(tuple(self.segments), self.probed.pts, self.probed.info, packets)

    def write(self, path: Path) -> mux.Written:
        (written,) = mux.write(path, [self.footage], self.job.video.source, SETTINGS.output)
        return written

    def verify(self, path: Path, written: mux.Written | None) -> None:
        source = self.job.video.source
        verify.verify(path, [self.footage], source, SETTINGS.output, [written])


@pytest.fixture(scope="module", params=CODERS)
def planned(
    request: pytest.FixtureRequest, make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory
) -> Planned:
    root = tmp_path_factory.mktemp("mutations")
    # The square is gone after half of the frames.
    options = ("-s", "160x90", *CODERS[request.param])
    clip = make_clip(root / "in" / "a.mp4", *options, frames=300)
    (video,) = listing.list_videos(str(clip), str(root / "out"))
    job = Job.of(video, storage.canonical(str(root / "out")), SETTINGS)
    probed = stages.probe(job)
    detected = [stages.detect(job, probed.info, chunk) for chunk in probed.chunks]
    tracked = stages.track(job, probed, detected)
    rendered = [stages.render(job, probed.info, chunk, tracked) for chunk in probed.chunks]
    segments = [segment for made in rendered for segment in made.segments]
    assert {segment.url is None for segment in segments} == {True, False}
    return Planned(job, probed, tracked, segments)


@pytest.mark.parametrize("full", [False, True])
def test_what_is_right_is_accepted_and_decoded_as_far_as_needed(
    full: bool, planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    def noted(*arguments: Any) -> ffmpeg.Decoded:
        found = real(*arguments)
        decoded.append(len(found.pts))
        return found

    real = ffmpeg.decoded
    monkeypatch.setattr(ffmpeg, "decoded", noted)
    written = planned.write(tmp_path / "a.mp4")
    assert written.copies_are_known
    planned.verify(tmp_path / "a.mp4", None if full else written)
    encoded = sum(segment.frames for segment in planned.segments if segment.url)
    frames = planned.probed.info.frames
    most = min(encoded + 5 * 15, frames - 1)
    assert decoded == [frames] if full else encoded < decoded[0] <= most


@pytest.mark.slow
def test_no_mutation_is_accepted(planned: Planned, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.mp4", tmp_path / "bad.mp4"
    written = planned.write(good)
    chance = random.Random(20_261_128)
    survivors = 0
    mutations = MUTATIONS[planned.probed.info.codec]
    for number in range(mutations):
        mutate = chance.choice([flipped, dropped, swapped, doubled, other_parameters])
        mutate(good, bad, chance)
        try:
            planned.verify(bad, written)
        except CheckFailed:  # Never the fault of the video.
            continue
        # A byte that nobody reads may change: what is shown and heard must not.
        assert mutate is flipped, f"{mutate.__name__}, number {number}"
        assert shown(bad) == shown(good)
        survivors += 1
    assert survivors < mutations / 50


def test_a_full_scratch_disk_under_the_excerpt_is_not_the_videos_damage(
    planned: Planned, tmp_path: Path
) -> None:
    written = planned.write(tmp_path / "a.mp4")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="the joined video: File too large"):
            planned.verify(tmp_path / "a.mp4", written)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    planned.verify(tmp_path / "a.mp4", written)


def test_a_result_that_is_no_video_is_not_the_videos_fault(
    planned: Planned, tmp_path: Path
) -> None:
    written = planned.write(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(CheckFailed, match="the result cannot be read: it cannot be opened"):
        planned.verify(tmp_path / "a.mp4", written)


def test_a_segment_that_changed_in_the_work_area_is_found(planned: Planned, tmp_path: Path) -> None:
    url = next(segment.url for segment in planned.segments if segment.url)
    content = storage.read(url)
    middle = len(content) // 2
    try:
        storage.write(url, content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        with pytest.raises(CheckFailed, match="no longer the segment that was encoded"):
            planned.write(tmp_path / "a.mp4")
    finally:
        storage.write(url, content)


def test_a_copied_packet_that_is_read_otherwise_is_found(planned: Planned, tmp_path: Path) -> None:
    path = Path(planned.job.video.source.removeprefix("file://"))
    content = bytearray(path.read_bytes())
    with av.open(path) as container:
        place, size = next(
            (packet.pos, packet.size)
            for packet in container.demux(video=0)
            if packet.pts == 285 * 512
        )
    try:
        changed = content.copy()
        changed[place + size - 3] ^= 4
        path.write_bytes(changed)
        with pytest.raises(CheckFailed, match="frame 285 was read otherwise"):
            planned.write(tmp_path / "a.mp4")
    finally:
        path.write_bytes(content)


Mutation = Callable[[Path, Path, random.Random], None]


def flipped(good: Path, bad: Path, chance: random.Random) -> None:
    """Change one bit anywhere."""
    content = bytearray(good.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    bad.write_bytes(content)


def other_parameters(good: Path, bad: Path, chance: random.Random) -> None:
    """Change one bit of the parameter sets."""
    content = bytearray(good.read_bytes())
    begin = content.index(b"hvcC" if b"hvcC" in content else b"avcC") + 4
    size = int.from_bytes(content[begin - 8 : begin - 4]) - 8
    content[begin + chance.randrange(size)] ^= 1 << chance.randrange(8)
    bad.write_bytes(content)


def dropped(good: Path, bad: Path, chance: random.Random) -> None:
    """Leave one picture out."""
    remuxed(good, bad, lambda found: found.pop(chance.randrange(len(found))))


def doubled(good: Path, bad: Path, chance: random.Random) -> None:
    """Put one picture in place of another."""

    def change(found: list[tuple[bytes, av.Packet]]) -> None:
        one, other = chance.sample(range(len(found)), 2)
        found[one] = (found[other][0], found[one][1])

    remuxed(good, bad, change)


def swapped(good: Path, bad: Path, chance: random.Random) -> None:
    """Exchange the pictures of two GOPs of the same length."""

    def change(found: list[tuple[bytes, av.Packet]]) -> None:
        keys = [n for n, (_, packet) in enumerate(found) if packet.is_keyframe]
        one, other = chance.sample(keys[:-1], 2)
        for offset in range(15):
            first, second = one + offset, other + offset
            content = found[first][0], found[second][0]
            found[first], found[second] = (
                (content[1], found[first][1]),
                (content[0], found[second][1]),
            )

    remuxed(good, bad, change)


def remuxed(
    good: Path, bad: Path, change: Callable[[list[tuple[bytes, av.Packet]]], object]
) -> None:
    """Write the video anew, with other contents of its packets."""
    with av.open(good) as container, av.open(bad, "w") as output:
        streams = {s: output.add_stream_from_template(s) for s in container.streams}
        packets = [packet for packet in container.demux() if packet.size]
        video = [(bytes(p), p) for p in packets if p.stream.type == "video"]
        change(video)
        contents = {packet.dts: content for content, packet in video}
        for packet in packets:
            if packet.stream.type == "video":
                if packet.dts not in contents:
                    continue
                copy = av.Packet(contents[packet.dts])
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.duration, copy.is_keyframe = packet.duration, packet.is_keyframe
            else:
                copy = packet
            copy.stream = streams[packet.stream]
            output.mux(copy)


def shown(path: Path) -> tuple[Any, ...]:
    """Return all pictures, and all packets of the sound."""
    with av.open(path) as container:
        sound = [bytes(packet) for packet in container.demux(audio=0)]
    return [picture.tobytes() for picture in pictures(path)], sound
