"""Whole updates of every preset against a second program (reference.py), written from the formulas of its source."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from support.agents import observed
from support.reference import Program, Reference
from support.runs import WALK
from torch import Tensor

from ddpg.config.settings import check
from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch
from ddpg.run.build import build_agent
from ddpg.run.env_spec import build_env_spec
from ddpg.training.returned import as_metrics

PAPER = Program(
    lr=(1e-4, 1e-3), tau=0.001, actor=[400, 300], critic=[400, 300], action_layer=2, norm="batch", decay=1e-2
)
D4PG = Program(
    lr=(1e-4, 1e-4), tau=1.0, actor=[300, 200], critic=[400, 300], norm="layer",
    actor_first=True, scaled_actions=True, target_delay=100, max_grad_norm=40.0, atoms=(51, -1000.0, 1000.0),
)  # fmt: skip
PROGRAMS = {
    "paper": PAPER,
    "td3": Program(lr=(3e-4, 3e-4)),
    "td3_2018": Program(lr=(1e-3, 1e-3), actor=[400, 300], critic=[400, 300]),
    "td3_full": Program(lr=(3e-4, 3e-4), critics=2, delay=2, target_delay=2, smoothing=(0.2, 0.5)),
    "ddpg_py": Program(
        lr=(1e-4, 1e-3), tau=0.001, actor=[400, 300], critic=[400, 300], action_layer=2, decay=1e-2, decayed="all"
    ),
    "cleanrl": Program(lr=(3e-4, 3e-4), delay=2, target_delay=2),
    "cleanrl_jax": Program(lr=(3e-4, 3e-4), delay=2, target_delay=2),
    "keras": Program(
        lr=(1e-3, 2e-3), critic=[16, 32, 256, 256], action_layer=3, action_layers=1, eps=1e-7, eps_hat=True
    ),
    "spinningup": Program(lr=(1e-3, 1e-3)),
    "baselines_param_noise": Program(
        lr=(1e-4, 1e-3), tau=0.01, actor=[64, 64], critic=[64, 64], action_layer=2, norm="layer", obs_clip=5.0,
        decay=1e-2, decayed="hidden", actor_first=True, scaled_actions=True, eps_hat=True,
    ),
    "drlforge": Program(lr=(1e-3, 1e-3)),
    "adi3e08": Program(lr=(2.5e-4, 2.5e-4)),
    "d4pg": D4PG,
    "sb3": Program(lr=(1e-3, 1e-3), actor=[400, 300], critic=[400, 300], scaled_actions=True),
}  # fmt: skip
#: Switches that no preset turns: the config's overrides, and the same in the reference's words.
SWITCHES = {
    "scaled actions pass a layer": (
        "network.critic.scaled_actions=true network.critic.action_hidden=[32]",
        {"scaled_actions": True, "action_layers": 1},
    ),
    "tanh": ("network.actor.activation=tanh network.critic.activation=tanh", {"activation": "tanh"}),
    "targets less often than the actor": ("algorithm.target_delay=3", {"target_delay": 3}),
    "targets more often than the actor": ("algorithm=delayed algorithm.target_delay=1", {"delay": 2}),
    "actor climbs the smallest of three": (
        "algorithm.n_critics=3 algorithm.actor_reduce=min", {"critics": 3, "actor_uses": "min"},
    ),
    "actor climbs the mean of two": (
        "algorithm.n_critics=2 algorithm.actor_reduce=mean", {"critics": 2, "actor_uses": "mean"},
    ),
    "rewards scaled, gradients clipped": (
        "algorithm.reward_scale=0.1 algorithm.max_grad_norm=0.05", {"reward_scale": 0.1, "max_grad_norm": 0.05},
    ),
}  # fmt: skip


#: D4PG combined with the switches of TD3; rewards lead out of the range of values at both ends.
D4PG_TD3 = (
    "algorithm.n_critics=2 algorithm.policy_delay=2 algorithm.target_delay=3 algorithm.target_noise=0.2 tau=0.1 "
    "algorithm.actor_reduce=mean algorithm.head.v_min=-1.5 algorithm.head.v_max=1 algorithm.head.atoms=11"
)
BOTH = {
    "tau": 0.1, "critics": 2, "delay": 2, "target_delay": 3, "smoothing": (0.2, 0.5), "actor_uses": "mean",
    "atoms": (11, -1.5, 1.0),
}  # fmt: skip


#: id, overrides, program, whether the minibatch has weights (replay=prioritized)
CASES = [
    *[(preset, [f"preset={preset}"], program, False) for preset, program in PROGRAMS.items()],
    ("paper without norm", ["preset=paper", "network.actor.norm=none", "network.critic.norm=none"],
     Program(**{**vars(PAPER), "norm": "none"}), False),
    ("weighted", ["preset=td3_full"], PROGRAMS["td3_full"], True),
    ("d4pg weighted", ["preset=d4pg"], D4PG, True),
    ("d4pg and td3", ["preset=d4pg", *D4PG_TD3.split()], Program(**{**vars(D4PG), **BOTH}), True),
    *[(name, ["preset=td3", *overrides.split()], Program(lr=(3e-4, 3e-4), **changes), False)
      for name, (overrides, changes) in SWITCHES.items()],
]  # fmt: skip


def batch(seed: int, gamma: float, weighted: bool) -> Batch:
    """32 transitions, each over 1 to 5 steps, of Walk-v0: three numbers seen, actions in [-3, 1] x [0, 10]."""
    rng = torch.Generator().manual_seed(seed)
    obs, next_obs = (torch.randn(32, 3, generator=rng) for _ in range(2))
    action = torch.rand(32, 2, generator=rng) * torch.tensor([4.0, 10.0]) - torch.tensor([3.0, 0.0])
    reward = torch.randn(32, generator=rng)
    terminated = (torch.rand(32, generator=rng) < 0.3).float()
    discount = gamma ** torch.randint(1, 6, (32,), generator=rng).double()
    weight = torch.rand(32, generator=rng) if weighted else None
    return Batch(obs, action, reward, next_obs, terminated, discount, weight)


def cast(b: Batch, dtype: torch.dtype) -> Batch:
    return Batch(*(None if x is None else x.to(dtype) for x in b))


def shapes(net: torch.nn.Module) -> list[int]:
    """Rows of the matrices: units of each hidden layer, without the output layer."""
    return [p.shape[0] for p in net.parameters() if p.ndim == 2][:-1]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-5)])
@pytest.mark.parametrize(("overrides", "program", "weighted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_four_updates(
    compose: Callable[..., DictConfig],
    overrides: list[str], program: Program, weighted: bool, dtype: str, tolerance: float,
) -> None:  # fmt: skip
    """Traps 1, 7-13 together: losses, weights, targets and Adam's moments after each of four updates, same batches.

    In float32 Adam's eps is larger, or it would magnify rounding of gradients near 0.
    """
    if dtype == "float32":
        overrides = [*overrides, "optimizer.actor.eps=1e-3", "optimizer.critic.eps=1e-3"]
        program = Program(**{**vars(program), "eps": 1e-3})
    agent, reference = pair(check(compose(*WALK, *overrides, f"dtype={dtype}")), program)
    agent.smoothing.generator.manual_seed(1)
    noises = torch.Generator().manual_seed(1)
    close = {"rtol": tolerance, "atol": 1e-8 if dtype == "float64" else 1e-6, "check_dtype": False}
    for seed in range(4):
        b = batch(seed, program.gamma, weighted)
        metrics, td_error = agent.update(cast(b, getattr(torch, dtype)))
        losses = as_metrics(agent, "update", metrics)
        noise = torch.randn((32, 2), generator=noises, dtype=getattr(torch, dtype)).double()
        expected = reference.update(cast(b, torch.float64), noise)
        critic_loss = sum(value for key, value in losses.items() if key.startswith("losses/qf") and "loss" in key[9:])
        torch.testing.assert_close(critic_loss, expected["critic"].item(), **close)
        assert ("losses/actor_loss" in losses) == ("actor" in expected)
        if "actor" in expected:
            torch.testing.assert_close(losses["losses/actor_loss"], expected["actor"].item(), **close)
        if weighted:
            torch.testing.assert_close(td_error, reference.td_error, **close)
        assert_equal_state(agent, reference, close)


def pair(cfg: DictConfig, program: Program) -> tuple[DDPG, Reference]:
    """The agent, and the reference with the same weights, both having seen the same observations.

    Targets are moved away, so that it shows which network is used, and their actions are often at the bounds.
    """
    env = build_env_spec(cfg).make()
    agent = build_agent(cfg, env, torch.device("cpu"))
    assert (cfg.gamma, shapes(agent.actor)) == (program.gamma, program.actor)
    seen = 0.3 * torch.randn(50, 3, generator=torch.Generator().manual_seed(2)) + 0.5
    seen[:, 2] = 1.0  # never varies: the smallest variance that is divided by
    for obs in seen:
        observed(agent, obs.numpy())
    moves = torch.Generator().manual_seed(3)
    for param in [*agent.actor_target.parameters(), *agent.critic_target.parameters()]:
        param += 0.1 * torch.randn(param.shape, generator=moves)
    nets = {name: getattr(agent, name).state_dict() for name in ("actor", "critic", "actor_target", "critic_target")}
    low, high = torch.from_numpy(env.action_space.low), torch.from_numpy(env.action_space.high)
    return agent, Reference(program, nets, low, high, seen)


def assert_equal_state(agent: DDPG, reference: Reference, close: dict[str, float]) -> None:
    def same(value: Tensor, expected: Tensor, name: str) -> None:
        torch.testing.assert_close(value, expected, **close, msg=lambda text: f"{name}: {text}")

    for net, weights in reference.nets.items():
        for key, value in getattr(agent, net).state_dict().items():
            if "num_batches" not in key:
                same(value, weights[key], f"{net}.{key}")
    for net in ("actor", "critic"):
        state = getattr(agent, f"{net}_optimizer").state
        for key, param in getattr(agent, net).named_parameters():
            if (net, key) in reference.moments:
                m, v = reference.moments[net, key]
                same(state[param]["exp_avg"], m, f"m of {net}.{key}")
                same(state[param]["exp_avg_sq"], v, f"v of {net}.{key}")


def test_every_preset_has_a_reference() -> None:
    presets = {path.stem for path in (Path(__file__).parents[2] / "conf" / "preset").glob("*.yaml")}
    assert set(PROGRAMS) == presets - {"paper_pixels"}
