"""Names of objects that would escape, secrets that would be told, doors that would be open."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import boto3
import psutil
import pytest
from moto.server import ThreadedMotoServer
from program import ALONE

from redact_dask import manifest

SECRET = "wJalrXUtnFEMIplanted"
COMMAND = [sys.executable, "-m", "redact_dask", "run"]
OPTIONS = [*ALONE, "--log", "json"]

HARMLESS = {
    "%2e%2e/percent.mp4",
    "über/映画 #1?.mp4",
    "back\\..\\slash.mp4",
    "~/home.mp4",
    "$HOME/`id`.mp4",
    "-rf.mp4",
}
HARMFUL = {"../above.mp4", "car/../../beside.mp4", "a/../../../../far.mp4"}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a bucket in a store that takes keys as they are, as S3 does."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fleet")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3").create_bucket(Bucket="fleet")
    yield "s3://fleet"
    server.stop()


def listening(process: psutil.Process) -> set[str]:
    """Return the addresses that a process and its children listen at."""
    found = set()
    for member in (process, *process.children(recursive=True)):
        try:
            connections = member.net_connections("inet")
        except psutil.Error:
            continue  # It has ended meanwhile.
        found |= {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    return found


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.slow
def test_strange_keys_stay_inside_and_nothing_is_told_or_open(
    bucket: str, short: Path, tmp_path: Path
) -> None:
    store = boto3.client("s3")
    for key in HARMLESS | HARMFUL:
        store.upload_file(str(short), "fleet", f"day/{key}")
    sandbox = tmp_path / "deep" / "deeper"
    out = sandbox / "out"
    (sandbox / "scratch").mkdir(parents=True)
    with (tmp_path / "told").open("wb") as told:
        run = subprocess.Popen(
            [*COMMAND, f"{bucket}/day", out, *OPTIONS],
            stdout=told,
            stderr=told,
            env=os.environ | {"TMPDIR": str(sandbox / "scratch")},
        )
        addresses = set()
        while run.poll() is None:
            addresses |= listening(psutil.Process(run.pid))
            time.sleep(0.2)
    output = (tmp_path / "told").read_bytes()
    assert run.returncode == 3, output.decode()
    assert b"Traceback" not in output

    published = {str(path.relative_to(out)) for path in out.rglob("*.mp4")}
    assert published == HARMLESS
    rows = manifest.read(str(out / "_manifest"), "videos").to_pylist()
    refused = {row["source"].partition("/day/")[2]: row for row in rows if row["stage"]}
    assert refused.keys() == HARMFUL
    assert all("would leave the destination" in row["reason"] for row in refused.values())
    outside = {path for path in tmp_path.rglob("*") if path.is_file() and out not in path.parents}
    assert {path.name for path in outside if "scratch" not in path.parts} == {"told"}
    assert not list((sandbox / "scratch").rglob("*.mp4"))

    assert SECRET.encode() not in output + contents(out)
    assert addresses, "the run was not seen to listen"
    assert all(ip_address(address).is_loopback for address in addresses)


def test_what_a_cluster_is_started_with_is_not_told(short: Path, tmp_path: Path) -> None:
    settings = f"cluster.kwargs={{'n_workers': 'many', 'password': '{SECRET}'}}"
    options = ["--set", "cluster.class=distributed.LocalCluster", "--set", settings]
    done = subprocess.run(
        [*COMMAND, short, tmp_path / "out", "--detector", "magenta", *options],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert b"LocalCluster does not start" in done.stderr
    assert b"Traceback" not in done.stderr
    assert SECRET.encode() not in done.stdout + done.stderr
