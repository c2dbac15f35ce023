"""What real runs publish is verified, on a disk and on an object store; alterations are found."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import signing
from distributed import Client
from fixture_types import MakeClip
from local_cluster import workers
from magenta import MAGENTA
from program import invoke

import redact_dask
from redact_dask import config, manifest, storage
from redact_dask.errors import ConfigError
from redact_dask.manifest import seals
from redact_dask.storage import layout

SETTINGS = MAGENTA | {"chunk": {"seconds": 1}}
OTHERS = SETTINGS | {"redact": {"style": "solid"}}
NAMES = ("a.mp4", "car 1/b.mp4")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a private key and of its public one."""
    return signing.make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def near_s3(s3: str) -> Iterator[Client]:
    """A client of two workers that have inherited the credentials from the environment."""
    with workers(2) as client:
        yield client


@pytest.fixture(scope="module")
def sources(make_clip: MakeClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short clips."""
    folder = tmp_path_factory.mktemp("sources")
    for frames, name in zip((30, 45), NAMES, strict=True):
        make_clip(folder / name, frames=frames, audio=False)
    return folder


@pytest.fixture(scope="module", params=["disk", "s3"])
def published(
    request: pytest.FixtureRequest,
    s3: str,
    sources: Path,
    keys: tuple[Path, Path],
    near_s3: Client,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, str]:
    """URLs of sources, and of a destination to which a run with a key has published them."""
    place = f"{s3}/verify" if request.param == "s3" else tmp_path_factory.mktemp("disk").as_uri()
    for name in NAMES:
        storage.publish(sources / name, f"{place}/in/{name}")
    signed = SETTINGS | {"evidence": {"key": str(keys[0])}}
    assert redact_dask.redact(f"{place}/in", f"{place}/out", signed, near_s3).published == 2
    return f"{place}/in", f"{place}/out"


@pytest.fixture
def again(published: tuple[str, str]) -> Iterator[Callable[[], str]]:
    """Make a copy of the destination to be changed; gives its URL."""
    number, made = itertools.count(), []

    def copied() -> str:
        url = f"{published[1]}-{next(number)}"
        for name in storage.find(published[1]):
            storage.write(name.replace(published[1], url), storage.read(name))
        made.append(url)
        return url

    yield copied
    for url in made:
        storage.remove(url)


def verify(*arguments: object) -> tuple[int, set[tuple[str, str]]]:
    """Return the exit code, and kind and name of all that is told."""
    result = invoke("verify", *arguments, "--json")
    assert isinstance(result.exception, SystemExit | None), result.exception
    told = json.loads(result.stdout.splitlines()[-1])
    return result.exit_code, {(found["kind"], found["what"]) for found in told["findings"]}


def flip(url: str) -> None:
    content = bytearray(storage.read(url))
    content[len(content) // 2] ^= 1
    storage.write(url, bytes(content))


def test_each_alteration_is_found_and_nothing_else(
    published: tuple[str, str], again: Callable[[], str], keys: tuple[Path, Path]
) -> None:
    source, destination = published
    key = ("--public-key", keys[1])
    assert verify(destination, source, *key) == (0, set())

    altered = again()
    flip(f"{altered}/{NAMES[1]}")
    assert verify(altered, *key) == (4, {("altered", NAMES[1])})

    # A row that says that nothing was hidden.
    altered = again()
    ((path, _),) = storage.walk(f"{altered}/_manifest/videos")
    table = pq.read_table(pa.BufferReader(storage.read(path)))
    at = table.schema.get_field_index("faces")
    faces = pa.array([0] * table.num_rows, pa.int32())
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(at, table.schema.field(at), faces), sink)
    storage.write(path, sink.getvalue().to_pybytes())
    name = path.rpartition("/_manifest/")[2]
    assert verify(altered, *key) == (4, {("altered", name)})
    assert verify(f"{altered}/_manifest", *key) == (4, {("altered", name)})

    altered = again()
    storage.remove(f"{altered}/{NAMES[0]}")
    storage.write(f"{altered}/new.mp4", b"added")
    assert verify(altered, *key) == (4, {("missing", NAMES[0]), ("added", "new.mp4")})


def test_a_copy_from_older_settings_is_found(
    published: tuple[str, str], again: Callable[[], str], near_s3: Client
) -> None:
    source, destination = published[0], again()
    redact_dask.redact(f"{source}/{NAMES[0]}", destination, OTHERS, near_s3)
    code, found = verify(destination, source)
    assert (code, found) == (4, {("outdated", NAMES[1]), ("note", "seals")})
    redact_dask.redact(source, destination, OTHERS, near_s3)
    assert verify(destination, source) == (0, {("note", "seals")})
    assert len(seals.read(layout.manifest(destination))) == 3


def test_what_may_be_deleted(published: tuple[str, str], again: Callable[[], str]) -> None:
    source, destination = published[0], again()
    flip(f"{destination}/{NAMES[0]}")
    result = invoke("verify", destination, source, "--deletable")
    assert result.exit_code == 4
    assert result.stdout.splitlines() == [f"{source}/{NAMES[1]}".removeprefix("file://")]


def test_the_run_and_the_sources_have_rows(published: tuple[str, str], sources: Path) -> None:
    root = layout.manifest(published[1])
    (run,) = manifest.read(root, "runs").to_pylist(maps_as_pydicts="strict")
    assert json.loads(run["settings"])[1]["redact"]["style"] == "pixelate"
    assert run["fingerprint"] == config.validate(SETTINGS).fingerprint
    assert {*run["weights"]} >= {"centerface.onnx", "yunet.onnx"}
    for row in manifest.read(root, "videos").to_pylist():
        assert row["run"] == run["run"]
        assert row["source_sha256"] == storage.digest(str(sources / row["path"])).sha256


@pytest.mark.slow
def test_shards_side_by_side_seal_their_own_files(sources: Path, tmp_path: Path) -> None:
    source, destination = tmp_path / "in", tmp_path / "out"
    for number in range(6):
        shutil.copytree(sources, source / f"{number}")

    def shard(number: int) -> Any:
        with workers(1) as client:
            settings = SETTINGS | {"select": {"shard": f"{number}/2"}}
            return redact_dask.redact(source, destination, settings, client)

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(shard, (1, 2))
    assert first.published + second.published == 12
    assert min(first.published, second.published) > 0
    assert verify(destination, source) == (0, set())
    assert len(seals.read(layout.manifest(str(destination)))) == 2


def test_a_key_that_cannot_be_used_ends_the_run_before_it_begins(
    sources: Path, client: Client, tmp_path: Path
) -> None:
    settings = SETTINGS | {"evidence": {"key": str(tmp_path / "none.pem")}}
    with pytest.raises(ConfigError, match=r"evidence\.key: cannot read .*none\.pem"):
        redact_dask.redact(sources, tmp_path / "out", settings, client)
    assert not (tmp_path / "out").exists()
