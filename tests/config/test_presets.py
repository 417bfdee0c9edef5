"""Every preset learns, begins when its reference begins, and is what docs/presets.md says."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.runs import record

from ddpg.config.settings import check
from ddpg.run.build import build, build_schedule
from ddpg.training.trainer import Trainer

ROOT = Path(__file__).parents[2]
#: paper_pixels wants pictures: tests/test_pixels.py
PRESETS = sorted(path.stem for path in (ROOT / "conf" / "preset").glob("*.yaml") if path.stem != "paper_pixels")
DOC = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
ENVS = ["halfcheetah", "dmc_cartpole_swingup", "pybullet_hopper", "lunarlander"]
MODULES = {"lunarlander": "Box2D", "dmc_cartpole_swingup": "dm_control"}
Compose = Callable[..., DictConfig]


def preset_and_env() -> list[tuple[str, str]]:
    """Every preset on one env, two of them on all."""
    return [(preset, "pendulum") for preset in PRESETS] + [(p, env) for p in ("paper", "td3") for env in ENVS]


@pytest.mark.parametrize(("preset", "env"), preset_and_env())
def test_learns(tmp_path: Path, make_trainer: Callable[..., Trainer], compose: Compose, preset: str, env: str) -> None:
    """200 steps at the preset's own network sizes: every weight matrix moves, every number is finite."""
    pytest.importorskip(MODULES.get(env, "ddpg"))
    cfg = compose(f"preset={preset}")
    network = cfg.network
    trainer = make_trainer(
        tmp_path, f"preset={preset}", f"env={env}", "env.max_episode_steps=60", "total_steps=200",
        f"network.actor.hidden={network.actor.hidden}", f"network.critic.hidden={network.critic.hidden}",
        "batch_size=16", "updates_per_step=0.5", "eval.every=200", "eval.episodes=1",
        f"algorithm.target_delay={min(cfg.algorithm.target_delay, 40)}",
    )  # fmt: skip
    networks = {name: getattr(trainer.agent, name) for name in ("actor", "critic", "actor_target", "critic_target")}
    before = {name: [p.detach().clone() for p in network.parameters()] for name, network in networks.items()}
    result = trainer.train()
    assert trainer.agent.updates == 80
    assert np.isfinite(result)
    for name, network in networks.items():
        for old, new in zip(before[name], network.parameters(), strict=True):
            assert torch.isfinite(new).all()
            assert new.ndim == 1 or not torch.equal(old, new), name  # a bias before batch norm has no gradient
    rows = record(tmp_path)
    losses = [value for row in rows for key, value in row.items() if key.startswith("losses/")]
    assert len(losses) >= 3 * 2
    assert all(value is not None and np.isfinite(value) for value in losses)
    assert [row["env_step"] for row in rows if "eval/episodic_return" in row] == [0, 200]


def first_updates(cfg: DictConfig, episode: int = 1000) -> tuple[int, int]:
    """The env step after which the first updates come, and how many, when episodes are so long."""
    schedule = build_schedule(cfg)
    for step in range(1, schedule.total_steps + 1):
        count = schedule.updates_due(step, step - episode, step % episode == 0)
        if count:
            return step, count
    raise AssertionError("never learns")


@pytest.mark.parametrize(
    ("preset", "step", "count"),
    [
        ("paper", 65, 1), ("td3", 25_001, 1), ("td3_full", 25_001, 1), ("ddpg_py", 25_001, 1), ("cleanrl", 25_001, 1),
        ("td3_2018", 1000, 1000), ("keras", 1, 1), ("adi3e08", 10_000, 1), ("drlforge", 5000, 1), ("sb3", 10_001, 1),
        ("spinningup", 1000, 50), ("baselines_param_noise", 100, 50), ("d4pg", 1000, 1),
    ],
)  # fmt: skip
def test_first_updates(compose: Compose, preset: str, step: int, count: int) -> None:
    """Trap 14: as in the source, save what the preset's file says."""
    assert first_updates(check(compose("env=halfcheetah", f"preset={preset}"))) == (step, count)


