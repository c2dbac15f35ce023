"""Whom the processes of a run speak to, and what they leave in the home of their user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from project import ROOT

LISTEN = """
import os, sys

def note(event, arguments):
    if event == "socket.getaddrinfo":
        name = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        name = arguments[1][0]
    else:
        return
    with open(os.environ["HEARD"], "a") as heard:
        print(name, file=heard)

sys.addaudithook(note)
"""
"""A module that Python loads first: it writes down each address that a process asks for."""


def test_a_run_on_this_machine_speaks_to_nobody_else(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(LISTEN)
    home = tmp_path / "home"
    home.mkdir()
    # Where these are set, OpenVINO would not report that it is used.
    silent = ("CI", "JENKINS_URL", "TF_BUILD")
    kept = {name: value for name, value in os.environ.items() if name not in silent}
    changed = {
        "HEARD": str(tmp_path / "heard"),
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }
    options = [
        "--workers",
        "1",
        "--set",
        "detect.every=6",
        "--set",
        "cluster.dashboard=127.0.0.1:0",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "redact_dask", "run", clip, tmp_path / "out", *options],
        check=False,
        capture_output=True,
        env=kept | changed,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / clip.name).exists()
    heard = {*(tmp_path / "heard").read_text().split()}
    assert heard, "no process was heard"
    assert heard <= {"127.0.0.1", "localhost"}
    assert [*home.iterdir()] == []
