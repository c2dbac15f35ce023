"""Lines that tell which video and chunk they are about."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from fixture_types import MakeClip
from nbclient import NotebookClient
from program import ALONE

from redact_dask.monitoring import logs

OPTIONS = [*ALONE, "--set", "chunk.seconds=1"]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The package's logger, as it was afterwards."""
    found = logging.getLogger("redact_dask")
    before = found.handlers, found.level, found.propagate
    yield found
    found.handlers, level, found.propagate = before
    found.setLevel(level)


@pytest.fixture(scope="module")
def source(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    make_clip(folder / 'a "b".mp4', frames=60, audio=False)
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


def test_each_line_of_a_run_names_its_video_and_chunk(source: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "redact_dask", "run", source, tmp_path / "out", *OPTIONS]
    done = subprocess.run(
        [*command, "--log", "json"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 3, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert all({"time", "level", "message", "video", "stage", "chunk"} <= {*line} for line in lines)

    def told(message: str, video: str) -> list[tuple[str | None, int | None]]:
        found = [ln for ln in lines if (ln["message"], ln["video"]) == (message, video)]
        return sorted(((ln["stage"], ln["chunk"]) for ln in found), key=str)

    stages = [("detect", 0), ("detect", 1), ("join", None), ("probe", None)]
    stages += [("render", 0), ("render", 1), ("track", None)]
    assert told("begun", 'a "b".mp4') == told("ended", 'a "b".mp4') == stages
    assert told("published", 'a "b".mp4') == [(None, None)]
    failed, again = (ln for ln in lines if ln["message"].startswith("failed: "))
    assert (failed["video"], failed["stage"]) == ("broken.mp4", "probe")
    assert again["message"] == failed["message"], "the second attempt finds the same"
    (quarantined,) = (ln for ln in lines if ln["message"] == "quarantined")
    assert (quarantined["video"], quarantined["stage"]) == ("broken.mp4", "probe")
    assert failed["message"] == f"failed: {quarantined['reason']}"


def test_text_is_one_line_too(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text")
    with pytest.raises(ValueError, match="two"), logs.task("a b.mp4", "detect", 3):
        raise ValueError("one\ntwo")
    logs.log_video("published", "c.mp4", frames=7)
    begun, failed, published = capsys.readouterr().err.splitlines()
    assert begun.endswith(' info begun video="a b.mp4" stage="detect" chunk=3')
    assert ' warning failed: one two video="a b.mp4" stage="detect" chunk=3 seconds=' in failed
    assert published.endswith(' info published video="c.mp4" frames=7')


def test_nothing_is_told_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no"), logs.task("a.mp4", "detect", 3):
        raise ValueError("no")
    logs.log_video("published", "a.mp4")
    assert capsys.readouterr().err == ""


NOTEBOOK = """
import redact_dask
redact_dask.redact(
    {source!r}, {out!r}, {settings!r}, observe=redact_dask.notebook_progress()
).published
"""


@pytest.mark.slow
def test_a_notebook_shows_its_progress(source: Path, tmp_path: Path) -> None:
    settings = {
        "detect": {"detectors": ["magenta"]},
        "cluster": {"workers": 1, "dashboard": "127.0.0.1:0"},
    }
    cell = NOTEBOOK.format(source=str(source), out=str(tmp_path / "out"), settings=settings)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    NotebookClient(notebook, timeout=120).execute()
    outputs: list[dict[str, Any]] = notebook.cells[0].outputs
    (shown,) = (o["data"]["text/html"] for o in outputs if "text/html" in o.get("data", {}))
    assert float(shown.split('"')[1]) == pytest.approx(1, abs=0.001)
    assert "2/2 videos, 1 quarantined" in shown
    assert outputs[-1]["data"]["text/plain"] == "1"
