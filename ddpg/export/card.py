"""README.md of an exported folder: a model card as the Hugging Face Hub reads it, written without its package."""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import yaml

from ddpg.config.settings import OF_THE_START
from ddpg.distribution import distribution_name
from ddpg.envs.suites import suite_of
from ddpg.export.results import Results, model_index, results
from ddpg.export.usage import ways
from ddpg.policies import Description
from ddpg.policies.load import FORMATS
from ddpg.record.pictures import optional_pictures
from ddpg.record.run_folder import RunFolder
from ddpg.remote.fetch import FROM_HUB
from ddpg.remote.files import CARD, CURVE, VIDEO
from ddpg.report.metric import Metric
from ddpg.report.origin import Origin
from ddpg.report.reading import RunRecord, read_record
from ddpg.report.references import references
from ddpg.report.repeat import PRIVATE, repeat
from ddpg.run.playing.playable import code_of

RETURN = Metric("eval/episodic_return")
#: What of the config says where a run was watched and how it was started, not what was learned.
NOT_LEARNED = (*PRIVATE, *OF_THE_START, "fork")
#: The options of the group algorithm that papers have a name for. Others are DDPG with settings.
VARIANTS = ("td3", "d4pg")
#: The packages whose versions decide what the policy and its environment do.
PACKAGES = ("python", "ddpg", "torch", "numpy", "gymnasium", "mujoco", "dm_control", "pybullet", "box2d")


def write_card(folder: Path, description: Description, run: RunFolder, source: str) -> Path:
    """Write README.md, and learning_curve.png if the run has a record, into an exported folder.

    Args:
        folder: with the files that the description names, and replay.mp4 if there is one.
        description: what policy.json says.
        run: where the policy was learned.
        source: what a reader loads it by: hub:USER/NAME, or the name that the folder will have.

    Raises UserError if the folder of the run has no config.
    """
    record = read_record(run.path)
    if run.metrics.exists():
        _draw(run, description, folder / CURVE)
    template = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    text = files("ddpg.export").joinpath("card.md").read_text("utf-8")
    values = _values(folder, description, record, source)
    path = folder / CARD
    path.write_text(template.from_string(text).render(values), encoding="utf-8")
    return path


def _draw(run: RunFolder, description: Description, path: Path) -> None:
    with optional_pictures(path.name):
        # imported here, because matplotlib takes 0.4 s
        from ddpg.record.learning_curve import learning_curve

        learning_curve(run.path, f"{description.environment['name']}, seed {description.seed}", path)


def _values(folder: Path, description: Description, record: RunRecord, source: str) -> dict[str, Any]:
    """Return what the template shows."""
    evaluation = results(description)
    algorithm = _algorithm(record)
    preset = record.choices.get("preset")
    distribution = distribution_name() or "ddpg"
    trusted = _needs_trust(description)
    return {
        "head": yaml.safe_dump(_head(description, algorithm, distribution, evaluation), sort_keys=False),
        "algorithm": algorithm,
        "preset": f" (preset `{preset}`)" if preset else "",
        "environment": _environment(description),
        "env_steps": f"{description.env_step:,}",
        "observation": description.observation,
        "action": description.action,
        "video": (folder / VIDEO).exists(),
        "curve": (folder / CURVE).exists(),
        "evaluation": evaluation,
        "actor": _actor(description),
        "published": list(_published(record)),
        "ways": ways(description, source),
        "interface": _interface(description),
        "play": f"ddpg-eval {source}{' trust=true' if trusted else ''}",
        "trusted": trusted,
        "install": _install(distribution, description, source),
        "setting": list(_setting(description)),
        "again": repeat(record, public=True),
        "seed": description.seed,
        "commit": _commit(record),
        "config": yaml.safe_dump(
            {key: value for key, value in record.config.items() if key not in NOT_LEARNED}, sort_keys=False
        ),
        "limits": list(_limits(description, evaluation, record.origin)),
    }


def _algorithm(record: RunRecord) -> str:
    """Name the algorithm as papers do: the class that learns, or the variant of DDPG that an option is named after."""
    option = record.choices.get("algorithm")
    return str(option).upper() if option in VARIANTS else record.config["algorithm"]["_target_"].rpartition(".")[2]


