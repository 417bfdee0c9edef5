"""`ddpg-eval`: what it prints, and what it refuses."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.command_line import assert_has, call
from support.stored_runs import stored_run

from ddpg.commands import evaluate
from ddpg.commands.evaluate_arguments import eval_arguments
from ddpg.distribution import install_hint

Refusal = Callable[..., str]


@pytest.fixture
def refused(refusal: Refusal) -> Refusal:
    return lambda *words: refusal(*words, command=evaluate.main)


def test_eval(
    finished: str, refused: Refusal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call(monkeypatch, evaluate.main, finished, "episodes=2e0", "actor=best")
    assert "2 noise-free episodes of the best actor" in capsys.readouterr().out
    usage = "ddpg-eval SOURCE... [episodes=...] [seed=...] [actor=...]"
    assert_has(refused(), usage)
    assert_has(refused("episodes=3"), usage)
    assert_has(refused("nope"), "nope: there is no such folder")
    assert_has(refused(finished, "episods=3"), "episods=3 ... episodes?")
    assert_has(refused(finished, "episodes=0"), "episodes=0 ... at least 1")
    assert_has(refused(finished, "actor=bst"), "actor=bst ... last, best ... best?")
    assert_has(refused(finished, "episodes=[3"), "episodes=[3 ... the [ is never closed")
    assert_has(refused(finished, "video"), "video: there is no such folder")
    assert_has(refused(finished, "seed=1", "video"), "video ... KEY=VALUE ... episodes=20")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert install_hint("video") in refused(finished, "video=true", "episodes=1")
    Path(finished, "actor.pt").write_text("x")
    assert "does not hold the actor" in refused(finished)
    Path(finished, "actor.pt").unlink()
    assert_has(refused(finished), "last actor")
    Path(finished, "config.yaml").write_text("seed: 1\n")
    assert "is missing" in refused(finished)


@pytest.fixture
def runs(tmp_path: Path) -> tuple[str, str]:
    """Two runs on a pendulum that differ in the size of their networks."""
    stored_run(tmp_path / "a", "env=pendulum")
    stored_run(tmp_path / "b", "env=pendulum", "network.actor.hidden=[4]")
    return "a", "b"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["obs_noise=0.1,-1"], "obs_noise[1]=-1 ... at least 0"),
        (["obs_noise=much"], "obs_noise[0]=much ... finite number"),
        (["action_delay=1,0.5"], "action_delay[1]=0.5 ... whole number"),
        (["simulator.gravity=0"], "simulator.gravity[0]=0 ... above 0"),
        (["simulator=2"], "simulator=2 ... mapping"),
        (["simulator.viscosity=2"], "simulator.viscosity: PendulumEnv ... it has gravity, mass, length"),
        (["processes=0"], "processes=0 ... at least 1, or auto"),
        (["processes=2", "watch=true"], "watch=true ... leave out processes"),
        (["video=true"], "video=true of several sources ... video=FILE.mp4"),
        (["video=film.gif"], "video=film.gif ... .mp4"),
        (["json=a"], "json=a is a folder"),
        (["json=no/where.json"], "json=no/where.json: there is no folder"),
    ],
)
def test_what_does_not_fit(runs: tuple[str, str], refused: Refusal, words: list[str], parts: str) -> None:
    assert_has(refused(*runs, *words), parts)


def test_a_message_names_the_source_that_it_is_about(runs: tuple[str, str], refused: Refusal) -> None:
    Path("b", "config.yaml").write_text("seed: 1\n")
    assert_has(refused(*runs), "b: ... is missing")


def test_a_table_of_sources_and_conditions(
    runs: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nominal row of a source has the numbers that it has alone, as the JSON of both has them."""

    def results(*words: str) -> dict:
        call(monkeypatch, evaluate.main, *words, "episodes=3", "json=-")
        return json.loads(capsys.readouterr().out)

    alone = results("a")
    both = results(*runs, "action_delay=0,2", "obs_noise=0.5", "simulator=null")
    assert [source["source"] for source in both["sources"]] == ["a", "b"]
    nominal, noisy, late = both["sources"][0]["results"]
    assert nominal == alone["sources"][0]["results"][0]
    assert (noisy["condition"]["key"], noisy["condition"]["value"]) == ("obs_noise", 0.5)
    assert len(noisy["condition"]["spread"]) == 3
    assert late["condition"] == {"key": "action_delay", "value": 2, "spread": None}
    assert (nominal["mean"], nominal["min"]) == (pytest.approx(sum(nominal["returns"]) / 3), min(nominal["returns"]))
    assert nominal["interval"][0] < nominal["mean"] < nominal["interval"][1]
    assert len({tuple(result["returns"]) for result in both["sources"][0]["results"]}) == 3

    call(monkeypatch, evaluate.main, *runs, "episodes=3", "action_delay=2", "json=all.json")
    lines = capsys.readouterr().out.splitlines()
    assert_has(lines[2], "source ... condition ... return ... std ... 95 % interval ... min ... max ... length")
    assert [line.split("|")[2].strip() for line in lines[4:8]] == ["nominal", "action_delay=2"] * 2
    written = json.loads(Path("all.json").read_text(encoding="utf-8"))
    assert written["sources"][1]["results"][1]["mean"] == both["sources"][1]["results"][2]["mean"]


def test_eval_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, evaluate.main, "--help")
    assert exit.value.code is None
    assert_has(capsys.readouterr().out, "  episodes=10 ... how many")


def test_the_table_has_the_numbers_of_info(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored_run(tmp_path / "walk", "+env.info_metrics.loss=sum")
    call(monkeypatch, evaluate.main, "walk", "episodes=2", "action_delay=1")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 noise-free episodes of the last actor in walk"
    assert_has(lines[2], "condition ... return ... length ... loss")
    cells = [cell.strip() for cell in lines[4].strip("|").split("|")]
    assert float(cells[-1]) == pytest.approx(-float(cells[1]), rel=0.01)  # the reward is minus this number
    assert cells[3] == "- (2 episodes)"


def test_what_is_no_number_is_null_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored_run(tmp_path / "walk", "+env.kwargs.nan_reward=inf")
    call(monkeypatch, evaluate.main, "walk", "episodes=1", "json=-")
    (source,) = json.loads(capsys.readouterr().out)["sources"]
    assert source["env"]["kwargs"]["nan_reward"] is None


def test_pictures_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table is the same with a video, and in a window."""
    pytest.importorskip("pygame", reason="the extra video is not installed")
    pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
    for name in "ab":
        stored_run(tmp_path / name, "env=pendulum", "env.max_episode_steps=4")

    def table(*words: str) -> list[str]:
        call(monkeypatch, evaluate.main, "a", "b", "episodes=2", *words)
        return capsys.readouterr().out.splitlines()

    expected = table()
    assert table("video=film.mp4") == [*expected, "video: film.mp4"]
    assert Path("film.mp4").exists()
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert table("watch=true") == expected


@pytest.mark.parametrize(("single", "expected"), [(False, 3), (True, 1)])
def test_auto_is_one_process_where_only_one_environment_can_exist(
    single: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddpg.commands.evaluate.available_cores", lambda: [0, 1, 2])
    playables = [SimpleNamespace(recipe=SimpleNamespace(single=kind)) for kind in (False, single)]
    arguments = eval_arguments(["runs/a", "processes=auto"])[1]
    assert evaluate._processes(playables, arguments) == expected  # type: ignore[arg-type]
