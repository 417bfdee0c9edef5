"""Adam as the references use it, with the meanings of "weight decay" and of "epsilon" that they differ in."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ddpg.ranges import Fraction, NonNegative, Positive


def adam(
    params: Iterable[nn.Parameter],
    lr: Positive, betas: tuple[Fraction, Fraction], eps: Positive, eps_hat: bool,
    weight_decay: NonNegative, decay: Literal["hidden", "weights", "all"],
) -> "Adam":  # fmt: skip
    """Adam with L2 weight decay added to the gradient (not AdamW: the references predate it).

    `decay` says which parameters: `all` (sfujim), `weights` spares biases and norms (paper), `hidden` (Baselines)
    the output layer too: the last of the matrices, and in an ensemble those of its shape.
    """
    params, (beta1, beta2) = list(params), betas
    matrices = [p for p in params if p.ndim > 1]
    hidden = [p for p in matrices if p.shape != matrices[-1].shape]
    chosen = {id(p) for p in {"all": params, "weights": matrices, "hidden": hidden}[decay]}
    groups = [
        {"params": [p for p in params if id(p) in chosen], "weight_decay": weight_decay},
        {"params": [p for p in params if id(p) not in chosen], "weight_decay": 0.0},
    ]
    if weight_decay == 0:  # one group: one call of the kernel
        groups = [{"params": params, "weight_decay": 0.0}]
    return Adam(
        [group for group in groups if group["params"]],
        lr=lr,
        betas=(beta1, beta2),
        eps=eps,
        eps_hat=eps_hat,
    )


class Adam:
    """Kingma and Ba (2015), Algorithm 1, by torch's fused kernel; all that changes from step to step is in tensors.

    So a step can be recorded. With `eps_hat` eps is added to the root of the mean before its bias is corrected (end
    of section 2; TensorFlow, Keras): theta -= alpha_t m / (sqrt(v) + eps), alpha_t = alpha sqrt(1 - beta2^t) /
    (1 - beta1^t). It has what the agent asks of a torch.optim.Optimizer, and its state_dict; the base class itself
    would import torch's compiler at every start.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        lr: float,
        betas: tuple[float, float],
        eps: float,
        eps_hat: bool,
    ) -> None:
        self.param_groups: list[dict[str, Any]] = [
            {"lr": lr, "betas": betas, "eps": eps, "eps_hat": eps_hat} | group for group in groups
        ]
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}
        for group in self.param_groups:
            t = torch.zeros((), device=group["params"][0].device)  # one for the group, each parameter's `step`
            for param in group["params"]:
                zeros = torch.zeros_like(param, requires_grad=False)
                self.state[param] = {"step": t, "exp_avg": zeros, "exp_avg_sq": zeros.clone()}

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients in `.grad`."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            states, (beta1, beta2) = [self.state[p] for p in params], group["betas"]
            t = states[0]["step"].add_(1)
            lr, steps = group["lr"], [t] * len(params)
            if group["eps_hat"]:  # alpha_t, and no correction by the kernel: it is that of t -> infinity
                lr = lr * (1 - beta2 ** t.double()).sqrt() / (1 - beta1 ** t.double())
                lr = lr.float() if lr.is_cuda else lr  # the only kind that the GPU's kernel takes
                steps = [torch.full_like(t, torch.inf)] * len(params)
            torch._fused_adam_(
                params, [p.grad for p in params],
                [state["exp_avg"] for state in states], [state["exp_avg_sq"] for state in states], [], steps,
                lr=lr, beta1=beta1, beta2=beta2, eps=group["eps"],
                weight_decay=group["weight_decay"], amsgrad=False, maximize=False,
            )  # fmt: skip

    def state_dict(self) -> dict[str, Any]:
        """In the form of torch.optim: parameters by their number. Tensors are shared, not copied."""
        number = {param: i for i, param in enumerate(self.state)}
        groups = [group | {"params": [number[param] for param in group["params"]]} for group in self.param_groups]
        return {"state": dict(enumerate(self.state.values())), "param_groups": groups}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back the state, not the settings, which are those of the config."""
        for i, mine in enumerate(self.state.values()):
            given = state["state"].get(i)  # torch.optim's Adam has none before a parameter's first step
            for name, tensor in mine.items():
                tensor.copy_(given[name].reshape(tensor.shape) if given else torch.zeros_like(tensor))
