"""``redact-dask verify``: checks what was published against the manifest and its seals."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from typing import Any

import click
from packaging.version import InvalidVersion, Version
from rich.console import Console

from redact_dask import evidence, storage
from redact_dask.cli.exit_codes import EXIT_GATE, exit_on_error
from redact_dask.cli.options import settings_of, settings_options
from redact_dask.config import Config
from redact_dask.errors import UsageError
from redact_dask.evidence import Expected, Finding, Kind
from redact_dask.manifest import signatures
from redact_dask.monitoring.console import one_line
from redact_dask.sources import listing


@click.command(name="verify")
@click.argument("dest")
@click.argument("source", required=False)
@click.option(
    "--public-key",
    "keys",
    metavar="FILE",
    multiple=True,
    help="Public key, in PEM, by which the seals must be signed. Repeat it after a change of keys.",
)
@click.option(
    "--seal",
    "seals",
    metavar="SHA256",
    multiple=True,
    help="SHA-256 of a seal that must be there, as an earlier call has printed it.",
)
@click.option(
    "--since-version",
    "oldest",
    metavar="VERSION",
    help="Tell which copies an older version of redact_dask than this one made.",
)
@settings_options
@click.option(
    "--deletable", is_flag=True, help="Print the sources that may be deleted now, and only those."
)
@click.option("--json", "as_json", is_flag=True, help="End the output with one JSON object.")
def verify(
    dest: str,
    source: str | None,
    keys: tuple[str, ...],
    seals: tuple[str, ...],
    oldest: str | None,
    file: str | None,
    assignments: tuple[str, ...],
    deletable: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Check the copies in DEST, and its manifest, for what is missing, altered, added or old.

    DEST may also be a manifest alone, or a copy of one. With SOURCE, also check that each video of
    it is the one that was redacted. Nothing is changed.

    Copies should be made with the settings that the options set, if there are any; else with those
    of the newest copy.

    \b
    Exit codes: 0 all is well; 2 a wrong argument or setting, or DEST has no manifest; 4 something
    is missing, altered, added or old; 1 anything else.
    """
    found: list[Finding] = []  # Of the many that there may be, only JSON needs all at once.
    problems = 0
    with exit_on_error(Console(stderr=True)):
        if deletable and source is None:
            raise UsageError("--deletable needs a SOURCE after DEST")
        settings = settings_of(file, assignments, options, source, dest)
        root, destination = evidence.place(dest)
        if deletable and destination is None:
            raise UsageError(f"--deletable needs the copies, and {dest} is a manifest alone")
        expected = Expected(
            keys=[signatures.public_key(key) for key in keys],
            seals=[_checked_hash(seal) for seal in seals],
            fingerprint=_fingerprint(settings),
            oldest=_version(oldest) if oldest else None,
        )
        videos = listing.list_videos(source, destination or root) if source else None
        verification = evidence.Verification(root, destination, expected, videos)
        for finding in verification.findings():
            if finding.kind is Kind.DELETABLE:
                source_file = storage.local_path(finding.what) or finding.what
                # A line must not name another file than the one that is meant.
                if deletable and one_line(source_file) == source_file:
                    click.echo(source_file)
                continue
            problems += finding.kind.is_problem
            if as_json:
                found.append(finding)
            text = f"{finding.kind:11}{finding.what}: {finding.text}"
            click.echo(one_line(text), err=deletable)
    counts, newest = verification.counts, verification.newest
    checked = f"{counts.copies} copies ({counts.bytes / 1e6:,.1f} MB)" if destination else "no copy"
    of_sources = f", {counts.sources} sources" if source else ""
    summary = f"{counts.seals} seals, {counts.files} files of the manifest, {checked}{of_sources}"
    click.echo(f"checked    {summary}: {problems or 'no'} problems", err=deletable)
    for name, sha256 in newest.items():
        click.echo(f"seal       {one_line(name)} {sha256}", err=deletable)
    if as_json:
        told = {"findings": [asdict(finding) for finding in found], "checked": asdict(counts)}
        click.echo(json.dumps(told | {"problems": problems, "seals": newest}))
    if problems:
        sys.exit(EXIT_GATE)


def _fingerprint(settings: Config) -> str | None:
    """Return the fingerprint of the settings that are given; None: none says what copies are."""
    return settings.fingerprint if settings.model_fields_set - {"s3"} else None


def _checked_hash(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise UsageError(f"--seal {text}: give a SHA-256, 64 hexadecimal digits")
    return text


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise UsageError(f"--since-version {text}: give a version, such as 0.3") from None
