"""A sweep whose runs all start at once, against a W&B server that refuses half of what it is asked."""

import json
import random
from pathlib import Path

import pytest
from support.tracked import output_of, plain_rows, recorded, start
from support.wandb_server import WandbServer

from ddpg.record.tracking.wandb_identity import known_identity
from ddpg.sweep.sync import sync


@pytest.mark.slow
def test_no_run_is_lost(wandb_server: WandbServer, tmp_path: Path) -> None:
    """Some runs go offline, some cannot end at W&B in time; after a sync all are whole and finished."""
    dice = random.Random(0)
    wandb_server.refuse = lambda operation: 429 if dice.random() < 0.5 else None
    folders = [tmp_path / f"{number}_seed{number}" for number in range(12)]
    plan = {"runs": [{"folder": folder.name, "overrides": []} for folder in folders]}
    (tmp_path / "sweep.json").write_text(json.dumps(plan))
    options = {"mode": "online", "start_jitter": 5.0, "init_timeout": 2.0, "finish_timeout": 2.0}
    runs = [start(folder, 300, 0.02, **options) for folder in folders]
    assert [run.wait() for run in runs] == [0] * len(runs)
    assert wandb_server.refused[429] > len(runs)
    assert any("W&B goes offline" in line for folder in folders for line in output_of(folder))
    assert not any("Traceback" in line for folder in folders for line in output_of(folder))

    wandb_server.refuse = lambda operation: None
    assert sync(tmp_path)
    assert len(wandb_server.runs) == len(folders)
    for folder in folders:
        identity = known_identity(folder)
        assert identity
        run = wandb_server.runs[identity.id]
        assert plain_rows(run.history) == recorded(folder)
        assert run.state == "finished"
        assert run.settings["tags"] == [tmp_path.name]
