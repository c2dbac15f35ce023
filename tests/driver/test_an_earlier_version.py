"""What version 0.1.0 has done is known to this one, is not done again, and can be reported.

``earlier_version/`` holds a source of one video, of which a part is damaged, and the destination as
that version (commit f6b97a9) left it, with `SETTINGS` and otherwise all defaults. If a change makes
these tests fail, everyone's videos are redone after an update: where that is not meant, undo it;
where it is, let that version's destination follow.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client
from report_page import images, text

import redact_dask
from redact_dask import config, manifest, report
from redact_dask.manifest import SCHEMAS

STORED = Path(__file__).with_name("earlier_version")
DATASETS = [name for name in SCHEMAS if name != "runs"]
"""Those that the version had."""
SETTINGS = {
    "chunk": {"seconds": 1},
    "detect": {"detectors": ["centerface", "magenta"]},
    # The defaults of that version.
    "track": {"pad_s": 0.14, "slack": 0.0025},
    "on_damage": "salvage",
}


@dataclass(frozen=True)
class Earlier:
    """A place with what the earlier version has left.

    Parameters
    ----------
    root
        Folder of ``fleet`` and ``redacted``.
    rows
        What is in its manifest, by the names of the datasets.
    """

    root: Path
    rows: dict[str, pa.Table]

    @property
    def source(self) -> Path:
        return self.root / "fleet"

    @property
    def destination(self) -> Path:
        return self.root / "redacted"


@pytest.fixture
def earlier(tmp_path: Path) -> Earlier:
    """A copy, whose manifest names its own place instead of that where the version ran."""
    root = tmp_path / "earlier"
    shutil.copytree(STORED, root)
    (file,) = (root / "redacted" / "_manifest" / "videos").iterdir()
    (video,) = pq.read_table(file).to_pylist()
    assert video["video"] == id_of(video["source"], video["version"])
    there = video["source"].removesuffix("/fleet/car 1/front.mp4")

    # A checkout does not keep the time at which a file was written, and it is part of the version.
    source = root / "fleet" / "car 1" / "front.mp4"
    size, written = video["version"].split("-")
    assert source.stat().st_size == int(size)
    os.utime(source, (float(written), float(written)))

    here = root.as_uri()
    new_id = id_of(video["source"].replace(there, here), video["version"])
    found = {}
    for name in DATASETS:
        (file,) = (root / "redacted" / "_manifest" / name).iterdir()
        found[name] = moved(pq.read_table(file), there, here, new_id)
        pq.write_table(found[name], file)
    return Earlier(root, found)


def id_of(source: str, version: str) -> str:
    """Return what the earlier version called a video."""
    return hashlib.sha256(f"{source}\n{version}".encode()).hexdigest()[:16]


def moved(table: pa.Table, there: str, here: str, video: str) -> pa.Table:
    """Replace the beginnings of URLs and the video's id; nothing else."""
    for name in {"video", "source", "output"} & {*table.schema.names}:
        values = table[name].to_pylist()
        new = [video if name == "video" else value.replace(there, here) for value in values]
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(name), pa.array(new, pa.string()))
    return table


@pytest.mark.parametrize("name", DATASETS)
def test_its_rows_are_read(name: str, earlier: Earlier) -> None:
    stored = earlier.rows[name]
    assert stored.num_rows
    read = manifest.read(str(earlier.destination / "_manifest"), name)
    assert {*stored.schema.names} <= {*read.schema.names}
    for field in stored.schema:
        assert read.schema.field(field.name).type == field.type
    assert read.select(stored.schema.names).to_pylist() == stored.to_pylist()


def test_it_told_why_something_is_hidden(earlier: Earlier) -> None:
    hidden = manifest.read(str(earlier.destination / "_manifest"), "regions")
    assert {*hidden["why"].to_pylist()} == {"detected", "interpolated", "padded"}


def test_the_same_settings_have_the_same_fingerprint(earlier: Earlier) -> None:
    assert earlier.rows["videos"]["fingerprint"].to_pylist() == [
        config.validate(SETTINGS).fingerprint
    ]


def test_its_copy_is_not_made_again(earlier: Earlier, client: Client) -> None:
    (before,) = earlier.destination.rglob("*.mp4")
    content = before.read_bytes()
    summary = redact_dask.redact(earlier.source, earlier.destination, SETTINGS, client)
    assert (summary.videos, summary.skipped, summary.published) == (1, 1, 0)
    assert before.read_bytes() == content
    # With others it is, and what is there is known to be the video's own.
    others = SETTINGS | {"redact": {"style": "solid"}}
    summary = redact_dask.redact(earlier.source, earlier.destination, others, client)
    assert (summary.skipped, summary.published) == (0, 1)
    assert before.read_bytes() != content
    videos = manifest.read(str(earlier.destination / "_manifest"), "videos")
    assert videos.num_rows == 2


def test_a_report_tells_of_it(earlier: Earlier) -> None:
    page = report.render(str(earlier.destination), frames=1)
    told = text(page)
    assert "1 video redacted" in told
    assert "1 published with 15 black frames, for what was damaged" in told
    assert f"All names are below {earlier.source.as_uri()}/car 1/" in told.replace("%20", " ")
    assert "front.mp4 at 0 s, 2 faces in all" in told
    assert len(images(page)) == 1
