"""What a metric's name says about its values, as far as the comparison depends on it."""

from dataclasses import dataclass

#: Return of every training episode.
EPISODES = "charts/episodic_return"


@dataclass(frozen=True)
class Metric:
    """A name in metrics.jsonl."""

    name: str

    @property
    def of_evaluations(self) -> bool:
        return self.name.startswith("eval/")

    @property
    def of_episodes(self) -> bool:
        """Has a value where a training episode ends, so that no two seeds have theirs at the same steps."""
        return self.name.startswith("charts/episodic_")

    @property
    def is_return(self) -> bool:
        return self.name.endswith("/episodic_return")

    @property
    def noun(self) -> str:
        """What a value is called."""
        return "evaluation" if self.of_evaluations else "value"
