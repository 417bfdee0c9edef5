"""A stored policy with the recipe of the environment that it acts in: together they can be played."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import gymnasium as gym
from omegaconf import DictConfig

from ddpg.config.keys import flat
from ddpg.config.settings import check, plain
from ddpg.config.signature import Target, fit
from ddpg.config.spelling import as_written
from ddpg.config.targets import imported
from ddpg.envs import EnvSpec
from ddpg.errors import UserError
from ddpg.policies import Policy, load
from ddpg.policies.description import Which
from ddpg.policies.load import is_exported
from ddpg.policies.reading import read_description, sha256
from ddpg.record.config_file import read_config
from ddpg.record.find_run import require_run
from ddpg.record.run_folder import RunFolder
from ddpg.remote import fetch, is_remote
from ddpg.run.build import make_env
from ddpg.run.env_spec import build_env_spec
from ddpg.run.policies import actor_file, load_policy
from ddpg.training.evaluate import Act

#: What the description of an environment may name without being trusted.
OWN = ("ddpg.envs.EnvSpec", "ddpg.envs.Budget")


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
        trust: whether an exported policy may name code, which is imported and called.
        digest: of the actor that a run had stored when it was found, because only that is loaded, although a training
            that goes on stores others; empty if there was none, and for an exported policy.
    """

    name: str
    folder: Path
    which: Which
    config: Mapping[str, Any]
    recipe: EnvSpec
    seed: int
    threads: int
    load: Callable[[gym.Env[Any, Any]], Act]
    video: Path | None
    trust: bool
    digest: str = ""

    def make_env(self, render: bool = False) -> gym.Env[Any, Any]:
        """Make an environment, which draws if `render` is true."""
        return make_env(self.recipe, self.seed, render)


def open_playable(source: str | Path, which: Which = "last", trust: bool = False, digest: str = "") -> Playable:
    """Find a stored policy.

    Args:
        source: a run folder, the folder of an exported policy, hub:USER/NAME[@REVISION], or
            wandb:ENTITY/PROJECT/NAME[:ALIAS].
        which: the last or the best actor of a run.
        trust: whether an exported policy may name code for its environment or network, which is imported and called.
        digest: of the actor of a run, if it was found before; empty: that which is stored now.

    Raises UserError if there is none, or if its config does not fit this version.
    """
    name = str(source)
    folder = fetch(name) if is_remote(name) else Path(source)
    return _exported(name, folder, which, trust) if is_exported(folder) else _of_run(name, folder, which, digest)


def _of_run(name: str, path: Path, which: Which, digest: str) -> Playable:
    folder = RunFolder(path)
    require_run(path, name)
    cfg = check(read_config(folder.config))
    found = digest or _digest(actor_file(folder, which))
    return Playable(
        name=name,
        folder=folder.path,
        which=which,
        config=plain(cfg)["env"],
        recipe=build_env_spec(cfg),
        seed=cfg.seed,
        threads=cfg.threads,
        load=partial(_load_found, cfg, folder, which, found),
        video=folder.videos / f"{which}.mp4",
        trust=True,
        digest=found,
    )


def _digest(file: Path) -> str:
    """Return the SHA-256 of a file, or nothing if there is none."""
    return sha256(file.read_bytes()) if file.exists() else ""


def _load_found(cfg: DictConfig, folder: RunFolder, which: Which, digest: str, env: gym.Env[Any, Any]) -> Policy:
    """Load the actor that was found; raise UserError if there is another one since, and as `load_policy` does."""
    policy = load_policy(cfg, folder, which, env)
    if digest and digest != _digest(actor_file(folder, which)):
        raise UserError(
            f"{folder.path} has stored another {which} actor meanwhile, because its training goes on: play it when it "
            "is done, or a copy of the folder"
        )
    return policy


def _exported(name: str, folder: Path, which: Which, trust: bool) -> Playable:
    description = read_description(folder)
    if which == "best" and description.actor != "best":
        raise UserError(f"actor=best: {name} was exported as the {description.actor} actor of its run")
    if not trust:
        _require_no_code(description.environment, name)
    try:
        environment = fit(dict(description.environment), Annotated[dict[str, Any], Target()], "env")
    except UserError as error:
        raise UserError(f"the environment of {name} does not fit this version: {error}") from error
    return Playable(
        name=name,
        folder=folder,
        which="best" if description.actor == "best" else "last",
        config=environment,
        recipe=build_env_spec({"env": environment}),
        seed=description.seed,
        threads=1,
        load=partial(_load_exported, folder, name, trust),
        video=None,
        trust=trust,
    )


def _load_exported(folder: Path, name: str, trust: bool, env: gym.Env[Any, Any]) -> Policy:
    """Load an exported policy for an environment; raise UserError if it cannot be loaded or has other spaces."""
    foreign = read_description(folder).network.foreign if trust else []
    policy = load(folder, classes=[imported(target, f"the network of {name}") for target in foreign])
    policy.description.require_spaces(env.observation_space, env.action_space, f"the environment of {name}")
    return policy


def _require_no_code(environment: Mapping[str, Any], name: str) -> None:
    """Raise UserError if an environment's description names code, because it could be code of any kind."""
    named = code_of(environment)
    if named:
        raise UserError(f"{name} names code that its environment would run: {', '.join(named)}; trust=true allows it")


def code_of(environment: Mapping[str, Any]) -> list[str]:
    """List what names code in an environment's description, other than this package's and gymnasium's own.

    By that, whoever wrote the description could let it import and call whatever is installed.
    """
    named = [f"env.imports={as_written(environment['imports'])}"] if environment.get("imports") else []
    named += [f"env.id={environment['id']}"] if _imports_by_id(str(environment.get("id"))) else []
    named += [f"{key}={value}" for key, value in flat({"env": environment}).items() if _is_foreign(key, value)]
    return named


def _imports_by_id(name: str) -> bool:
    """Whether gymnasium imports a module for an id: one that the id names, or an argument of its bridges to old gym."""
    return ":" in name or name.startswith("GymV")


def _is_foreign(key: str, value: Any) -> bool:
    """Whether a value names code; an interpolation can become a mapping with a `_target_` when it is resolved."""
    if isinstance(value, list):
        return "_target_" in str(value) or "${" in str(value)
    return (isinstance(value, str) and "${" in value) or (key.endswith("_target_") and value not in OWN)


def require_several(playable: Playable, processes: int) -> None:
    """Raise UserError where several processes are wanted and only one environment can exist at a time."""
    if processes > 1 and playable.recipe.single:
        raise UserError(
            f"processes={processes}: {playable.name} has env.single=true, so that only one environment can exist at a "
            "time: processes=1"
        )
