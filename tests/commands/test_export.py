"""`ddpg-export`: what it prints, and what it refuses."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import assert_has, call
from support.stored_runs import stored_run

from ddpg.commands import export
from ddpg.distribution import install_hint
from ddpg.policies.reading import read_description
from ddpg.run.playing import open_playable, play

Refusal = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> str:
    stored_run(tmp_path / "a=b")
    return "a=b"


def test_export(run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # then the default is safetensors alone
    call(monkeypatch, export.main, run, "episodes=3", "license=mit")
    returns = play(open_playable(run), episodes=3).returns
    lines = capsys.readouterr().out
    assert_has(
        lines,
        "a=b/policy: the last actor of a=b, stored after 400 env steps ... policy.safetensors ... kB ... "
        f"equal to the last bit on ... observations; return {returns.mean():.2f} ... policy.json ... "
        "3 noise-free episodes of the run's actor ... ddpg.load_policy",
    )
    assert "onnx" not in lines
    assert read_description(Path("a=b/policy")).license == "mit"
    call(monkeypatch, export.main, run, "episodes=1", "format=pt2,safetensors,pt2", "out=other")
    assert set(read_description(Path("other")).files) >= {"policy.pt2", "policy.safetensors"}


def test_refusals(run: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*argv: str) -> str:
        return refusal(*argv, command=export.main)

    assert_has(refused(), "the run folder comes first: ddpg-export RUN [format=...]")
    assert_has(refused("nope"), "nope: there is no such folder")
    assert_has(refused(run, "format=onx"), "format=onx is not one of safetensors, onnx, pt2; did you mean onnx?")
    assert_has(refused(run, "formt=onnx"), "formt=onnx: there is no such key; did you mean format?")
    assert_has(refused(run, "actor=best"), "actor_best.pt does not exist")
    Path(run, "policy").mkdir()
    Path(run, "policy", "policy.json").touch()
    assert_has(refused(f"{run}/policy"), "a=b/policy is a part of a run; did you mean")
    assert_has(refused(run, "episodes=0"), "episodes=0 ... at least 1")
    assert_has(refused(run, f"out={run}"), "is there and has actor.pt, which no export writes")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert_has(refused(run, "format=onnx"), f"format=onnx needs onnx: {install_hint('onnx')}")
    Path(run, "actor.pt").unlink()
    assert_has(refused(run), "actor.pt does not exist ... it is not saved yet")


def test_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, export.main, "--help")
    assert exit.value.code is None
    assert_has(capsys.readouterr().out, "ddpg-export RUN [KEY=VALUE ...] ... format=null ... episodes=10")
