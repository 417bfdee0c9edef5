"""What status.json says under `resume`: whether a run that is interrupted ends as one that is not, bit for bit."""

from collections.abc import Sequence

EXACT = "exact"
#: Modules of environments whose episodes the reset's seed fixes (seen to: tests/test_envs.py, tests/test_kill.py) ...
FORGETTING = ("gymnasium.envs.classic_control", "gymnasium.envs.mujoco", "gymnasium.envs.box2d.lunar_lander", "shimmy")
#: ... and of those that keep something across resets, so that only a new one begins as the first did.
REMEMBERING = ("gymnasium.envs.box2d.bipedal_walker", "pybullet_envs_gymnasium")


def resume_promise(
    device: str, env_module: str, resets_fully: bool, targets: Sequence[str], kernels: Sequence[str]
) -> str:
    """`exact`, or `not promised: ` and the reason.

    Args:
        device: the kind of torch device.
        env_module: where the environment's class stands; `resets_fully` is its option.
        targets: every `_target_` of the config.
        kernels: what computed the updates so far, and does from now on.
    """
    reasons = []
    if device != "cpu":
        reasons.append(f"device={device}: the order of its sums may change from one time to the next")
    if resets_fully and env_module.startswith(REMEMBERING):
        reasons.append("the environment keeps something across resets: env.resets_fully=false makes it exact")
    elif not env_module.startswith(FORGETTING + REMEMBERING):
        needs = "reset(seed) must fix an episode" if resets_fully else "a new one must begin as the first did"
        reasons.append(f"{env_module} is not among the environments that were tested: {needs}")
    if len(kernels) > 1:
        reasons.append(f"updates were computed by {' and '.join(kernels)}, which round in different ways")
    own = [target for target in targets if not target.startswith("ddpg.")]
    if own:
        reasons.append(f"{', '.join(own)}: state_dict must hold all that it remembers")
    return f"not promised: {'; '.join(reasons)}" if reasons else EXACT
