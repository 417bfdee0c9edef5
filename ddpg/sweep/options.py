"""The options of the launchers; conf/hydra/launcher/*.yaml has their values and what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ddpg.config.signature import fit
from ddpg.ranges import Count, PositiveInt


@dataclass(frozen=True)
class LocalOptions:
    """The options of hydra/launcher=local."""

    kind: Literal["local"]
    processes: PositiveInt | None
    wait: bool


@dataclass(frozen=True)
class SlurmOptions:
    """The options of hydra/launcher=slurm."""

    kind: Literal["slurm"]
    partition: str | None
    account: str | None
    qos: str | None
    constraint: str | None
    timeout_min: PositiveInt
    mem_gb: PositiveInt | None
    cpus_per_task: PositiveInt | None
    gpus_per_node: PositiveInt | None
    runs_per_job: PositiveInt
    array_parallelism: PositiveInt
    signal_delay_s: PositiveInt
    max_num_timeout: Count
    setup: Sequence[str]
    additional_parameters: Mapping[str, Any]
    wait: bool

    def cores(self, threads: int) -> int:
        """Return the number of cores of a job whose runs have `threads` threads each."""
        return self.cpus_per_task or self.runs_per_job * threads


Options = LocalOptions | SlurmOptions
_KINDS: dict[str, type[LocalOptions] | type[SlurmOptions]] = {"local": LocalOptions, "slurm": SlurmOptions}


def options(values: Mapping[str, Any]) -> Options:
    """Return the options of the launcher that `values["kind"]` names.

    Raises:
        UserError: an unknown key, a wrong type, or a number out of range.
    """
    schema = _KINDS[values["kind"]]
    return schema(**fit(dict(values), schema, "hydra.launcher"))
