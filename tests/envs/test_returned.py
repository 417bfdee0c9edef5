"""Odd values from an environment: accepted where their meaning is clear, else refused in one line."""

import logging
from types import SimpleNamespace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from support.envs import Toy, registered, spec_of
from support.odd_envs import Odd

from ddpg.envs import VectorEnv
from ddpg.errors import UserError

#: Each oddity that is accepted, and what it changes of the reward.
ACCEPTED = {
    "reward (1,)": None, "reward (1, 1)": None, "reward ()": None, "reward list": None, "reward int": -1.0,
    "reward bool": 1.0, "reward float32": None, "reward tensor": None, "terminated (1,)": None,
    "terminated 0 or 1": None, "truncated tensor": None, "obs tensor": None, "obs list": None, "obs (3, 1)": None,
}  # fmt: skip
#: Each oddity that is refused, and what came and was expected, as the message says it.
REFUSED = {
    "reward None": "None as the reward; expected one number",
    "reward complex": "(1+2j) as the reward; expected one number",
    "reward complex array": "complex128 as the reward; expected one number",
    "reward text": "'1.5' as the reward; expected one number",
    "reward (2,)": "shape (2,) and type float64 as the reward; expected one number",
    "reward dict": "{'main': 1.0} as the reward; expected one number",
    "reward nan": "nan as the reward; expected a number that is finite in float32",
    "reward 1e39": "1e+39 as the reward; expected a number that is finite in float32",
    "terminated (2,)": "shape (2,) and type bool as terminated; expected True or False",
    "terminated None": "None as terminated; expected True or False",
    "terminated text": "'no' as terminated; expected True or False",
    "terminated nan": "nan as terminated; expected True or False",
    "truncated dict": "{} as truncated; expected True or False",
    "obs of 1": "shape (1,) as the observation; expected shape (3,)",
    "obs of 4": "shape (4,) as the observation; expected shape (3,)",
    "obs number": "shape () as the observation; expected shape (3,)",
    "obs None": "None as the observation; expected numbers of shape (3,)",
    "obs text": "'here' as the observation; expected numbers of shape (3,)",
    "obs texts": "['1', '2', '3'] as the observation; expected numbers of shape (3,)",
    "obs ragged": "[1.0, [2.0, 3.0], 4.0], which is no array",
    "obs complex": "complex128 as the observation; expected numbers of shape (3,)",
    "obs dict": "as the observation; expected numbers of shape (3,)",
    "obs 1e300": "1e+300 at place 1 of 3; expected numbers that are finite in float32",
    "obs nan": "nan at place 2 of 3; expected numbers that are finite in float32",
    "four values": "expected 5, got 4",
    "nothing": "five values (obs, reward, terminated, truncated, info)",
}
STILL = np.zeros(2, np.float32)


def line_of(env: VectorEnv, method: str, *args: Any, **kwargs: Any) -> str:
    """Return the one line in which what a method returned is refused."""
    with pytest.raises(UserError) as caught:
        getattr(env, method)(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("odd", ACCEPTED)
def test_a_clear_meaning_is_accepted(odd: str) -> None:
    """The same vector, float and bools as from the plain environment."""
    envs = [VectorEnv(Odd(odd=name), key="env.id=Odd-v0", pictures=False) for name in (None, odd)]
    for env in envs:
        env.reset(seed=1)
    for step in range(20):
        (obs, reward, *flags, _), (odd_obs, odd_reward, *odd_flags, _) = [env.step(STILL) for env in envs]
        np.testing.assert_array_equal(odd_obs, obs)
        assert odd_obs.dtype == np.float32
        assert odd_reward == pytest.approx(reward if ACCEPTED[odd] is None else ACCEPTED[odd])
        assert odd_flags == flags == [step == 19, False]
        assert [type(value) for value in (odd_reward, *odd_flags)] == [float, bool, bool]


@pytest.mark.parametrize("odd", REFUSED)
def test_anything_else_is_refused_in_one_line(odd: str) -> None:
    """At the step where it happens, not at the reset; with env, method, what came and what was expected."""
    env = VectorEnv(gymnasium.make("Odd-v0", odd=odd, at=5), key="env.id=Odd-v0", pictures=False)
    env.reset(seed=1)
    for _ in range(4):
        env.step(STILL)
    line = line_of(env, "step", STILL)
    assert line.startswith("env.id=Odd-v0: step returned ")
    assert REFUSED[odd] in line


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (np.zeros(3), "an array of shape (3,) and type float64; expected a pair (obs, info)"),
        ((np.zeros(3), {}, {}), "expected a pair (obs, info)"),
        ((np.array([0, np.inf, 0]), {}), "inf at place 1 of 3"),
        ((np.zeros((3, 3)), {}), "shape (3, 3) as the observation; expected shape (3,)"),
    ],
    ids=["no pair", "three values", "infinite", "another shape"],
)
def test_reset(first: Any, expected: str) -> None:
    class Wrong(Odd):
        def reset(self, **kwargs: Any) -> Any:
            return first

    line = line_of(registered(Wrong).make(), "reset", seed=1)
    assert line.startswith("env.id=TestOnly-v0: reset returned ")
    assert expected in line


