"""Files on a local disk and in an object store (here one in memory) behave alike."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from s3fs import S3FileSystem

from redact_dask import storage
from redact_dask.errors import RunEnded, SourceError
from redact_dask.storage import locks

NAMES = ["a b.mp4", "number #1.mp4", "über/ß 映画.mp4", "literal [1].mp4", "50%20.mp4", "what?.mp4"]


@pytest.fixture(params=["local", "remote"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty folder."""
    if request.param == "local":
        yield storage.canonical(str(tmp_path))
    else:
        yield storage.canonical("memory://bucket")
        storage.remove("memory://bucket")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_comes_back(name: str, root: str, tmp_path: Path) -> None:
    file = tmp_path / "local file"
    file.write_bytes(b"published")
    written, published = storage.join(root, "w", name), storage.join(root, "p", name)
    storage.write(written, b"written")
    storage.publish(file, published)
    assert storage.read(written) == b"written"
    assert storage.read(published) == b"published"
    assert [(url, facts["size"]) for url, facts in storage.walk(storage.join(root, "w"))] == [
        (written, len(b"written"))
    ]
    assert storage.exists(published)
    with storage.open_read(published) as opened:
        opened.seek(3)
        assert opened.read() == b"lished"


def test_a_file_or_a_whole_folder_is_removed(root: str) -> None:
    kept, file, below = (storage.join(root, name) for name in ("kept", "file", "folder/below/file"))
    for url in (kept, file, below):
        storage.write(url, b"")
    storage.remove(file)
    storage.remove(storage.join(root, "folder"))
    assert list(storage.find(root)) == [kept]


def test_a_file_is_replaced_as_a_whole(root: str) -> None:
    url = storage.join(root, "file")
    storage.write(url, b"long content")
    storage.write(url, b"short")
    assert storage.read(url) == b"short"
    assert list(storage.find(root)) == [url]


def test_what_must_not_be_published_is_not(root: str, tmp_path: Path) -> None:
    file, url = tmp_path / "local file", storage.join(root, "folder", "file")
    file.write_bytes(b"new")
    storage.write(url, b"old")

    def refuse() -> None:
        raise RunEnded("another run has taken over")

    with pytest.raises(RunEnded, match="taken over"):
        storage.publish(file, url, refuse)
    assert storage.read(url) == b"old"
    assert list(storage.find(storage.join(root, "folder"))) == [url]


def test_what_must_not_be_published_any_more_is_withdrawn(tmp_path: Path) -> None:
    file, answers = tmp_path / "local file", iter([True, False])
    file.write_bytes(b"new")

    def check() -> None:
        if not next(answers):
            raise RunEnded("another run has taken over")

    with pytest.raises(RunEnded, match="taken over"):
        storage.publish(file, "memory://bucket/file", check)
    assert not storage.exists("memory://bucket/file")


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_the_disk(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:3])
        raise OSError("no space left on device")

    monkeypatch.setattr(shutil, "copyfile", fill_the_disk)
    source, folder = tmp_path / "source", tmp_path / "folder"
    source.write_bytes(b"content")
    with pytest.raises(OSError, match="no space left"):
        storage.publish(source, str(folder / "target"))
    assert list(folder.iterdir()) == []


def test_a_copy_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")

    def fill_the_disk(path: Path, content: bytes) -> None:
        path.write_text("ne")
        raise OSError("full")

    monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
    with pytest.raises(OSError, match="full"):
        storage.write(str(target), b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_has_its_name_only_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source.mp4", tmp_path / "folder" / "target.mp4"
    source.write_bytes(b"content")
    copy = shutil.copyfile

    def look_while_copying(one: Path, other: Path) -> None:
        copy(one, other)
        assert not target.exists()
        assert other.suffix != target.suffix, "a half file must not look like a video"

    monkeypatch.setattr(shutil, "copyfile", look_while_copying)
    storage.publish(source, str(target))
    assert target.read_bytes() == b"content"


WRITE = """
import os, shutil, signal, sys
from pathlib import Path
from redact_dask import storage
from redact_dask.storage import locks

def copy(source, part):
    Path(part).write_bytes(b"half")
    print(flush=True)
    signal.pause()

shutil.copyfile = copy
storage.publish(Path("/"), sys.argv[1])
"""


def test_what_a_killed_write_has_left_goes_with_the_next_one_there(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, tmp_path / name], stdout=subprocess.PIPE, text=True
        )
        for name in ("killed", "living")
    ]
    try:
        for writer in writers:
            assert writer.stdout
            writer.stdout.readline()
        (tmp_path / ".somebody.part").touch()
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3
        writers[0].kill()
        writers[0].wait()
        storage.write(str(tmp_path / "other"), b"")
        names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
        assert names > {".somebody.part", "other"}
        assert len(names) == 3, "the living one's is left"
        writers[1].kill()
        writers[1].wait()
        storage.write(str(tmp_path / "other"), b"")
        assert sorted(path.name for path in tmp_path.iterdir()) == [".somebody.part", "other"]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


def test_writing_does_not_list_the_targets_folder(tmp_path: Path) -> None:
    folder, listed = tmp_path / "folder", list[str]()
    folder.mkdir()

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("os.listdir", "os.scandir"):
            listed.append(str(arguments[0]))

    sys.addaudithook(note)  # It stays, and does no harm.
    storage.write(str(folder / "file"), b"content")
    assert listed, "what others have left is looked for"
    assert str(folder) not in listed
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_part_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, swept = locks.held, []

    def sweep_first(part: Path) -> AbstractContextManager[None]:
        if not swept:
            swept.append(part)
            held = lock(part)
            with suppress(FileNotFoundError), held:
                part.unlink()
        return lock(part)

    monkeypatch.setattr(locks, "held", sweep_first)
    storage.write(str(tmp_path / "file"), b"content")
    assert swept
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_name_may_be_as_long_as_the_file_system_has_it(tmp_path: Path) -> None:
    url = str(tmp_path / ("ü" * 125 + ".mp4"))
    storage.write(url, b"content")
    assert storage.read(url) == b"content"


