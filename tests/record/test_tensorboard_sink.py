"""TensorBoard is fed from the record."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tracked import log_rows, settings, tracker_of
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from ddpg.distribution import install_hint
from ddpg.errors import UserError
from ddpg.record.tracking import LoggerSettings, TensorboardSettings, read_metrics


def scalars(run_dir: Path) -> list[tuple[int, float]]:
    events = EventAccumulator(str(run_dir / "tensorboard")).Reload()
    return [(event.step, event.value) for event in events.Scalars("losses/qf1_loss")]


def hyper_parameters(run_dir: Path) -> dict[str, Any]:
    """What the tab HPARAMS shows of the run."""
    events = EventAccumulator(str(run_dir / "tensorboard")).Reload()
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    shown = HParamsPluginData.FromString(content).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in shown.items()}


def test_tensorboard_has_the_record_also_after_a_resume(tmp_path: Path) -> None:
    options = settings()
    options = LoggerSettings(**{**vars(options), "tensorboard": TensorboardSettings(enabled=True)})
    first = tracker_of(tmp_path, options)
    first.rewind(None)
    log_rows(first, 0, 5)
    position = first.position()
    log_rows(first, 5, 8)  # and never finished
    again = tracker_of(tmp_path, options)
    again.rewind(position)
    log_rows(again, 5, 10)
    again.finish(0, {})
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert len(rows) == 10
    assert hyper_parameters(tmp_path) == {"seed": 1.0, "noise": "ou", "noise.sigma": 0.1}
    wanted = [(row["env_step"], float(np.float32(row["losses/qf1_loss"]))) for row in rows]
    assert scalars(tmp_path) == wanted


def test_tensorboard_that_is_not_installed_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    options = LoggerSettings(**{**vars(settings()), "tensorboard": TensorboardSettings(enabled=True)})
    with pytest.raises(UserError, match=re.escape(install_hint("tensorboard"))):
        tracker_of(tmp_path, options)
