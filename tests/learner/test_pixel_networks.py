"""Convolutional networks: their sizes and initial weights are the paper's, and gradients reach every layer."""

from typing import Any

import pytest
import torch
from support.networks import HIGH, LOW
from torch import nn

from ddpg.learner.networks import PixelActor, PixelCritic
from ddpg.learner.networks.mlp import HalfRanges

CONV = {"filters": [32, 32, 32], "kernel": 5, "stride": 2, "padding": 1}
HEAD = {"hidden": [200, 200], "norm": "none", "final_init": 3e-4}


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def actor(**changes: Any) -> PixelActor:
    return PixelActor((9, 64, 64), LOW, HIGH, **CONV | HEAD | changes)


def critic(**changes: Any) -> PixelCritic:
    return PixelCritic(
        (9, 64, 64), LOW, HIGH, 1, **CONV | HEAD | {"action_layer": 1, "scaled_actions": False} | changes
    )


def test_sizes_are_those_of_the_paper() -> None:
    """Lillicrap 2016, section 7: 3 convolutions of 32 filters, 2 layers of 200, about 430,000 parameters."""
    convolutions = 9 * 25 * 32 + 32 + 2 * (32 * 25 * 32 + 32)
    rest = (7 * 7 * 32 + 1) * 200 + 201 * 200
    assert parameters(actor()) == convolutions + rest + 201 * 2
    assert parameters(critic()) == convolutions + rest + 2 * 200 + 201
    assert parameters(actor()) == pytest.approx(430_000, rel=0.05)


def test_initial_weights_are_those_of_the_paper() -> None:
    """U(+-1/sqrt(fan_in)) for weights and biases of every layer, U(+-3e-4) for the final one."""
    torch.manual_seed(0)
    for network in (actor(), critic()):
        *hidden, final = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert [type(layer).__name__ for layer in hidden] == ["Conv2d"] * 3 + ["Linear"] * 2
        for layer in hidden:
            bound = layer.weight[0].numel() ** -0.5
            for values in (layer.weight, layer.bias):
                assert 0.8 * bound < values.abs().max() <= bound
            assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert 2.5e-4 < final.weight.abs().max() <= 3e-4
        assert 0 < final.bias.abs().max() <= 3e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_convolutions_by_hand(dtype: torch.dtype) -> None:
    """Bytes are divided by 255, in the format of the weights; one filter of ones sums its window; ReLU follows."""
    network = PixelActor((1, 4, 4), LOW, HIGH, [1], 2, 2, 0, [1], "none", None).to(dtype)
    conv = network.convolutions.layers[0]
    conv.weight.data[:] = 1
    conv.bias.data[:] = -1
    picture = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    picture[0, 0, :2, :2] = 255
    picture[0, 0, 2, 2] = 51
    picture[1] = 255
    features = network.convolutions(picture)
    assert features.dtype == dtype
    torch.testing.assert_close(features, torch.tensor([[3, 0, 0, 0], [3, 3, 3, 3]], dtype=dtype))
    assert network(picture).dtype == dtype


def test_gradients_reach_every_layer() -> None:
    obs = torch.randint(0, 256, (5, 9, 64, 64), dtype=torch.uint8)
    mu = actor()
    q = critic()
    value = q(obs, mu(obs))
    assert value.shape == (5,)  # trap 12
    value.sum().backward()
    for param in [*mu.parameters(), *q.parameters()]:
        assert param.grad is not None
        assert param.grad.abs().max() > 0


def test_the_action_enters_at_the_fully_connected_layers() -> None:
    assert critic().head.joint_body[0].in_features == 7 * 7 * 32 + 2
    later = critic(action_layer=2).head.joint_body
    assert [layer.in_features for layer in later if isinstance(layer, nn.Linear)] == [202]


@pytest.mark.parametrize(
    ("shape", "changes", "line"),
    [
        ((3,), {}, r"observations of 3 .*env\.pixels=64"),
        ((9, 8, 8), {}, r"kernel=5 .*stride=2 .*8 x 8"),
        ((9, 64, 64), {"filters": []}, r"filters=\[\]"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(shape: tuple[int, ...], changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        PixelActor(shape, LOW, HIGH, **CONV | HEAD | changes)


def test_actions_are_scaled_where_the_config_says_so() -> None:
    assert [type(layer) for layer in critic(scaled_actions=True).head.action_body] == [HalfRanges]
    assert not len(critic().head.action_body)
