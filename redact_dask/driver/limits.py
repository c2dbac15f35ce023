"""The limits that end a run before all its videos are done: cost, time, failures in a row."""

from __future__ import annotations

from redact_dask.config import Config
from redact_dask.driver.backlog import Backlog
from redact_dask.driver.estimate import estimate
from redact_dask.errors import RunEnded, UsageError
from redact_dask.records import Failure


class Limits:
    """The limits that the settings put on a run.

    Parameters
    ----------
    config
        All settings of the run.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._failures: list[tuple[str, str]] = []
        """Stage and class of error of the latest videos in a row that failed alike."""

    def check_estimate(self, backlog: Backlog, destination: str) -> None:
        """Raise `UsageError` if the videos of a backlog would cost more than the run may spend."""
        most = self._config.driver.max_cost
        if most is None or not self._config.detect.is_paid:
            return
        needed = estimate(backlog, destination, self._config)
        if needed.dollars > most:
            raise UsageError(
                f"the run would need about {needed.calls:,} calls for ${needed.dollars:,.2f}, more "
                f"than the ${most:,.2f} that driver.max_cost allows"
            )

    def check_cost(self, dollars: float) -> None:
        """Raise `RunEnded` if the US dollars that the run has spent are more than it may spend."""
        most = self._config.driver.max_cost
        if most is not None and dollars > most:
            raise RunEnded(
                f"${dollars:,.2f} are spent, more than the ${most:,.2f} that "
                "driver.max_cost allows; what was paid for is kept"
            )

    def time_is_up(self, elapsed_s: float) -> bool:
        """Tell whether a run that has lasted so many seconds should begin no more videos."""
        most = self._config.driver.time_limit_s
        return most is not None and elapsed_s > most

    def note_failure(self, failure: Failure) -> None:
        """Raise `RunEnded` once too many videos in a row have failed alike.

        Parameters
        ----------
        failure
            Failure of a video that is not at fault itself.
        """
        alike = (failure.stage, failure.kind)
        if self._failures and self._failures[-1] != alike:
            self._failures.clear()
        self._failures.append(alike)
        if len(self._failures) >= self._config.driver.most_failures:
            raise RunEnded(
                f"{len(self._failures)} videos in a row failed in {failure.stage}, the last: "
                f"{failure.reason}"
            )

    def note_success(self) -> None:
        """Start to count failures in a row from zero again."""
        self._failures.clear()
