"""The run folder that a user names, and the one that may be meant."""

from pathlib import Path

import pytest
from support.command_line import user_error

from ddpg.record.find_run import require_run


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("outputs/2026-01-01_hopper", "outputs/2026-02-01_hopper", "outputs/sweep/0_seed1", "outputs/sweep/1"):
        Path(name, "checkpoint").mkdir(parents=True)
        Path(name, "config.yaml").touch()
        Path(name, "status.json").touch()
    Path("outputs/sweep/sweep.json").touch()
    Path("outputs/empty").mkdir()
    Path("bad").mkdir()
    Path("bad/status.json").touch()


def test_run() -> None:
    require_run(Path("outputs/sweep/1"), "resume=outputs/sweep/1")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("outputs/2026-01-01_hoper", "no such folder; did you mean outputs/2026-01-01_hopper?"),
        ("outputs/2026-01", "did you mean outputs/2026-01-01_hopper?"),
        ("2026-02-01_hopper", "did you mean outputs/2026-02-01_hopper?"),
        ("outputs/2026-02-01_hopper/checkpoint", "a part of a run; did you mean ... outputs/2026-02-01_hopper?"),
        ("outputs/sweep/1/status.json", "did you mean ... outputs/sweep/1?"),
        ("outputs/sweep", "no config.yaml, but 2 runs ... outputs/sweep/1; ddpg-sweep retry outputs/sweep"),
        ("outputs", "no config.yaml, but 4 runs ... outputs/sweep/1"),
        ("bad", "it has no config.yaml, although a run has begun there"),
        ("outputs/empty", "outputs/empty is no run folder: it has no config.yaml"),
        ("nowhere/at/all", "nowhere/at/all: there is no such folder"),
    ],
)
def test_no_run(path: str, parts: str) -> None:
    with user_error(f"{path} ... {parts}" if not parts.startswith(path) else parts):
        require_run(Path(path), path)
