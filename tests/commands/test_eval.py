"""`ddpg-eval`: what it prints, and what it refuses."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import call

from ddpg.commands import evaluate

Refusal = Callable[..., str]


def test_eval(
    finished: str, refusal: Refusal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*argv: str) -> str:
        return refusal(*argv, command=evaluate.main)

    call(monkeypatch, evaluate.main, finished, "episodes=2e0", "actor=best")
    assert "2 noise-free episodes of the best actor" in capsys.readouterr().out
    usage = "the run folder comes first: ddpg-eval RUN [episodes=...] [video=...] [actor=...] [seed=...]"
    assert refused() == refused("episodes=3") == usage
    assert refused("nope") == "nope is no run folder: it has no config.yaml"
    assert refused(finished, "episods=3") == "episods=3: there is no such key; did you mean episodes?"
    assert refused(finished, "episodes=0") == "episodes=0 is out of range: it must be at least 1"
    assert refused(finished, "actor=bst") == "actor=bst is not one of last, best; did you mean best?"
    assert refused(finished, "video") == "video: values are written KEY=VALUE, as in episodes=20"
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert "pip install 'ddpg[video]'" in refused(finished, "video=true", "episodes=1")
    Path(finished, "actor.pt").write_text("x")
    assert "does not hold the actor" in refused(finished)
    Path(finished, "actor.pt").unlink()
    assert refused(finished).endswith("the run has not saved its last actor yet")
    Path(finished, "config.yaml").write_text("seed: 1\n")
    assert "is missing" in refused(finished)


def test_eval_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, evaluate.main, "--help")
    assert exit.value.code is None
    assert "  episodes=10  how many" in capsys.readouterr().out
