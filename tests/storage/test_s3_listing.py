"""Listing folders at once: nothing is missing or double, faults are told, and requests are few."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.utils import parse_timestamp
from recording import client, recorded
from s3fs import S3FileSystem
from store_proxy import Answer, Forward, Request, StartProxy

from redact_dask import config, storage
from redact_dask.errors import SourceError
from redact_dask.sources import listing
from redact_dask.storage import access, s3_listing
from redact_dask.storage.file_systems import file_system

ODD = [
    "a.mp4",
    "a.mp4/b.mp4",  # a key that is a folder, too
    "a.mp4/c/d.mp4",
    "a-b/x.mp4",  # S3 lists it before a/, some stores after it
    "a/x.mp4",
    "a0/x.mp4",
    "a b/é ü.mp4",
    "p+q/%41 #?&=.mp4",
    "'\"<&>/x.mp4",
    "[1]/*.mp4",
    "日本/車.mp4",
    "\U0001f697/x.mp4",
    "marker/",
    "marker/x.mp4",
    "nothing but a marker/",
    "deep/er/and/deep/er/x.mp4",
    *(f"_own/{number:02}.mp4" for number in range(12)),
    "_own/y/z.mp4",
    "_own-x/y.mp4",
    "_own0",
    "_owned/_own/x.mp4",
    *(f"many/{number:02}.mp4" for number in range(40)),
    *(f"wide/{folder:02}/{number}.mp4" for folder in range(20) for number in range(3)),
    *(f"days/{day}/{car}/{number}.mp4" for day in range(3) for car in "abc" for number in range(9)),
]
FILES = [name for name in ODD if not name.endswith("/")]


@pytest.fixture(scope="module")
def odd(s3: str) -> str:
    """A prefix with odd keys, and one beside it whose name begins alike."""
    store = boto3.client("s3")
    for name in ODD:
        store.put_object(Bucket="bucket", Key=f"odd/{name}", Body=b"" if name[-1] == "/" else b"v")
    store.put_object(Bucket="bucket", Key="odd-beside/a/x.mp4", Body=b"v")
    return f"{s3}/odd"


@pytest.fixture
def odd_of_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same in a store that has S3's order of keys."""
    monkeypatch.setattr(access, "_routes", access._Routes())
    with recorded("raw") as store:
        for name in ODD:
            client(store).put_object(Bucket="raw", Key=f"odd/{name}", Body=b"v" * (name[-1] != "/"))
        reached = {"access_key_id": "test", "secret_access_key": "hidden"}
        place = reached | {"endpoint_url": store.url, "region_name": "us-east-1"}
        config.validate({"s3": {"source": place}}).s3.use("s3://raw", None, None)
        yield "s3://raw/odd"


def page_of(monkeypatch: pytest.MonkeyPatch, url: str, size: int) -> None:
    """Let the store answer with at most so many keys at once."""
    fs, _ = file_system(url)
    monkeypatch.setattr(fs, "req_kw", fs.req_kw | {"MaxKeys": size})


def names(url: str, *skip: str, in_order: bool = False) -> list[str]:
    found = storage.walk(url, skip, in_order=in_order)
    return [name.removeprefix(f"{url}/") for name, _ in found]


