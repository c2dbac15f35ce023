"""What leaves with the pictures is what was meant to leave: nothing else, and that on request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from distributed import Client
from fixture_types import Ffmpeg
from magenta import MAGENTA

import redact_dask

Plant = Callable[[str], Path]

UUID = "086f3693b7b34f2c965321492feee5b8"
EVERYTHING = [
    "title",
    "location",
    "creation_time",
    "handler_names",
    "other_tags",
    "user_data",
]


def boxes() -> bytes:
    """Return boxes in which cameras hide places: ``free``, ``gps `` and a ``uuid`` of their own."""
    secret = b"SECRET 48.137N 11.575E serial 0042"
    kinds = {b"free": b"", b"gps ": b"", b"uuid": bytes.fromhex(UUID)}
    contents = {kind: identifier + secret for kind, identifier in kinds.items()}
    return b"".join(
        (8 + len(content)).to_bytes(4) + kind + content for kind, content in contents.items()
    )


@pytest.fixture
def plant(short: Path, ffmpeg: Ffmpeg, tmp_path: Path) -> Plant:
    """Make a clip with the word SECRET wherever its container can hold it."""

    def make(suffix: str) -> Path:
        source, chapters, words = (tmp_path / name for name in ("s" + suffix, "c.txt", "w.srt"))
        chapters.write_text(
            ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=SECRET chapter\n"
        )
        words.write_text("1\n00:00:00,000 --> 00:00:01,000\nSECRET 48.137N 11.575E\n")
        planted = ["-map_metadata", "0", "-map_chapters", "1"]
        for key in ("title", "artist", "comment", "location", "make", "model", "description"):
            planted += ["-metadata", f"{key}=SECRET {key}"]
        planted += ["-metadata", "location=+48.1370+011.5750/"]
        planted += ["-metadata", "creation_time=2019-08-07T06:05:04Z"]
        planted += ["-metadata", "service_name=SECRET service"]
        for stream in ("v", "a"):
            planted += [f"-metadata:s:{stream}:0", f"handler_name=SECRET {stream} handler"]
            planted += [f"-metadata:s:{stream}:0", f"title=SECRET {stream} title"]
        codecs, maps = ["-c", "copy"], ["-map", "0"]
        if suffix != ".ts":
            maps += ["-map", "2"]
            codecs += ["-bsf:v", f"h264_metadata=sei_user_data={UUID}+SECRET"]
            codecs += ["-c:s", "srt" if suffix == ".mkv" else "mov_text"]
        if suffix == ".mkv":
            planted += ["-attach", words, "-metadata:s:t:0", "mimetype=text/plain"]
        if suffix == ".mov":
            planted += ["-timecode", "01:02:03:04"]
        files = ["-i", short, "-i", chapters, "-i", words]
        ffmpeg(*files, *maps, *codecs, *planted, source)
        if suffix in (".mp4", ".mov"):
            with source.open("ab") as file:
                file.write(boxes())
        if suffix == ".ts":
            source = with_private_stream(source)
        assert source.read_bytes().count(b"SECRET") > 2
        return source

    return make


def with_private_stream(path: Path) -> Path:
    """Add a stream of data, as recorders write places into a transport stream."""
    result = path.with_name("private.ts")
    with av.open(path) as source, av.open(result, "w", format="mpegts") as output:
        copies = {stream: output.add_stream_from_template(stream) for stream in source.streams}
        places = output.add_data_stream("klv")
        for number, packet in enumerate(p for p in source.demux() if p.size):
            if number % 10 == 0 and packet.stream.type == "video":
                place = av.Packet(b"SECRET 48.137N 11.575E")
                place.stream, place.time_base = places, packet.time_base
                place.pts = place.dts = packet.dts
                output.mux(place)
            packet.stream = copies[packet.stream]
            output.mux(packet)
    return result


def redacted(source: Path, destination: Path, client: Client, **settings: object) -> Path:
    """Redact one clip with a region in some GOPs only, and return the result."""
    config = MAGENTA | {"chunk": {"seconds": 0.4}}
    summary = redact_dask.redact(source, destination, config | settings, client)
    assert not summary.failures
    (result,) = (path for path in destination.glob("*.m*") if path.is_file())
    return result


@pytest.mark.parametrize("copying", ["auto", "never"])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_no_planted_word_is_left(
    suffix: str, copying: str, plant: Plant, tmp_path: Path, client: Client
) -> None:
    encode = {"preset": "ultrafast", "copy": copying}
    result = redacted(plant(suffix), tmp_path / "out", client, encode=encode)
    content = result.read_bytes()
    assert b"SECRET" not in content
    assert b"48.137" not in content
    with av.open(result) as container:
        texts = [container.metadata, *(stream.metadata for stream in container.streams)]
        assert not any("2019" in value for text in texts for value in text.values())
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert not container.chapters()


@pytest.mark.slow
@pytest.mark.parametrize("copying", ["auto", "never"])
def test_each_kind_can_be_kept_and_then_only_that(
    copying: str, plant: Plant, tmp_path: Path, client: Client
) -> None:
    source = plant(".mp4")
    encode = {"preset": "ultrafast", "copy": copying}
    for kind in EVERYTHING:
        kept = {"keep": [kind]}
        result = redacted(source, tmp_path / kind, client, encode=encode, output=kept)
        assert kinds_found(result) == {kind}


def kinds_found(path: Path) -> set[str]:
    """Return which of the planted things a file holds."""
    with av.open(path) as container:
        tags, video = container.metadata, container.streams.video[0].metadata
        found = {
            "title": tags.get("title") == "SECRET title",
            "location": "48.137" in tags.get("location", ""),
            "creation_time": "2019" in tags.get("creation_time", ""),
            "handler_names": "SECRET" in video["handler_name"],
            "other_tags": tags.get("comment") == "SECRET comment",
            "user_data": any(b"SECRET" in bytes(packet) for packet in container.demux(video=0)),
        }
    return {kind for kind, is_there in found.items() if is_there}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_other_streams_can_be_kept(
    suffix: str, short: Path, ffmpeg: Ffmpeg, tmp_path: Path, client: Client
) -> None:
    words, source = tmp_path / "words.srt", tmp_path / f"talking{suffix}"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nSECRET words\n")
    codecs = ["-c", "copy", "-c:s", "srt" if suffix == ".mkv" else "mov_text"]
    ffmpeg("-i", short, "-i", words, "-map", "0", "-map", "1", *codecs, source)
    kept = {"keep": ["other_streams"]}
    result = redacted(source, tmp_path / "out", client, output=kept)
    with av.open(source) as before, av.open(result) as after:
        told = [
            [bytes(packet) for packet in container.demux(subtitles=0) if packet.size]
            for container in (before, after)
        ]
    assert told[0] == told[1]
    assert b"SECRET" in told[1][0]


def test_a_stream_that_the_container_cannot_hold_is_a_named_failure(
    plant: Plant, tmp_path: Path, client: Client
) -> None:
    config = {"detect": {"detectors": ["magenta"]}, "output": {"keep": ["other_streams"]}}
    summary = redact_dask.redact(plant(".ts"), tmp_path / "out", config, client)
    (failure,) = summary.failures
    assert "its container cannot hold all of" in failure.reason
    assert "klv" in failure.reason
