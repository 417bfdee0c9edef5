"""The command `ddpg-export`: a run's policy as files that other programs load."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ddpg.commands.command_line import (
    find_own_packages,
    is_value,
    key_values,
    one_line_errors,
    print_help,
    print_progress,
)
from ddpg.config.signature import fit
from ddpg.errors import UserError
from ddpg.export.usage import loading
from ddpg.interrupt import ending_at_once
from ddpg.policies import Description
from ddpg.policies.description import Which
from ddpg.policies.load import FORMATS, FormatName, absent
from ddpg.ranges import PositiveInt
from ddpg.record.find_run import require_there
from ddpg.record.run_folder import RunFolder
from ddpg.remote.hub import require_upload, upload


@dataclass
class ExportArguments:
    """The arguments of `ddpg-export`: the run folder, then KEY=VALUE."""

    folder: str
    format: str | None = field(
        default=None,
        metadata={
            "help": f"{', '.join(FORMATS)}, one or several as in format=safetensors,pt2; "
            "null: safetensors, and onnx where the extra onnx is installed"
        },
    )
    out: str | None = field(
        default=None,
        metadata={"help": "folder that is written; null: RUN/policy, or RUN/policy_best with actor=best"},
    )
    actor: Which = field(
        default="last", metadata={"help": "last, or best: the one with the best evaluation in training"}
    )
    episodes: PositiveInt = field(
        default=10, metadata={"help": "how many each format plays before it is kept, those of ddpg-eval; at least 1"}
    )
    license: str | None = field(default=None, metadata={"help": "licence of the policy, such as mit"})
    video: bool = field(default=False, metadata={"help": "true shows the first episode in the card, as replay.mp4"})
    hub: str | None = field(
        default=None, metadata={"help": "USER/NAME: model repository of the Hugging Face Hub that the folder goes to"}
    )
    private: bool = field(default=False, metadata={"help": "true makes a repository that others do not see"})


def main() -> None:
    """`ddpg-export RUN [KEY=VALUE ...]`: write the policy of a run, and say what was found when it was run."""
    find_own_packages()
    print_progress()
    with one_line_errors("ddpg-export"):
        arguments = export_arguments(sys.argv[1:])
        formats = chosen_formats(arguments.format)
        out = Path(arguments.out or default_out(arguments.folder, arguments.actor))
        require_hub(arguments)
        require_there(Path(arguments.folder), arguments.folder)
        with ending_at_once():
            from ddpg.export.write import export  # torch is loaded when there is something to write

        description = export(
            RunFolder(Path(arguments.folder)),
            formats,
            arguments.actor,
            out,
            arguments.episodes,
            arguments.license,
            source=f"hub:{arguments.hub}" if arguments.hub else None,
            video=arguments.video,
        )
        print("\n".join(summary(description, out, arguments.folder)))
        if arguments.hub is not None:
            print("\n".join(published(description, out, arguments.hub, arguments.private)))


def export_arguments(words: Sequence[str]) -> ExportArguments:
    """Read the words after `ddpg-export`; print the help text and exit if they ask for it.

    Raises UserError for a word that does not fit.
    """
    usage = (
        "ddpg-export RUN [KEY=VALUE ...]: the policy of the run in the folder RUN, as files that are loaded without "
        "the run\n(docs/export.md)"
    )
    options = fields(ExportArguments)[1:]
    print_help(words, usage, options)
    if not words or is_value(words[0]):
        raise UserError(f"the run folder comes first: ddpg-export RUN {' '.join(f'[{f.name}=...]' for f in options)}")
    values = key_values(words[1:], "format=onnx", texts=("out",))
    return ExportArguments(**fit({"folder": words[0], **values}, ExportArguments))


def require_hub(arguments: ExportArguments) -> None:
    """Raise UserError if it is clear beforehand that the folder cannot go where `hub=` says."""
    if arguments.hub is not None:
        require_upload(arguments.hub)
    elif arguments.private:
        raise UserError("private=true is about the repository that hub=USER/NAME names, and none is named")


def chosen_formats(words: str | None) -> list[str]:
    """Return the names in `format=`, each once; by default what can be written here and be loaded by anybody."""
    if words is None:
        return ["safetensors"] if absent(FORMATS["onnx"].writers) else ["safetensors", "onnx"]
    names = [fit(name.strip(), FormatName, "format") for name in words.split(",")]
    return list(dict.fromkeys(names))


def default_out(folder: str, actor: str) -> Path:
    """Return the folder for an actor of a run, named as its actor*.pt."""
    return Path(folder) / ("policy" if actor == "last" else f"policy_{actor}")


def summary(description: Description, out: Path, run: str) -> list[str]:
    """Describe in lines what was written and found."""
    assert description.evaluation is not None
    lines = [f"{out}: the {description.actor} actor of {run}, stored after {description.env_step} env steps"]
    for name, check in description.checks.items():
        lines.append(f"  {_size(out / FORMATS[name].file)}  {_found(check)}")
    lines.append(f"  {_size(out / 'policy.json')}")
    returns = np.array(description.evaluation.returns)
    lines.append(f"{len(returns)} noise-free episodes of the run's actor: {_spread(returns)}")
    lines.append(_in_python(description, str(out)))
    return lines


def published(description: Description, out: Path, repo: str, private: bool) -> list[str]:
    """Upload an exported folder, and describe in lines where it is. Raises UserError as `upload` does."""
    commit, url = upload(out, repo, private)
    return [f"on the Hub: {url}", _in_python(description, f"hub:{repo}@{commit}")]


def _in_python(description: Description, source: str) -> str:
    imports, call = loading(description, source)
    return f"in Python: {'; '.join([*imports, call])}"


def _size(path: Path) -> str:
    return f"{path.name:18} {path.stat().st_size / 1000:8.1f} kB"


def _found(check: Mapping[str, Any]) -> str:
    """Say how a format's actions and returns compare with those of the run's actor."""
    observations = f"{check['observations']} observations"
    if check["exact"]:
        return f"equal to the last bit on {observations}; {_spread(np.array(check['returns']))}"
    difference = f"differs by at most {check['largest_difference']:.1e} of half an action's range on {observations}"
    rounding = f"float32 itself rounds by {check['rounding']:.1e}"
    return f"{difference} ({rounding}); {_spread(np.array(check['returns']))}"


def _spread(returns: np.ndarray) -> str:
    return f"return {returns.mean():.2f} +- {returns.std():.2f}"