@pytest.mark.parametrize(
    ("place", "size"),
    [("odd", 2), ("odd", 7), ("odd", 1000), ("odd_of_aws", 15)],
)
def test_folders_that_are_listed_at_once_give_each_key_once(
    place: str, size: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = request.getfixturevalue(place)
    page_of(monkeypatch, url, size)
    one_after_the_other = names(url, in_order=True)
    found = names(url)
    assert sorted(found) == sorted(one_after_the_other) == sorted(FILES)
    assert found == names(url), "the order is the same each time"
    for folder in ("many", "wide/07", "days/1/b"):
        inside = [name for name in found if name.startswith(folder)]
        assert inside == sorted(inside)
    kept = {name for name in FILES if not name.startswith("_own/")}
    for in_order in (True, False):
        rest = names(url, "_own", in_order=in_order)
        assert len(rest) == len(kept)
        assert set(rest) == kept


def test_a_page_is_no_smaller_than_the_store_makes_it(s3: str) -> None:
    """A thousand keys make a page if no test asks for fewer."""
    keys = {f"one/{number:04}.mp4" for number in range(1100)}
    keys |= {f"ten/{number % 10}/{number:04}.mp4" for number in range(300)}
    S3FileSystem().pipe({f"{s3}/long/{key}": b"v" for key in keys})
    found = names(f"{s3}/long")
    assert len(found) == len(keys)
    assert set(found) == keys


class Asked:
    """Notes what is asked of a listing, and how many requests are under way at once.

    Parameters
    ----------
    refused
        Prefix whose listing is refused.
    too_fast
        Whether each request is refused once, as S3 does to a client that asks too fast.
    """

    def __init__(self, refused: str | None = None, *, too_fast: bool = False) -> None:
        self.paths: list[str] = []
        """Paths of the requests, with their queries."""
        self.at_once = 0
        self._refused = refused
        self._too_fast = too_fast
        self._under_way = 0
        self._lock = threading.Lock()

    def __call__(self, request: Request, forward: Forward) -> Answer:
        asked = parse_qs(urlsplit(request.path).query)
        if "list-type" not in asked:
            return forward(request)
        (prefix,) = asked["prefix"]
        with self._lock:
            is_new = request.path not in self.paths
            self.paths.append(request.path)
            self._under_way += 1
            self.at_once = max(self.at_once, self._under_way)
        try:
            if prefix == self._refused:
                return Answer(403, body=b"<Error><Code>AccessDenied</Code></Error>")
            if self._too_fast and is_new:
                return Answer(503, body=b"<Error><Code>SlowDown</Code></Error>")
            time.sleep(0.05)
            return forward(request)
        finally:
            with self._lock:
                self._under_way -= 1


def test_several_requests_are_under_way_but_no_more_than_eight(
    odd: str, through: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked()
    through(asked)
    page_of(monkeypatch, odd, 5)
    assert sorted(names(odd)) == sorted(FILES)
    assert 4 <= asked.at_once <= 8


def test_small_folders_are_not_listed_one_by_one(
    odd: str, through: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty keys in twenty folders: each folder by itself would take a request."""
    asked = Asked()
    through(asked)
    page_of(monkeypatch, odd, 55)
    assert len(names(f"{odd}/wide")) == 60
    assert len(asked.paths) == 2


def test_a_folder_that_is_left_out_is_not_listed(
    odd: str, through: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked()
    through(asked)
    page_of(monkeypatch, odd, 20)
    assert len(names(odd, "many", "wide")) == len(FILES) - 100
    prefixes = {parse_qs(urlsplit(path).query)["prefix"][0] for path in asked.paths}
    assert "odd/days/" in prefixes
    assert not prefixes & {"odd/many/", "odd/wide/"}


def test_a_store_that_says_slow_down_is_asked_again(
    odd: str, through: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(Asked(too_fast=True))
    page_of(monkeypatch, odd, 20)
    assert sorted(names(odd)) == sorted(FILES)


def test_a_folder_that_may_not_be_listed_is_told(
    odd: str, through: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    through(Asked(refused="odd/days/"))
    page_of(monkeypatch, odd, 5)
    with pytest.raises(SourceError, match=f"cannot list the source {odd}: .*AccessDenied"):
        list(listing.list_videos(odd, "s3://bucket/odd-redacted"))


def test_no_more_is_asked_for_than_a_caller_will_soon_take(
    odd: str, through: StartProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked()
    through(asked)
    page_of(monkeypatch, odd, 25)
    found = storage.walk(odd)
    next(found)
    time.sleep(2)
    first = len(asked.paths)
    assert 4 <= first <= 2 + 8 + 1, "the root, its folders, eight of them, and one in their place"
    assert 1 + sum(1 for _ in found) == len(FILES)
    assert len(asked.paths) > first + 4


@pytest.mark.parametrize(
    "text",
    ["2026-11-29T07:00:01.250Z", "2026-11-29T07:00:01Z", "Sun, 29 Nov 2026 07:00:01 GMT", 1.5, "1"],
)
def test_times_are_those_of_botocore(text: str | float) -> None:
    assert s3_listing._time(text) == parse_timestamp(text)
