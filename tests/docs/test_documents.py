"""Commands and links in the documents: each runs, and leads somewhere."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import click
import numpy as np
import onnx_models
import pytest
import signing
from distributed import Client
from IPython.core.interactiveshell import InteractiveShell
from moto.server import ThreadedMotoServer
from standin import Standin

from redact_dask import Detector, storage
from redact_dask.cli import exit_codes
from redact_dask.cli.main import main
from redact_dask.manifest import SCHEMAS

ROOT = Path(__file__).parents[2]
MANUAL = [ROOT / "README.md", *sorted((ROOT / "docs" / "pages").glob("*.md"))]
PAGES = [*MANUAL, *ROOT.glob("CONTRIBUTING.md")]
QUEUE = "https://sqs.eu-west-1.amazonaws.com/1/landed"


def blocks(page: Path) -> Iterator[str]:
    """Yield each command in an indented block, with the lines that belong to it."""
    found: list[str] = []
    for line in [*page.read_text().splitlines(), ""]:
        if found and line.startswith("     "):
            found.append(line.strip())
            continue
        if found:
            yield " ".join(found).replace("\\ ", "")
            found = []
        if re.match(r"    (?! )([A-Z0-9_]+=\S+ )?(\.venv/bin/)?redact-dask ", line):
            found.append(line.strip())


COMMANDS = [command for page in PAGES for command in blocks(page)]
SYNOPSES = [command for command in COMMANDS if "[" in command]
EXAMPLES = [command for command in COMMANDS if "[" not in command]


def fenced(page: Path, language: str) -> list[str]:
    """Return the blocks of a page between fences that name a language."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, page.read_text(), re.DOTALL | re.MULTILINE)


EVERY_PYTHON = [(page, example) for page in PAGES for example in fenced(page, "python")]
PYTHON = [example for _, example in EVERY_PYTHON if ">>> " not in example]
DOCTESTS = [(page, example) for page, example in EVERY_PYTHON if ">>> " in example]
MADE = [
    target
    for page in MANUAL
    for target in re.findall(r"^    make ([\w-]+)", page.read_text(), re.MULTILINE)
    if target not in ("test", "release-check")  # CI makes these
]


def verbs(group: click.Group = main, words: str = "") -> dict[str, click.Command]:
    """Return each command of a group by the words that call it."""
    found: dict[str, click.Command] = {}
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                found |= verbs(command, f"{name} ")
            else:
                found[words + name] = command
    return found


def verb(command: str) -> click.Command:
    """Return what a command line calls."""
    words = shlex.split(command)
    at = next(i for i, word in enumerate(words) if word.endswith("redact-dask")) + 1
    found = verbs()
    return found[words[at]] if words[at] in found else found[" ".join(words[at : at + 2])]


def options(command: click.Command) -> dict[str, click.Option]:
    """Return the options of a command by their names."""
    return {
        name: option
        for option in command.params
        if isinstance(option, click.Option)
        for name in option.opts
    }


