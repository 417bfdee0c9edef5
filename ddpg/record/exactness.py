"""Whether a run that is interrupted ends as one that is not, bit for bit; status.json says it under `resume`."""

from collections.abc import Sequence
from typing import Any

import gymnasium

from ddpg.envs import suites
from ddpg.envs.wrappers import is_cleared_by_reset

EXACT = "exact"


def resume_exactness(
    device: str,
    env: gymnasium.Env[Any, Any],
    wrappers: Sequence[str],
    resets_fully: bool,
    targets: Sequence[str],
    kernels: Sequence[str],
) -> str:
    """Return `exact`, or `not promised: ` and the reasons.

    Args:
        device: the kind of torch device.
        env: an environment of the run.
        wrappers: every `_target_` of env.wrappers, and of the nodes within them.
        resets_fully: whether reset alone is taken to fix an episode; else a new environment is made for snapshots.
        targets: every other `_target_` of the config.
        kernels: what computed the updates so far, and what computes them from now on.
    """
    reasons = []
    if device != "cpu":
        reasons.append(f"device={device}: sums may be added up in another order every time")
    if resets_fully and not suites.resets_fully(env):
        reasons.append("the environment keeps state across resets: env.resets_fully=auto makes it exact")
    untested = [target for target in wrappers if not is_cleared_by_reset(target)]
    module = type(env.unwrapped).__module__
    if not module.startswith(suites.FIXED_BY_RESET + suites.FIXED_WHEN_NEW):
        untested.insert(0, module)
    if untested:
        needs = "reset(seed) must fix an episode" if resets_fully else "a new one must begin as the first did"
        reasons.append(f"{', '.join(untested)} (not among the environments and wrappers that were tested): {needs}")
    if len(kernels) > 1:
        reasons.append(f"updates were computed by {' and '.join(kernels)}, which round in different ways")
    foreign = [target for target in targets if not target.startswith("ddpg.")]
    if foreign:
        reasons.append(
            f"{', '.join(foreign)} (not of this package): exact if state_dict() has all that learning changes"
        )
    return f"not promised: {'; '.join(reasons)}" if reasons else EXACT
