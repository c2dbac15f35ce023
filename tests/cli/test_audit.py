"""The command draws, serves its page until it is interrupted, and tells the bound."""

from __future__ import annotations

import getpass
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from program import invoke
from published_rows import write_many

COMMAND = [sys.executable, "-u", "-m", "redact_dask", "audit"]


def judged(destination: str, *options: str, answers: int = 2) -> str:
    """Run the command, answer through its page, and interrupt it; gives its output."""
    command = [*COMMAND, destination, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        told = ""
        while not (page := re.search(r"http://127\.0\.0\.1:\d+/[\w-]+/", told)):
            line = run.stdout.readline()
            assert line, run.stderr.read() if run.stderr else ""
            told += line
        for item in range(answers):
            request = urllib.request.Request(
                f"{page[0]}answers/{item}",
                b'{"verdict": "clean"}',
                {"Origin": page[0].rsplit("/", 2)[0]},
            )
            urllib.request.urlopen(request, timeout=30).close()
        address = urllib.parse.urlsplit(page[0])
        # Browsers open connections that they do not use: they must not hold up the end.
        with socket.create_connection((address.hostname or "", address.port or 0)):
            run.send_signal(signal.SIGINT)
            rest, errors = run.communicate(timeout=60)
        assert run.returncode == 0, errors
        assert not errors
        return told + rest


def test_it_serves_until_it_is_interrupted_and_goes_on_the_next_time(tmp_path: Path) -> None:
    destination = write_many(tmp_path, 30)
    told = judged(destination, "--frames", "50")
    assert "sample    50 of 54,000 frames, of 30 videos" in told
    assert f"judged    2 of 50 frames by {getpass.getuser()}: 0 leaks, 0 unsure" in told
    again = judged(destination, "--frames", "50", "--as", "bob", "--json", answers=4)
    assert "judged    4 of 50 frames by bob, root" in again.replace(getpass.getuser(), "root")
    assert "2 of 2 alike" in again
    found = json.loads(again.splitlines()[-1])
    assert found["judged"] == 4
    assert 0.5 < found["bound"] <= 1
    only = invoke("audit", destination, "--result", "--json")
    assert json.loads(only.stdout.splitlines()[-1]) == found


def test_a_result_that_nobody_has_judged_is_told(tmp_path: Path) -> None:
    result = invoke("audit", write_many(tmp_path, 3), "--result")
    assert result.exit_code == 2
    assert "leave out --result to begin" in result.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--as", "a/b"], "give one with --as"),
        (["--judge", "nobody"], "no detector is called nobody"),
        (["--judge", "rekognition"], "rekognition is paid for each picture"),
        (["--frames", "19"], "19 is not in the range"),
    ],
)
def test_a_wrong_argument_is_told_in_a_sentence(
    tmp_path: Path, options: list[str], sentence: str
) -> None:
    result = invoke("audit", write_many(tmp_path, 3), *options)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_a_destination_without_videos_is_told(tmp_path: Path) -> None:
    result = invoke("audit", tmp_path)
    assert result.exit_code == 2
    assert "has no published video" in " ".join(result.stderr.split())


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = invoke("audit", write_many(tmp_path, 3), "--port", port)
    assert result.exit_code == 2
    assert f"port {port}" in result.stderr
