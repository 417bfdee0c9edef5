"""Actor and critic: bounds, where the action enters, where norms stand, initial weights."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from support.networks import HIGH, LOW, small_actor, small_critic
from torch import nn

from ddpg.learner.networks import Actor, Critic
from ddpg.learner.networks.mlp import HalfRanges
from ddpg.run.build import build_agent
from ddpg.run.env_spec import build_env_spec


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def kinds(body: nn.Sequential) -> list[str]:
    return [type(layer).__name__ for layer in body]


def linears(network: nn.Module) -> list[nn.Linear]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


@pytest.mark.parametrize(
    ("before_tanh", "action"), [([1e3, 1e3], [1, 10]), ([-1e3, -1e3], [-3, 0]), ([0.0, 0.0], [-1, 5])]
)
def test_tanh_spans_the_bounds_of_each_dimension(before_tanh: list[float], action: list[float]) -> None:
    """Trap 4: +-1 hits the bounds, 0 the midpoint; asymmetric, per dimension."""
    mu = small_actor()
    nn.init.zeros_(mu.final.weight)
    mu.final.bias.data = torch.tensor(before_tanh)
    np.testing.assert_array_equal(mu(torch.randn(7, 3)).detach(), np.tile(np.float32(action), (7, 1)))


def test_action_scaling_round_trip() -> None:
    """Trap 4: an action scaled to -1..1 and through the actor's stretch is itself again."""
    mu = small_actor()
    nn.init.zeros_(mu.final.weight)
    for action in torch.tensor([[-2.9, 0.1], [0.5, 9.9], [-1.0, 3.0]]):
        mu.final.bias.data = torch.atanh(2 * (action - LOW) / (HIGH - LOW) - 1)
        torch.testing.assert_close(mu(torch.zeros(1, 3))[0], action)


def test_critic_by_hand() -> None:
    """Q = w3 relu(w2 [relu(w1 s), a]) with the action at the second of two one-unit layers."""
    q = small_critic((1, 1), 2, obs_dim=1, low=torch.tensor([-3.0]), high=torch.tensor([3.0]))
    for layer, weight, bias in zip(linears(q), ([[2.0]], [[3.0, -1.0]], [[0.5]]), (1.0, -2.0, 4.0), strict=True):
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor([bias])
    # s=1: relu(3)=3; 9 - a - 2 = 6 with a=1; 0.5 * 6 + 4 = 7. s=-1: relu(-1)=0; -3 - 2 < 0; 4
    values = q(torch.tensor([[1.0], [-1.0]]), torch.tensor([[1.0], [3.0]]))
    assert values.tolist() == [7.0, 4.0]


@pytest.mark.parametrize(("layer", "obs_layers", "widths"), [(1, 0, [5, 4, 5]), (2, 1, [3, 6, 5])])
def test_action_enters_at_its_layer(layer: int, obs_layers: int, widths: list[int]) -> None:
    q = small_critic(action_layer=layer)
    assert kinds(q.obs_body) == ["Linear", "ReLU"] * obs_layers
    assert [x.in_features for x in linears(q)] == widths
    assert q(torch.zeros(7, 3), torch.zeros(7, 2)).shape == (7,)  # trap 12: (B,), never (B, 1)


def test_action_may_pass_layers_of_its_own_before_it_joins() -> None:
    """The Keras example: 16, 32 for the state, 32 for the action, then 256, 256 on both beside each other."""
    q = small_critic((16, 32, 256, 256), 3, action_hidden=(32,))
    branches = [[(x.in_features, x.out_features) for x in linears(net)] for net in (q.obs_body, q.action_body)]
    assert branches == [[(3, 16), (16, 32)], [(2, 32)]]
    assert [(x.in_features, x.out_features) for x in linears(q.joint_body)] == [(32 + 32, 256), (256, 256)]
    assert kinds(q.action_body) == ["Linear", "ReLU"]
    assert q(torch.zeros(7, 3), torch.zeros(7, 2)).shape == (7,)


