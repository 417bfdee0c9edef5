"""The command line of `ddpg-report serve`."""

from pathlib import Path

import pytest

from ddpg.commands.report_serve import main, serve_arguments
from ddpg.errors import UserError
from ddpg.report.live.server import LiveServer


def test_folders_come_before_values(tmp_path: Path) -> None:
    arguments = serve_arguments([str(tmp_path), "port=0", "host=0.0.0.0"])
    assert (arguments.folders, arguments.port, arguments.host) == ([str(tmp_path)], 0, "0.0.0.0")
    assert serve_arguments([str(tmp_path)]).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "folders come first: ddpg-report serve FOLDER"),
        (["outputs", "prot=1"], "did you mean port"),
        (["outputs", "port=70000"], "port=70000 is out of range"),
        (["nowhere"], "nowhere: there is no such folder"),
    ],
)
def test_mistakes_are_one_line(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        main(words)


def test_ctrl_c_ends_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(server: LiveServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LiveServer, "serve_forever", interrupted)
    main([str(tmp_path), "port=0"])
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tmp_path}: http://localhost:")
    assert last == "ended; the runs go on"
