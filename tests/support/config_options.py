"""Every option of the groups in conf/, and an environment to build what they describe."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from gymnasium import spaces

CONF = Path(__file__).parents[2] / "conf"

#: The overrides that an option needs, because its file leaves them to the user.
NEEDS = {
    "env=gym": ["env.id=Pendulum-v1"],
    "env=pybullet": ["env.id=ReacherBulletEnv-v0"],
    "env=dmc": ["env.domain=fish", "env.task=swim"],
    "env=dmc_pixels": ["env.domain=fish", "env.task=swim"],
    "network=mlp": ["network.actor.hidden=[8]", "network.critic.hidden=[8]"],
    "optimizer=adam": ["optimizer.actor.lr=1e-3", "optimizer.critic.lr=1e-3"],
}
OPTIONS = sorted(
    f"{path.parent.relative_to(CONF)}={path.stem}"
    for path in CONF.glob("*/**/*.yaml")
    if CONF / "hydra" not in path.parents
)


#: Two actions, whose bounds are not -1 and 1.
ACTIONS = spaces.Box(np.float32([-3, 0]), np.float32([1, 10]))


def env_of(observations: spaces.Box, actions: spaces.Box = ACTIONS) -> Any:
    """Return as much of an environment as networks and a replay buffer are built from."""
    return SimpleNamespace(observation_space=observations, action_space=actions)
