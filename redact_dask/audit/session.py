"""One person who judges an audit: what there is to see, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from math import isfinite
from threading import Lock
from typing import Any

from redact_dask.audit import answers, result
from redact_dask.audit.answers import Answer, Verdict
from redact_dask.audit.audits import Audit, Item
from redact_dask.audit.pictures import Pictures
from redact_dask.errors import UsageError

LABELS = ("face", "plate", "other")
"""What may leak."""


class Session:
    """What the page of one judge asks for, and how it is answered; any thread may call it.

    Parameters
    ----------
    audit
        The audit that is judged.
    judge
        Name of the person.
    detector
        Registered name of a detector whose finds are shown, too; None: there is none.

    Raises
    ------
    UsageError
        The name cannot be used, or the detector is paid for.
    ConfigError
        No detector has the name.
    """

    def __init__(self, audit: Audit, judge: str, detector: str | None = None) -> None:
        self._audit = audit
        self._judge = judge
        self._writer = answers.Writer(audit, judge)
        self.pictures = Pictures(audit.items, detector)
        self._detector = detector
        self._answers = {(one.judge, one.item): one for one in answers.read(audit)}
        self._result = result.result(audit, [*self._answers.values()])
        self._writing = Lock()

    def state(self) -> dict[str, Any]:
        """Return all that the page shows at first, as values of JSON."""
        mine = {item: one for (judge, item), one in self._answers.items() if judge == self._judge}
        return {
            "judge": self._judge,
            "detector": self._detector,
            "labels": LABELS,
            "goal": result.percent(result.bound_without_leak(self._audit)),
            "items": [self._item(item, mine.get(item.item)) for item in self._audit.items],
            "result": self._told(),
        }

    def answer(self, item: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an answer, and return what the page shows after it.

        Parameters
        ----------
        item
            Rank of the frame in the sample.
        given
            The ``verdict`` and, of a leak, its ``box`` and ``label``.

        Raises
        ------
        UsageError
            There is no such frame, or the answer is none.
        """
        answer = self._checked(item, given)
        with self._writing:
            self._writer.add(answer)
            self._answers[self._judge, item] = answer
            self._result = result.result(self._audit, [*self._answers.values()])
        return self._told()

    def close(self) -> None:
        """Merge the answers' small files."""
        with self._writing:
            self._writer.close()

    def _item(self, item: Item, answer: Answer | None) -> dict[str, Any]:
        return {
            "path": item.path,
            "stream": item.stream,
            "frame": item.frame,
            "stratum": item.stratum,
            "verdict": answer.verdict if answer else None,
            "box": answer.box if answer else None,
            "label": answer.label if answer else None,
        }

    def _told(self) -> dict[str, Any]:
        found = self._result
        strata = [
            asdict(one) | {"bound": result.percent(one.bound)} for one in found.strata if one.frames
        ]
        agreements = [
            {
                "judges": one.judges,
                "frames": one.frames,
                "alike": one.alike,
                "kappa": None if one.kappa is None else f"{one.kappa:.2f}",
            }
            for one in found.agreements
        ]
        return {
            "bound": result.percent(found.bound),
            "bound_per_hour": result.rounded_up(found.bound_per_hour),
            "estimate": None if found.estimate is None else result.about_percent(found.estimate),
            "judged": found.judged,
            "leaks": found.leaks,
            "unsure": found.unsure,
            "strata": strata,
            "judges": found.judges,
            "agreements": agreements,
        }

    def _checked(self, item: int, given: Mapping[str, Any]) -> Answer:
        """Return an answer that came over the network, if it is one."""
        verdict, box, label = (given.get(name) for name in ("verdict", "box", "label"))
        is_box = (
            isinstance(box, list)
            and len(box) == 4
            and all(isinstance(side, int | float) and isfinite(side) for side in box)
        )
        if (
            not 0 <= item < len(self._audit.items)
            or verdict not in [*Verdict]
            or not (box is None or is_box)
            or (label is not None and label not in LABELS)
        ):
            raise UsageError("this is no answer to a frame of the sample")
        if verdict != Verdict.LEAK:
            box = label = None
        sides = tuple(map(float, box)) if box else None
        return Answer(self._judge, datetime.now(UTC), item, Verdict(verdict), sides, label)  # type: ignore[arg-type]
