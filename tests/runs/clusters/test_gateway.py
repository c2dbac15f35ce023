"""A cluster of a Dask Gateway server, as ``configs/gateway.yaml`` describes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_server import GatewayServer
from ready import Fleet, with_names

pytest.importorskip("dask_gateway_server", reason="pip install 'dask-gateway-server[local]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def server(fleet: Fleet, tmp_path: Path) -> Iterator[GatewayServer]:
    """A server whose clusters run what the wheel has installed."""
    dask = f'"{fleet.installed.python}", "-m", "dask"'
    folder = tmp_path / "server"
    folder.mkdir()
    started = GatewayServer(folder, {'"dask"': dask, "idle_timeout = 600": "idle_timeout = 30"})
    yield started
    started.close()


def test_a_cluster_of_dask_gateway(server: GatewayServer, fleet: Fleet, tmp_path: Path) -> None:
    names = {"https://gateway.example.com": server.address, "jupyterhub": "basic"}
    fleet.publishes_the_same_bytes_whoever_dies(
        tmp_path,
        with_names("gateway", tmp_path, names | {"minimum: 1": "minimum: 2"}),
        environment=server.environment,
    )
    fleet.wait_for_the_end()
