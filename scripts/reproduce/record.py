"""The record of a finished run: metrics.jsonl.gz, config.yaml, and a provenance.json that names no machine."""

import gzip
import json
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from ddpg.config.keys import flat
from ddpg.config.settings import to_yaml
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.report.kept import RECORD
from ddpg.sweep.state.status import is_locked
from ddpg.sweep.state.summary import RunSummary, summarize
from reproduce.plan import ROOT, Plan, PlannedRun

RECORDS = ROOT / "docs" / "results" / "data" / "evidence"
CONFIG, PROVENANCE = "config.yaml", "provenance.json"
#: Of a start in provenance.json; everything else can hold paths.
KEPT_OF_START = ("started", "kernels", "threads", "device", "versions")
#: Where uncommitted changes can change a run; records and documents that wait for a commit cannot.
CODE = ("ddpg/", "conf/", "hydra_plugins/")
KEPT_OF_MACHINE = ("system", "cpu", "cores", "gpus")


def has_record(run: PlannedRun, records: Path) -> bool:
    """Whether the run is done: a record appears whole or not at all."""
    return (records / run.name).is_dir()


def is_over(folder: Path, run: PlannedRun) -> bool:
    """Whether no more can come: the run is whole or has diverged, and no process works on its folder.

    A seed that diverges is a result. Any other failure is a mishap, after which the run is tried again.
    """
    seen = summarize(folder)
    whole = seen.state == "done" and seen.saved_step >= run.row.steps
    diverged = seen.state == "failed" and "is not finite" in seen.error
    return (whole or diverged) and not is_locked(folder)


def write_record(run: PlannedRun, folder: Path, records: Path) -> Path:
    """Puts the record of a run that is over into `records`. UserError if the folder holds another run."""
    source = RunFolder(folder)
    config = yaml.safe_load(source.config.read_text(encoding="utf-8"))
    for difference in differences(run, config):
        raise UserError(f"{folder} is not the run of the list: {difference}")
    unfinished = records / f".{run.name}.tmp"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    (unfinished / RECORD).write_bytes(gzip.compress(source.metrics.read_bytes(), mtime=0))
    (unfinished / CONFIG).write_text(to_yaml(config | {"resume": None}), encoding="utf-8")
    text = json.dumps(provenance(run, summarize(folder), source.starts()), indent=1)
    (unfinished / PROVENANCE).write_text(text + "\n", encoding="utf-8")
    return unfinished.rename(records / run.name)


def differences(run: PlannedRun, config: Mapping[str, Any]) -> Iterator[str]:
    """Where a config.yaml is not what the list asks for. Options of groups are not compared, single values are."""
    found = flat(config)
    wanted = flat(OmegaConf.to_container(OmegaConf.from_dotlist(run.overrides)))
    for key, value in ({"env.name": run.row.environment} | wanted).items():
        if key in found and not isinstance(found[key], Mapping) and found[key] != value:
            yield f"{key}={found[key]}, where the list has {value}"


def provenance(run: PlannedRun, end: RunSummary, starts: list[dict[str, Any]]) -> dict[str, Any]:
    """The command, how the run ended, and for each of its starts code, kernels, versions and kind of machine."""
    return {
        "command": shlex.join(["ddpg-train", *run.overrides]),
        "state": end.state,
        "env_step": end.reached_step,
        "error": end.error or None,
        "starts": [_reduced(start) for start in starts],
    }


def _reduced(start: Mapping[str, Any]) -> dict[str, Any]:
    git = start.get("git") or {}
    kept = {key: start.get(key) for key in KEPT_OF_START}
    machine = {key: start["machine"].get(key) for key in KEPT_OF_MACHINE}
    return kept | {"commit": git.get("commit"), "uncommitted": _uncommitted(git), "machine": machine}


def _uncommitted(git: Mapping[str, Any]) -> list[str]:
    """The files of the code that were not as in the commit; "..." if the list may go on."""
    changed = re.findall(r"^diff --git a/(\S+) ", git.get("diff", ""), re.MULTILINE)
    files = [path for path in (*changed, *git.get("untracked", ())) if path.startswith(CODE)]
    return files + ["..."] * bool(git.get("diff_cut_by") or git.get("untracked_cut_by"))


def collect(plan: Plan, folder: Path, records: Path) -> Iterator[str]:
    """Takes over the runs of the list that lie in a folder and are over; says what became of each run that is there."""
    for run in plan.runs():
        found = folder / run.name
        if not found.is_dir():
            continue
        if has_record(run, records):
            yield f"{run.name} has a record already"
        elif is_over(found, run):
            yield f"{run.name} is taken over: {write_record(run, found, records)}"
        else:
            yield f"{run.name} is not finished: {summarize(found).reached_step:,} of {run.row.steps:,} steps"
