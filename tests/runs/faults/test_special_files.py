"""Pipes, sockets and links in a source cost no other video, and hold up no run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from program import ALONE


def test_a_pipe_named_like_a_video_does_not_hold_up_a_run(short: Path, tmp_path: Path) -> None:
    source, destination = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    shutil.copy(short, source / "good.mp4")
    os.mkfifo(source / "pipe.mp4")
    (source / "link.mp4").symlink_to("/dev/zero")
    (source / "gone.mp4").symlink_to(source / "nothing")
    (source / "linked").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "socket.mp4"))
    command = [sys.executable, "-m", "redact_dask", "run", source, destination, *ALONE]
    ended = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 3, ended.stderr
    for name in ("pipe", "link", "socket"):
        reason = "it cannot be read: it is no file, but a folder, a pipe, a socket or a device"
        assert f"quarantined {name}.mp4 in probe (fault of the store): {reason}" in ended.stdout
    assert "gone.mp4 in probe (fault of the store): it cannot be read: No such" in ended.stdout
    assert "1 published, 4 quarantined, 0 skipped, of 5 videos" in ended.stdout
    assert "passed over: 1 linked folder (linked)" in ended.stdout
    assert (destination / "good.mp4").exists()
