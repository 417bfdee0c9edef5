"""The environments of a run: one for training and one for evaluation, or one for both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gymnasium as gym

from ddpg.errors import UserError
from ddpg.training.seeding import process_generators_kept


class Environments:
    """Environments of one kind, renewed where a reset leaves something of the past in them.

    `resets_fully` tells whether reset(seed) determines an episode. Where it does not, an
    environment is made anew at each snapshot and before each evaluation, also in a run that nothing
    interrupts, so that a resumed run finds the same environment. With `single`, only one instance
    can exist at a time: evaluations run in the training environment, between two of its episodes.
    """

    def __init__(
        self,
        make: Callable[[], gym.Env],
        resets_fully: Callable[[gym.Env], bool],
        single: bool,
    ) -> None:
        self.training = make()
        #: The environment of the evaluations; None before the first one, and with `single`.
        self.evaluation: gym.Env | None = None
        self.single = single
        self._make = make
        self.resets_fully = resets_fully(self.training)
        self._closed = False

    def renew_training(self) -> None:
        """Make the training environment as a resumed run would find it."""
        self.training = self._renewed(self.training)

    @contextmanager
    def evaluating(self) -> Iterator[gym.Env]:
        """Lend an environment to an evaluation, as a resumed run would find it.

        Training goes on as if there had been no evaluation. With `single`, no episode may be under
        way. Raises UserError if a second environment cannot be made.
        """
        with process_generators_kept():
            if self.single:
                self.renew_training()
                yield self.training
                self.renew_training()
            else:
                self.evaluation = self._for_evaluation()
                yield self.evaluation

    def close(self) -> None:
        """Close the environments that are open."""
        if self._closed:
            return
        self._closed = True
        self.training.close()
        if self.evaluation is not None:
            self.evaluation.close()

    def _for_evaluation(self) -> gym.Env:
        if self.evaluation is not None:
            return self._renewed(self.evaluation)
        try:
            return self._make()
        except UserError as error:
            raise UserError(
                f"{error}; where only one instance can exist at a time: env.single=true, or "
                "eval.every=null"
            ) from error

    def _renewed(self, env: gym.Env) -> gym.Env:
        if self.resets_fully:
            return env
        env.close()
        return self._make()
