"""Whether a run can go on in its folder, as far as its status and the names of its files tell."""

from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder


def require_resumable(folder: RunFolder, total_steps: int) -> None:
    """Raise UserError if a run has come further than it shall, or shall go on and its transitions are gone."""
    status = folder.status()
    env_step = status.get("env_step", 0)
    if env_step > total_steps:
        raise UserError(
            f"total_steps={total_steps}: {folder.path} has been trained for {env_step} steps, and no run "
            "goes back; train one in another folder"
        )
    if status.get("state") == "done" and env_step < total_steps and not folder.has_replay():
        raise UserError(
            f"total_steps={total_steps}: {folder.path} was finished at {env_step}, its replay memory is "
            "gone (checkpoint.keep_replay=false), so it cannot be trained further"
        )