def test_there_are_commands() -> None:
    assert len(SYNOPSES) >= 7
    assert len(EXAMPLES) >= 10
    assert len(PYTHON) >= 4
    assert {*MADE} == {"demo", "bench-quick"}
    assert {verb(command).name for command in COMMANDS} == {of.name for of in verbs().values()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_is_written_where_it_is_not_run(page: Path) -> None:
    pattern = re.compile(r"[\s>$]*([A-Z0-9_]+=\S+ )?(\S*/)?redact-dask [a-z]")
    written = [line for line in page.read_text().splitlines() if pattern.match(line)]
    assert len(written) == len([*blocks(page)]), written


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_is_named_exists(command: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", command))
    assert named <= {*options(verb(command))}


@pytest.mark.parametrize("name", verbs())
def test_a_synopsis_names_every_option_and_tells_which_may_be_repeated(name: str) -> None:
    exist = options(verbs()[name])
    named: dict[str, bool] = {}
    for synopsis in SYNOPSES:
        if verb(synopsis) is verbs()[name]:
            required = re.findall(r"(?<!\[)(--[a-z-]+)", synopsis)
            repeated = dict(re.findall(r"\[(--[a-z-]+)[^\]]*\](\.\.\.)?", synopsis))
            named |= dict.fromkeys(required, False)
            named |= {option: bool(dots) for option, dots in repeated.items()}
    assert named == {option: exist[option].multiple for option in exist}


def test_the_table_of_options_tells_which_commands_have_them() -> None:
    page = (ROOT / "docs" / "pages" / "command-line.md").read_text()
    section = page.split("\n## Options\n")[1].split("\n## ")[0]
    for names, commands in re.findall(r"^\| (`--.+?) \| (.+?) \|", section, re.MULTILINE):
        option = re.match(r"`(--[a-z-]+)", names)[1]
        listed = set(re.findall(r"`([a-z ]+)`", commands))
        told = {*verbs()} - listed if commands.startswith("all") else listed
        assert told == {name for name in verbs() if option in options(verbs()[name])}, option
    shared = [name for of in verbs().values() for name in options(of)]
    assert all(f"`{name}" in section for name in shared if shared.count(name) > 1)


def test_the_exit_codes_are_told() -> None:
    codes = {"0"} | {str(value) for name, value in vars(exit_codes).items() if name[:5] == "EXIT_"}
    page = (ROOT / "docs" / "pages" / "command-line.md").read_text()
    assert {*re.findall(r"^\| (\d) \|", page, re.MULTILINE)} == codes
    readme = (ROOT / "README.md").read_text()
    assert {*re.findall(r"^\| (\d) \|", readme, re.MULTILINE)} == codes - {
        str(exit_codes.EXIT_GATE)
    }


def test_named_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in PAGES:
        for target in re.findall(r"(?:`|^    )make ([\w-]+)", page.read_text(), re.MULTILINE):
            assert f"\n{target}:" in makefile, f"{page.name}: {target}"


@pytest.fixture
def place(
    s3: str,
    standin: Callable[..., Standin],
    carphone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], str]]:
    """Make a place in which examples can run; gives what turns one into a command of that place."""
    standin("--latency", 0.05, "--faces", "centerface")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    for folder in ("dashcam", "clips", "mnt/uploads"):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy(carphone, tmp_path / folder / "street.mp4")
    onnx_models.yolo(tmp_path / "plates.onnx")
    signing.make_keys(tmp_path)
    bucket = s3.removeprefix("s3://")
    for day in ("day", "today"):
        boto3.client("s3").upload_file(str(carphone), bucket, f"raw/{day}/street.mp4")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", f"http://{host}:{port}")
    queue = boto3.client("sqs").create_queue(QueueName="landed")["QueueUrl"]

    def here(command: str) -> str:
        for there, mine in (
            (QUEUE, queue),
            ("s3://raw/", f"{s3}/raw/"),
            ("s3://redacted/", f"{s3}/redacted/"),
            ("s3://fleet/", f"{s3}/raw/"),
            ("s3://fleet-redacted/", f"{s3}/redacted-again/"),
            ("http://127.0.0.1:8333", os.environ["AWS_ENDPOINT_URL"]),
            ("/mnt/", f"{tmp_path}/mnt/"),
            (".venv/bin/", ""),
        ):
            command = command.replace(there, mine)
        return command

    yield here
    server.stop()


@pytest.fixture
def scheduler() -> Iterator[str]:
    """A scheduler with one worker, where ``configs/scheduler.yaml`` expects it."""
    address = "tcp://127.0.0.1:8786"
    dask = [sys.executable, "-m", "dask"]
    serving = subprocess.Popen(
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "8786", "--no-dashboard"],
        stderr=subprocess.DEVNULL,
    )
    working = subprocess.Popen(
        [*dask, "worker", address, "--nthreads", "1", "--no-dashboard"],
        stderr=subprocess.DEVNULL,
    )
    yield address
    for process in (working, serving):
        process.terminate()
    for process in (working, serving):
        process.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("scheduler")
def test_every_example_runs(place: Callable[[str], str]) -> None:
    # These tell of runs: examples of other verbs come before them.
    of_runs = ("audit", "report", "verify", "list", "open", "export", "import")
    for example in sorted(EXAMPLES, key=lambda command: verb(command).name in of_runs):
        command = place(example)
        if verb(example).name == "watch":
            watch(command)
            continue
        if verb(example).name == "audit" and "--result" not in example:
            told = served(command, "answers/0", b'{"verdict": "clean"}')
            assert "judged    1 of" in told
            continue
        if verb(example).name == "open":
            edit = b'{"kind": "hide", "stream": 0, "label": "face", "boxes": [[0, 1, 2, 30, 40]]}'
            assert "next      redact-dask run" in served(command, "edits/0", edit)
            continue
        done = subprocess.run(
            ["bash", "-c", command], check=False, capture_output=True, text=True, timeout=300
        )
        # Other examples have published there with other settings, which is told.
        wanted = (0, exit_codes.EXIT_GATE) if verb(example).name == "verify" else (0,)
        assert done.returncode in wanted, f"{example}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    """What a notebook's cell runs in: it shows what is displayed."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.mark.slow
