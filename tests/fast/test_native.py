"""Native kernels: torch's numbers but for rounding, whatever the layout."""

import copy
import hashlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from gymnasium import spaces
from hypothesis import given, settings
from support.buffers import buffer
from support.config_options import OPTIONS, env_of
from support.learners import CPU, Compose, batches, learned, plain_and_recorded
from support.native_kernels import NATIVE, grads, native, needs_kernels
from support.tapes import PROGRAMS, as_function, assert_same_bits, leaves
from torch import Tensor

from ddpg.config.settings import check
from ddpg.fast.accelerate import RecordedStep
from ddpg.fast.act import RecordedAct
from ddpg.fast.native import Kernels, build, kernels
from ddpg.fast.tape import Tape, rules
from ddpg.learner.optimizers import Adam, adam
from ddpg.learner.policy import act
from ddpg.run.build import accelerate, build_agent

BOX = spaces.Box(-1, 1, (3,))


def test_kernels_are_here() -> None:
    """Or nearly all tests of this file are skipped."""
    here = Path("/proc/cpuinfo").exists() and "avx2" in Path("/proc/cpuinfo").read_text() and shutil.which("cc")
    assert NATIVE is not None or not here


@pytest.fixture
def left_to_torch(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The kernels of torch that were left in what was recorded since."""
    caplog.set_level(logging.DEBUG, logger="ddpg.fast.tape.native")
    return lambda: [message.removeprefix("by torch: ") for message in caplog.messages if "by torch" in message]


def of_matrix(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def batch_norm(training: bool) -> Callable[..., Tensor]:
    def function(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        mean, var = x.detach().mean(dim=0) * 0.5, torch.ones(x.shape[1])
        return F.batch_norm(x, mean, var, weight, bias, training=training)

    return function


M, N = of_matrix(30, 70), of_matrix(30, 70) + 0.1
ROW = of_matrix(70)
OURS: dict[str, tuple[Callable[..., object], tuple[Tensor, ...]]] = {
    "arithmetic": (lambda a, b: (a + b) * (a - b) / (2 + b * b) - 1, (M, N)),
    "numbers": (lambda a: 1 - (a * 3 + 2) / 4, (M,)),
    "a row on all rows": (lambda a, row: row + row * a, (M, ROW)),
    "a column of another": (lambda a: torch.cat([a[:, 3:5] * 2, -a[:, 5:]], dim=1), (M,)),
    "nothing beside something": (lambda a: torch.cat([a[:0], a]), (M,)),
    "vectors": (lambda a, b: a * b + 1, (ROW, ROW.flip(0))),
    "of a stride": (lambda a: a[:, 3] * a[:, 4], (M,)),
    "single numbers": (lambda a: ((1 - 0.9 ** (2 * a.double())).sqrt() / 3).float() + a, (torch.tensor(0.7),)),
    "tanh": (grads(torch.tanh), (M,)),
    "tanh of large and small": (torch.tanh, (torch.tensor([0, -0.0, 1e-9, -1e-3, 0.62, 0.63, 9.5, -50, 1e9]),)),
    "relu": (grads(torch.relu), (M,)),
    "clamp": (lambda a: a.clamp(-0.5, 0.25), (M,)),
    "clamp by tensors": (lambda a, low: a.clamp(low, low + 0.5), (M, ROW)),
    "mean": (lambda a: a.mean(), (M,)),
    "sum": (lambda a: a.sum(), (M,)),
    "sum of rows": (lambda a: (a.sum(dim=0), a.sum(dim=0, keepdim=True)), (M,)),
    "mean of two": (lambda a, b: torch.stack([a, b]).abs().mean(dim=0), (ROW, ROW.flip(0))),
    "least of two": (lambda a, b: torch.stack([a, b]).amin(dim=0), (ROW, ROW.flip(0))),
    "batch norm, training": (grads(batch_norm(True)), (M, ROW, ROW.flip(0))),
    "batch norm": (batch_norm(False), (M, ROW, ROW.flip(0))),
    "layer norm": (grads(lambda x, w, b: F.layer_norm(x, (70,), w, b)), (M, ROW, ROW.flip(0))),
    "layer norm of the same": (lambda x, w, b: F.layer_norm(x, (70,), w, b), (M * 0 + 3, ROW, ROW.flip(0))),
}


@needs_kernels
@pytest.mark.parametrize("name", OURS)
def test_what_torch_computes(name: str, left_to_torch: Callable[[], list[str]]) -> None:
    """By one program, with nothing left to torch."""
    function, inputs = OURS[name]
    found = leaves(native(function, *inputs)(*inputs))
    for ours, torchs in zip(found, leaves(function(*inputs)), strict=True):
        torch.testing.assert_close(ours, torchs, rtol=2e-5, atol=1e-5)
    assert left_to_torch() == []


THEIRS: dict[str, tuple[Callable[..., object], tuple[Tensor, ...]]] = {
    "a bias for all": (lambda x, bias: torch.addmm(bias[:1], x, x.t()), (M, ROW)),
    "least of all": (lambda x: x.amin(), (M,)),
    "an empty vector before a matrix": (lambda x: torch.cat([x[0, :0], x]), (M,)),
    "three dimensions": (lambda x: x.reshape(3, 10, 70).transpose(0, 2) * 2, (M,)),
    "double precision": (lambda x: x.double() @ x.double().t(), (M,)),
}


@needs_kernels
@pytest.mark.parametrize("name", THEIRS)
def test_what_is_left_to_torch(name: str, left_to_torch: Callable[[], list[str]]) -> None:
    """Also on other numbers than those that it was recorded with."""
    function, inputs = THEIRS[name]
    others = [given * 9 for given in inputs]
    torch.testing.assert_close(native(function, *inputs)(*others), function(*others))
    assert left_to_torch()


@needs_kernels
@pytest.mark.parametrize("function", [
    lambda x, bound: torch.clamp(x, bound - 2, bound + 1) * 2,
    lambda x, bound: torch.clamp(x, bound + 1, bound - 2) * 2,
    lambda x, bound: torch.clamp(x * 2, bound - 2, x) * 2,
])  # fmt: skip
def test_clamping_where_a_bound_was(function: Callable[..., Tensor]) -> None:
    """The result may take the place of either, for nobody needs them any more."""
    others = M * 9, N * 9
    torch.testing.assert_close(native(function, M, N)(*others), function(*others))


@needs_kernels
def test_at_the_edges_of_numbers() -> None:
    x, bound = torch.tensor([-2.0, -0.0, 0.0, 2.0]), torch.tensor([1.0, 1.0, -1.0, -1.0])

    def function(x: Tensor, bound: Tensor) -> list[Tensor]:
        all_the_way = torch._foreach_lerp([x], [bound], 1.0)[0]
        return [x.clamp(1, -1), 1 / x.abs(), x.clamp(bound, -bound), all_the_way]

    assert_same_bits(native(function, x, bound)(x, bound), function(x, bound))


@needs_kernels
def test_kernels_that_differ_are_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """And go on: a resumed run, which looks at other numbers, has to choose as the first start did."""
    monkeypatch.setitem(rules.RULES, "aten.neg.default", rules._elementwise("abs", 0))
    tape = native(lambda x: -x, M)
    assert "aten.neg.default: native kernels and torch's differ by more than rounding" in caplog.text
    assert_same_bits(tape(M), M.abs())


@needs_kernels
def test_nan_goes_through_like_in_torch() -> None:
    x = torch.tensor([torch.nan, 1, -1])

    def function(x: Tensor) -> list[Tensor]:
        y = torch.stack([x, x.flip(0)])
        return [x.relu(), x.tanh(), x.clamp(-0.5, 0.5), y.amin(dim=0), y.sum(dim=0), x.mean(), grads(torch.relu)(x)[1]]

    for ours, torchs in zip(native(function, x)(x), function(x), strict=True):
        torch.testing.assert_close(ours, torchs, equal_nan=True)


@needs_kernels
@given(PROGRAMS)
@settings(max_examples=50, deadline=None)
def test_any_program(program: list[tuple[Callable[[Tensor, Tensor], Tensor], int, int]]) -> None:
    """Ours and torch's kernels in any order, on memory that is used again."""

    def bounded(step: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda a, b: torch.tanh(step(a, b))

    function = as_function([(bounded(step), i, j) for step, i, j in program])
    generator = torch.Generator().manual_seed(0)
    tape = native(function, torch.ones(4, 4), torch.ones(4, 4))
    x, y = torch.randn(4, 4, generator=generator), torch.randn(4, 4, generator=generator)
    torch.testing.assert_close(tape(x, y), function(x, y), rtol=1e-3, atol=1e-4)


@needs_kernels
@pytest.mark.parametrize("eps_hat", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam(eps_hat: bool, weight_decay: float, left_to_torch: Callable[[], list[str]]) -> None:
    """Step for step what torch's kernel does, given the same gradients."""

    def optimizer() -> Adam:
        params = [torch.nn.Parameter(of_matrix(5, 7)), torch.nn.Parameter(of_matrix(7))]
        return adam(params, 0.01, (0.8, 0.9), 1e-3, eps_hat, weight_decay, "weights")

    def step(optimizer: Adam) -> Callable[[Tensor], Tensor]:
        def function(grad: Tensor) -> Tensor:
            for param in optimizer.state:
                param.grad = grad[: param.numel()].view(param.shape) * 1
            optimizer.step()
            return grad + 0

        return function

    ours, torchs = optimizer(), optimizer()
    tape = Tape(step(ours), NATIVE, rollback=lambda: restored(ours))
    for seed in range(5):
        grad = torch.randn(35, generator=torch.Generator().manual_seed(seed))
        tape(grad)
        step(torchs)(grad)
        torch.testing.assert_close(list(ours.state.values()), list(torchs.state.values()))
        torch.testing.assert_close(list(ours.state), list(torchs.state))
    assert left_to_torch() == []


class restored:  # noqa: N801
    """Takes back what an optimizer does within it."""

    def __init__(self, optimizer: Adam) -> None:
        self._optimizer = optimizer
        self._before = copy.deepcopy(optimizer.state_dict()), [param.detach().clone() for param in optimizer.state]

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        state, params = self._before
        self._optimizer.load_state_dict(state)
        for param, before in zip(self._optimizer.state, params, strict=True):
            param.data.copy_(before)


VECTORS = [o for o in OPTIONS if o.startswith("preset=") and "pixels" not in o]
#: What of them is not of single precision, or normalizes observations, is torch's.
PARTLY = ("preset=adi3e08", "preset=baselines_param_noise")


@needs_kernels
@pytest.mark.parametrize("words", VECTORS)
def test_every_preset_learns_the_same(words: str, compose: Compose, left_to_torch: Callable[[], list[str]]) -> None:
    """The first update of each kind: losses and gradients. A gradient that is all rounding steps as far as any."""
    plain, compiled = plain_and_recorded(compose, words, native=NATIVE)
    for batch in batches(plain, 2, False, False):
        torch.testing.assert_close(learned(compiled, batch), learned(plain, batch), rtol=1e-4, atol=1e-5)
    for name in ("actor_optimizer", "critic_optimizer"):
        ours, torchs = (getattr(agent, name) for agent in (compiled, plain))
        scale = max(float(state["exp_avg"].abs().max()) for state in torchs.state.values())
        for mine, other in zip(ours.state.values(), torchs.state.values(), strict=True):
            torch.testing.assert_close(mine["exp_avg"], other["exp_avg"], rtol=1e-3, atol=1e-4 * scale)
        steps = sum(2 * group["lr"] for group in ours.param_groups) * 2
        for mine, other in zip(ours.state, torchs.state, strict=True):
            torch.testing.assert_close(mine, other, rtol=0, atol=max(steps, 1e-6))
    assert any(tape.is_replayed for tape in compiled.step._tapes.values())
    assert words in PARTLY or left_to_torch() == []


@needs_kernels
@pytest.mark.parametrize("words", VECTORS)
def test_a_resumed_learner_goes_on_bit_for_bit(words: str, compose: Compose) -> None:
    """Whenever it is stopped: also the first update after that is played."""
    _, whole = plain_and_recorded(compose, words, native=NATIVE)
    minibatches = batches(whole, 7, False, False)
    obs = minibatches[0].obs[0].numpy()
    for stop in (1, 4):
        _, whole = plain_and_recorded(compose, words, native=NATIVE)
        for batch in minibatches[:stop]:
            whole.update(batch)
        saved, rest = copy.deepcopy(whole.state_dict()), minibatches[stop:]
        _, resumed = plain_and_recorded(compose, words, native=NATIVE)
        resumed.load_state_dict(saved)
        for batch in rest:
            assert_same_bits(resumed.update(batch), whole.update(batch))
        assert_same_bits(resumed.state_dict(), whole.state_dict())
        assert resumed.act(obs).tobytes() == whole.act(obs).tobytes()


@needs_kernels
def test_what_is_drawn_while_recording_is_taken_back(compose: Compose) -> None:
    """The smoothing noise comes from the agent's generator, whatever else draws from torch's."""
    _, agent = plain_and_recorded(compose, "preset=td3_full", native=NATIVE)
    state = torch.random.get_rng_state()
    agent.update(batches(agent, 1, False, False)[0])
    assert_same_bits(torch.random.get_rng_state(), state)
    assert (agent.updates, agent.critic_optimizer.state_dict()["state"][0]["step"].item()) == (1, 1)


@needs_kernels
def test_another_optimizer_is_left_to_torch(compose: Compose) -> None:
    cfg = compose("compile=true")
    cfg.optimizer.critic = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.01}
    cfg = check(cfg)
    assert accelerate(cfg, build_agent(cfg, env_of(BOX), CPU), buffer(10), CPU) == "torch"


@needs_kernels
@pytest.mark.parametrize("words", ["preset=td3", "preset=paper", "preset=drlforge"])
def test_acting(words: str, compose: Compose) -> None:
    actor = plain_and_recorded(compose, words)[0].actor
    play = RecordedAct(actor, NATIVE)
    for seed in range(7):
        obs = torch.randn(3, generator=torch.Generator().manual_seed(seed)).numpy()
        torch.testing.assert_close(torch.tensor(play(obs)), torch.tensor(act(actor, obs)), rtol=1e-4, atol=1e-5)


@needs_kernels
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_inputs_that_are_filled_anew(dtype: torch.dtype) -> None:
    """Tensors that come again, other ones in between, and of a type that only torch copies."""
    x, rest = torch.ones(3, 4, dtype=dtype), torch.ones(4, 3)[:, 1]
    tape = native(lambda x, y: x * 2 + y, x, rest)
    for number in (2, 3, 4):
        x.fill_(number)
        rest.fill_(number + 1)
        assert tape(x, rest).tolist() == [[3 * number + 1] * 4] * 3
        if number == 3:
            assert tape(x * 0, rest).tolist() == [[4] * 4] * 3


@needs_kernels
def test_structures_that_are_filled_anew() -> None:
    """The same tuple has the same tensors as before, where the same list may have others."""
    x, y = torch.ones(3), torch.ones(3)
    pair, listed = (x, y), [x, y]
    tape = native(lambda pair, listed: pair[0] + pair[1] * 10 + listed[0] * 100 + listed[1] * 1000, pair, listed)
    for number in (2, 3, 4):
        x.fill_(number)
        y.fill_(number + 1)
        listed[0] = y.clone()
        assert tape(pair, listed).tolist() == [number + (number + 1) * 1110] * 3


class TestBuilding:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        kernels.cache_clear()
        yield
        kernels.cache_clear()

    @needs_kernels
    def test_built_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = kernels()
        assert first is not None
        (kept,) = (tmp_path / "cache" / "ddpg").iterdir()
        assert first.name == f"native-{hashlib.sha256(kept.read_bytes()).hexdigest()[:12]}"
        kernels.cache_clear()
        monkeypatch.setenv("CC", "false")  # no compiler is asked again
        again = kernels()
        assert again is not None
        assert again.name == first.name

    @needs_kernels
    def test_a_torn_or_foreign_file_is_built_anew(self, tmp_path: Path) -> None:
        assert kernels() is not None
        (kept,) = (tmp_path / "cache" / "ddpg").iterdir()
        kept.write_bytes(b"no library")
        program = "from ddpg.fast.native import kernels; assert kernels()"  # this process holds the old file
        subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ})
        assert len(kept.read_bytes()) > 10_000

    @needs_kernels
    def test_a_home_that_cannot_be_written_to(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        assert isinstance(kernels(), Kernels)

    def test_no_compiler(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setattr(build, "_processor_options", list)
        monkeypatch.setenv("PATH", "")
        assert kernels() is None
        assert caplog.messages == [
            "updates are computed by torch's kernels, which is slower: there is no C compiler (cc, gcc, clang), and "
            "none was built here before"
        ]

    @pytest.mark.parametrize(
        ("compiler", "said"),
        [
            ("false", "the C compiler false failed: it ended with 1"),
            ("nothing-like-it", "No such file or directory: 'nothing-like-it'"),
        ],
    )
    def test_a_compiler_that_fails(
        self, compiler: str, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("CC", compiler)
        monkeypatch.setattr(build, "_processor_options", list)
        assert kernels() is None
        assert said in caplog.text

    @needs_kernels
    def test_a_home_where_nothing_may_be_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As on a disk that is mounted with noexec: the new file is still in the temporary folder."""
        monkeypatch.setattr(build, "_stored", lambda new, kept: kept)
        assert isinstance(kernels(), Kernels)

    def test_no_home(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """A container's user who is in no list of users."""
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(build.Path, "home", _homeless)
        monkeypatch.setattr(build, "_processor_options", list)
        assert kernels() is None
        assert "Could not determine home directory" in caplog.text

    def test_something_else_than_a_library(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        compiler = tmp_path / "my cc"
        compiler.write_text('#!/bin/sh\nfor word; do case $word in *.so) echo nonsense > "$word";; esac; done\n')
        compiler.chmod(0o755)
        monkeypatch.setenv("CC", f"'{compiler}'")
        monkeypatch.setattr(build, "_processor_options", list)
        assert kernels() is None
        assert "what the C compiler built cannot be loaded" in caplog.text

    def test_another_processor(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="ddpg.fast.native.build")
        monkeypatch.setattr("platform.system", lambda: "Linux")
        monkeypatch.setattr("platform.machine", lambda: "riscv64")
        assert kernels() is None
        assert "native ones are written for Linux x86_64, this is Linux riscv64" in caplog.text

    def test_runs_without(self, compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
        """It learns all the same, and bit for bit as uncompiled."""
        monkeypatch.setattr(build, "_found", _missing)
        cfg = check(compose("preset=td3"))
        plain, compiled = (build_agent(cfg, env_of(BOX), CPU) for _ in range(2))
        assert accelerate(cfg, compiled, buffer(10), CPU) == "torch"
        for batch in batches(plain, 8, False, False):
            assert_same_bits(learned(compiled, batch), learned(plain, batch))
        assert isinstance(compiled.step, RecordedStep)


def _homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")


def _missing() -> Kernels:
    raise build.MissingError("there is none")
