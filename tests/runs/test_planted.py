"""Nothing that cameras write beside the pictures is left in a copy, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest
from exact import assert_exact
from five_stages import AUTO, LOSSLESS, published
from fixture_types import Ffmpeg, Redact
from mutate import Node, read_avi, read_mkv, read_mp4, write_avi, write_mkv, write_mp4

from redact_dask.media import nal
from redact_dask.media.h264 import bitstream

SECRET = b"SECRET48137N011575E"
UUID = bytes.fromhex("086f3693b7b34f2c965321492feee5b8")
JPEG = b"\xff\xd8\xff\xfe\0\x15" + SECRET + b"\xff\xd9"
"""A picture of which only its comment counts here."""

Plant = Callable[[Path, Path, Ffmpeg], None]
"""Writes a file like the given one, with the secret somewhere in it."""


def node(nodes: list[Node], kind: bytes) -> Node:
    """Return the first node of a kind, at any depth."""
    return next(found for found in Node(b"", b"", nodes).below() if found.kind == kind)


def boxes(plant: Callable[[list[Node]], None]) -> Plant:
    """Return what plants the secret in the boxes of an MP4 file whose index lies at its end."""

    def planted(plain: Path, path: Path, ffmpeg: Ffmpeg) -> None:
        nodes = read_mp4(plain.read_bytes())
        plant(nodes)
        path.write_bytes(write_mp4(nodes))

    return planted


def in_the_index(nodes: list[Node]) -> None:
    """Novatek's list of places, thumbnails, a cover, a place, an owner, and boxes of makers."""
    moov = node(nodes, b"moov")
    cover = Node(b"covr", b"", [Node(b"data", b"\0\0\0\x0d\0\0\0\0" + JPEG)])
    meta = Node(b"meta", bytes(4), [Node(b"ilst", b"", [cover])])
    udta = [Node(b"thmb", JPEG), Node(b"\xa9xyz", b"\0\x13\0\0" + SECRET), Node(b"XMP_", SECRET)]
    moov.children += [Node(b"gps ", SECRET), Node(b"uuid", UUID + SECRET), Node(b"skip", SECRET)]
    moov.children += [Node(b"udta", b"", [*udta, meta]), meta]
    trak = node(nodes, b"trak")
    trak.children += [Node(b"udta", b"", udta), Node(b"uuid", UUID + SECRET)]
    node(nodes, b"stbl").children += [
        Node(b"sgpd", b"\0" * 8 + SECRET),
        Node(b"uuid", UUID + SECRET),
    ]
    node(nodes, b"avc1").children += [Node(b"uuid", UUID + SECRET), Node(b"free", SECRET)]
    node(nodes, b"avcC").content += SECRET
    name = node(nodes, b"avc1")
    name.content = name.content[:42] + b"\x13" + SECRET + bytes(12) + name.content[74:]


def beside_the_index(nodes: list[Node]) -> None:
    """Boxes between and after the others, and a trailer that is no box, as Insta360 writes it."""
    nodes += [Node(kind, SECRET) for kind in (b"free", b"skip", b"gps ", b"pnot", b"PICT", b"wide")]
    nodes += [Node(b"uuid", UUID + SECRET), Node(b"mdat", SECRET), Node(b"meta", bytes(4) + SECRET)]
    nodes.append(Node(SECRET[:4], SECRET + b"8db42d694ccc418790edff439fe026bf", size=2**31))


def between_samples(nodes: list[Node]) -> None:
    """A block of ``freeGPS`` before each chunk of samples, as Novatek and Viofo write them."""
    block = b"\0\0\x80\0freeGPS " + SECRET
    tables = [found for found in Node(b"", b"", nodes).below() if found.kind == b"stco"]
    entries = [
        [int.from_bytes(table.content[at : at + 4]) for at in range(8, len(table.content), 4)]
        for table in tables
    ]
    starts = sorted(offset for table in entries for offset in table)
    for table, offsets in zip(tables, entries, strict=True):
        moved = [offset + len(block) * (starts.index(offset) + 1) for offset in offsets]
        table.content = table.content[:8] + b"".join(offset.to_bytes(4) for offset in moved)
    mdat = node(nodes, b"mdat")
    begin = starts[0]
    ends = [*starts[1:], begin + len(mdat.content)]
    mdat.content = b"".join(
        block + mdat.content[one - begin : end - begin]
        for one, end in zip(starts, ends, strict=True)
    )


