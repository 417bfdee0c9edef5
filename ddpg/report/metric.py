"""The properties of a metric that follow from its name, as far as a comparison depends on them."""

from dataclasses import dataclass

#: The metric that holds the return of every training episode.
EPISODES = "charts/episodic_return"
#: How metrics begin that evaluations measure beside returns.
EVALUATED = "diagnostics/q_"


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

    @property
    def kind(self) -> str:
        """What its values belong to: `evaluation`, `episode` (of training), `time` or `update`."""
        if self.of_evaluations or self.name.startswith(EVALUATED):
            return "evaluation"
        if self.of_episodes:
            return "episode"
        return "time" if self.name in ("charts/SPS", "time/elapsed_s") else "update"
