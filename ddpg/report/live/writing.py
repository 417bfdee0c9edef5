"""Which runs' curves are written anew for the page, and when: within a share of a processor core."""

from collections.abc import Collection

from ddpg.report.live.followed import Followed, Form
from ddpg.report.live.pace import Allowance
from ddpg.report.thinning import Thinning, thinning
from ddpg.report.view import View

#: The share of a core, and the seconds of processor time that can be saved up.
SHARE = 0.01
SAVED_S = 0.3


class Writing:
    """Writes the curves of runs that have gone on, those first of which the page lacks most."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._thinning: Thinning = thinning(view.metric, 1)
        self._longest: dict[str, int] = {}
        self._allowance = Allowance(SHARE, SAVED_S)

    def renew(self, runs: Collection[Followed], version: int) -> bool:
        """Write curves as long as the allowance lasts; return whether there were any.

        The number of points is that of a page of 1, 2, 4, 8 ... runs, so that it seldom changes while runs are added.
        """
        self._thinning = thinning(self._view.metric, 1 << (max(len(runs), 1) - 1).bit_length())
        lacking = [(run.staleness(self._form(run)), run) for run in runs if run.is_seen and run.watched.record]
        stale = [run for share, run in sorted(lacking, key=lambda pair: -pair[0]) if share > 0]
        for place, run in enumerate(stale):
            if self._allowance.is_used_up:
                return place > 0
            with self._allowance.spending():
                self.write(run, version)
        return bool(stale)

    def write(self, run: Followed, version: int) -> None:
        """Write the curves of a run, if it has begun."""
        if run.watched.record is not None:
            run.write(self._form(run), self._view, version)

    def _form(self, run: Followed) -> Form:
        """Return the form of a run's curves; the longest run of its environment becomes known run by run."""
        assert run.watched.record is not None
        environment = run.watched.record.environment
        longest = max(self._longest.get(environment, 1), run.watched.total_steps)
        self._longest[environment] = longest
        return Form(self._thinning, longest)
