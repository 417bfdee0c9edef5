"""`ddpg-eval`: what it prints, and what it refuses."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import assert_has, call

from ddpg.commands import evaluate
from ddpg.distribution import install_hint

Refusal = Callable[..., str]


def test_eval(
    finished: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*argv: str) -> str:
        return refusal(*argv, command=evaluate.main)

    call(monkeypatch, evaluate.main, finished, "episodes=2e0", "actor=best")
    assert "2 noise-free episodes of the best actor" in capsys.readouterr().out
    usage = "ddpg-eval RUN [episodes=...] [video=...] [actor=...] [seed=...]"
    assert_has(refused(), usage)
    assert_has(refused("episodes=3"), usage)
    assert_has(refused("nope"), "nope: there is no such folder")
    assert_has(refused(finished, "episods=3"), "episods=3 ... episodes?")
    assert_has(refused(finished, "episodes=0"), "episodes=0 ... at least 1")
    assert_has(refused(finished, "actor=bst"), "actor=bst ... last, best ... best?")
    assert_has(refused(finished, "episodes=[3"), "episodes=[3 ... the [ is never closed")
    assert_has(refused(finished, "video"), "video ... KEY=VALUE ... episodes=20")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert install_hint("video") in refused(finished, "video=true", "episodes=1")
    Path(finished, "actor.pt").write_text("x")
    assert "does not hold the actor" in refused(finished)
    Path(finished, "actor.pt").unlink()
    assert_has(refused(finished), "last actor")
    Path(finished, "config.yaml").write_text("seed: 1\n")
    assert "is missing" in refused(finished)


def test_eval_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, evaluate.main, "--help")
    assert exit.value.code is None
    assert "  episodes=10  how many" in capsys.readouterr().out
