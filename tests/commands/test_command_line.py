"""The ends of a command: a line for a mistake, a traceback for a bug or on request, an exit code for a signal."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import SHORT, assert_has, call, user_error

from ddpg.commands import train
from ddpg.commands.command_line import key_values, one_line_errors, require_text
from ddpg.commands.export import export_arguments
from ddpg.commands.report import report_arguments
from ddpg.record.run_folder import read_yaml


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddpg.run.lifecycle.run", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(monkeypatch, train.main, "hydra.run.dir=run")


def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(Exception, match="gamma=7 is out of range"):
        call(monkeypatch, train.main, "gamma=7")
    assert os.environ["HYDRA_FULL_ERROR"] == "1"


def test_interrupt_outside_training(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "_train", interrupted)
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, train.main)
    assert (exit.value.code, capsys.readouterr().err) == (130, "ddpg-train: interrupted\n")


def command_line(*argv: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from ddpg.commands.train import main; sys.argv[0] = 'ddpg-train'; main()"
    return subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)


def test_a_mistake_as_the_shell_sees_it() -> None:
    done = command_line("gamma=7")
    assert (done.returncode, done.stdout) == (1, "")
    assert_has(done.stderr, "ddpg-train: gamma=7 ... at least 0 and at most 1")
    assert done.stderr.count("\n") == 1


def test_a_character_that_the_locale_has_not_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    with one_line_errors("ddpg-report"):
        print("1 ± 2", flush=True)
    assert written.getvalue() == b"1 \\xb1 2\n"


def test_names_of_files_and_folders_are_texts() -> None:
    """Also where YAML would read something else; null stays what it is."""
    for word in ("2026", "1e-3", "[a]", "-", "a"):
        assert key_values([f"out={word}", "solved=1"], "solved=90", texts=("out",)) == {"out": word, "solved": 1}
    assert key_values(["out=null"], "solved=90", texts=("out",)) == {"out": None}
    for words in (["out=2026", "out=1"], ["out=a", "out=1"]):
        assert key_values(words, "solved=90", texts=("out",)) == {"out": "1"}
    assert report_arguments(["runs", "out=2026"])[0].out == "2026"
    assert export_arguments(["run", "out=1"]).out == "1"


def test_bytes_that_are_no_text_are_refused() -> None:
    require_text(["extra.note=grün"])
    with user_error(r"extra.note=gr\udcc3\udcbcn ... locale ... PYTHONUTF8=1"):
        require_text(["seed=1", os.fsdecode(b"extra.note=gr\xc3\xbcn").encode().decode("ascii", "surrogateescape")])


def test_a_run_in_a_folder_that_the_locale_cannot_name(tmp_path: Path) -> None:
    """LC_ALL=C, on systems where Python does not take UTF-8 all the same."""
    place = tmp_path / "dü"
    place.mkdir()
    ascii_only = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = "from ddpg.commands.train import main; main()"
    words = [*SHORT, "hydra.run.dir=run"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=place, env=ascii_only, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    log = (place / "run" / "train.log").read_text(encoding="utf-8")
    assert r"d\udcc3\udcbc/run" in log
    assert read_yaml(place / "run" / ".hydra" / "hydra.yaml")["hydra"]["job"]["name"] == "train"
