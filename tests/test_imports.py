"""Who may import what: outside libraries have one home, and our own modules form layers."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "ddpg").rglob("*.py"))
}

#: Who may import a library; a package stands for all its modules.
HOMES = {
    "hydra": ("ddpg.build", "ddpg.choices", "ddpg.complaints", "ddpg.precheck", "ddpg.sweep", "ddpg.cli"),
    "omegaconf": (
        "ddpg.config",
        "ddpg.build",
        "ddpg.play",
        "ddpg.run",
        "ddpg.choices",
        "ddpg.complaints",
        "ddpg.precheck",
        "ddpg.sweep",
        "ddpg.command_line",
        "ddpg.cli",
    ),
    "submitit": ("ddpg.sweep",),
    "wandb": ("ddpg.tracking",),
    "tensorboard": ("ddpg.tracking",),
    "pybullet": ("ddpg.envs",),
    "pybullet_envs_gymnasium": ("ddpg.envs",),
    "dm_control": ("ddpg.envs",),
    "shimmy": ("ddpg.envs",),
    "mujoco": ("ddpg.envs",),
    "matplotlib": ("ddpg.plot", "ddpg.report"),
    "pandas": ("ddpg.report",),
    "rliable": ("ddpg.report",),
}

#: From the ground up; a module may import from lower layers, and its own package.
LAYERS = [
    ["ddpg", "ddpg.errors", "ddpg.native", "ddpg.types"],
    ["ddpg.run_folder", "ddpg.tape"],
    [
        "ddpg.envs", "ddpg.evaluate", "ddpg.interrupt", "ddpg.machine", "ddpg.networks",
        "ddpg.optimizers", "ddpg.promise", "ddpg.provenance", "ddpg.replay", "ddpg.schedule", "ddpg.seeding",
        "ddpg.signature", "ddpg.tracking",
    ],
    ["ddpg.agent", "ddpg.checkpoint", "ddpg.config", "ddpg.noise", "ddpg.plot"],
    ["ddpg.diagnostics"],
    ["ddpg.trainer"],
    ["ddpg.build"],
    ["ddpg.play", "ddpg.report"],
    ["ddpg.choices", "ddpg.run"],
    ["ddpg.complaints", "ddpg.sweep"],
    ["ddpg.precheck"],
    ["ddpg.command_line"],
    ["ddpg.cli"],
    ["ddpg.sweep_cli"],
]  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere; `from a import b` gives a.b if that is a module of ours."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from (names & MODULES.keys()) or {node.module or ""}


def unit(module: str) -> str:
    """The part of the architecture that a module belongs to: ddpg.envs.spec is part of ddpg.envs."""
    return ".".join(module.split(".")[:2])


def layer(module: str) -> int:
    return next(number for number, units in enumerate(LAYERS) if unit(module) in units)


@pytest.mark.parametrize("module", MODULES)
def test_library_has_one_home(module: str) -> None:
    strangers = [
        name
        for name in imports(MODULES[module])
        if unit(module) not in HOMES.get(name.partition(".")[0], (unit(module),))
    ]
    assert not strangers, f"{module} must not import {strangers}"


def test_every_module_has_a_layer() -> None:
    assert {unit(module) for module in MODULES} == {name for units in LAYERS for name in units}


@pytest.mark.parametrize("module", MODULES)
def test_layers_import_downwards(module: str) -> None:
    ours = [name for name in imports(MODULES[module]) if name.partition(".")[0] == "ddpg"]
    upwards = [name for name in ours if unit(name) != unit(module) and layer(name) >= layer(module)]
    assert not upwards, f"{module} must not import {upwards}"


def test_scripts_import_the_command_line_alone() -> None:
    for script in ("train.py", "evaluate.py"):
        assert list(imports(ROOT / "scripts" / script)) == ["ddpg.cli"]


#: Each takes time or memory from a run that does not use it; matplotlib comes for the picture at the end.
NOT_FOR_A_RUN = {
    "dm_control", "imageio_ffmpeg", "matplotlib", "mujoco", "pandas", "pybullet", "submitit", "sympy", "tensorboard",
    "torch._dynamo", "wandb",
}  # fmt: skip


def test_training_imports_what_it_uses(tmp_path: Path) -> None:
    """In a process of its own: builds, evaluates, learns, writes a checkpoint, all but the picture."""
    code = f"""
import sys
from ddpg import cli, run
run._show = lambda *_: None
sys.argv = ["ddpg-train", "hydra.run.dir={tmp_path}/run", "total_steps=60", "random_steps=20", "batch_size=8",
            "eval.episodes=1", "logger=silent"]
cli.train()
print(*sorted({NOT_FOR_A_RUN} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (tmp_path / "run" / "actor.pt").exists()
    assert done.stdout.split() == []
