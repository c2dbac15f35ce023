"""The name of one video never costs another one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from distributed import Client
from magenta import MAGENTA

import redact_dask


@pytest.mark.slow
def test_a_strange_name_costs_no_other_video(short: Path, client: Client, tmp_path: Path) -> None:
    source, destination = tmp_path / "in", tmp_path / "out"
    taken = ["a.mp4", "cam::1.mp4", "file::b.mp4", "memory::c.mp4", "d/s3::e.mp4", "z.mp4"]
    for name in taken:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(short, source / name)
    shutil.copy(short, os.fsencode(source) + b"/caf\xe9.mp4")
    summary = redact_dask.redact(source, destination, MAGENTA, client)
    assert summary.published == len(taken)
    assert all((destination / name).exists() for name in taken)
    (failure,) = summary.failures
    assert failure.path == r"caf\udce9.mp4"
    assert failure.reason == r"its name caf\udce9.mp4 is not UTF-8; rename the file"
    again = redact_dask.redact(source, destination, MAGENTA, client)
    assert (again.skipped, again.failed) == (len(taken), 1)
