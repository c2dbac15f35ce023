"""A Dask Gateway server that starts clusters as processes of this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import requests
from ports import free_port
from project import ROOT
from waiting import until

_PASSWORD = "a-password-of-tests"


class GatewayServer:
    """The server, with the settings of ``configs/dask_gateway_config.py``.

    Parameters
    ----------
    folder
        Empty: for settings, clusters and the log.
    names
        New text for each text of the ready settings.
    """

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"
        self.environment = {"DASK_GATEWAY__AUTH__KWARGS__PASSWORD": _PASSWORD}
        """What a driver needs to be let in."""
        text = (ROOT / "configs" / "dask_gateway_config.py").read_text()
        for old, new in names.items():
            assert old in text
            text = text.replace(old, new)
        own = {
            "DaskGateway.backend_class": "dask_gateway_server.backends.local.UnsafeLocalBackend",
            "DaskGateway.authenticator_class": "dask_gateway_server.auth.SimpleAuthenticator",
            "DaskGateway.address": f"127.0.0.1:{free_port()}",
            "Proxy.address": self.address.removeprefix("http://"),
            "SimpleAuthenticator.password": _PASSWORD,
            "UnsafeLocalBackend.clusters_directory": str(folder / "clusters"),
        }
        settings = folder / "dask_gateway_config.py"
        settings.write_text(text + "".join(f"c.{name} = {own[name]!r}\n" for name in own))
        program = Path(sys.executable).with_name("dask-gateway-server")
        with (folder / "log").open("wb") as log:
            self._running = subprocess.Popen(
                [program, "-f", settings], stdout=log, stderr=log, cwd=folder
            )
        until(self._answers, "the server")

    def close(self) -> None:
        """End it, with its proxy and all clusters."""
        self._running.terminate()
        try:
            self._running.wait(30)
        finally:
            self._running.kill()

    def _answers(self) -> bool:
        assert self._running.poll() is None, "the server has ended"
        try:
            return requests.get(f"{self.address}/api/health", timeout=5).ok
        except requests.ConnectionError:
            return False
