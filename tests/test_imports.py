"""Imports: each outside library has one home, and the modules of this package form rooms in an order."""

import ast
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "ddpg").rglob("*.py"))
}

#: Who may import a library; a package stands for all its modules.
HOMES = {
    "hydra": (
        "ddpg.run.node",
        "ddpg.run.env_spec",
        "ddpg.sweep",
        "ddpg.composition",
        "ddpg.search",
        "ddpg.api",
        "ddpg.commands",
    ),
    "omegaconf": (
        "ddpg.config",
        "ddpg.record.config_file",
        "ddpg.run",
        "ddpg.sweep",
        "ddpg.composition",
        "ddpg.search",
        "ddpg.export",
        "ddpg.api",
        "ddpg.commands",
    ),
    "optuna": ("ddpg.search",),
    "submitit": ("ddpg.sweep", "ddpg.search.job"),
    "wandb": ("ddpg.record.tracking",),
    "tensorboard": ("ddpg.record.tracking",),
    "pybullet": ("ddpg.envs",),
    "pybullet_envs_gymnasium": ("ddpg.envs",),
    "dm_control": ("ddpg.envs",),
    "shimmy": ("ddpg.envs",),
    "mujoco": ("ddpg.envs",),
    "matplotlib": ("ddpg.record.figure", "ddpg.record.learning_curve", "ddpg.report"),
    "pandas": ("ddpg.api",),
    "polars": ("ddpg.api",),
    "rliable": (),
    "scipy": ("ddpg.report", "ddpg.search"),
    "huggingface_hub": ("ddpg.remote",),
    "jinja2": ("ddpg.export", "ddpg.report"),
    "msgspec": ("ddpg.record.tracking",),
    "pyarrow": ("ddpg.report",),
}

#: The rooms, from the ground up; a module may import from the rooms before its own, and from its own.
GROUND = (
    "ddpg.apart", "ddpg.cache", "ddpg.constructors", "ddpg.distribution", "ddpg.errors", "ddpg.interrupt", "ddpg.lazy",
    "ddpg.patience", "ddpg.procfs", "ddpg.ranges", "ddpg.streams", "ddpg.version",
)  # fmt: skip
ROOMS = (
    "ddpg.learner", "ddpg.policies", "ddpg.envs", "ddpg.fast", "ddpg.config", "ddpg.record", "ddpg.remote",
    "ddpg.training", "ddpg.run", "ddpg.sweep", "ddpg.composition", "ddpg.search", "ddpg.report", "ddpg.export",
    "ddpg.api", "ddpg",
    "ddpg.commands",
)  # fmt: skip
#: The rooms inside ddpg.sweep, in the same order.
SWEEP_ROOMS = (
    "process", "options", "slurm", "slurm_checks", "state", "job_config", "freeze", "execute", "forecast", "launch",
    "serial", "control", "sync",
)  # fmt: skip


@cache  # several tests ask about the same file
def imports(path: Path) -> tuple[str, ...]:
    """List each module that a file imports anywhere; `from a import b` gives a.b if that is a module of ddpg."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found += (names & MODULES.keys()) or {node.module or ""}
    return tuple(found)


def room(module: str) -> int:
    """Return the number of the room that a module lies in; 0 is the ground."""
    if module in GROUND:
        return 0
    return 1 + ROOMS.index(".".join(module.split(".")[:2]))


def lies_in(module: str, places: Sequence[str]) -> bool:
    """Tell whether a module is one of these, or inside one of these packages."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("module", MODULES)
def test_library_has_one_home(module: str) -> None:
    libraries = [name.partition(".")[0] for name in imports(MODULES[module])]
    strangers = [name for name in libraries if name in HOMES and not lies_in(module, HOMES[name])]
    assert not strangers, f"{module} must not import {strangers}"


@pytest.mark.parametrize("module", MODULES)
def test_rooms_import_downwards(module: str) -> None:
    ours = [name for name in imports(MODULES[module]) if name.partition(".")[0] == "ddpg"]
    upwards = [name for name in ours if room(name) > room(module)]
    assert not upwards, f"{module} must not import {upwards}"


def test_the_learner_imports_torch_and_numpy_alone() -> None:
    learner = [path for module, path in MODULES.items() if lies_in(module, ["ddpg.learner"])]
    libraries = {name.partition(".")[0] for path in learner for name in imports(path)}
    assert libraries - sys.stdlib_module_names == {"ddpg", "numpy", "torch"}


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("ddpg.sweep.")])
def test_rooms_of_sweep_import_downwards(module: str) -> None:
    def place(name: str) -> int:
        return SWEEP_ROOMS.index(name.split(".")[2])

    upwards = [
        name for name in imports(MODULES[module]) if name.startswith("ddpg.sweep.") and place(name) > place(module)
    ]
    assert not upwards, f"{module} must not import {upwards}"


def test_modules_import_in_no_circle() -> None:
    """Imports inside functions and for the type checker count, too."""
    graph = {module: imports(path) for module, path in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def test_scripts_import_the_command_line_alone() -> None:
    for name in ("train", "evaluate"):
        assert imports(ROOT / "scripts" / f"{name}.py") == ("ddpg.commands.entry",)


#: Each takes time or memory from a run that does not use it; matplotlib is for the picture at the end.
NOT_FOR_A_RUN = {
    "dm_control", "imageio_ffmpeg", "matplotlib", "mujoco", "pandas", "pybullet", "submitit", "sympy", "tensorboard",
    "torch._dynamo", "wandb",
}  # fmt: skip


def test_training_imports_what_it_uses(tmp_path: Path) -> None:
    """Another process builds, evaluates, learns and writes a checkpoint, but draws no picture."""
    code = f"""
import sys
from ddpg.commands import train
from ddpg.run import lifecycle as run
run._show = lambda *_: None
sys.argv = ["ddpg-train", "hydra.run.dir={tmp_path}/run", "total_steps=60", "random_steps=20", "batch_size=8",
            "eval.episodes=1", "logger=silent"]
train.main()
print(*sorted({NOT_FOR_A_RUN} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (tmp_path / "run" / "actor.pt").exists()
    assert done.stdout.split() == []
