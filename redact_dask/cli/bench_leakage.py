"""``redact-dask bench leakage``: measures how many true faces stay visible."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from redact_dask import config
from redact_dask.bench.leakage import dataset, equal, gate, measure, tables
from redact_dask.cli.exit_codes import EXIT_GATE, exit_on_error
from redact_dask.errors import UsageError
from redact_dask.monitoring.console import show_progress


@click.command()
@click.option(
    "--dataset",
    "folder",
    required=True,
    metavar="DIR",
    help="Folder with clips and their truth.csv.",
)
@click.option(
    "--truth",
    "truth_file",
    metavar="FILE",
    help="What the clips truly show, in CSV. Default: truth.csv in DIR.",
)
@click.option(
    "--config",
    "files",
    metavar="FILE",
    multiple=True,
    help="Settings in YAML. Repeat it to compare several files. Default: the default settings.",
)
@click.option(
    "--profile",
    "profiles",
    type=click.Choice([*config.PROFILES]),
    multiple=True,
    help="Profile of settings, which is compared like a file.",
)
@click.option(
    "--set",
    "assignments",
    metavar="SECTION.KEY=VALUE",
    multiple=True,
    help="One setting, for all that is compared.",
)
@click.option(
    "--face-free",
    metavar="CLIP",
    multiple=True,
    help="A clip of DIR on which nothing should be hidden.",
)
@click.option(
    "--over-blur",
    metavar="PERCENT",
    type=click.FloatRange(0, 100, min_open=True, max_open=True),
    help="Compare where all hide that much beside faces: track.start is searched for it.",
)
@click.option("--json", "as_json", is_flag=True, help="End the output with one JSON object.")
@click.option(
    "--gate", "gate_file", metavar="FILE", help="Thresholds in YAML that the results must keep."
)
def leakage(
    folder: str,
    truth_file: str | None,
    files: tuple[str, ...],
    profiles: tuple[str, ...],
    assignments: tuple[str, ...],
    face_free: tuple[str, ...],
    over_blur: float | None,
    as_json: bool,
    gate_file: str | None,
) -> None:
    """Redact annotated clips, and tell how many true faces, or plates, stay visible.

    DIR holds clips and truth.csv with the columns clip, frame, track, x0, y0, x1, y1 (pixels),
    height (pixels), readable (0 or 1), and label: without it, all are faces. Every clip that the
    truth or --face-free names is redacted into a folder that is removed afterwards.

    \b
    Exit codes: 0 measured, and within the gate; 2 a wrong argument or setting, nothing was done;
    3 a clip was quarantined; 4 beyond a threshold of the gate; 1 anything else.
    """
    console = Console(stderr=True)
    with exit_on_error(console):
        truth = Path(truth_file) if truth_file else None
        clips = dataset.read(Path(folder), face_free, truth)
        thresholds = gate.read(Path(gate_file), clips) if gate_file else gate.Gate()
        configs = {name: config.load(None, assignments, {"profile": name}) for name in profiles}
        configs |= {Path(file).stem: config.load(file, assignments) for file in files}
        if len(configs) < len(files) + len(profiles):
            raise UsageError("two --config files or profiles would give columns of the same name")
        configs = configs or {"defaults": config.load(assignments=assignments)}
        results = []
        for name, settings in configs.items():
            with show_progress(console) as observe:
                if over_blur is None:
                    result = measure.measure(clips, name, settings, observe)
                else:
                    result = equal.measure_at(over_blur / 100, clips, name, settings, observe)
            results.append(result)
    failures = [sentence for result in results for sentence in thresholds.failures_of(result)]
    Console().print(tables.table(results))
    for sentence in failures:
        click.echo(f"gate: {sentence}")
    if as_json:
        click.echo(json.dumps(tables.as_json(results, failures)))
    if failures:
        sys.exit(EXIT_GATE)
