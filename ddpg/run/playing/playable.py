"""What can be played: a stored policy with the recipe of the environment that it acts in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym

from ddpg.config.settings import check, plain
from ddpg.envs import EnvSpec
from ddpg.errors import UserError
from ddpg.record.config_file import read_config
from ddpg.record.find_run import require_run
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import make_env
from ddpg.run.env_spec import build_env_spec
from ddpg.run.policies import load_policy
from ddpg.training.evaluate import Policy

Which = Literal["last", "best"]


@dataclass(frozen=True)
class Playable:
    """A stored policy with the recipe of its environment.

    Args:
        name: what the user calls it.
        folder: where it lies.
        which: the last or the best actor of a run.
        config: the values of its config that concern the environment, under `env`.
        recipe: makes its environments.
        seed: fixes what the constructor of an environment draws.
        threads: CPU threads of torch, because actions can depend on their number in the last bit.
        load: loads the policy for an environment.
        video: where a video of it goes; None where the user has to say it.
    """

    name: str
    folder: Path
    which: Which
    config: Mapping[str, Any]
    recipe: EnvSpec
    seed: int
    threads: int
    load: Callable[[gym.Env[Any, Any]], Policy]
    video: Path | None

    def make_env(self, render: bool = False) -> gym.Env[Any, Any]:
        """Make an environment, which draws if `render` is true."""
        return make_env(self.recipe, self.seed, render)


def open_playable(source: str | Path, which: Which = "last") -> Playable:
    """Find a stored policy: in a run folder.

    Raises UserError if there is none, or if its config does not fit this version.
    """
    folder = RunFolder(Path(source))
    require_run(folder.path, str(source))
    cfg = check(read_config(folder.config))
    return Playable(
        name=str(source),
        folder=folder.path,
        which=which,
        config=plain(cfg)["env"],
        recipe=build_env_spec(cfg),
        seed=cfg.seed,
        threads=cfg.threads,
        load=partial(load_policy, cfg, folder, which),
        video=folder.videos / f"{which}.mp4",
    )


def require_several(playable: Playable, processes: int) -> None:
    """Raise UserError where several processes are wanted and only one environment can exist at a time."""
    if processes > 1 and playable.recipe.single:
        raise UserError(
            f"processes={processes}: {playable.name} has env.single=true, so that only one environment can exist at a "
            "time: processes=1"
        )
