"""Is a joined video what was planned? Asked of the file alone, with an independent decoder."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from redact_dask.errors import CheckFailed
from redact_dask.media.source import opened
from redact_dask.model import Facts


def check(path: Path, pts: Sequence[int], facts: Facts, source: str) -> None:
    """Decode the whole video with the ffmpeg program, and compare it with its source.

    Parameters
    ----------
    path
        The joined video.
    pts
        The pts of every frame of the source, ascending, in ``facts.time_base``.
    facts
        Of the source.
    source
        URL of the source, for its audio packets.

    Raises
    ------
    CheckFailed
        A frame does not decode, is missing or too many, or has another timestamp than in the
        source; or an audio packet is not the source's.
    """
    times = _decoded_times(path)
    if len(times) != len(pts):
        raise CheckFailed(f"the result decodes to {len(times)} frames, the source has {len(pts)}")
    for frame, (time, ticks) in enumerate(zip(times, pts, strict=True)):
        if time != ticks * facts.time_base:
            expected = float(ticks * facts.time_base)
            raise CheckFailed(f"frame {frame} is shown at {float(time)} s instead of {expected} s")
    if facts.audio and audio_digests(str(path)) != audio_digests(source):
        raise CheckFailed("the audio packets of the result are not those of the source")


def audio_digests(url: str) -> tuple[str, ...]:
    """Return the SHA-256 of each audio stream: of all its packets' bytes, in order.

    ADTS headers, which a transport stream has before each AAC packet and MP4 has not, do not count.
    """
    with opened(url) as (container, _):
        streams = list(container.streams.audio)
        digests = {stream.index: hashlib.sha256() for stream in streams}
        # Asked for no stream, PyAV would give the packets of all.
        for packet in container.demux(streams) if streams else ():
            digests[packet.stream.index].update(_without_adts(bytes(packet)))
    return tuple(digest.hexdigest() for digest in digests.values())


def _without_adts(packet: bytes) -> bytes:
    # ISO/IEC 13818-7, 6.2: 12 bits set, and 7 bytes, or 9 if bit 16 says that there is a checksum.
    if packet[:1] != b"\xff" or packet[1] & 0xF6 != 0xF0:
        return packet
    return packet[7 if packet[1] & 1 else 9 :]


def _decoded_times(path: Path) -> list[Fraction]:
    """Decode every frame and return its time in seconds."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-threads", "1"]
    command += ["-copyts", "-noautorotate", "-i", f"file:{path}", "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-enc_time_base", "demux", "-f", "framecrc", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        reason = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise CheckFailed(f"the result does not decode cleanly: {reason}")
    lines = done.stdout.splitlines()
    time_base = next(
        Fraction(line.removeprefix("#tb 0: ")) for line in lines if line.startswith("#tb 0: ")
    )
    return [int(line.split(",")[2]) * time_base for line in lines if not line.startswith("#")]