@pytest.mark.usefixtures("shell")
def test_every_python_example_runs(place: Callable[[str], str], client: Client) -> None:
    for example in PYTHON:
        exec(compile(place(example), "example", "exec"), {"client": client})
    assert storage.exists("redacted/street.mp4")


def test_every_doctest_says_what_comes_out() -> None:
    for page, example in DOCTESTS:
        parsed = doctest.DocTestParser().get_doctest(example, {}, page.name, str(page), 0)
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(parsed).failed == 0


def test_the_detector_on_its_page_is_one() -> None:
    (example,) = fenced(ROOT / "docs" / "pages" / "detectors.md", "python")
    names: dict[str, Any] = {}
    exec(compile(example, "example", "exec"), names)
    detector = names["Caption"](names["Caption"].Options())
    assert isinstance(detector, Detector)
    width, height = detector.input_size(640, 360)
    found = [*detector.detect(np.zeros((2, height, width, 3), np.uint8))]
    assert [[(box.x0, box.y0, box.x1, box.y1) for box in boxes] for boxes in found] == [
        [(0, 342, 640, 360)],
        [(0, 342, 640, 360)],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("target", MADE)
def test_what_is_made_is_made(target: str, tmp_path: Path) -> None:
    for folder in ("benchmarks", "examples"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    told = subprocess.run(
        [
            "make",
            "--dry-run",
            "--no-print-directory",
            f"--makefile={ROOT / 'Makefile'}",
            "--old-file=.venv/.installed",
            target,
        ],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    command = told.stdout.strip().replace(".venv/bin/python", sys.executable)
    command += " --rounds 1" if target == "bench-quick" else ""
    done = subprocess.run(
        ["bash", "-c", command], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def watch(command: str) -> None:
    """Run a command that watches, until what lies there already is done; then interrupt it."""
    told = Path("watched.txt")
    with told.open("wb") as file:
        running = subprocess.Popen(["bash", "-c", f"exec {command}"], stdout=file, stderr=file)
        try:
            end = time.monotonic() + 120
            while not storage.exists(f"{shlex.split(command)[3]}/street.mp4"):
                assert running.poll() is None, told.read_text()
                assert time.monotonic() < end, told.read_text()
                time.sleep(0.5)
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 0, told.read_text()
        finally:
            running.kill()
            running.wait()


def served(command: str, path: str, sent: bytes) -> str:
    """Run a command that serves a page, send something as the page does, and interrupt it.

    Returns what the command has told since it began to serve.
    """
    running = subprocess.Popen(
        ["bash", "-c", f"exec {command}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout
        lines = iter(running.stdout.readline, "")
        page = next(line.split()[1] for line in lines if line.startswith("page "))
        origin = {"Origin": page.rsplit("/", 2)[0]}
        urllib.request.urlopen(
            urllib.request.Request(page + path, sent, origin), timeout=60
        ).close()
        running.send_signal(signal.SIGINT)
        told, errors = running.communicate(timeout=60)
        assert running.returncode == 0, errors
        return told
    finally:
        running.kill()
        running.wait()


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub and MkDocs give to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page",
    [*PAGES, ROOT / "benchmarks" / "README.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), link
        assert not anchor or anchor in headings(there), link


@pytest.mark.parametrize("dataset", SCHEMAS)
def test_the_manifests_page_names_every_column(dataset: str) -> None:
    page = (ROOT / "docs" / "pages" / "manifest.md").read_text()
    section = page.split(f"\n## {dataset}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\S.*?) \| (.+) \|$", section, re.MULTILINE)
    assert rows == [
        (field.name, str(field.type), field.metadata[b"description"].decode())
        for field in SCHEMAS[dataset]
    ]


def test_named_tests_exist() -> None:
    for page in PAGES:
        for name in re.findall(r"`(tests/[\w/.]+)`", page.read_text()):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.split()) <= 1200
    for page in PAGES[1:]:
        assert f"]({page.relative_to(ROOT)})" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_sentence_begins_in_the_middle(page: Path) -> None:
    pattern = re.compile(r"(?:^|[.:] |\| |^- )((?:Of|As of|That of|Who) .+)$", re.MULTILINE)
    assert pattern.findall(page.read_text()) == []
