"""An audit of a real run: what was hidden is hidden in the pictures that people see."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from fixture_types import MakeClip
from magenta import excess
from PIL import Image
from program import ALONE, invoke

from redact_dask import storage
from redact_dask.audit import answers, audits, result
from redact_dask.audit.answers import Answer, Verdict
from redact_dask.audit.pictures import Pictures


def seen(pictures: Pictures, item: int) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(pictures.jpeg(item, 0))))


def test_the_frames_of_a_run_are_judged_on_an_object_store(
    s3: str, tmp_path: Path, make_clip: MakeClip
) -> None:
    source, destination = tmp_path / "fleet", f"{s3}/audited"
    make_clip(source / "car 1" / "a.mp4", frames=120)
    done = invoke("run", source, destination, *ALONE, "--set", "redact.style=solid")
    assert done.exit_code == 0, done.output
    audit = audits.opened(destination, 30, 1)
    # The square is on every frame, so nothing else is in the sample.
    assert {name: count for name, count in audit.frames.items() if count} == {"HIDDEN": 120}
    pictures = Pictures(audit.items)
    for item in audit.items[:5]:
        assert excess(seen(pictures, item.item)).max() < 60
    writer = answers.Writer(audit, "ann")
    for item in audit.items:
        writer.add(Answer("ann", answers.datetime.now(answers.UTC), item.item, Verdict.CLEAN))
    writer.close()
    assert len(storage.find(storage.join(audit.folder, "answers"))) == 1
    last = result.last(destination)
    assert last is not None
    assert last[1].judged == 30
    assert last[1].bound == pytest.approx(1 - 0.05 ** (1 / 30))
