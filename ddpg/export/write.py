"""From a run folder to a folder with its policy, in formats that were run before they are kept."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ddpg.export.card import write_card
from ddpg.export.folder import replacing
from ddpg.export.formats import require_packages, write
from ddpg.export.proof import Original, original_of, prove
from ddpg.policies import Description
from ddpg.policies.actors import Deployed
from ddpg.policies.description import Which
from ddpg.policies.load import require_known
from ddpg.policies.writing import write_description, write_hashed
from ddpg.record.config_file import read_config
from ddpg.record.find_run import require_run
from ddpg.record.provenance import package_version
from ddpg.record.run_folder import RunFolder
from ddpg.remote.files import VIDEO
from ddpg.run.names import constructors_with_names
from ddpg.run.playing import open_playable, play_seeds, record
from ddpg.run.policies import config_and_env, stored_actor

#: The packages whose versions are written beside those of the run.
PACKAGES = ("safetensors", "onnx", "onnxscript", "onnxruntime")


def export(
    folder: RunFolder,
    formats: Sequence[str],
    which: Which,
    out: Path,
    episodes: int,
    license: str | None,
    source: str | None = None,
    video: bool = False,
) -> Description:
    """Write the last or the best actor of a run into the folder `out` with a model card, and run what was written.

    Nothing appears before all checks have passed; an exported policy that is there is replaced then. The generators
    of the process and torch's number of threads are afterwards as they were. The card says that the policy is loaded
    from `source`, or from the folder's name; with `video` it shows the first episode, as replay.mp4. Returns the
    description, with the evaluation and what was found of each format.

    Raises UserError if the folder is no run, has no such actor, a format is unknown, cannot be written or loaded, or
    gives other actions than the run's actor, if what the actor is made of has no name, or if the environment cannot be
    drawn.
    """
    require_run(folder.path, str(folder.path))
    for format in formats:
        require_known(format)
    require_packages(formats)
    playable = open_playable(folder.path, which)
    with replacing(out) as new:
        written, original = _written(folder, formats, which, new, license)
        classes = constructors_with_names(read_config(folder.config).network.actor, "network.actor")
        if video:
            record(playable, play_seeds(1, 0)[0], new / VIDEO)
        evaluation, checks = prove(new, formats, original, playable, episodes, classes)
        proved = replace(written, evaluation=evaluation, checks=checks)
        write_description(proved, new)
        write_card(new, proved, folder, source or out.name)
        return proved


def _written(
    folder: RunFolder, formats: Sequence[str], which: Which, new: Path, license: str | None
) -> tuple[Description, Original]:
    """Write an actor of a run in each format and describe it; return the description, and the actor."""
    with config_and_env(folder) as (cfg, env):
        actor, described = stored_actor(cfg, folder, which, env)
    versions = {**described.versions, **{package: package_version(package) for package in PACKAGES}}
    described = replace(described, license=license, versions=versions)
    original = original_of(actor, described)
    deployed = Deployed(actor, described)
    for format in formats:
        write(format, deployed, described, new)
    return write_hashed(described, new), original
