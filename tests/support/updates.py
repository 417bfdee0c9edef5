"""Watch the updates of a trainer."""

from typing import Any

import pytest

from ddpg.training.trainer import Trainer


def spy_on_updates(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """List the env step and the number of stored transitions at each update, from now on."""
    seen: list[tuple[int, int]] = []
    update = trainer.agent.update

    def _update(batch: Any) -> Any:
        seen.append((trainer.progress.env_step, len(trainer.replay)))
        return update(batch)

    monkeypatch.setattr(trainer.agent, "update", _update)
    return seen
