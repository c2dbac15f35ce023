"""A proxy before the object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from s3fs import S3FileSystem
from store_proxy import Between, StartProxy, proxy


@pytest.fixture
def through(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartProxy]:
    """Let all requests to the store go through a proxy."""
    store = os.environ["AWS_ENDPOINT_URL"]
    with ExitStack() as running:

        def start(between: Between) -> None:
            monkeypatch.setenv("AWS_ENDPOINT_URL", running.enter_context(proxy(store, between)))
            S3FileSystem.clear_instance_cache()  # One that is connected would be used again.

        yield start
    S3FileSystem.clear_instance_cache()