def test_action_branch_by_hand() -> None:
    """Q = w3 relu(w2 [s, relu(wa a)]): the action alone is rectified on its way."""
    q = small_critic((1,), obs_dim=1, low=torch.tensor([-2.0]), high=torch.tensor([2.0]), action_hidden=(1,))
    for layer, weight in zip(linears(q), ([[-2.0]], [[1.0, 3.0]], [[0.5]]), strict=True):
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.zeros(1)
    values = q(torch.tensor([[1.0], [1.0]]), torch.tensor([[-2.0], [2.0]]))
    assert values.tolist() == [(1 + 3 * 4) / 2, 0.5]


def test_action_branch_has_the_norms_of_the_layers_after_it() -> None:
    """Layer norm as everywhere; no batch norm on anything that knows the action (paper, section 7)."""
    assert kinds(small_critic((4, 5), 2, "layer", action_hidden=(6,)).action_body) == ["Linear", "LayerNorm", "ReLU"]
    assert kinds(small_critic((4, 5), 2, "batch", action_hidden=(6,)).action_body) == ["Linear", "ReLU"]


@pytest.mark.parametrize("action_hidden", [(), (6,)])
def test_scaled_actions_are_in_half_ranges_around_the_centre(action_hidden: tuple[int, ...]) -> None:
    """Of [-3, 1] x [0, 10] the centre (-1, 5) becomes 0, the bounds +-1."""
    torch.manual_seed(1)
    scaled = small_critic(action_hidden=action_hidden, scaled_actions=True)
    torch.manual_seed(1)
    raw = small_critic(action_hidden=action_hidden)
    obs = torch.randn(4, 3)
    units = scaled(obs, torch.tensor([[-1.0, 5.0], [1.0, 10.0], [-3.0, 0.0], [0.0, 0.0]]))
    assert torch.equal(units, raw(obs, torch.tensor([[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0], [0.5, -1.0]])))


def test_scaled_actions_cost_nothing_where_the_bounds_are_one() -> None:
    one = torch.ones(2)
    assert kinds(small_critic(scaled_actions=True, low=-one, high=one).action_body) == []
    assert kinds(small_critic(scaled_actions=True, low=-one, high=2 * one).action_body) == ["HalfRanges"]


def test_scaled_actions_of_an_empty_range_are_zero() -> None:
    half_ranges = HalfRanges(torch.tensor([2.0, -1.0]), torch.tensor([2.0, 3.0]))
    assert half_ranges(torch.tensor([[2.0, 3.0]])).tolist() == [[0.0, 1.0]]


def test_tanh_between_the_layers() -> None:
    q, mu = small_critic(action_layer=2, activation="tanh", action_hidden=(3,)), small_actor((4, 5), activation="tanh")
    for body in (q.obs_body, q.action_body, q.joint_body):
        assert kinds(body) == ["Linear", "Tanh"]
    assert kinds(mu.body) == ["Linear", "Tanh"] * 2
    mu = small_actor((1,), activation="tanh")
    for layer, weight in ((mu.body[0], [[0.5, 0.0, 0.0]]), (mu.final, [[2.0], [0.0]])):
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.zeros(len(weight))
    expected = -1 + 2 * np.tanh(2 * np.tanh(0.5))
    assert mu(torch.ones(1, 3))[0, 0].item() == pytest.approx(expected)


def test_pictures_are_refused() -> None:
    line = r"^observations of 9 x 64 x 64 numbers are pictures: choose network=pixels, or an environment of numbers .*$"
    with pytest.raises(ValueError, match=line):
        Actor((9, 64, 64), LOW, HIGH, (4,), "relu", "none", "fan_in", None)
    with pytest.raises(ValueError, match=line):
        Critic((9, 64, 64), LOW, HIGH, 1, (4,), 1, (), False, "relu", "none", "fan_in", None)


def test_action_layer_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="action_layer=3 must be at most 2"):
        small_critic(action_layer=3)


