"""Adam as the references use it, with the two meanings of "weight decay on the critic" that they differ in."""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

from ddpg.types import Fraction, NonNegative, Positive


def adam(
    params: Iterable[nn.Parameter],
    lr: Positive, betas: tuple[Fraction, Fraction], eps: Positive,
    weight_decay: NonNegative, decay: Literal["weights", "all"],
) -> torch.optim.Adam:  # fmt: skip
    """Adam with L2 weight decay added to the gradient (not AdamW: the references predate it).

    `decay` says which parameters: `weights` spares biases and norms (Baselines), `all` spares none (sfujim).
    """
    params, (beta1, beta2) = list(params), betas
    decayed = [p for p in params if decay == "all" or p.ndim > 1]
    spared = [p for p in params if not (decay == "all" or p.ndim > 1)]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    if weight_decay == 0:  # one group: one fused kernel
        groups = [{"params": params, "weight_decay": 0.0}]
    return torch.optim.Adam([g for g in groups if g["params"]], lr=lr, betas=(beta1, beta2), eps=eps, fused=True)
