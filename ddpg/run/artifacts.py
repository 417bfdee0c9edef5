"""What a run has learned, as folders that are kept elsewhere."""

from pathlib import Path

from ddpg.policies.description import Which
from ddpg.policies.writing import write_policy
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking.tracker import KeptPolicy
from ddpg.run.policies import config_and_env, stored_actor


def write_policies(folder: RunFolder, top: Path) -> list[KeptPolicy]:
    """Write the best and the last actor of a run as policies, each into a folder below `top`, the last one at the end.

    It is one folder with both aliases, described as the best, if they were stored after the same step. The generators
    of the process are afterwards as they were.

    Raises:
        UserError: the run has no actor, or its environment cannot be made here, which is asked for its spaces.
    """
    kept: dict[int, KeptPolicy] = {}
    names: tuple[Which, ...] = ("best", "last") if folder.best_actor.exists() else ("last",)
    with config_and_env(folder) as (cfg, env):
        for which in names:
            actor, description = stored_actor(cfg, folder, which, env)
            same = kept.get(description.env_step)
            if same is not None:
                kept[description.env_step] = same._replace(aliases=(*same.aliases, which))
                continue
            path = top / which
            path.mkdir()
            write_policy(actor, description, path)
            kept[description.env_step] = KeptPolicy(path, (which,), description.env_step)
    return list(kept.values())