def test_batch_norm_on_the_input_and_on_every_layer_before_the_action() -> None:
    """Lillicrap 2016, section 7."""
    layer = ["Linear", "BatchNorm1d", "ReLU"]
    assert kinds(small_actor((4, 5), "batch").body) == ["BatchNorm1d", *layer, *layer]
    q = small_critic(action_layer=2, norm="batch")
    assert kinds(q.obs_body) == ["BatchNorm1d", *layer]
    assert kinds(q.joint_body) == ["Linear", "ReLU"]


def test_layer_norm_on_every_hidden_layer_and_not_on_the_input() -> None:
    layer = ["Linear", "LayerNorm", "ReLU"]
    assert kinds(small_actor((4, 5), "layer").body) == layer * 2
    q = small_critic(action_layer=2, norm="layer")
    assert (kinds(q.obs_body), kinds(q.joint_body)) == (layer, layer)


def test_fan_in_initialization_is_the_papers() -> None:
    for layer in linears(small_actor((300, 200))):
        bound = layer.in_features**-0.5
        for values in (layer.weight, layer.bias):
            assert values.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)


@pytest.mark.parametrize(
    ("init", "std"), [("xavier", lambda i, o: (2 / (i + o)) ** 0.5), ("lecun_normal", lambda i, o: i**-0.5)]
)
def test_other_initializations(init: str, std: Callable[[int, int], float]) -> None:
    for layer in linears(small_actor((300, 200), init=init)):
        assert layer.weight.std().item() == pytest.approx(std(layer.in_features, layer.out_features), rel=0.1)
        assert not layer.bias.any()


def test_lecun_normal_is_cut_at_two_deviations() -> None:
    """flax: a normal of deviation 1 that is cut at 2 and stretched to variance 1/fan_in, so no weight is larger."""
    weight = linears(small_actor((400, 300), init="lecun_normal"))[1].weight.detach()
    bound = 2 / 0.87962566103423978 / 20
    assert 0.99 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(1 / 20, rel=0.01)


@pytest.mark.parametrize("init", ["xavier", "lecun_normal"])
def test_small_final_layer_with_biases_of_zero(init: str) -> None:
    """Keras: the last kernel is U(+-0.003), its bias 0 like all others."""
    for network in (small_actor((300,), final=3e-3, init=init), small_critic((30, 300), final=3e-3, init=init)):
        layers = linears(network)
        assert 2.5e-3 < layers[-1].weight.abs().max() <= 3e-3
        assert not any(layer.bias.any() for layer in layers)


def test_final_layer_is_small_where_asked() -> None:
    for network in (small_actor((300,), final=3e-3), small_critic((30, 300), final=3e-3)):
        *hidden, final = linears(network)
        assert 2.5e-3 < final.weight.abs().max() <= 3e-3
        assert 0 < final.bias.abs().max() <= 3e-3
        assert all(layer.weight.abs().max() > 1e-2 for layer in hidden)


@pytest.mark.parametrize("network", ["td3", "paper"])
def test_initial_weights_depend_on_the_seed_alone(compose: Callable[..., DictConfig], network: str) -> None:
    def weights(seed: int) -> list[np.ndarray]:
        cfg = compose(f"network={network}", f"seed={seed}")
        torch.rand(3)  # what others draw does not matter
        agent = build_agent(cfg, build_env_spec(cfg).make(), torch.device("cpu"))
        return [p.detach().numpy() for net in (agent.actor, agent.critic) for p in net.parameters()]

    before = torch.get_rng_state()
    first, second, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[-1], other[-1])
    torch.set_rng_state(before)
    weights_of_first = weights(1)
    torch.set_rng_state(before)
    torch.rand(3)
    expected = torch.rand(1)
    torch.set_rng_state(before)
    weights(1)
    assert torch.equal(torch.rand(1), expected)  # building draws nothing from torch's global generator
    assert np.array_equal(weights_of_first[0], first[0])