def in_the_packets(plain: Path, path: Path, ffmpeg: Ffmpeg) -> None:
    """Messages with user data before and after each picture, as Tesla has them, and odd units."""

    def message(kind: int, content: bytes) -> bytes:
        return bytes([bitstream.SEI, kind, len(content)]) + content + b"\x80"

    with av.open(plain) as source, av.open(path, "w") as output:
        copies = {s: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if not packet.size:
                continue
            copy = packet
            if packet.stream.type == "video":
                units = nal.units(bytes(packet), 4)
                before = [message(5, UUID + SECRET), message(4, b"\xb5\0\x31" + SECRET)]
                before += [message(200, SECRET)]
                after = [bytes([kind]) + SECRET for kind in (12, 14, 22, 24, 31)]
                copy = av.Packet(nal.joined([*before, *units, *after]))
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.duration, copy.is_keyframe = packet.duration, packet.is_keyframe
            copy.stream = copies[packet.stream]
            output.mux(copy)


def with_a_cover(plain: Path, path: Path, ffmpeg: Ffmpeg) -> None:
    """A cover picture that shows what the first frame shows."""
    cover = path.with_suffix(".jpg")
    ffmpeg("-i", plain, "-frames:v", "1", cover)
    content = cover.read_bytes()
    cover.write_bytes(content[:2] + JPEG[2:-2] + content[2:])
    shown = ["-disposition:v:1", "attached_pic"]
    attached = ["-attach", cover, "-metadata:s:t:0", "mimetype=image/jpeg"]
    if path.suffix == ".mkv":
        ffmpeg("-i", plain, "-c", "copy", *attached, path)
    else:
        maps = ["-map", "0", "-map", "1", "-c", "copy"]
        ffmpeg("-i", plain, "-i", cover, *maps, *shown, path)


def in_the_elements(plain: Path, path: Path, ffmpeg: Ffmpeg) -> None:
    """Voids, tags, names, additions to blocks, and elements that nobody knows."""
    ffmpeg("-i", plain, "-c", "copy", "-metadata", "title=" + SECRET.decode(), path)
    nodes = read_mkv(path.read_bytes())
    segment = node(nodes, b"\x18\x53\x80\x67")
    segment.children += [Node(b"\xec", SECRET), Node(b"\x7f\xaa", SECRET)]
    node(nodes, b"\x15\x49\xa9\x66").children += [
        Node(b"\x73\xa4", SECRET[:16]),
        Node(b"\xec", SECRET),
    ]
    track = node(nodes, b"\xae")
    track.children += [
        Node(b"\x53\x6e", SECRET),
        Node(b"\x25\x86\x88", SECRET),
        Node(b"\xec", SECRET),
    ]
    node(nodes, b"\x63\xa2").content += SECRET
    cluster = node(nodes, b"\x1f\x43\xb6\x75")
    place = next(n for n, found in enumerate(cluster.children) if found.kind == b"\xa3")
    more = Node(b"\xa6", b"", [Node(b"\xee", b"\x04"), Node(b"\xa5", SECRET)])
    block = Node(b"\xa1", cluster.children[place].content)
    block.content = block.content[:3] + b"\0" + block.content[4:]
    group = [block, Node(b"\x75\xa1", b"", [more]), Node(b"\xec", SECRET)]
    cluster.children[place] = Node(b"\xa0", b"", group)
    path.write_bytes(write_mkv(nodes))


def in_the_headers_of_vorbis(plain: Path, path: Path, ffmpeg: Ffmpeg) -> None:
    """Tags among what a decoder needs, as other programs than ffmpeg write them."""
    ffmpeg("-i", plain, "-c:v", "copy", "-c:a", "libvorbis", path)
    nodes = read_mkv(path.read_bytes())
    private = next(
        found
        for found in Node(b"", b"", nodes).below()
        if found.kind == b"\x63\xa2" and b"vorbis" in found.content
    )
    begin = private.content.index(b"\3vorbis")
    end = private.content.index(b"\5vorbis")
    tag = b"LOCATION=" + SECRET
    comments = b"\3vorbis" + bytes(4) + b"\1\0\0\0" + len(tag).to_bytes(4, "little") + tag + b"\1"
    sizes = bytes([2, private.content[1], len(comments)])
    private.content = sizes + private.content[3:begin] + comments + private.content[end:]
    path.write_bytes(write_mkv(nodes))


def in_the_chunks(plain: Path, path: Path, ffmpeg: Ffmpeg) -> None:
    """Lists of makers in AVI."""
    ffmpeg("-i", plain, "-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_s16le", path)
    nodes = read_avi(path.read_bytes())
    riff = nodes[0]
    told = [Node(b"IGPS", SECRET), Node(b"INAM", SECRET)]
    riff.children.insert(1, Node(b"LIST", b"INFO", told))
    riff.children += [Node(b"_PMX", SECRET), Node(b"JUNK", SECRET), Node(b"IDIT", SECRET)]
    for found in Node(b"", b"", nodes).below():
        if found.kind == b"LIST" and found.content == b"strl":
            found.children += [Node(b"strd", SECRET), Node(b"strn", SECRET), Node(b"JUNK", SECRET)]
    picture = next(found for found in Node(b"", b"", nodes).below() if found.kind == b"00dc")
    picture.content = picture.content[:2] + b"\xff\xe1\0\x15" + SECRET + picture.content[2:]
    path.write_bytes(write_avi(nodes))


def in_the_transport(plain: Path, path: Path, ffmpeg: Ffmpeg) -> None:
    """Null packets, private data of adaptation fields, and a stream that no table names."""
    ffmpeg("-i", plain, "-c", "copy", path)
    content = path.read_bytes()
    null = b"\x47\x1f\xff\x10" + SECRET.ljust(184, b"\xff")
    field = bytes([183, 2, 1 + len(SECRET), *SECRET]).ljust(184, b"\xff")
    unknown = b"\x47\x47\x77\x10" + (b"\0\0\1\xbf\0\xb2" + SECRET).ljust(184, b"\xff")
    packets = [content[at : at + 188] for at in range(0, len(content), 188)]
    for place in range(len(packets) - 1, 10, -7):
        pid, counter = packets[place][1:3], packets[place][3] & 15
        private = b"\x47" + bytes([pid[0] & 0x1F, pid[1], 0x20 | counter]) + field
        packets[place + 1 : place + 1] = [null, private, unknown]  # A counter counts payloads.
    path.write_bytes(b"".join(packets))


PLANTED: dict[str, tuple[str, Plant]] = {
    "in the index": ("index.mp4", boxes(in_the_index)),
    "beside the index": ("beside.mp4", boxes(beside_the_index)),
    "in the index of MOV": ("index.mov", boxes(in_the_index)),
    "between samples": ("viofo.mp4", boxes(between_samples)),
    "in the packets": ("tesla.mp4", in_the_packets),
    "a cover in MP4": ("cover.mp4", with_a_cover),
    "a cover in Matroska": ("cover.mkv", with_a_cover),
    "in the elements": ("elements.mkv", in_the_elements),
    "in the headers of Vorbis": ("vorbis.mkv", in_the_headers_of_vorbis),
    "in the chunks": ("chunks.avi", in_the_chunks),
    "in the transport stream": ("transport.ts", in_the_transport),
}
"""What is planted where, in which file."""


@pytest.mark.parametrize("encode", [LOSSLESS, AUTO], ids=["encoded", "copied"])
@pytest.mark.parametrize("kind", PLANTED)
def test_nothing_planted_is_left(
    kind: str, encode: dict[str, object], grey: Path, redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    name, plant = PLANTED[kind]
    path = tmp_path / name
    plant(grey, path, ffmpeg)
    assert path.read_bytes().count(SECRET) >= 1
    done = redact(path, encode=encode)
    assert any(made.copied for made in done.rendered) == (
        encode is AUTO and kind != "in the chunks"
    )
    content = published(done).read_bytes()
    assert SECRET not in content
    assert b"freeGPS" not in content
    with av.open(published(done)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    if encode is LOSSLESS:
        assert_exact(path, published(done))


def test_messages_in_the_packets_are_kept_on_request(
    grey: Path, redact: Redact, ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    path = tmp_path / "tesla.mp4"
    in_the_packets(grey, path, ffmpeg)
    done = redact(path, encode=AUTO, output={"keep": ["user_data"]})
    assert UUID + SECRET in published(done).read_bytes()
