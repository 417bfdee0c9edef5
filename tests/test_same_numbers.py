"""scripts/same_numbers.py: it sees the smallest difference, and none in what the clock says."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from sameness import comparing
from sameness.cases import cases

CONF = Path(__file__).parent.parent / "conf"


def make_run(folder: Path, **changed: Any) -> Path:
    """A run folder as training leaves it, as far as it is compared."""
    row = {"env_step": 5, "losses/qf1_loss": 0.5, "charts/SPS": 100.0, "time/elapsed_s": 1.0}
    state = {"totals": {"loss": 0.0}, "agent": [torch.zeros(3)], "tracker": {"bytes": 17}}
    (folder / "checkpoint").mkdir(parents=True)
    record = json.dumps(row | changed.get("row", {}))
    (folder / "metrics.jsonl").write_text(record + "\n")
    for name in ("actor.pt", "actor_best.pt"):
        torch.save({"actor": {"weight": torch.ones(2)}, "env_step": 5}, folder / name)
    newest = folder / "checkpoint" / "state-000000000005.pt"
    torch.save({"state": state | changed.get("state", {})}, newest)
    return folder


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return make_run(tmp_path / "reference")


def test_the_clock_and_the_record_s_length_may_differ(reference: Path, tmp_path: Path) -> None:
    row = {"charts/SPS": 99.0, "time/elapsed_s": 1.01}
    new = make_run(tmp_path / "new", row=row, state={"tracker": {"bytes": 18}})
    assert comparing.difference(reference, new) is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"row": {"losses/qf1_loss": 0.5001}},
            "metrics.jsonl, line 1, env_step 5, metrics:losses/qf1_loss: 0.5 became 0.5001",
        ),
        (
            {"row": {"losses/more": 1.0}},
            "metrics.jsonl, line 1, env_step 5, metrics:losses/more: there in the new code alone",
        ),
        (
            {"state": {"agent": [torch.tensor([0.0, 2.0, 0.0])]}},
            "state-000000000005.pt, state:state.agent.0: 1 of 3 numbers differ, by 2 at most",
        ),
        (
            {"state": {"totals": {"loss": -0.0}}},
            "state-000000000005.pt, state:state.totals.loss: 0.0 became -0.0",
        ),
        (
            {"state": {"totals": {}}},
            "state-000000000005.pt, state:state.totals.loss: there in the reference alone",
        ),
    ],
)
def test_the_first_difference_is_told(
    reference: Path,
    tmp_path: Path,
    changed: dict[str, Any],
    told: str,
) -> None:
    assert comparing.difference(reference, make_run(tmp_path / "new", **changed)) == told


def test_what_was_renamed_is_compared_under_its_new_name(
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = make_run(tmp_path / "new", state={"totals": None, "means": {"loss": 0.0}})
    monkeypatch.setattr(comparing, "RENAMED", [(r"(.*)\.totals\.(.*)", r"\1.means.\2", "a test")])
    monkeypatch.setitem(comparing.ALLOWED, r"state:state\.totals", "a test")
    assert comparing.difference(reference, new) is None


def test_every_option_is_a_case_and_what_a_reference_lacks_is_not_its_own(tmp_path: Path) -> None:
    for name in ("preset/mine.yaml", "noise/ours.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    found = {case.name: case for case in cases([CONF, tmp_path], "*")}
    unknown = {name for name, case in found.items() if not case.known_to(CONF)}
    assert unknown == {"preset=mine", "noise=ours"}
    assert {"preset=td3", "noise=ou"} <= found.keys()
