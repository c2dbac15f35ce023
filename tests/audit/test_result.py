"""What answers say: the worst verdict counts, and the bound takes the unsure for leaks."""

from __future__ import annotations

import pytest
from made_up import START
from published_rows import write_many

from redact_dask.audit import audits
from redact_dask.audit.answers import Answer, Verdict
from redact_dask.audit.audits import Audit
from redact_dask.audit.result import bound_without_leak, cohens_kappa, result, rounded_up

C, L, U = Verdict.CLEAN, Verdict.LEAK, Verdict.UNSURE


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audits.opened(write_many(tmp_path_factory.mktemp("audit"), 500), 3000, 1)


def said(audit: Audit, verdicts: dict[int, Verdict], judge: str = "ann") -> list[Answer]:
    """Answer every frame: those that are not named are clean."""
    return [Answer(judge, START, item.item, verdicts.get(item.item, C)) for item in audit.items]


def test_no_answer_bounds_nothing(audit: Audit) -> None:
    found = result(audit, [])
    assert (found.bound, found.estimate, found.judged) == (1.0, None, 0)
    assert "nothing bounds what leaks" in found.sentence


def test_nothing_that_leaks_in_3000_frames_bounds_it_by_about_a_thousandth(audit: Audit) -> None:
    found = result(audit, said(audit, {}))
    assert found.estimate == 0.0
    assert 0.00099 < found.bound == bound_without_leak(audit) < 0.0011
    assert found.frames_per_hour == 108_000
    assert found.bound_per_hour == pytest.approx(found.bound * 108_000)
    assert found.sentence.startswith("At most 0.11 % of all frames leak, 1")
    assert [one.drawn for one in found.strata] == [one.judged for one in found.strata]
    assert sum(one.frames for one in found.strata) == 500 * 1800


def test_the_bound_holds_after_each_answer_and_falls(audit: Audit) -> None:
    every = said(audit, {})
    bounds = [result(audit, every[:count]).bound for count in range(0, 3000, 60)]
    assert bounds[0] == 1.0
    assert bounds[1] < 0.1
    assert bounds == sorted(bounds, reverse=True)


def test_the_unsure_count_in_the_bound_and_not_in_the_estimate(audit: Audit) -> None:
    clean, leak, unsure = (result(audit, said(audit, {5: verdict})) for verdict in (C, L, U))
    assert clean.bound < leak.bound == unsure.bound
    assert clean.estimate == unsure.estimate == 0.0
    assert leak.estimate == pytest.approx(audit.items[5].weight / audit.all_frames)
    assert (leak.leaks, leak.unsure, unsure.leaks, unsure.unsure) == (1, 0, 0, 1)


def test_the_worst_verdict_of_several_judges_counts(audit: Audit) -> None:
    ann = said(audit, {1: L, 2: U})
    bob = said(audit, {1: C, 2: L, 3: U}, "bob")
    found = result(audit, [*ann, *bob])
    assert (found.judged, found.leaks, found.unsure) == (3000, 2, 1)
    assert found.judges == ("ann", "bob")
    (agreement,) = found.agreements
    assert (agreement.judges, agreement.frames, agreement.alike) == (("ann", "bob"), 3000, 2997)


def test_agreement_beyond_chance_is_cohens_kappa() -> None:
    # Alike 35 times of 50; by chance, 25 times would be.
    pairs = 20 * [(L, L)] + 5 * [(L, C)] + 10 * [(C, L)] + 15 * [(C, C)]
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    assert cohens_kappa([(C, C)] * 9) is None
    assert cohens_kappa([(C, L), (L, C)]) == -1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0998, "0.1"),
        (0.101, "0.11"),
        (12.01, "13"),
        (1234.0, "1,300"),
        (1.0, "1"),
        (0.02, "0.02"),
    ],
)
def test_a_bound_is_rounded_up(value: float, text: str) -> None:
    assert rounded_up(value) == text
