"""Exactness under kill -9 at random instants, on every suite: the end is that of a run left alone, bit for bit."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR2

import pytest
from omegaconf import DictConfig
from support.envs import has_software_renderer
from support.killing import Case, Zygote
from support.runs import TINY, WALK

from ddpg.config.settings import check
from ddpg.envs.suites import FIXED_BY_RESET, FIXED_WHEN_NEW
from ddpg.run.env_spec import build_env_spec

pytestmark = pytest.mark.xdist_group("kill")  # one zygote for all

#: Short episodes, a checkpoint every few of them: a run of half a second.
SHORT = [*TINY, "total_steps=240", "checkpoint.every=50", "eval.every=120", "eval.episodes=1"]
LIMIT = "env.max_episode_steps=35"

#: At least 20 kills for each suite in the slow tests. Together they have every option of conf/noise and every kind of
#: memory and update.
CASES = {
    "mujoco-td3": (10, ["env=hopper", "algorithm=td3", "noise=gaussian", "noise.final_sigma=0"]),
    "mujoco-prioritized": (10, ["env=halfcheetah", "replay=prioritized", "replay.n_step=3", "noise=gaussian_0.2"]),
    "classic-paper": (10, ["env=pendulum", "preset=paper", "noise=ou", "update_every=episode"]),
    "classic-d4pg": (10, ["env=pendulum", "preset=d4pg", "replay=prioritized", "replay.n_step=5", "tau=0.1"]),
    "classic-float64": (10, ["env=mountaincar", "noise=sb3", "dtype=float64", "replay.n_step=5"]),
    "box2d-parameter": (
        10,
        ["env=bipedalwalker", "network=layer_norm", "noise=adaptive_parameter", "noise.adapt_every=7"],
    ),
    "box2d-delayed": (10, ["env=lunarlander", "noise=ou_slow", "algorithm=delayed", "replay=prioritized"]),
    "box2d-pictures": (
        2,
        [
            "env.id=CarRacing-v3",
            "network=pixels",
            "noise=ou_slow",
            "env.max_episode_steps=12",
            "total_steps=36",
            "checkpoint.every=12",
        ],
    ),
    "dm_control-normalized": (10, ["env=dmc_cartpole_swingup", "noise=keras", "network.normalize_obs=5"]),
    "dm_control-small": (10, ["env=dmc_reacher_hard", "noise=none", "replay=prioritized", "buffer_size=130"]),
    "pybullet-td3": (10, ["env=pybullet_hopper", "noise=ou_slow_0.5", "algorithm=td3", "replay=prioritized"]),
    "pybullet-baselines": (10, ["env=pybullet_reacher", "network.normalize_obs=5", "noise=gaussian_unscaled"]),
    "pixels": (5, ["env=pendulum", "preset=paper_pixels", "env.pixels=32", "env.action_repeat=3", "total_steps=90"]),
}
NEEDS = {"box2d": "Box2D", "dm_control": "dm_control", "pixels": "pygame"}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    zygote.close()


def require_installed(name: str) -> None:
    module = NEEDS.get(name.partition("-")[0])
    if module:
        pytest.importorskip(module)


def test_every_module_that_is_promised_is_killed(compose: Callable[..., DictConfig]) -> None:
    modules = set()
    for name, (_, overrides) in CASES.items():
        require_installed(name)
        env = build_env_spec(check(compose(*SHORT, LIMIT, *overrides))).make()
        modules.add(type(env.unwrapped).__module__)
        env.close()
    tested = FIXED_BY_RESET + FIXED_WHEN_NEW
    assert {one for one in tested if not any(name.startswith(one) for name in modules)} == set()


@pytest.mark.parametrize("share", [0.2, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.parametrize("name", CASES)
def test_kill_9(tmp_path: Path, zygote: Zygote, name: str, share: float) -> None:
    """Of the kills of a case the fast tests make a part, at least two."""
    require_installed(name)
    times, overrides = CASES[name]
    times = max(2, round(share * times))
    case = Case(zygote, tmp_path, [*SHORT, LIMIT, *overrides])
    case.disturb(random.Random(name), times, [[SIGKILL]])
    print(f"{name}: a run of {case.seconds:.1f} s, ended while {dict(case.ends)}")


@pytest.mark.slow
@pytest.mark.skipif(not has_software_renderer(), reason="MuJoCo cannot draw")
def test_kill_9_of_what_mujoco_draws(tmp_path: Path, zygote: Zygote) -> None:
    """Observations are pictures from EGL or OSMesa, which each start opens anew."""
    require_installed("dm_control")
    words = ["env=dmc_cartpole_swingup_pixels", "network=pixels", "env.pixels=32", "env.max_episode_steps=36"]
    flat = "env.kwargs.render_kwargs.render_flag_overrides={shadow: false, reflection: false}"
    lengths = ["total_steps=48", "checkpoint.every=12", "eval.every=24"]
    case = Case(zygote, tmp_path, [*SHORT, *words, flat, *lengths])
    case.disturb(random.Random("pixels"), 3, [[SIGKILL]])
    print(f"pixels: a run of {case.seconds:.1f} s, ended while {dict(case.ends)}")


@pytest.mark.parametrize("times", [5, pytest.param(15, marks=pytest.mark.slow)])
def test_signals_of_a_cluster(tmp_path: Path, zygote: Zygote, times: int) -> None:
    """Warned and killed, preempted and killed, the terminal closed, Ctrl-C: at random instants, a save's among them."""
    case = Case(zygote, tmp_path, [*WALK, *SHORT])
    volleys = [[SIGTERM], [SIGTERM, SIGKILL], [SIGUSR2, SIGTERM, SIGKILL], [SIGHUP], [SIGINT, SIGINT], [SIGUSR2]]
    case.disturb(random.Random(1), times, volleys)
    print(f"signals: a run of {case.seconds:.1f} s, ended while {dict(case.ends)}")
