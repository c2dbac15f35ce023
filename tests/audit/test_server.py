"""The server tells nothing without its token, to no other host, and takes answers from its page."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from redact_dask.audit import answers
from redact_dask.audit.answers import Verdict
from redact_dask.audit.audits import Audit
from redact_dask.audit.server import Server
from redact_dask.audit.session import Session


@pytest.fixture
def server(audit: Audit) -> Iterator[Server]:
    with Server(Session(audit, "ann")) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: Server, path: str, answer: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask as the page does; gives status, headers and body."""
    connection = http.client.HTTPConnection(server.address, timeout=20)
    own = {"Origin": f"http://{server.address}"} | headers
    body = None if answer is None else json.dumps(answer).encode()
    connection.request("GET" if answer is None else "POST", path, body, own)
    response = connection.getresponse()
    found = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return found


def under(server: Server, name: str) -> str:
    return f"/{server.token}/{name}"


def test_the_page_its_files_and_its_pictures_are_served(server: Server) -> None:
    kinds = {"": "text/html"}
    kinds |= {f"{name}.css": "text/css" for name in ("house", "controls", "page")}
    kinds |= {"page.js": "text/javascript", "state": "application/json"}
    kinds |= {f"pictures/3/{offset}": "image/jpeg" for offset in (-1, 0, 1)}
    for name, kind in kinds.items():
        status, headers, body = ask(server, under(server, name))
        assert (status, headers["Content-Type"].split(";")[0]) == (200, kind)
        assert body
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Python" not in headers["Server"]


def test_nothing_is_told_without_the_token(server: Server) -> None:
    wrong = [
        "/",
        "/state",
        "//state",
        "/x/state",
        f"/{server.token}",
        f"/{server.token[:-1]}/state",
    ]
    wrong += [f"/{server.token.lower()}x/", f"http://{server.address}/{server.token}/state"]
    for path in wrong:
        status, _, body = ask(server, path)
        assert (status, body) == (404, b"There is nothing here.")
    assert len(server.token) >= 20


@pytest.mark.parametrize(
    "name",
    [
        "../session.py", "page.html", "..%2fsession.py", "house.css/", "pictures/0/2",
        "pictures/0", "pictures/-1/0", "pictures/99/0", "pictures/0/0/0", "state?x=1", "answers/0",
        "/etc/passwd", "finds/x",
    ],
)  # fmt: skip
def test_no_other_path_leads_anywhere(server: Server, name: str) -> None:
    assert ask(server, under(server, name))[0] == 404


def test_another_host_name_is_refused(server: Server) -> None:
    port = server.server_address[1]
    for host in ("evil.example", f"evil.example:{port}", f"localhost:{port}", "127.0.0.1"):
        assert ask(server, under(server, "state"), Host=host)[0] == 404


def test_only_this_machine_is_listened_to(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(OSError, match="refused"), socket.socket() as other:
        # Linux gives each address of 127.0.0.0/8 to this machine: none but one listens.
        other.connect(("127.0.0.2", server.server_address[1]))


def test_an_answer_is_kept_and_the_bound_told(server: Server, audit: Audit) -> None:
    given = {"verdict": "leak", "box": [1, 2.5, 30, 40], "label": "face"}
    status, _, body = ask(server, under(server, "answers/0"), given)
    assert status == 200
    assert json.loads(body)["leaks"] == 1
    ask(server, under(server, "answers/1"), {"verdict": "clean", "box": [1, 2, 3, 4]})
    one, other = answers.read(audit)
    assert (one.judge, one.item, one.verdict) == ("ann", 0, Verdict.LEAK)
    assert (one.box, one.label) == ((1.0, 2.5, 30.0, 40.0), "face")
    assert (other.verdict, other.box) == (Verdict.CLEAN, None)
    state = json.loads(ask(server, under(server, "state"))[2])
    assert [frame["verdict"] for frame in state["items"][:3]] == ["leak", "clean", None]


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], 5, {"verdict": "dirty"}, {"verdict": ["leak"]},
        {"verdict": "leak", "box": [1, 2, 3]}, {"verdict": "leak", "box": "1234"},
        {"verdict": "leak", "box": [1, 2, 3, float("nan")]},
        {"verdict": "leak", "box": [1, 2, 3, 4], "label": "<script>"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_answer_is_refused(server: Server, audit: Audit, answer: Any) -> None:
    assert ask(server, under(server, "answers/0"), answer)[0] == 400
    assert ask(server, under(server, "answers/99"), {"verdict": "clean"})[0] == 400
    assert answers.read(audit) == []


def test_answers_come_from_the_page_only(server: Server, audit: Audit) -> None:
    path, clean = under(server, "answers/0"), {"verdict": "clean"}
    for origin in ("http://evil.example", "null", ""):
        assert ask(server, path, clean, Origin=origin)[0] == 403
    assert ask(server, "/wrong/answers/0", clean)[0] == 404
    assert ask(server, path, clean | {"more": "x" * 5000})[0] == 413
    assert ask(server, path, clean, Host="evil.example")[0] == 404
    assert answers.read(audit) == []