BOXES = spaces.Dict({"a": spaces.Box(-1, 1, (2,)), "b": spaces.Box(-1, 1, ())})
MIXED = spaces.Dict({"on": spaces.Discrete(3), "x": spaces.Box(-1, 1, (2,))})


@pytest.mark.parametrize(
    ("space", "obs", "expected"),
    [
        (BOXES, {"a": np.zeros(2)}, "a dictionary of a as the observation; expected a dictionary of a, b"),
        (BOXES, {"a": np.zeros(1), "b": np.zeros(2)}, "shape (1,) as a of the observation; expected shape (2,)"),
        (BOXES, {"a": np.zeros(2), "b": None}, "None as b of the observation; expected numbers of shape ()"),
        (BOXES, np.zeros(3), "expected a dictionary of a, b"),
        (BOXES, {"a": np.zeros(2), "b": np.nan}, "nan at place 2 of 3"),
        (MIXED, {"on": 1}, "KeyError: 'x'"),
        (MIXED, {"on": 7, "x": np.zeros(2)}, "does not fit"),
        (MIXED, {"on": 1, "x": np.zeros(3)}, "6 numbers; expected 5"),
    ],
    ids=[
        "key missing",
        "shapes mixed up",
        "no number",
        "no dictionary",
        "nan",
        "key missing, mixed",
        "unknown",
        "size",
    ],
)
def test_dictionaries(space: Any, obs: Any, expected: str) -> None:
    class Composite(Toy):
        observation_space = space

        def reset(self, **kwargs: Any) -> Any:
            return obs, {}

    line = line_of(registered(Composite).make(), "reset", seed=1)
    assert line.startswith("env.id=TestOnly-v0: reset returned ")
    assert expected in line


@pytest.mark.parametrize("odd", ["reward (1,)", "terminated (1,)", "reward None", "terminated (2,)", "four values"])
def test_repeated_actions_check_each_step(odd: str) -> None:
    env = spec_of("gym", "env.id=Odd-v0", "env.action_repeat=3", f"+env.kwargs={{odd: '{odd}', at: 2}}").make()
    env.reset(seed=1)
    if odd in ACCEPTED:
        assert type(env.step(STILL)[1]) is float
    else:
        assert REFUSED[odd] in line_of(env, "step", STILL)


def test_an_action_of_another_shape_never_reaches_the_simulator() -> None:
    env = VectorEnv(Odd(), key="env.id=Odd-v0", pictures=False)
    env.reset(seed=1)
    assert line_of(env, "step", STILL[None]).endswith("action of shape (1, 2); expected (2,)")
    assert env.unwrapped._steps == 0


def test_whatever_ends_the_program_is_a_failure_like_any_other(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    env = VectorEnv(Odd(odd="sys.exit"), key="env.id=Odd-v0", pictures=False)
    env.reset(seed=1)
    assert line_of(env, "step", STILL) == "env.id=Odd-v0: step ended the program by sys.exit(3)"
    env = VectorEnv(Odd(odd="panics"), key="env.id=Odd-v0", pictures=False)
    env.reset(seed=1)
    assert line_of(env, "step", STILL).endswith("failed in step: PanicException: index out of bounds")

    class Exits(Odd):
        def __init__(self, render_mode: str | None = None) -> None:
            raise SystemExit(4)

    assert "SystemExit: 4" in line_of(registered(Exits), "make")
    (tmp_path / "exits.py").write_text("raise SystemExit(5)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "SystemExit: 5" in line_of(spec_of("gym", "env.id=Odd-v0", "env.imports=[exits]"), "make")


@pytest.mark.parametrize("error", [RuntimeError("port in use"), SystemExit(1)], ids=["raises", "exits"])
def test_a_close_that_fails_is_a_warning(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Odd):
        def close(self) -> None:
            raise error

    with caplog.at_level(logging.WARNING):
        registered(Stuck).make().close()
    (record,) = caplog.records
    assert record.getMessage().startswith("env.id=TestOnly-v0: close failed: ")


def test_an_environment_whose_pictures_cannot_be_freed_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    """It has a renderer that is named as gymnasium's and is another one."""
    closed = []

    class Drawing(Toy):
        mujoco_renderer = SimpleNamespace(viewer=object())

        def close(self) -> None:
            closed.append(self)

    registered(Drawing).make().close()
    assert len(closed) == 1
    assert "close failed: AttributeError" in caplog.text
