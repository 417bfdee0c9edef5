"""A tracker has the sinks that the settings ask for, and imports no more for them than it must."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


@pytest.mark.parametrize("mode", ["disabled", "offline"])
def test_wandb_is_imported_only_to_send(tmp_path: Path, mode: str) -> None:
    script = """
        import sys
        from pathlib import Path
        from ddpg.record.tracking import LoggerSettings, TensorboardSettings, WandbSettings
        from ddpg.record.tracking.open_tracker import open_tracker

        wandb = WandbSettings(sys.argv[2], "p", None, None, None, "train", [], 0.0, 1.0, 1.0, True)
        settings = LoggerSettings(1000, "auto", 30.0, TensorboardSettings(False), wandb)
        tracker = open_tracker(settings, Path(sys.argv[1]), 10, {}, "g", "n")
        tracker.rewind(None)
        tracker.log(1, {"x": 1})
        tracker.step(1)
        tracker.finish(0, {})
        assert not {"wandb", "tensorboard"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path), mode], check=True)