@pytest.mark.parametrize(
    ("env", "lr", "gamma", "buffer_size", "learning_starts", "noise"),
    [
        ("env=pendulum", 1e-3, 0.98, 200_000, 10_000, "Gaussian 0.1"),
        ("env=mountaincar", 1e-3, 0.99, 1_000_000, 100, "OU 0.5, dt 0.01"),
        ("env=pybullet_hopper", 7e-4, 0.98, 200_000, 10_000, "Gaussian 0.1"),
        ("env=pybullet_humanoid", 1e-3, 0.98, 200_000, 10_000, "Gaussian 0.1"),
        ("env=swimmer", 1e-3, 0.9999, 1_000_000, 10_000, "Gaussian 0.1"),
        ("env=gym env.id=HopperBulletEnv-v0", 7e-4, 0.98, 200_000, 10_000, "Gaussian 0.1"),
        ("env=hopper env.version=v5", 1e-3, 0.99, 1_000_000, 100, "Gaussian 0.1"),
    ],
)
def test_sb3_has_the_row_of_rl_zoo(
    compose: Compose, env: str, lr: float, gamma: float, buffer_size: int, learning_starts: int, noise: str
) -> None:
    cfg = check(compose("preset=sb3", *env.split()))
    assert (cfg.optimizer.actor.lr, cfg.optimizer.critic.lr, cfg.gamma) == (lr, lr, gamma)
    assert (cfg.buffer_size, cfg.learning_starts, cfg.random_steps) == (buffer_size, learning_starts, learning_starts)
    assert noise_of(cfg) == noise


def test_sb3_gives_way_to_the_command_line(compose: Compose) -> None:
    cfg = check(compose("preset=sb3", "env=mountaincar", "noise=gaussian", "gamma=0.9", "optimizer.actor.lr=1e-5"))
    assert (cfg.noise["_target_"], cfg.noise.sigma, cfg.gamma) == ("ddpg.learner.noise.Gaussian", 0.1, 0.9)
    assert (cfg.optimizer.actor.lr, cfg.optimizer.critic.lr) == (1e-5, 1e-3)


def test_td3_full_is_td3_with_the_algorithm_of_that_name(compose: Compose) -> None:
    """docs/presets.md says how the two differ; preset=td3 alone is not TD3."""
    assert check(compose("preset=td3", "algorithm=td3")) == check(compose("preset=td3_full"))
    assert check(compose("preset=td3")).algorithm != check(compose("preset=td3_full")).algorithm