def test_listing_sees_what_others_have_written_since(root: str) -> None:
    storage.write(storage.join(root, "one"), b"")
    assert len(storage.find(root)) == 1
    fs, path = fsspec.core.url_to_fs(storage.join(root, "two"))
    fs.pipe_file(path, b"")
    assert len(storage.find(root)) == 2


def test_what_is_not_there(root: str) -> None:
    url = storage.join(root, "nothing")
    assert not storage.exists(url)
    assert not storage.is_folder(url)
    assert list(storage.walk(url)) == []
    storage.remove(url)
    storage.prune(url)
    with pytest.raises(FileNotFoundError):
        storage.read(url)


def test_only_an_empty_folder_is_pruned(tmp_path: Path) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    for folder in (empty, full):
        folder.mkdir()
    (full / "file").touch()
    storage.prune(str(empty))
    storage.prune(str(full))
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_one_place_has_one_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    ways = ["folder", "./folder/", "folder/../folder", str(folder), f"file://{folder}", "link"]
    assert {storage.canonical(way) for way in ways} == {f"file://{folder.resolve()}"}
    assert storage.local_path(f"file://{folder}") == str(folder)
    remote = storage.canonical("memory://bucket/folder/")
    assert remote == storage.canonical("memory://bucket/folder")
    assert storage.local_path(remote) is None


def test_a_folder_goes_although_a_task_that_runs_late_writes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    late = iter([folder / "inner" / "late.json"])
    rmdir = os.rmdir

    def write_first(path: str, **options: int) -> None:
        for file in late:
            file.touch()
        rmdir(path, **options)

    monkeypatch.setattr(os, "rmdir", write_first)
    storage.remove(str(folder))
    assert not folder.exists()


def test_folders_are_passed_over_at_the_top_only(root: str) -> None:
    for name in ("skipped/a", "kept/skipped/b"):
        storage.write(storage.join(root, name), b"")
    for url in (root, root + "/"):
        found = [name.removeprefix(root) for name, _ in storage.walk(url, {"skipped"})]
        assert found == ["/kept/skipped/b"]


@pytest.mark.parametrize(("mode", "shared"), [(0o2770, True), (0o770, False), (0o2750, False)])
def test_what_is_made_in_a_folder_of_a_group_belongs_to_the_group(
    tmp_path: Path, mode: int, shared: bool
) -> None:
    top = tmp_path / "day"
    top.mkdir()
    top.chmod(mode)
    before = os.umask(0o077)
    try:
        storage.write(str(top / "a" / "b" / "checkpoint"), b"1")
        storage.publish(top / "a" / "b" / "checkpoint", str(top / "copy"))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in top.rglob("*")}
    folder, file = (0o2770, 0o660) if shared else (mode & stat.S_ISGID | 0o700, 0o600)
    assert modes == {"a": folder, "b": folder, "checkpoint": file, "copy": file}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_folder_of_another_account_is_told() -> None:
    with tempfile.TemporaryDirectory() as folder:  # Others may not pass those of pytest.
        Path(folder).chmod(0o755)
        Path(folder, "file").touch()
        os.seteuid(20_001)
        try:
            with pytest.raises(PermissionError) as writing:
                storage.write(f"{folder}/a/b", b"1")
            with pytest.raises(PermissionError) as removing:
                storage.remove(folder)
        finally:
            os.seteuid(0)
    for error in (writing, removing):
        told = str(error.value)
        assert "account 20001 may not write to a folder of account 0; let a group" in told
        assert folder in told


def test_a_folder_that_cannot_be_listed_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "closed", "lost+found"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").touch()
    listed = LocalFileSystem.ls

    def ls(self: LocalFileSystem, path: str, **options: object) -> object:
        if path.endswith(("closed", "lost+found")):
            raise PermissionError(path)
        return listed(self, path, **options)

    monkeypatch.setattr(LocalFileSystem, "ls", ls)
    with pytest.raises(PermissionError, match="closed"):
        list(storage.walk(str(tmp_path)))
    shutil.rmtree(tmp_path / "closed")
    assert [url.rpartition("/")[2] for url, _ in storage.walk(str(tmp_path))] == ["clip.mp4"]


@pytest.mark.parametrize("url", ["nonsense://bucket/day", "gs://bucket/day"])
def test_a_store_that_nobody_knows_is_named(url: str) -> None:
    with pytest.raises(SourceError, match=f"{url} cannot be reached"):
        storage.exists(url)


def test_a_long_listing_comes_in_pages_and_folders_are_passed_over(s3: str) -> None:
    numbers = {"_own": 1100, "a": 300, "b/_own": 5}
    names = [f"{folder}/{number:04}" for folder, most in numbers.items() for number in range(most)]
    S3FileSystem().pipe({f"{s3}/listing/{name}": b"12" for name in [*names, "_owner"]})
    S3FileSystem().pipe_file(f"{s3}/listing-beside/file", b"1")
    found = dict(storage.walk(f"{s3}/listing", skip={"_own"}))
    kept = {name for name in [*names, "_owner"] if not name.startswith("_own/")}
    assert {url.removeprefix(f"{s3}/listing/") for url in found} == kept
    assert {facts["size"] for facts in found.values()} == {2}
    assert storage.version(found[f"{s3}/listing/a/0000"]) == storage.version(
        storage.find(f"{s3}/listing/a/0000")[f"{s3}/listing/a/0000"]
    )
    assert list(storage.walk(f"{s3}/nothing-here")) == []
