"""The environments of a run: one for training, one for evaluation."""

from collections.abc import Callable

import gymnasium as gym


class Environments:
    """Two environments of one kind, renewed where a reset leaves something of the past in them.

    `resets_fully` says that reset(seed) determines an episode. Where it does not, an environment is
    made anew at each snapshot and before each evaluation, also in a run that nothing interrupts, so
    that a resumed run finds the same environment.
    """

    def __init__(
        self,
        make: Callable[[], gym.Env],
        training: gym.Env,
        evaluation: gym.Env,
        resets_fully: bool,
    ) -> None:
        self.training = training
        self.evaluation = evaluation
        self._make = make
        self.resets_fully = resets_fully

    def renew_training(self) -> None:
        """Make the training environment as a resumed run would find it."""
        self.training = self._renewed(self.training)

    def renew_evaluation(self) -> None:
        """Make the evaluation environment as a resumed run would find it."""
        self.evaluation = self._renewed(self.evaluation)

    def close(self) -> None:
        """Close both environments."""
        self.training.close()
        self.evaluation.close()

    def _renewed(self, env: gym.Env) -> gym.Env:
        if self.resets_fully:
            return env
        env.close()
        return self._make()
