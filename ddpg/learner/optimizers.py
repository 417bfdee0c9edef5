"""Adam as the references use it: they differ in what weight decay and epsilon mean."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ddpg.learner.protocol import Optimizer
from ddpg.ranges import Fraction, NonNegative, Positive

Decay = Literal["hidden", "weights", "all"]


def adam(
    params: Iterable[nn.Parameter],
    lr: Positive,
    betas: tuple[Fraction, Fraction],
    eps: Positive,
    eps_hat: bool,
    weight_decay: NonNegative,
    decay: Decay,
) -> "Adam":
    """Make Adam with L2 weight decay added to the gradient.

    It is not AdamW, which the references predate. `decay` says which parameters decay: `all`
    (sfujim/TD3); `weights`, which spares biases and norms (paper); or `hidden`, which spares the
    output layer too (Baselines).
    """
    beta1, beta2 = betas
    every = list(params)
    return Adam(
        every,
        _groups(every, weight_decay, decay),
        lr=lr,
        betas=(beta1, beta2),
        eps=eps,
        eps_hat=eps_hat,
    )


def _groups(params: list[nn.Parameter], weight_decay: float, decay: Decay) -> list[dict[str, Any]]:
    """Divide the parameters into those that decay and the others.

    Without decay there is one group, because each group costs a call of the kernel.
    """
    if weight_decay == 0:
        return [{"params": params, "weight_decay": 0.0}]
    decaying = {id(param) for param in _decaying(params, decay)}
    groups = [
        {"params": [p for p in params if id(p) in decaying], "weight_decay": weight_decay},
        {"params": [p for p in params if id(p) not in decaying], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _decaying(params: list[nn.Parameter], decay: Decay) -> list[nn.Parameter]:
    """List the parameters that decay; the output layer of a network is its last matrix."""
    if decay == "all":
        return params
    if decay == "weights":
        return _matrices(params)
    size = _size_of_one(params)
    networks = [params[start : start + size] for start in range(0, len(params), size)]
    return [param for network in networks for param in _matrices(network)[:-1]]


def _matrices(params: list[nn.Parameter]) -> list[nn.Parameter]:
    return [param for param in params if param.ndim > 1]


def _size_of_one(params: list[nn.Parameter]) -> int:
    """Count the parameters of one network of an ensemble: its shapes come again for each one."""
    count = len(params)
    shapes = [param.shape for param in params]
    return next(
        size
        for size in range(1, count + 1)
        if count % size == 0 and shapes == shapes[:size] * (count // size)
    )


class Adam:
    """Algorithm 1 of Kingma and Ba (2015), by torch's fused kernel.

    Everything that changes from step to step is in tensors, so that a step can be recorded. With
    `eps_hat`, eps is added to the root of the second moment before its bias is corrected (end of
    section 2; TensorFlow, Keras): theta -= alpha_t m / (sqrt(v) + eps), where
    alpha_t = alpha sqrt(1 - beta2^t) / (1 - beta1^t).

    It has the interface that an agent asks of an optimizer and the state_dict of torch.optim, but
    not its base class, which would import torch's compiler at every start.
    """

    def __init__(
        self,
        params: list[nn.Parameter],
        groups: list[dict[str, Any]],
        lr: float,
        betas: tuple[float, float],
        eps: float,
        eps_hat: bool,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "eps": eps, "eps_hat": eps_hat}
        self.param_groups: list[dict[str, Any]] = [settings | group for group in groups]
        # in the order of the parameters, so that another weight decay changes no place
        self.state: dict[Tensor, dict[str, Tensor]] = {param: {} for param in params}
        for group in self.param_groups:
            # one tensor for the whole group is the `step` of each of its parameters
            device = group["params"][0].device
            step = torch.zeros((), dtype=torch.float32, device=device)
            for param in group["params"]:
                zeros = torch.zeros_like(param, requires_grad=False)
                self.state[param] = {"step": step, "exp_avg": zeros, "exp_avg_sq": zeros.clone()}

    @torch.no_grad()
    def step(self) -> None:
        """Change the parameters once, along the gradients in `.grad`; those without one stay."""
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if params:
                self._step_group(params, group)

    def _step_group(self, params: list[Tensor], group: dict[str, Any]) -> None:
        states = [self.state[param] for param in params]
        beta1, beta2 = group["betas"]
        t = states[0]["step"].add_(1)
        lr = group["lr"]
        if group["eps_hat"]:
            # alpha_t; at t = infinity the kernel finds no bias left that it would correct again
            lr = lr * (1 - beta2 ** t.double()).sqrt() / (1 - beta1 ** t.double())
            lr = lr.float() if lr.is_cuda else lr  # the kernel of a GPU takes no other kind
            t = torch.full_like(t, torch.inf)
        torch._fused_adam_(
            params,
            [param.grad for param in params if param.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [t] * len(params),
            lr=lr,
            beta1=beta1,
            beta2=beta2,
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            amsgrad=False,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state in the form of torch.optim; tensors are shared, not copied."""
        numbers = {param: number for number, param in enumerate(self.state)}
        groups = [
            group | {"params": [numbers[param] for param in group["params"]]}
            for group in self.param_groups
        ]
        return {"state": dict(enumerate(self.state.values())), "param_groups": groups}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back the state that `state_dict` gave; the settings stay those of the config."""
        for number, own in enumerate(self.state.values()):
            saved = state["state"][number]
            for name, tensor in own.items():
                tensor.copy_(saved[name])


def descend(loss: Tensor, optimizer: Optimizer, max_grad_norm: float | None = None) -> None:
    """Step along the gradient of a loss, for the optimizer's parameters alone.

    The norm of all their gradients together is cut to `max_grad_norm`.
    """
    params = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    grads = torch.autograd.grad(loss, params, allow_unused=True)
    for param, grad in zip(params, grads, strict=True):
        param.grad = grad
    if max_grad_norm is not None:
        nn.utils.clip_grad_norm_(params, max_grad_norm)
    optimizer.step()
