"""An audit is drawn once, found again, and told from the manifest of 100,000 videos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from made_up import VIDEO, later
from published_rows import write, write_many

from redact_dask import storage
from redact_dask.audit import audits
from redact_dask.errors import SourceError


def test_an_audit_is_drawn_once_and_read_again(tmp_path: Path) -> None:
    destination = write_many(tmp_path, 50)
    drawn = audits.opened(destination, 200, 4)
    assert len(drawn.items) == 200
    assert drawn.videos == 50
    assert drawn.seconds == 50 * 60
    assert drawn.all_frames == 50 * 1800
    assert drawn.frames["NO_FACE"] == 30 * 1800
    assert sum(item.weight for item in drawn.items) == pytest.approx(50 * 1800)
    assert [item.item for item in drawn.items] == [*range(200)]
    # A later run publishes more: the sample stays what it was, and that is told.
    later_on = VIDEO | {
        "video": "ff",
        "path": "late.mp4",
        "output": "s3://redacted/late.mp4",
        "finished": later(9e9),
    }
    write(tmp_path, {"videos": [later_on]}, "run-2")
    assert audits.opened(destination, 200, 4) == drawn
    assert audits.published_since(destination, drawn) == 1
    other = audits.opened(destination, 200, 5)
    assert other.videos == 51
    assert {(item.video, item.frame) for item in other.items} != {
        (item.video, item.frame) for item in drawn.items
    }
    assert audits.newest_first(destination) == [other, drawn]


def test_the_same_manifest_gives_the_same_sample(tmp_path: Path) -> None:
    one, other = (write_many(tmp_path / folder, 30) for folder in "ab")
    drawn = [
        [(item.path, item.frame) for item in audits.opened(destination).items]
        for destination in (one, other)
    ]
    assert drawn[0] == drawn[1]


def test_a_destination_without_audits_has_none(tmp_path: Path) -> None:
    assert audits.newest_first(str(tmp_path)) == []


def test_a_file_that_is_no_sample_is_told(tmp_path: Path) -> None:
    destination = write_many(tmp_path, 5)
    audit = audits.opened(destination, 20, 1)
    (regions,) = (tmp_path / "_manifest" / "regions").iterdir()
    storage.write(storage.join(audit.folder, "sample.parquet"), regions.read_bytes())
    with pytest.raises(SourceError, match="is not a sample"):
        audits.opened(destination, 20, 1)


DRAW = """
import resource, sys, time
from redact_dask.audit import audits
began = time.perf_counter()
drawn = audits.draw(sys.argv[1], sys.argv[1], 3000, 1)
assert len(drawn.items) == 3000
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def drawn(destination: str) -> tuple[float, float]:
    """Draw a sample in a process of its own; gives its seconds, and its memory in MiB."""
    command = [sys.executable, "-c", DRAW, destination]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory


@pytest.mark.slow
def test_a_sample_of_100000_videos_takes_less_than_a_minute_and_little_memory(
    tmp_path: Path,
) -> None:
    _, few = drawn(write_many(tmp_path / "few", 1000))
    seconds, many = drawn(write_many(tmp_path / "many", 100_000))
    assert seconds < 60
    # Two kilobytes for each video, but no more for 2.4 million regions and 180 million frames.
    assert many - few < 300
