"""What the answers to an audit say: the bound, what leaks where, and how far judges agree."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from redact_dask.audit import answers, audits
from redact_dask.audit.answers import Answer, Verdict
from redact_dask.audit.audits import Audit
from redact_dask.audit.bound import CONFIDENCE, Judged, estimate, upper
from redact_dask.audit.strata import Stratum


@dataclass(frozen=True, slots=True)
class OfStratum:
    """What is known of one stratum."""

    stratum: str
    title: str
    frames: int
    """Frames of the stratum."""
    drawn: int
    """Frames of its sample."""
    judged: int
    """Frames that somebody has judged."""
    leaks: int
    """Frames in which somebody sees a leak."""
    unsure: int
    """Other frames of which somebody is not sure."""
    bound: float
    """Upper bound for the share of the stratum's frames that leak, for this stratum alone."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two judges agree on the frames that both have judged."""

    judges: tuple[str, str]
    frames: int
    """Frames that both have judged."""
    alike: int
    """Frames on which both have given the same verdict."""
    kappa: float | None
    """Cohen's kappa, 1 for perfect agreement, 0 for that of chance; None: both have given one
    verdict only."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of an audit so far."""

    drawn: int
    """Frames of the sample."""
    judged: int
    """Frames that somebody has judged."""
    leaks: int
    """Frames in which somebody sees a leak."""
    unsure: int
    """Other frames of which somebody is not sure."""
    estimate: float | None
    """Estimated share of all frames that leak, without the unsure ones; None: a stratum has no
    answer yet."""
    bound: float
    """Upper bound for the share of all frames that leak; unsure frames count as leaks."""
    confidence: float
    """Share of audits whose bound holds, at least."""
    frames_per_hour: float
    """Frames of one hour of video, on average."""
    strata: tuple[OfStratum, ...]
    judges: tuple[str, ...]
    agreements: tuple[Agreement, ...]

    @property
    def bound_per_hour(self) -> float:
        """Upper bound for the frames that leak in an hour of video, on average."""
        return self.bound * self.frames_per_hour

    @property
    def estimate_per_hour(self) -> float | None:
        """Estimated frames that leak in an hour of video, on average."""
        return None if self.estimate is None else self.estimate * self.frames_per_hour

    @property
    def sentence(self) -> str:
        """The bound as one sentence."""
        if not self.judged:
            return "No frame is judged yet, so nothing bounds what leaks."
        return (
            f"At most {percent(self.bound)} of all frames leak, "
            f"{rounded_up(self.bound_per_hour)} frames in an hour of video, "
            f"with {100 * self.confidence:.0f} % confidence."
        )


def last(destination: str) -> tuple[Audit, Result] | None:
    """Return the newest audit of a destination with an answer, and its result; None: there is none.

    Parameters
    ----------
    destination
        URL of the destination's root.
    """
    for audit in audits.newest_first(destination):
        if given := answers.read(audit):
            return audit, result(audit, given)
    return None


def result(audit: Audit, given: Sequence[Answer]) -> Result:
    """Return what the answers say.

    A frame with several answers leaks if any judge says so, and is unsure if any other is unsure.
    """
    worst: dict[int, Verdict] = {}
    for answer in given:
        worst[answer.item] = max(
            worst.get(answer.item, Verdict.CLEAN), answer.verdict, key=_badness
        )
    drawn = Counter(item.stratum for item in audit.items)
    found = Counter((audit.items[item].stratum, verdict) for item, verdict in worst.items())
    strata = []
    for stratum in Stratum:
        clean, unsure, leaks = (
            found[stratum.name, verdict]
            for verdict in (Verdict.CLEAN, Verdict.UNSURE, Verdict.LEAK)
        )
        judged, frames = clean + unsure + leaks, audit.frames.get(stratum.name, 0)
        alone = upper([Judged(frames, judged, leaks + unsure)])
        strata.append(
            OfStratum(
                stratum.name,
                stratum.title,
                frames,
                drawn[stratum.name],
                judged,
                leaks,
                unsure,
                alone,
            )
        )
    names = sorted({answer.judge for answer in given})
    return Result(
        drawn=len(audit.items),
        judged=len(worst),
        leaks=sum(one.leaks for one in strata),
        unsure=sum(one.unsure for one in strata),
        estimate=estimate([Judged(one.frames, one.judged, one.leaks) for one in strata]),
        bound=upper([Judged(one.frames, one.judged, one.leaks + one.unsure) for one in strata]),
        confidence=CONFIDENCE,
        frames_per_hour=audit.all_frames / audit.seconds * 3600 if audit.seconds else 0.0,
        strata=tuple(strata),
        judges=tuple(names),
        agreements=tuple(_agreements(names, given)),
    )


def bound_without_leak(audit: Audit) -> float:
    """Return the bound that follows if every frame of the sample is judged clean."""
    drawn = Counter(item.stratum for item in audit.items)
    return upper([Judged(frames, drawn[name], 0) for name, frames in audit.frames.items()])


def percent(share: float) -> str:
    """Return a bound in per cent, rounded up.

    >>> percent(0.000998), percent(0.0123), percent(1.0)
    ('0.1 %', '1.3 %', '100 %')
    """
    return f"{rounded_up(100 * share)} %"


def about_percent(share: float) -> str:
    """Return an estimate in per cent.

    >>> about_percent(0.000123), about_percent(0.0)
    ('0.012 %', '0 %')
    """
    return f"{100 * share:.2g} %"


def rounded_up(value: float) -> str:
    """Return a bound with two digits, rounded up; a bound that is rounded down may be wrong.

    >>> rounded_up(0.0998), rounded_up(107.2), rounded_up(0)
    ('0.1', '110', '0')
    """
    if value <= 0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    # A double may lie a trifle above the number that it stands for.
    up = math.ceil(value / step - 1e-9) * step
    return (
        f"{up:,.0f}"
        if up >= 10
        else f"{up:.{max(-math.floor(math.log10(step)), 0)}f}".rstrip("0").rstrip(".")
    )


def _badness(verdict: Verdict) -> int:
    return [Verdict.CLEAN, Verdict.UNSURE, Verdict.LEAK].index(verdict)


def _agreements(names: Sequence[str], given: Iterable[Answer]) -> Iterable[Agreement]:
    said: dict[str, dict[int, Verdict]] = {name: {} for name in names}
    for answer in given:
        said[answer.judge][answer.item] = answer.verdict
    for one, other in combinations(names, 2):
        both = said[one].keys() & said[other].keys()
        if both:
            pairs = [(said[one][item], said[other][item]) for item in both]
            alike = sum(mine is theirs for mine, theirs in pairs)
            yield Agreement((one, other), len(pairs), alike, cohens_kappa(pairs))


def cohens_kappa(pairs: Sequence[tuple[Verdict, Verdict]]) -> float | None:
    """Return Cohen's kappa of two judges (Educational and Psychological Measurement 20, 1960).

    >>> cohens_kappa([(Verdict.LEAK, Verdict.LEAK), (Verdict.CLEAN, Verdict.CLEAN)])
    1.0
    """
    first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    chance = sum(first[verdict] * second[verdict] for verdict in Verdict) / len(pairs) ** 2
    alike = sum(mine is theirs for mine, theirs in pairs) / len(pairs)
    return None if chance == 1 else (alike - chance) / (1 - chance)
