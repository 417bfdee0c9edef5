"""From a run folder to a folder with its policy, in formats that were run before they are kept."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from ddpg.config.settings import check
from ddpg.config.targets import imported
from ddpg.export.folder import replacing
from ddpg.export.formats import require_packages, write
from ddpg.export.proof import prove
from ddpg.policies import Description
from ddpg.policies.actors import Deployed, policy_of
from ddpg.policies.description import FILE, PACKAGE_NETWORKS
from ddpg.policies.load import require_known
from ddpg.policies.reading import sha256
from ddpg.record.config_file import read_config
from ddpg.record.find_run import require_run
from ddpg.record.provenance import package_version
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import make_env
from ddpg.run.env_spec import build_env_spec
from ddpg.run.policies import Which, stored_actor
from ddpg.training.seeding import process_generators_kept

#: The packages whose versions are written beside those of the run.
PACKAGES = ("safetensors", "onnx", "onnxscript", "onnxruntime")


def export(
    folder: RunFolder, formats: Sequence[str], which: Which, out: Path, episodes: int, license: str | None
) -> Description:
    """Write the last or the best actor of a run into the folder `out`, and run what was written.

    Nothing appears before all checks have passed; an exported policy that is there is replaced then. The generators
    of the process and torch's number of threads are afterwards as they were. Returns the description, with the
    evaluation and what was found of each format.

    Raises UserError if the folder is no run, has no such actor, a format is unknown, cannot be written or loaded, or
    gives other actions than the run's actor.
    """
    for format in formats:
        require_known(format)
    require_packages(formats)
    require_run(folder.path, str(folder.path))
    cfg = check(read_config(folder.config))
    with process_generators_kept(), _threads(cfg.threads), replacing(out) as new:
        return _write_proved(cfg, folder, formats, which, new, episodes, license)


def _write_proved(
    cfg: DictConfig,
    folder: RunFolder,
    formats: Sequence[str],
    which: Which,
    new: Path,
    episodes: int,
    license: str | None,
) -> Description:
    """Write the files of a policy into a new folder and run them."""
    make = partial(make_env, build_env_spec(cfg), cfg.seed)
    with closing(make()) as env:
        actor, described = stored_actor(cfg, folder, which, env)
    versions = {**described.versions, **{package: package_version(package) for package in PACKAGES}}
    described = replace(described, license=license, versions=versions)
    original = policy_of(actor, described, "run")
    deployed = Deployed(actor, described)
    for format in formats:
        write(format, deployed, described, new)
    hashes = {path.name: sha256(path.read_bytes()) for path in sorted(new.iterdir())}
    written = replace(described, files=hashes)
    write_description(written, new)
    evaluation, checks = prove(new, formats, original, make, episodes, _own_classes(cfg, described))
    proved = replace(written, evaluation=evaluation, checks=checks)
    write_description(proved, new)
    return proved


def write_description(description: Description, folder: Path) -> None:
    """Write policy.json."""
    text = json.dumps(description.as_json(), indent=2, allow_nan=False)
    (folder / FILE).write_text(f"{text}\n", encoding="utf-8")


def _own_classes(cfg: DictConfig, description: Description) -> list[Callable[..., Any]]:
    """List the class of the run's actor, if it is a user's."""
    if description.network.target in PACKAGE_NETWORKS:
        return []
    return [imported(cfg.network.actor["_target_"], "network.actor._target_")]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch compute with this number of threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
