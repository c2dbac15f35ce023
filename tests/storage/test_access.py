"""Each place gets the settings of its run, and a source's are never used to write."""

from __future__ import annotations

import pytest

from redact_dask.storage import access
from redact_dask.storage.access import Access

READS, WRITES = Access(request_payer="requester"), Access(sse_kms_key_id="key")


@pytest.fixture(autouse=True)
def no_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_routes", access._Routes())


def test_places_of_a_run() -> None:
    access.use("s3://raw/day", "s3://out/day/", "s3://work", READS, WRITES)
    assert access.of("s3://raw/day/car/a.mp4") == READS
    assert access.of("s3://raw/day") == READS
    for url in ("s3://out/day", "s3://out/day/_lease/one.json", "s3://work/0123/part.mkv"):
        assert access.of(url) == access.of(url, writing=True) == WRITES
    for url in ("s3://raw/day2/a.mp4", "s3://raw", "s3://outer/day", "/raw/day", "file:///out/day"):
        assert access.of(url) == Access(), url


@pytest.mark.parametrize("source", ["s3://raw/day/*.mp4", "s3://raw/day/[1]/a?", "s3://raw/day"])
def test_a_pattern_stands_for_its_folder(source: str) -> None:
    access.use(source, "s3://raw/day/out", None, READS, WRITES)
    assert access.of("s3://raw/day/a.mp4") == access.of(source) == READS
    assert access.of("s3://raw/day/out/a.mp4") == WRITES


def test_a_source_is_never_written_with_its_settings() -> None:
    access.use("s3://raw", "s3://first", None, READS, WRITES)
    access.use("s3://first", "s3://second", None, READS, Access(acl="private"))
    assert access.of("s3://first/a.mp4", writing=True) == WRITES
    assert access.of("s3://first/a.mp4") == READS
    assert access.of("s3://second/a.mp4", writing=True) == Access(acl="private")


def test_the_last_call_holds() -> None:
    access.use("s3://raw/day", "s3://out/day", None, READS, WRITES)
    access.use("s3://raw", "s3://out", None, Access(), Access())
    assert access.of("s3://raw/day/a.mp4") == Access()
    assert access.of("s3://out/day/a.mp4", writing=True) == Access()
    access.use("s3://raw/day", "s3://out/day", None, READS, WRITES)
    assert access.of("s3://out/day/a.mp4", writing=True) == WRITES
    assert len(access._routes.all) == 2


def test_no_secret_is_shown() -> None:
    shown = repr(Access(secret_access_key="abc-secret", session_token="abc", external_id="abc"))
    assert "abc" not in shown
