"""The command serves its page until it is interrupted, and says what to do next."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from made_up import VIDEO
from program import invoke
from published_rows import write, write_many

from redact_dask import storage
from redact_dask.sources import listing

COMMAND = [sys.executable, "-u", "-m", "redact_dask", "review", "open"]


def test_it_serves_until_it_is_interrupted(clip: Path, tmp_path: Path) -> None:
    redacted = tmp_path / "redacted copies"
    (video,) = listing.list_videos(str(clip), str(redacted))
    redacted.mkdir()
    copy = redacted / "clip.mp4"
    copy.write_bytes(clip.read_bytes())
    row = {"video": video.id, "path": "clip.mp4", "output": storage.canonical(str(copy))}
    row |= {"frames": 90, "duration_s": 3.0, "bytes_out": copy.stat().st_size}
    write(redacted, {"videos": [VIDEO | row]})
    command = [*COMMAND, str(clip), str(redacted), "--as", "ann"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        told = ""
        while not (page := re.search(r"http://127\.0\.0\.1:\d+/[\w-]+/", told)):
            line = run.stdout.readline()
            assert line, run.stderr.read() if run.stderr else ""
            told += line
        with urllib.request.urlopen(f"{page[0]}pictures/0/0/5/320/source", timeout=60) as answer:
            assert answer.read().startswith(b"\xff\xd8")
        run.send_signal(signal.SIGINT)
        rest, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (0, "")
    assert rest.endswith(f"next      redact-dask run {clip} '{redacted}'\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.mp4"], "no video none.mp4 is both in"),
        ([], "name the source of the run that published it"),
    ],
)
def test_a_wrong_argument_is_told_in_a_sentence(
    arguments: list[str], sentence: str, clip: Path, tmp_path: Path
) -> None:
    result = invoke("review", "open", clip, write_many(tmp_path, 3), *arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
