"""What policy.json says of a policy: its network, its spaces, where it comes from and how good it is."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ddpg.errors import UserError, kind_of
from ddpg.policies.space import Space

#: An actor of a run: the last one, or the one with the best evaluation in training.
Which = Literal["last", "best"]
#: The number of the form of policy.json. Another one is written when a reader of this one would be misled.
FORMAT = 1
#: The file of an exported folder with the description.
FILE = "policy.json"
#: The networks that may be built from a description, by the names that they have there.
PACKAGE_NETWORKS = ("ddpg.learner.networks.Actor", "ddpg.learner.networks.PixelActor")


@dataclass(frozen=True)
class Network:
    """The actor's class, and what it is made with beside the spaces."""

    #: dotted path of the class
    target: str
    #: the values of the node network.actor; nodes within name their classes by `_target_`, as the node itself does
    arguments: Mapping[str, Any]
    #: observations are normalized by their statistics, then clipped to +- this; None: they are not
    normalize_obs: float | None
    #: number format in which it computes, "float32" or "float64"
    dtype: str

    @property
    def foreign(self) -> list[str]:
        """The classes that are not of this package, so that they have to be given to whoever builds the network."""
        named = dict.fromkeys([self.target, *_targets_within(self.arguments)])
        return [target for target in named if target not in PACKAGE_NETWORKS]


def _targets_within(values: Any) -> Iterator[str]:
    """Yield what the nodes within some arguments name."""
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if name == "_target_":
            yield str(value)
        yield from _targets_within(value)


@dataclass(frozen=True)
class Evaluation:
    """Noise-free episodes of the policy: the seed, the undiscounted return and the length of each."""

    seeds: Sequence[int]
    returns: Sequence[float]
    lengths: Sequence[int]


@dataclass(frozen=True)
class Description:
    """Everything that is written about a policy."""

    network: Network
    observation: Space
    action: Space
    #: the node `env` of the run's config
    environment: Mapping[str, Any]
    #: simulator steps for which the environment repeats an action
    action_repeat: int
    #: which actor of the run: "last" or "best"
    actor: str
    #: env steps after which it was stored
    env_step: int
    #: seed of the run
    seed: int
    #: versions of Python and of the packages with which it was written
    versions: Mapping[str, str | None]
    #: how its observations and actions differ from those of the environment's own spaces, in parts of a sentence
    conversions: Sequence[str] = field(default_factory=list)
    license: str | None = None
    evaluation: Evaluation | None = None
    #: of each format, what was found when the written file was run
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: SHA-256 of each file of the policy, by name
    files: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the content of policy.json."""
        return {"format": FORMAT, **asdict(self)}

    def require_spaces(self, observation: Any, action: Any, name: str) -> None:
        """Raise UserError unless an environment has the recorded spaces; `name` is how the message calls it."""
        self.observation.require_same(observation, "observations", name)
        self.action.require_same(action, "actions", name)


def full_name(network: Any, key: str) -> str:
    """Return the name that a description has for a class of networks, or for a function that makes one.

    Raises UserError, which begins with `key`, for anything else, because it has no name by which it could be found.
    """
    # the qualified name of a builtin can lead through a class of C that is nowhere, as that of torch.tanh does
    name = getattr(network, "__name__" if inspect.isbuiltin(network) else "__qualname__", None)
    module = getattr(network, "__module__", None)
    if name is None or module is None:
        raise UserError(
            f"{key}: a policy is described by the name of a class or a function, which {kind_of(network)} does "
            "not have; write a function with def that makes the network"
        )
    package = "ddpg.learner.networks"
    return f"{package if module.startswith(f'{package}.') else module}.{name}"