def test_ou_that_forgets_at_once_is_gaussian(compose: Compose) -> None:
    """RL Zoo's Gaussian noise: theta dt = 1 leaves sigma N(0, 1), draw for draw."""
    noise = build(
        check(compose("preset=sb3")).noise, "noise", actor=torch.nn.Identity(), action_scale=np.array([2.0]),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    drawn = np.concatenate([noise(np.zeros(3), step) for step in range(5)])
    assert drawn == pytest.approx(2 * 0.1 * np.random.default_rng(0).standard_normal(5), rel=1e-12)


# --- docs/presets.md ---


def short(x: float | None) -> str:
    """0.00025 as 2.5e-4, 0.001 as 1e-3."""
    return "-" if x is None else re.sub(r"(\.0)?e-0", "e-", f"{x:.1e}")


def noise_of(cfg: DictConfig) -> str:
    noise, kind = cfg.noise, cfg.noise["_target_"].rpartition(".")[2]
    if kind == "AdaptiveParameter":
        return f"parameters, {noise.delta:g}"
    white = kind == "Gaussian" or noise.theta * noise.dt == 1
    text = f"Gaussian {noise.sigma:g}" if white else f"OU {noise.sigma:g}, dt {noise.dt:g}"
    return text + ("" if noise.scaled else ", raw") + ("" if white or noise.reset else ", not reset")


def joined(values: list[int]) -> str:
    return "-".join(map(str, values))


def row(cfg: DictConfig) -> list[str]:
    """A preset in the columns of the table, on HalfCheetah."""
    actor, critic, optimizer, algorithm = cfg.network.actor, cfg.network.critic, cfg.optimizer, cfg.algorithm
    own = f", after {joined(critic.action_hidden)}" if critic.action_hidden else ""
    scaled = ", scaled" if critic.scaled_actions else ""
    decay = optimizer.critic.weight_decay
    every = {1: "every step", "episode": "episode's end"}.get(cfg.update_every, f"every {cfg.update_every} steps")
    first, count = first_updates(cfg)
    return [
        joined(actor.hidden), joined(critic.hidden), f"{critic.action_layer}{own}{scaled}", actor.norm,
        f"{actor.init}, {short(actor.final_init)} / {short(critic.final_init)}",
        f"{short(optimizer.actor.lr)} / {short(optimizer.critic.lr)}",
        f"{short(decay)} {optimizer.critic.decay}" if decay else "0",
        str(cfg.batch_size), f"{cfg.gamma:g}", f"{cfg.tau:g}", str(cfg.random_steps), f"{count} at {first}",
        f"{cfg.updates_per_step:g}, {every}", f"{algorithm.n_critics}, {algorithm.policy_delay}", noise_of(cfg),
    ]  # fmt: skip


@pytest.mark.parametrize("preset", PRESETS)
def test_table(compose: Compose, preset: str) -> None:
    """The table of docs/presets.md says what the YAML says."""
    shown = re.search(rf"^\| `{preset}` \| (.+) \|$", DOC, re.MULTILINE)
    assert shown, f"| `{preset}` | {' | '.join(row(check(compose('env=halfcheetah', f'preset={preset}'))))} |"
    assert shown[1].split(" | ") == row(check(compose("env=halfcheetah", f"preset={preset}")))


def deviations(text: str) -> Iterator[str]:
    """The entries of the first numbered list, each on one line."""
    entry = ""
    for line in [*text.splitlines(), ""]:
        if re.match(r" *\d+\. ", line) or (entry and not line.strip()):
            yield from [entry] if entry else []
            if not line.strip():
                return
            entry = line.strip()
        elif entry:
            entry += " " + line.strip()


@pytest.mark.parametrize("preset", sorted({*PRESETS, "paper_pixels"} - {"paper"}))
def test_deviations(preset: str) -> None:
    """The deviations in docs/presets.md are those at the top of the preset's file."""
    head = (ROOT / "conf" / "preset" / f"{preset}.yaml").read_text().partition("\ndefaults:")[0]
    in_yaml = list(deviations(re.sub(r"^# ?", "", head, flags=re.MULTILINE)))
    assert in_yaml
    assert in_yaml == list(deviations(DOC.partition(f"### {preset}\n")[2]))


def test_deviations_of_paper() -> None:
    """Its file has the numbers and titles of docs/paper.md."""
    at_length = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8").partition("## Preset `paper`: ")[2]
    titles = re.findall(r"^(\d+\. )\*\*([^*]+\.)\*\*", at_length.partition("\n## ")[0], re.MULTILINE)
    head = (ROOT / "conf" / "preset" / "paper.yaml").read_text().partition("\ndefaults:")[0]
    shown = list(deviations(re.sub(r"^# ?", "", head, flags=re.MULTILINE)))
    assert len(shown) == 19
    for entry, (number, title) in zip(shown, titles, strict=True):
        assert entry.startswith(number + title)


def test_every_preset_has_a_score_to_reach() -> None:
    table = DOC.partition("## Scores to reach")[2].partition("\n## ")[0]
    named = {
        name for cell in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    }
    assert named == {*PRESETS, "paper_pixels"}
