"""From an object store, a task reads its chunk and the index, not the whole video."""

from __future__ import annotations

from pathlib import Path

import pytest
import s3fs
from fixture_types import Ffmpeg

from redact_dask import storage
from redact_dask.config import EncodeSettings
from redact_dask.media import index
from redact_dask.media.decode import frames


@pytest.mark.parametrize("options", [[], ["-movflags", "+faststart"]], ids=["index-last", "first"])
def test_a_chunk_reads_its_own_bytes_only(
    options: list[str],
    s3: str,
    ffmpeg: Ffmpeg,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local, remote = tmp_path / "noise.mp4", f"{s3}/ranged/{len(options)}.mp4"
    noise = "color=gray:s=640x360:r=30,noise=alls=80:allf=t"
    encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-g", "30"]
    ffmpeg("-f", "lavfi", "-i", noise, "-t", "16", *encoder, *options, local)
    storage.publish(local, remote)
    chunks = index.scan(str(local), EncodeSettings()).chunks(1)
    info = index.scan(remote, EncodeSettings()).info
    fetched: list[int] = []
    fetch = s3fs.S3File._fetch_range

    def counted(file: s3fs.S3File, start: int, end: int) -> bytes:
        content: bytes = fetch(file, start, end)
        fetched.append(len(content))
        return content

    monkeypatch.setattr(s3fs.S3File, "_fetch_range", counted)
    decoded = sum(1 for _ in frames(remote, info, chunks[8]))
    assert decoded == len(chunks[8].pts)
    whole = local.stat().st_size
    assert whole > 20 * 2**20
    # Its own bytes, and read-ahead at the start of the file, at its index, and behind the chunk.
    assert sum(fetched) < whole / len(chunks) + 4 * storage.READ_AHEAD
    assert sum(fetched) < whole / 2
