"""Whether a run that is interrupted ends as one that is not, bit for bit; status.json says it under `resume`."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium

from ddpg.constructors import is_ours
from ddpg.envs import suites
from ddpg.envs.wrappers import is_cleared_by_reset

EXACT = "exact"
#: What computes a run, as provenance.json names it under `versions`.
COMPUTES = (
    "python",
    "ddpg",
    "torch",
    "numpy",
    "gymnasium",
    "mujoco",
    "box2d",
    "dm_control",
    "shimmy",
    "pybullet",
    "pybullet_envs_gymnasium",
)


def resume_exactness(
    device: str,
    env: gymnasium.Env[Any, Any],
    wrappers: Sequence[str],
    resets_fully: bool,
    targets: Sequence[str],
    kernels: Sequence[str],
    different: Sequence[str],
) -> str:
    """Return `exact`, or `not promised: ` and the reasons.

    Args:
        device: the kind of torch device.
        env: an environment of the run.
        wrappers: every `_target_` of env.wrappers, and of the nodes within them.
        resets_fully: whether reset alone is taken to fix an episode; else a new environment is made for snapshots.
        targets: every other `_target_` of the config.
        kernels: what computed the updates so far, and what computes them from now on.
        different: the `differences` of the starts so far.
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
    if different:
        reasons.append(f"it was computed with {', '.join(different)}, which may give other numbers")
    foreign = [target for target in targets if not is_ours(target)]
    if foreign:
        reasons.append(
            f"{', '.join(foreign)} (not of this package): exact if state_dict() has all that learning changes"
        )
    return f"not promised: {'; '.join(reasons)}" if reasons else EXACT


def differences(starts: Sequence[Mapping[str, Any]], by_torch: bool) -> list[str]:
    """List what was not the same at all starts of a run, as `torch 2.8.0 and 2.9.0`.

    Args:
        starts: their entries of provenance.json; what is not on record is not compared.
        by_torch: whether torch's kernels compute in updates, which differ with the processor and the threads.
    """
    known = [{**start, **(start.get("versions") or {}), **(start.get("machine") or {})} for start in starts]
    names = [*COMPUTES, "renderer", *(("threads", "cpu") if by_torch else ())]
    values = {name: dict.fromkeys(one[name] for one in known if one.get(name) is not None) for name in names}
    return [f"{name} {' and '.join(map(str, several))}" for name, several in values.items() if len(several) > 1]
