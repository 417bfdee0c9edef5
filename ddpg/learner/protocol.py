"""The interfaces of an algorithm: to the rest of the program, to networks and to optimizers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from ddpg.learner.batch import Batch


class Step(NamedTuple):
    """The result of an update: 0-dim metrics to be logged, and how wrong the critic was.

    `td_error`, (N,), >= 0, has a number for each transition of the minibatch. Prioritized replay
    needs it; None is enough for a minibatch that has no weights.
    """

    metrics: Mapping[str, float | Tensor]
    td_error: Tensor | None


class Agent(Protocol):
    """An algorithm: its policy, its update and its state. Nothing uses more of it than this.

    The trainer calls `explore` and `update`, evaluation calls `act`, diagnostics call `losses`, and
    checkpoints call `state_dict` and `load_state_dict`. One with a critic is a `WithCritic`.
    """

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The networks that learn, by name.

        `actor` maps observations (N, *obs_shape) to actions (N, action_dim) without exploration: it
        is the policy that is stored. `critic`, where there is one, takes observations and actions.
        What networks of other names take is the algorithm's own matter.
        """

    def act(self, obs: np.ndarray) -> np.ndarray:
        """Return the policy's action for one observation, without exploration.

        (*obs_shape) -> (action_dim,), float32, in the environment's units.
        """

    def explore(self, obs: np.ndarray) -> np.ndarray:
        """Return the action that exploration starts from, to which the noise is added.

        (*obs_shape) -> (action_dim,), float32. A stochastic policy samples from its distribution; a
        deterministic one returns `act(obs)`.
        """

    def update(self, batch: Batch) -> Step:
        """Learn from one minibatch; the trainer counts the updates."""

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Return the loss that each of `networks` descends, by its name, with a gradient.

        Changes nothing: no parameter, statistic, gradient or generator of its own. The diagnostics
        put back the generators of the process, from which dropout draws.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return everything that learning changes: numbers, texts, lists, dicts and tensors."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned."""


@runtime_checkable
class WithCritic(Agent, Protocol):
    """An agent whose Q is compared, along the evaluations, with the return that followed."""

    #: Rewards are multiplied by it before anything is learned from them; `value` is in its units.
    reward_scale: float

    def value(self, obs: Tensor, action: Tensor) -> Tensor:
        """Return Q(s, a), (N,), as the critic learns it."""


class Recordable(Agent, Protocol):
    """An agent whose updates can be recorded and replayed, by `ddpg.fast.accelerate`.

    `update` calls `step(due, *inputs)`: `due` can be hashed and says what falls due; the inputs are
    tensors, None or tuples of them. `step` computes from tensors alone, and whatever it changes
    (parameters, statistics, an optimizer's state) it changes in place.
    """

    step: Callable[..., Step]


class Optimizer(Protocol):
    """The part of torch.optim.Optimizer that an agent uses."""

    param_groups: list[dict[str, Any]]

    def step(self) -> Any: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None: ...


#: Makes the optimizer of some parameters; a node of the group `optimizer`.
OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
#: Makes a network with fresh weights; a node of the group `network`. `make_critic(outputs=51)`.
NetworkFactory = Callable[..., nn.Module]
