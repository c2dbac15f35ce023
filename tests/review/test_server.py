"""The server tells nothing without its token, to no other host, and keeps its own page's edits."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from redact_dask.manifest import edits
from redact_dask.review.server import Server
from redact_dask.review.session import Session

HIDE = {"kind": "hide", "stream": 0, "label": "face", "boxes": [[3, 10, 20, 50, 60]]}


@pytest.fixture
def server(session: Session) -> Iterator[Server]:
    with Server(session) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: Server, path: str, sent: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask as the page does; gives status, headers and body."""
    connection = http.client.HTTPConnection(server.address, timeout=20)
    own = {"Origin": f"http://{server.address}"} | headers
    body = None if sent is None else json.dumps(sent).encode()
    connection.request("GET" if sent is None else "POST", path, body, own)
    response = connection.getresponse()
    found = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return found


def under(server: Server, name: str) -> str:
    return f"/{server.token}/{name}"


def kept(redacted: Path) -> int:
    return len(edits.read(str(redacted / "_manifest")))


PICTURES = [f"pictures/0/0/{frame}/320/{of}" for frame in (0, 89) for of in ("source", "copy")]


def test_the_page_its_files_and_its_pictures_are_served_and_kept_by_nobody(server: Server) -> None:
    kinds = {"": "text/html"} | {
        f"{name}.css": "text/css" for name in ("house", "controls", "page")
    }
    kinds |= {name: "text/javascript" for name in server.files if name.endswith(".js")}
    kinds |= dict.fromkeys(("state", "videos/0", "marks/0/0/0"), "application/json")
    kinds |= dict.fromkeys(PICTURES, "image/jpeg")
    for name, kind in kinds.items():
        status, headers, body = ask(server, under(server, name))
        assert (status, headers["Content-Type"].split(";")[0]) == (200, kind), name
        assert body
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_no_face_is_shown_without_the_token_or_to_another_host(server: Server) -> None:
    for path in [*PICTURES, "state", "videos/0", "marks/0/0/0", "page.js", ""]:
        for wrong in (f"/{path}", f"/x/{path}", f"/{server.token[:-1]}/{path}"):
            assert ask(server, wrong)[::2] == (404, b"There is nothing here.")
        port = server.server_address[1]
        for host in ("evil.example", f"evil.example:{port}", f"localhost:{port}"):
            assert ask(server, under(server, path), Host=host)[0] == 404
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "name",
    [
        "../session.py", "page.html", "..%2fsession.py", "pictures/0/0/0/320/other", "edits/0",
        "pictures/0/0/0/source", "pictures/0/0/0/0/source", "pictures/0/0/90/320/source",
        "pictures/9/0/0/320/source", "pictures/0/1/0/320/source", "pictures/0/0/-1/320/source",
        "videos/2", "videos/x", "videos/0/0", "marks/0/5/0", "state/0", "state?x=1", "/etc/passwd",
        "pictures/0/0/0/320", "pictures", "videos", "marks/0/0/99999999999",
    ],
)  # fmt: skip
def test_no_other_path_leads_anywhere(server: Server, name: str) -> None:
    assert ask(server, under(server, name))[0] == 404


def test_an_edit_is_kept_before_the_answer(server: Server, redacted: Path) -> None:
    status, _, body = ask(server, under(server, "edits/0"), HIDE | {"why": "a passer-by"})
    assert status == 200
    (edit,) = edits.read(str(redacted / "_manifest"))
    assert json.loads(body)["edits"][0]["id"] == edit.id
    assert (edit.by, edit.why, edit.boxes) == ("ann", "a passer-by", ((3, 10, 20, 50, 60),))


def test_edits_come_from_the_page_only(server: Server, redacted: Path) -> None:
    path = under(server, "edits/0")
    for origin in ("http://evil.example", "null", ""):
        assert ask(server, path, HIDE, Origin=origin)[0] == 403
    assert ask(server, "/wrong/edits/0", HIDE)[0] == 404
    assert ask(server, path, HIDE, Host="evil.example")[0] == 404
    assert ask(server, path, HIDE | {"why": "x" * 2**16})[0] == 413
    for wrong in ([], 5, {}, {"kind": "hide"}, HIDE | {"kind": "other"}):
        assert ask(server, path, wrong)[0] == 400
    assert ask(server, under(server, "edits/9"), HIDE)[0] == 400
    assert kept(redacted) == 0


def test_nothing_but_edits_is_written(server: Server, redacted: Path, filmed: Path) -> None:
    def all_files() -> set[Path]:
        return {file for root in (redacted, filmed) for file in root.rglob("*") if file.is_file()}

    before = all_files()
    for path in [*PICTURES, "state", "videos/0", "marks/0/0/0"]:
        assert ask(server, under(server, path))[0] == 200
    assert all_files() == before
    ask(server, under(server, "edits/0"), HIDE)
    (added,) = all_files() - before
    assert added.parent == redacted / "_manifest" / "edits"
