"""scripts/benchmark*.py: their floors, their measurements of other programs, and the table of the document."""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch
from measure import activity, floor, growth, learner, programs, rows, table

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "scripts"
DOCUMENT, DATA = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance"
CORE = {max(os.sched_getaffinity(0))}


def run(script: str, *words: str) -> str:
    return subprocess.check_output([sys.executable, SCRIPTS / script, *words], text=True)


@pytest.fixture
def in_this_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """in_this_process(script, *words): its exit code, stdout and stderr, where torch is imported already."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # which the scripts set, so that it is set back

    def call(script: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [script, *words])
        code: Any = 0
        try:
            runpy.run_path(str(SCRIPTS / script), run_name="__main__")
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("benchmark*.py")))
def test_help(script: str, in_this_process: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = in_this_process(script, "--help")
    assert code == 0
    assert out.startswith(f"usage: {script}")


def test_floor_has_the_operations_of_td3() -> None:
    batch, obs, act, h = 256, 17, 6, 256
    actor, critic = obs * h + h * h + h * act, (obs + act) * h + h * h + h
    critic_update = actor + critic + critic + (critic + h * h + h)
    actor_update = actor + critic + (h + h * h + h * act) + (actor + h * h + h * act)
    for case, delay in (("td3_1", 1), ("td3_2", 2)):
        products = floor.products(learner.CASES[case].shapes)
        assert floor.flop(products) == 2 * batch * (delay * critic_update + actor_update)


def test_floor_has_the_operations_of_the_paper() -> None:
    batch, obs, act, h1, h2 = 64, 17, 6, 400, 300
    actor, critic = obs * h1 + h1 * h2 + h2 * act, obs * h1 + (h1 + act) * h2 + h2
    critic_update = actor + critic + critic + (critic + h1 * h2 + h2)
    actor_update = actor + critic + (h2 + h2 * act) + (actor + h1 * h2 + h2 * act)
    products = floor.products(learner.CASES["paper_1"].shapes)
    assert floor.flop(products) == 2 * batch * (critic_update + actor_update)


@pytest.mark.parametrize("name", learner.CASES)
def test_floor_has_the_shapes_of_the_agent(name: str) -> None:
    case = learner.CASES[name]
    cfg = learner.compose(*case.overrides)
    assert [cfg.network.actor.hidden, cfg.network.critic.hidden] == [case.shapes.hidden] * 2
    assert (cfg.batch_size, cfg.algorithm.policy_delay) == (case.shapes.batch_size, case.shapes.policy_delay)
    assert cfg.network.critic.action_layer == case.shapes.action_layer


@pytest.mark.parametrize("share", [0.125, 0.5, 1])
def test_a_share_of_hidden_units_is_active(share: float) -> None:
    shares = []

    def activate_and_count(agent: DDPG, batch: Batch) -> None:
        activity.activate(agent, batch, share)
        both = torch.cat([batch.obs, batch.action], dim=1)
        for network in (agent.actor, agent.actor_target):
            shares.extend(active(network.body, batch.obs))
        for ensemble in (agent.critic, agent.critic_target):
            shares.extend(active(ensemble.critics[0].joint_body, both))

    def active(body: nn.Sequential, x: Tensor) -> list[float]:
        return [float((body[:depth](x) > 0).float().mean()) for depth in (2, 4)]

    learner.learner(learner.CASES["td3_1"], filled=1000, before=activate_and_count)
    assert shares == pytest.approx([share] * 8, abs=0.02)


def test_table_shows_what_was_measured_and_what_was_not() -> None:
    shown_rows = [
        table.measured("td3_1", 0.8123, updates_per_s=261.4), table.measured("help", 0.5),
        table.measured("first_step", 9), table.missing("sb3", "--sb3-python PYTHON"),
    ]  # fmt: skip
    shown = table.table(json.loads(json.dumps(shown_rows))).splitlines()
    assert shown[2].endswith("| 0.812 of the floor | 0.75 | 0.9 | reach | updates per s 261 |")
    assert "| 0.500 s | 1 | 0.5 | aim |" in shown[3]
    assert "| 9 s | 4 | 2.5 | short |" in shown[4]
    assert "| not measured: --sb3-python PYTHON | 2 | 2.5 |" in shown[5]


def test_what_fails_costs_its_own_rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails_late(setup: rows.Setup) -> Iterator[rows.Row]:
        yield table.measured("first_step", 2.0)
        raise RuntimeError("python x.py ended with 1: Traceback ...\nModuleNotFoundError: No module named 'imageio'\n")

    monkeypatch.setitem(rows.ROWS, "start", fails_late)
    found = [*rows.rows_of("start", SETUP), *rows.rows_of("sb3", SETUP)]
    assert [row["key"] for row in found] == ["first_step", "help", "compilation", "compilation_cold", "sb3"]
    assert found[0]["measured"] == 2
    assert {row["not_measured"] for row in found[1:4]} == {"failed: ModuleNotFoundError: No module named 'imageio'"}


def test_labels_follow_what_was_run() -> None:
    [memory] = rows.rows_of("memory", SETUP)
    assert "a run of 5,000 steps" in memory["what"]
    replay = table.measured("replay", 1.6, transitions=2000)
    assert "by 2,000 of them" in replay["what"]


def test_speed_of_a_peer_leaves_its_warm_up_out() -> None:
    warm, timed = programs.WARM_UP // programs.LINE, 5
    times = [7.0 * line for line in range(warm)] + [7.0 * (warm - 1) + 0.5 * line for line in range(1, timed + 1)]
    assert programs.speed_of_lines(times, timed * programs.LINE) == pytest.approx(programs.LINE / 0.5)


SETUP = rows.Setup(
    core=0, cores=[0], repeats=5, seconds=0.1, steps=1000, memory_steps=5000, transitions=2000,
    cleanrl=None, cleanrl_python=None, jax_python=None, sb3_python=None,
)  # fmt: skip


def peer(code: str) -> programs.Peer:
    return programs.Peer([sys.executable, "-c", code])


def test_failures_of_a_peer_are_reported() -> None:
    with pytest.raises(RuntimeError, match=r"1.*no such environment"):
        programs.peer_speed(peer("import sys; sys.exit('no such environment')"), 100, CORE)
    with pytest.raises(RuntimeError, match=r"\b2\b.*SPS.*\b11\b"):
        programs.peer_speed(peer("print('SPS: 7\\nSPS: 8\\nanother')"), 100, CORE)


def test_peak_memory_is_that_of_the_process() -> None:
    small, large = (programs.peak_bytes([sys.executable, "-c", f"a = b'1' * {size}"], CORE) for size in (1, 10**8))
    assert 0.9e8 < large - small < 1.1e8


def test_pictures_of_growth(tmp_path: Path) -> None:
    points = [{"value": v, "floor_per_s": 900 / v, "updates_per_s": 800 / v, "steps_per_s": 700 / v} for v in (1, 2)]
    made = growth.draw({name: {"points": points} for name in growth.PICTURES}, tmp_path)
    assert [path.name for path in made] == [f"growth_{name}.png" for name in growth.PICTURES]
    assert all(path.stat().st_size > 10_000 for path in made)


def test_document_shows_the_data(in_this_process: Callable[..., tuple[int, str, str]]) -> None:
    _, shown, _ = in_this_process("benchmark.py", "--table", str(DATA / "benchmark.json"))
    assert shown
    assert shown in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [("--repeats", "4"), ("--steps", "1500")])
def test_mistakes_end_with_one_line(
    words: tuple[str, str], in_this_process: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, errors = in_this_process("benchmark.py", *words)
    assert code == 2
    assert words[0] in errors.splitlines()[-1]


@pytest.mark.slow
def test_benchmark_without_peers() -> None:
    several_runs = {"two_cores", "many_runs"}  # left out: they take another five minutes
    wanted = ["floor", "cleanrl", "cleanrl_jax", "sb3", "batch_norm", "float64", "outside", "start", "replay", "memory"]
    words = ["--seconds", "0.01", "--steps", "1000", "--transitions", "2000", "--json", "--rows", *wanted]
    found = json.loads(run("benchmark.py", *words))
    assert {row["key"] for row in found["rows"]} == set(table.TARGETS) - several_runs
    assert {row["key"] for row in found["rows"] if "not_measured" in row} == {"cleanrl", "cleanrl_jax", "sb3", "memory"}
    assert list(found["floor_fraction"]) == ["td3_1", "td3_2", "paper_1"]
    assert all(fraction > 0 for fraction in found["floor_fraction"].values())


@pytest.mark.slow
def test_growth(tmp_path: Path) -> None:
    curves = ["width", "fill", "activity"]
    run("benchmark_growth.py", "--seconds", "0.01", "--repeats", "1", "--out", str(tmp_path), "--curves", *curves)
    pictures = {f"growth_{name}.png" for name in curves}
    assert {path.name for path in tmp_path.iterdir()} == pictures | {"growth.json"}
    found = json.loads((tmp_path / "growth.json").read_text())
    assert all(point["updates_per_s"] > 0 for name in curves for point in found[name]["points"])
