"""Pictures that an environment gives itself go to convolutions; what no network can see is refused."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from support.envs import Toy, refusal, registered, spec_of

from ddpg.envs.pictures import is_picture
from ddpg.errors import UserError

NUMBERS = spaces.Box(-1, 1, (2,))


def picture(*shape: int) -> spaces.Box:
    return spaces.Box(0, 255, shape, np.uint8)


class Camera(Toy):
    """Gives at step t a picture in which every number is t, but for the first number of each channel: its place."""

    observation_space: Any = picture(12, 16, 3)

    def seen(self, number: int) -> np.ndarray:
        obs = np.full((12, 16, 3), number, np.uint8)
        obs[0, 0] = range(3)
        return obs

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict]:
        self.steps = 0
        return self.seen(0), {}

    def step(self, action: np.ndarray) -> tuple[Any, Any, Any, Any, dict]:
        self.steps += 1
        return self.seen(self.steps), 1.0, self.steps == 5, False, {}


def test_channels_come_first_and_pictures_stay_bytes() -> None:
    env = registered(Camera).make()
    obs, _ = env.reset(seed=0)
    next_obs = env.step(env.action_space.low)[0]
    assert env.observation_space == picture(3, 12, 16)
    assert (obs.dtype, obs.shape) == (np.uint8, (3, 12, 16))
    assert obs[:, 0, 0].tolist() == next_obs[:, 0, 0].tolist() == [0, 1, 2]
    assert (obs[:, 1:] == 0).all()
    assert (next_obs[:, 1:] == 1).all()


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((12, 16), 1), ((12, 16, 1), 1), ((4, 12, 16), 4), ((4, 12, 16, 3), 12), ((2, 3, 12, 16), 6), ((12, 16, 9), 9)],
)
def test_stacks_and_gray_pictures(shape: tuple[int, ...], channels: int) -> None:
    class Stack(Camera):
        observation_space = picture(*shape)

        def seen(self, number: int) -> np.ndarray:
            return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)

    obs, _ = registered(Stack).make().reset(seed=0)
    assert obs.shape == (channels, 12, 16)
    numbers = Stack().seen(0)
    if len(shape) == 4 and shape[-1] == 3:
        numbers = numbers.transpose(0, 3, 1, 2)
    elif shape == (12, 16, 9):
        numbers = numbers.transpose(2, 0, 1)
    np.testing.assert_array_equal(obs, numbers.reshape(channels, 12, 16))


def test_repeated_actions_stack_pictures_as_drawn_ones() -> None:
    registered(Camera)
    env = spec_of("gym", "env.id=TestOnly-v0", "env.action_repeat=2").make()
    assert env.observation_space == picture(6, 12, 16)
    obs, _ = env.reset(seed=0)
    assert obs[:, 5, 5].tolist() == [0] * 6
    assert env.step(env.action_space.low)[0][:, 5, 5].tolist() == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("obs", "facts"),
    [
        (np.zeros((12, 16), np.uint8), ["(12, 16)", "(12, 16, 3)"]),
        (np.zeros((12, 16, 3), np.float32), ["float32", "uint8"]),
        (None, ["None", "(12, 16, 3)"]),
    ],
)
def test_a_picture_that_does_not_fit_its_space_is_refused(obs: Any, facts: list[str]) -> None:
    class Wrong(Camera):
        def seen(self, number: int) -> Any:
            return super().seen(0) if number == 0 else obs

    env = registered(Wrong).make()
    env.reset(seed=0)
    with pytest.raises(UserError) as caught:
        env.step(env.action_space.low)
    for fact in ["env.id=TestOnly-v0: step returned", *facts]:
        assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("space", "facts"),
    [
        (spaces.Dict(image=picture(12, 16, 3), state=NUMBERS), ["image", "12 x 16 x 3", "filter_keys: [state]"]),
        (spaces.Tuple((picture(12, 16), NUMBERS)), ["0 is a picture", "filter_keys: [1]"]),
        (spaces.Dict(a=spaces.Dict(eye=picture(12, 16), x=NUMBERS), b=NUMBERS), ["a.eye", "filter_keys: [b]"]),
        (spaces.Text(5), ["text"]),
        (spaces.Dict(task=spaces.Text(5), way=spaces.Discrete(4)), ["task is text", "filter_keys: [way]"]),
        (spaces.Box(0, 1, (12, 16, 3)), ["12 x 16 x 3", "float32", "uint8", "FlattenObservation"]),
    ],
    ids=["dict", "tuple", "nested", "text", "dict with text", "floats"],
)
def test_observations_that_no_network_takes_are_refused(space: Any, facts: list[str]) -> None:
    class Refused(Toy):
        observation_space = space

    line = refusal(registered(Refused))
    assert line.startswith("env.id=TestOnly-v0: ")
    for fact in facts:
        assert fact in line


@pytest.mark.parametrize("space", [picture(128), picture(3, 5), spaces.Box(0, 3, (12, 16), np.uint8), NUMBERS])
def test_other_arrays_are_no_pictures(space: spaces.Box) -> None:
    assert not is_picture(space)

    class Plain(Toy):
        observation_space = space

    assert registered(Plain).make().observation_space.shape == (int(np.prod(space.shape)),)
