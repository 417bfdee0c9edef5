"""What is trained: every option that changes what is learned, and some of them together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

STEPS = 3000
#: Drawing takes a tenth of a second for a decision.
PIXEL_STEPS = 240

#: Presets wait for thousands of random steps, of which a case has none to spare.
EARLY = ("random_steps=300", "learning_starts=300")
#: What a case is made with, unless it says otherwise: cheap, and all of it at work.
PENDULUM = ("env=pendulum",)
CHEAP = ("preset=td3", *EARLY, "batch_size=64")
SMALL = ("network.actor.hidden=[64,64]", "network.critic.hidden=[64,64]")
PIXELS = ("env=pendulum", "env.pixels=64", "env.action_repeat=3", "preset=paper_pixels")

#: Overrides of each preset: an environment that it is for, and the steps that it would wait.
#: A preset that is not here is tried on the pendulum.
PRESETS = {
    "adi3e08": ("env=dmc_cartpole_swingup", *EARLY),
    "baselines_param_noise": ("env=mountaincar",),
    "cleanrl": ("env=hopper", *EARLY),
    "cleanrl_jax": ("env=inverted_pendulum", *EARLY),
    "ddpg_py": ("env=walker2d", *EARLY),
    "drlforge": ("env=inverted_double_pendulum", *EARLY),
    "keras": ("env=pendulum",),
    "paper": ("env=dmc_reacher_hard",),
    "paper_pixels": ("env=dmc_cartpole_swingup_pixels", "env.max_episode_steps=120"),
    "sb3": ("env=lunarlander", "learning_starts=300"),
    "spinningup": ("env=swimmer", *EARLY),
    "td3": ("env=halfcheetah", *EARLY),
    "td3_2018": ("env=reacher", "random_steps=300"),
    "td3_full": ("env=ant", *EARLY),
}

#: What adam.yaml leaves open, and what no option changes.
RATES = (
    "optimizer.actor.lr=1e-3",
    "optimizer.critic.lr=2e-3",
    "optimizer.actor.betas=[0.8,0.99]",
)

#: All overrides beside an option that cannot do with the usual ones.
NEEDS = {
    "network=mlp": (*PENDULUM, *CHEAP, *SMALL),
    "network=pixels": PIXELS,
    "noise=adaptive_parameter": (*PENDULUM, *CHEAP, "network=layer_norm"),
    "optimizer=adam": (*PENDULUM, *CHEAP, *SMALL, *RATES),
}

#: An environment of each suite, and of each way to make one.
SUITES = {
    "classic": ("env=mountaincar", "noise=ou_slow_0.5"),
    "box2d": ("env=bipedalwalker",),
    "mujoco_v4": ("env=hopper", "env.version=v4"),
    "mujoco_v5": ("env=hopper", "env.version=v5"),
    "mujoco_by_id": ("env=gym", "env.id=InvertedPendulum-v5"),
    "pybullet": ("env=pybullet_hopper",),
    "pybullet_by_id": ("env=pybullet", "env.id=InvertedPendulumSwingupBulletEnv-v0"),
    "dm_control": ("env=dmc_cheetah_run",),
    "dm_control_by_name": ("env=dmc", "env.domain=finger", "env.task=spin"),
    "action_repeat": ("env=pendulum", "env.action_repeat=2", "env.max_episode_steps=300"),
}

PARAMETER_NOISE = ("noise=adaptive_parameter", "network=layer_norm")
PRIORITIZED = ("replay=prioritized", "replay.beta_steps=2000")

#: What no option says, or several at a time.
VARIANTS = {
    "compile_false": ("compile=false",),
    "compile_true": ("compile=true",),
    "float64": ("dtype=float64",),
    "float64_compile_false": ("dtype=float64", "compile=false"),
    "n_step": ("replay.n_step=3",),
    "n_step_prioritized": (*PRIORITIZED, "replay.n_step=3"),
    "prioritized_td3": (*PRIORITIZED, "algorithm=td3"),
    "prioritized_td3_compile_false": (*PRIORITIZED, "algorithm=td3", "compile=false"),
    "normalized": ("network.normalize_obs=5.0",),
    "normalized_td3_compile_false": ("network.normalize_obs=5.0", "algorithm=td3", "compile=false"),
    "parameter_noise_normalized": (*PARAMETER_NOISE, "network.normalize_obs=5.0"),
    "parameter_noise_compile_false": (*PARAMETER_NOISE, "compile=false"),
    "three_critics": (
        "algorithm.n_critics=3",
        "algorithm.target_reduce=mean",
        "algorithm.actor_reduce=min",
    ),
    "critics_mean": ("algorithm=td3", "algorithm.actor_reduce=mean"),
    "critics_mean_compile_false": ("algorithm=td3", "algorithm.actor_reduce=mean", "compile=false"),
    "delays": ("algorithm.policy_delay=3", "algorithm.target_delay=1"),
    "clipped_gradient": ("algorithm.max_grad_norm=0.5",),
    "clipped_gradient_compile_false": ("algorithm.max_grad_norm=0.5", "compile=false"),
    "reward_scale": ("algorithm.reward_scale=0.1",),
    "annealed_noise": ("noise.final_sigma=0.01", "noise.anneal_steps=2000"),
    "full_buffer": ("buffer_size=1100",),
    "full_buffer_prioritized": (*PRIORITIZED, "replay.n_step=3", "buffer_size=1100"),
    "half_updates": ("updates_per_step=0.5",),
    "two_updates": ("updates_per_step=2", "update_every=10"),
    "update_every_episode": ("update_every=episode",),
    "batch_norm_compile_false": ("network=paper", "optimizer=paper", "compile=false"),
    "decay_all_clipped": ("optimizer=ddpg_py", "algorithm.max_grad_norm=1.0"),
}

#: Trained to the half, and by another process to the end.
RESUMED = {
    "td3": ("algorithm=td3",),
    "compile_false": ("compile=false",),
    "prioritized": (*PRIORITIZED, "replay.n_step=3", "buffer_size=1100"),
    "parameter_noise": (*PARAMETER_NOISE, "network.normalize_obs=5.0"),
    "ou_paper": ("noise=keras", "network=paper", "optimizer=paper"),
    "pybullet": ("env=pybullet_hopper", "update_every=episode"),
}

GROUPS = ("algorithm", "network", "noise", "optimizer", "replay")


@dataclass(frozen=True)
class Case:
    """One training: its name, what is overridden, and how long it is."""

    name: str
    overrides: tuple[str, ...]
    steps: int = STEPS
    resumed: bool = False

    def words(self) -> list[str]:
        """All of its overrides, save the folder of the run."""
        rhythm = (
            f"total_steps={self.steps}",
            f"eval.every={self.steps // 2}",
            f"checkpoint.every={self.steps // 3}",
            f"logger.every={self.steps // 6}",
        )
        fixed = ("seed=7", "device=cpu", "threads=1", "logger=silent", "buffer_size=10000")
        return [*fixed, "eval.episodes=1", *rhythm, *self.overrides]

    def stops(self) -> list[int]:
        """The total_steps of each start of the training program."""
        return [self.steps // 2, self.steps] if self.resumed else [self.steps]

    def known_to(self, conf: Path) -> bool:
        """Whether this conf folder has every option that is chosen."""
        pairs = [word.split("=", 1) for word in self.overrides]
        chosen = [conf / key / f"{value}.yaml" for key, value in pairs if (conf / key).is_dir()]
        return all(path.exists() for path in chosen)


def cases(confs: Sequence[Path], pattern: str) -> list[Case]:
    """Those of all options in these conf folders whose names match."""
    found = [*_presets(confs), *_suites(), *_options(confs), *_combinations()]
    return [case for case in found if fnmatchcase(case.name, pattern)]


def _presets(confs: Sequence[Path]) -> Iterator[Case]:
    for name in _names(confs, "preset"):
        overrides = PRESETS.get(name, (*PENDULUM, *EARLY))
        yield _case(f"preset={name}", (f"preset={name}", *overrides))


def _suites() -> Iterator[Case]:
    for name, overrides in SUITES.items():
        yield _case(f"suite:{name}", _completed(overrides))


def _options(confs: Sequence[Path]) -> Iterator[Case]:
    for group in GROUPS:
        for name in _names(confs, group):
            option = f"{group}={name}"
            overrides = (*NEEDS[option], option) if option in NEEDS else _completed((option,))
            yield _case(option, overrides)


def _combinations() -> Iterator[Case]:
    for name, overrides in VARIANTS.items():
        yield _case(f"variant:{name}", _completed(overrides))
    for name, overrides in RESUMED.items():
        yield _case(f"resumed:{name}", _completed(overrides), resumed=True)


def _completed(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """With the environment and the small network, unless another of these is chosen."""
    groups = {word.partition("=")[0] for word in overrides}
    env = () if "env" in groups else PENDULUM
    network = () if "network" in groups else SMALL
    return (*env, *CHEAP, *network, *overrides)


def _case(name: str, overrides: tuple[str, ...], resumed: bool = False) -> Case:
    drawn = any("pixels" in word for word in overrides)
    return Case(name, overrides, PIXEL_STEPS if drawn else STEPS, resumed)


def _names(confs: Sequence[Path], group: str) -> list[str]:
    return sorted({path.stem for conf in confs for path in (conf / group).glob("*.yaml")})
