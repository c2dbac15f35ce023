"""A real object store from a package: SeaweedFS, with one bucket."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import boto3
from ports import free_port

BUCKET = "bucket"


class Server:
    """What is needed to run a server, and to reach it.

    Parameters
    ----------
    folder
        For its settings and its data.
    host
        Address on which it listens; of nobody else, unless it is the loopback address.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        settings = folder / "s3.json"
        settings.write_text(
            '{"identities": [{"name": "test", "credentials":'
            ' [{"accessKey": "test", "secretKey": "test-secret"}],'
            ' "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}'
        )
        port = _free_port()
        program = str(Path(sys.executable).with_name("weed"))
        self.command = [program, "server", "-s3", f"-s3.port={port}", f"-s3.config={settings}"]
        self.command += [f"-ip={host}", f"-ip.bind={host}", f"-dir={folder}"]
        self.command += [f"-master.port={_free_port()}", f"-volume.port={_free_port()}"]
        self.command += [f"-filer.port={_free_port()}", "-volume.max=20"]
        # Of fixed ports otherwise: then two runs of the tests could not be on one machine at once.
        self.command += ["-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def make_bucket(within: float = 60) -> None:
    """Wait for the server that the environment names, and make the bucket."""
    end = time.monotonic() + within
    while True:
        try:
            boto3.client("s3").create_bucket(Bucket=BUCKET)
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return


def _free_port() -> int:
    # SeaweedFS listens with gRPC 10,000 ports higher.
    while (port := free_port()) + 10_000 > 65_535:
        pass
    return port