def _head(description: Description, algorithm: str, distribution: str, evaluation: Results | None) -> dict[str, Any]:
    """Return the metadata by which the Hub finds and shows a model."""
    environment = _environment(description)
    head: dict[str, Any] = {} if description.license is None else {"license": description.license}
    head |= {
        "library_name": distribution,
        "pipeline_tag": "reinforcement-learning",
        "tags": ["reinforcement-learning", "deep-reinforcement-learning", algorithm.lower(), environment],
    }
    if evaluation is not None:
        head["model-index"] = model_index(algorithm, environment, evaluation)
    return head


def _environment(description: Description) -> str:
    """Return the id of the environment, or its name if it is of another kind."""
    return str(description.environment.get("id") or description.environment["name"])


def _actor(description: Description) -> str:
    if description.actor == "best":
        return f"the one with the best evaluation in training, after {description.env_step:,} env steps"
    return f"the last one, after {description.env_step:,} env steps"


def _published(record: RunRecord) -> Iterator[Mapping[str, str]]:
    """Yield the scores that the source of the preset publishes for this environment, as the table shows them."""
    for reference in references([record], RETURN):
        spread = "" if reference["spread"] is None else f" ± {reference['spread']:g} ({reference['spread_kind']})"
        yield {
            "source": reference["source"],
            "url": reference["url"],
            "score": f"{reference['score']:g}{spread}",
            "convention": reference["convention"],
            "protocol": f"{reference['protocol']}; env steps: {reference['steps']:,}",
            "differs": reference["differs"] or "",
        }


def _interface(description: Description) -> str:
    """Say what the observations and actions of the policy are for the environment."""
    if not description.conversions:
        return "`obs` is one observation as the environment gives it; `action` goes to `env.step` as it is."
    but = "; ".join(description.conversions)
    return f"`obs` is one observation of the environment and `action` goes to `env.step`, but {but}."


def _needs_trust(description: Description) -> bool:
    """Whether ddpg-eval plays the policy only if it may run code that policy.json names."""
    builds_network = FORMATS["onnx"].file not in description.files
    return bool(code_of(description.environment)) or (bool(description.network.foreign) and builds_network)


def _install(distribution: str, description: Description, source: str) -> str:
    """Name what pip installs for ddpg-eval: this package with the extras of the environment and of the source."""
    extras = ["hub"] if source.startswith(FROM_HUB) else []
    suite = suite_of(_environment(description)).extra
    extras += [suite] if suite else []
    return f"'{distribution}[{','.join(extras)}]'" if extras else distribution


def _setting(description: Description) -> Iterator[tuple[str, str]]:
    """Yield the rows of the table about the environment and the versions."""
    node = description.environment
    yield "id", f"`{_environment(description)}`"
    for key in ("imports", "wrappers", "kwargs", "max_episode_steps", "pixels"):
        if node.get(key):
            yield key.replace("_", " "), f"`{_cell(node[key])}`"
    if description.action_repeat > 1:
        yield "action repeat", f"each action is repeated for {description.action_repeat} simulator steps"
    yield "observation", str(description.observation)
    yield "action", str(description.action)
    versions = {name: description.versions.get(name) for name in PACKAGES}
    yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def _cell(value: Any) -> str:
    """Return a value of the config as a cell of a table: on one line, and without ending the cell."""
    return json.dumps(value, ensure_ascii=False).replace("|", "\\|")


def _commit(record: RunRecord) -> str:
    """Say which commit of this program trained, if that is on record."""
    code = next((start["git"] for start in record.starts if start.get("git")), None)
    if code is None or not code.get("commit"):
        return ""
    return f", code of commit {code['commit'][:12]}{' with uncommitted changes' if code.get('dirty') else ''}"


def _limits(description: Description, evaluation: Results | None, origin: Origin | None) -> Sequence[str]:
    """Return what a reader shall not conclude."""
    limits = [
        f"One training run, seed {description.seed}. Runs of this algorithm differ much between seeds: nothing here "
        "says what another seed reaches, and one run says little about the algorithm.",
        "The returns are those of the simulator above. Another version, other parameters or a real machine can give "
        "others; nothing was learned about states that training never met, and no action was checked for safety.",
    ]
    if origin is not None:
        limits.append(
            f"It continues another run from env step {origin.env_step:,}; what is listed here holds from there on."
        )
    if description.actor == "best":
        limits.append(
            "The actor was chosen as the best of its run's evaluations, so those flatter it; the evaluation above has "
            "other starts."
        )
    if evaluation is None:
        limits.append("It was not evaluated when it was exported.")
    return limits
