"""Adam as the references use it, with the meanings of "weight decay" and of "epsilon" that they differ in."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn

from ddpg.types import Fraction, NonNegative, Positive


def adam(
    params: Iterable[nn.Parameter],
    lr: Positive, betas: tuple[Fraction, Fraction], eps: Positive, eps_hat: bool,
    weight_decay: NonNegative, decay: Literal["hidden", "weights", "all"],
) -> torch.optim.Adam:  # fmt: skip
    """Adam with L2 weight decay added to the gradient (not AdamW: the references predate it).

    `decay` says which parameters: `all` (sfujim), `weights` spares biases and norms (paper), `hidden` (Baselines)
    the output layer too: the last of the matrices, and in an ensemble those of its shape. `eps_hat`: eps is added to
    the root of the mean before its bias is corrected (Kingma and Ba 2015, end of section 2; TensorFlow).
    """
    params, (beta1, beta2) = list(params), betas
    matrices = [p for p in params if p.ndim > 1]
    hidden = [p for p in matrices if p.shape != matrices[-1].shape]
    chosen = {id(p) for p in {"all": params, "weights": matrices, "hidden": hidden}[decay]}
    groups = [
        {"params": [p for p in params if id(p) in chosen], "weight_decay": weight_decay},
        {"params": [p for p in params if id(p) not in chosen], "weight_decay": 0.0},
    ]
    if weight_decay == 0:  # one group: one fused kernel
        groups = [{"params": params, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    optimizer = torch.optim.Adam(groups, lr=lr, betas=(beta1, beta2), eps=eps, fused=True)
    if eps_hat:
        optimizer.register_step_pre_hook(_correct_eps)
    return optimizer


def _correct_eps(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """torch adds eps after the correction of the bias; divided by it, eps does what it does before."""
    for group in optimizer.param_groups:
        group["steps"] = group.get("steps", 0) + 1  # in the group, for it is stored with it
        group["eps"] = optimizer.defaults["eps"] / (1 - group["betas"][1] ** group["steps"]) ** 0.5
