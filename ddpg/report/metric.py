"""The properties of a metric that follow from its name."""

from dataclasses import dataclass

#: The metric that holds the return of every training episode.
EPISODES = "charts/episodic_return"


@dataclass(frozen=True)
class Metric:
    """A metric, by its name in metrics.jsonl."""

    name: str

    @property
    def of_evaluations(self) -> bool:
        """Whether it has a value for each evaluation."""
        return self.name.startswith("eval/")

    @property
    def of_episodes(self) -> bool:
        """Whether it has a value where a training episode ends, so that seeds share no steps."""
        return self.name.startswith(("charts/episodic_", "info/"))

    @property
    def is_return(self) -> bool:
        """Whether its values are returns, of which the largest is the best."""
        return self.name.endswith("/episodic_return")

    @property
    def noun(self) -> str:
        """The word for one of its values."""
        return "evaluation" if self.of_evaluations else "value"
