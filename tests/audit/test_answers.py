"""Answers are kept at once, merged, and read back: the last of each judge."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from made_up import START
from published_rows import write_many

from redact_dask import storage
from redact_dask.audit import answers, audits
from redact_dask.audit.answers import Answer, Verdict
from redact_dask.audit.audits import Audit
from redact_dask.errors import UsageError


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return audits.opened(write_many(tmp_path, 20), 100, 1)


def answer(item: int, verdict: Verdict, judge: str = "ann", seconds: int = 0) -> Answer:
    return Answer(judge, START + timedelta(seconds=seconds), item, verdict)


def test_an_answer_is_on_the_store_at_once(audit: Audit) -> None:
    writer = answers.Writer(audit, "ann")
    leak = Answer("ann", START, 3, Verdict.LEAK, (1.0, 2.0, 30.5, 40.0), "face")
    writer.add(leak)
    # Whoever is killed now loses nothing.
    assert answers.read(audit) == [leak]


def test_the_last_answer_of_each_judge_counts(audit: Audit) -> None:
    for judge in ("bob", "ann"):
        writer = answers.Writer(audit, judge)
        for seconds, verdict in enumerate((Verdict.LEAK, Verdict.UNSURE, Verdict.CLEAN)):
            writer.add(answer(7, verdict, judge, seconds))
        writer.close()
    again = answers.Writer(audit, "ann")
    again.add(answer(7, Verdict.LEAK, "ann", 9))
    found = [(one.judge, one.verdict) for one in answers.read(audit)]
    assert found == [("ann", Verdict.LEAK), ("bob", Verdict.CLEAN)]


def test_small_files_are_merged(audit: Audit) -> None:
    writer = answers.Writer(audit, "ann")
    for item in range(70):
        writer.add(answer(item, Verdict.CLEAN))
    assert len(storage.find(storage.join(audit.folder, "answers"))) == 7
    assert [one.item for one in answers.read(audit)] == [*range(70)]


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "x" * 41])
def test_a_name_that_no_file_can_have_is_refused(audit: Audit, name: str) -> None:
    with pytest.raises(UsageError, match="--as"):
        answers.Writer(audit, name)
