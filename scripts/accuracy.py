"""Prints how exact updates in single precision are, by torch's kernels and by native ones, for each preset.

Networks for HalfCheetah with the same initial weights learn from the same random minibatches, in single precision by
both kinds of kernels and in double precision. A figure is the largest difference to double precision of any number of a
tensor, divided by the largest number of that tensor; of all tensors the worst counts. Gradients are those that Adam
gets at the first update, weight decay included, with both networks at their initial weights.
"""

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddpg.config.settings import check
from ddpg.fast.accelerate import record
from ddpg.fast.native import Kernels, kernels
from ddpg.learner.batch import Batch
from ddpg.learner.networks import observe, running_norms
from ddpg.run.build import build_agent
from measure.floor import Shapes
from measure.learner import Sizes, compose

#: The overrides for gradients: of both networks at once, before either moves.
AT_ONCE = ("algorithm.policy_delay=1", "algorithm.actor_first=true")
#: Tensors whose numbers are all below it are 0 but for rounding, as the gradient of a shift that batch norm takes away.
ZERO = 1e-10
PRESETS = (Path(__file__).parents[1] / "conf" / "preset").glob("*.yaml")
SIZES = Sizes(Shapes([256, 256], 1, 256, 1))


def main() -> None:
    """Print a row for each preset and kind of kernels."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("presets", nargs="*", help="default: all for vectors of numbers")
    presets = parser.parse_args().presets or [path.stem for path in sorted(PRESETS) if path.stem != "paper_pixels"]
    torch.set_num_threads(1)
    native = kernels()
    print("| preset | kernels | gradients | 1 update | 10 updates |\n|---|---|---|---|---|")
    for preset in presets:
        for name, library in (("torch", None), ("native", native)):
            found = (gradient_error(preset, library), *weight_errors(preset, library))
            print(f"| `{preset}` | {name} | " + " | ".join(f"{value:.1e}" for value in found) + " |", flush=True)


def gradient_error(preset: str, library: Kernels | None) -> float:
    """Measure the first gradients of a preset, in single precision by torch's kernels or by those of a library."""
    gradients = []
    for dtype, agent in agents([f"preset={preset}", *AT_ONCE]):
        record(agent, library if dtype == torch.float32 else None)
        agent.update(next(batches(dtype)))
        gradients.append(first_gradients(agent))
    return worst(*gradients)


def weight_errors(preset: str, library: Kernels | None) -> tuple[float, float]:
    """Measure the weights, those of the targets too, after 1 and after 10 updates."""
    after_1, after_10 = [], []
    for dtype, agent in agents([f"preset={preset}"]):
        record(agent, library if dtype == torch.float32 else None)
        first, *others = batches(dtype)
        agent.update(first)
        after_1.append(weights(agent))
        for batch in others:
            agent.update(batch)
        after_10.append(weights(agent))
    return worst(*after_1), worst(*after_10)


def agents(words: Sequence[str]) -> Iterator[tuple[torch.dtype, Any]]:
    """Make the same learner in single and in double precision."""
    for name in ("float32", "float64"):
        cfg = check(compose(*words, f"dtype={name}"))
        agent: Any = build_agent(cfg, SIZES, torch.device("cpu"))
        for obs in np.random.default_rng(1).standard_normal((100, 17), np.float32):
            observe(running_norms(*agent.networks.values()), obs)
        draws = torch.Generator().manual_seed(3)
        if agent.smoothing.draw(torch.zeros(1)) is not None:
            agent.smoothing.draw = partial(same_draws, draws)
        yield getattr(torch, name), agent


def same_draws(generator: torch.Generator, action: Tensor) -> Tensor:
    """Draw what smooths the targets, the same numbers in both precisions."""
    return torch.randn(action.shape, generator=generator).to(action.dtype)


def batches(dtype: torch.dtype, count: int = 10, size: int = 256) -> Iterator[Batch]:
    """Draw minibatches; those of double precision have the same numbers."""
    draw = partial(torch.randn, generator=torch.Generator().manual_seed(2))
    for _ in range(count):
        batch = Batch(
            obs=draw(size, 17),
            action=draw(size, 6).clamp(-1, 1),
            reward=draw(size),
            next_obs=draw(size, 17),
            terminated=(draw(size) > 1).float(),
            discount=torch.full((size,), 0.99),
        )
        yield Batch(*(part.to(dtype) for part in batch if part is not None))


def first_gradients(agent: Any) -> list[Tensor]:
    """Return what Adam got at the first update: its first moment is (1 - beta1) times that."""
    optimizers: list[Any] = [agent.critic_optimizer, agent.actor_optimizer]
    return [
        state["exp_avg"] / (1 - optimizer.param_groups[0]["betas"][0])
        for optimizer in optimizers
        for state in optimizer.state.values()
    ]


def weights(agent: Any) -> list[Tensor]:
    """Copy the parameters of both networks and of their targets."""
    networks = (agent.actor, agent.critic, agent.actor_target, agent.critic_target)
    return [param.detach().clone() for network in networks for param in network.parameters()]


def worst(single: Sequence[Tensor], double: Sequence[Tensor]) -> float:
    """Return the largest difference, of any tensor, as a part of the tensor's largest number."""
    pairs = zip(single, double, strict=True)
    return max(float((one - other).abs().max() / other.abs().max()) for one, other in pairs if other.abs().max() > ZERO)


if __name__ == "__main__":
    main()
