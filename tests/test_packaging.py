"""The wheel, built from the checkout and installed elsewhere: all is in it, and its commands run alone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.slurm_cluster import Cluster
from support.slurm_sweep import Sweep, fingerprint

ROOT = Path(__file__).parent.parent
Command = Callable[..., subprocess.CompletedProcess[str]]

# One process builds the wheel, where pytest-xdist runs several.
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, for setuptools would leave its build/ in the checkout; without a network."""
    source, out = tmp_path_factory.mktemp("source") / "ddpg", tmp_path_factory.mktemp("wheel")
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("ddpg", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and its commands in bin/."""
    site = tmp_path_factory.mktemp("site")
    options = ["--no-deps", "--no-index", "--disable-pip-version-check", "--quiet", "--target", site]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
    return site


@pytest.fixture
def command(site: Path, tmp_path: Path) -> Command:
    """Run an installed command in an empty folder; the wheel comes before the checkout on Python's path."""

    def _run(name: str, *arguments: str, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"PYTHONPATH": str(site), "WANDB_MODE": "disabled", "PYTHONDONTWRITEBYTECODE": "1"}
        script = [sys.executable, site / "bin" / name, *arguments]
        return subprocess.run(script, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)

    return _run


def test_wheel_has_every_module_and_yaml(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = [
        p for top in ("ddpg", "hydra_plugins") for p in (ROOT / top).rglob("*") if p.suffix in (".py", ".c", ".h")
    ]
    page = ROOT / "ddpg" / "report" / "page"
    sources += [p for pattern in ("*.html", "*.css", "js/*.js", "vendor/*") for p in page.glob(pattern)]
    sources += [ROOT / "ddpg" / "export" / "card.md", ROOT / "ddpg" / "py.typed"]
    modules = {p.relative_to(ROOT).as_posix() for p in sources}
    yaml = {f"ddpg/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "conf").rglob("*.yaml")}
    assert packed == modules | yaml | {"ddpg/conf/__init__.py"}


def test_config_comes_from_the_wheel(command: Command, site: Path) -> None:
    done = command("ddpg-train", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "total_steps:" in done.stdout
    where = [
        sys.executable,
        "-c",
        "import ddpg.commands.train, ddpg.conf; print(ddpg.commands.train.__file__, ddpg.conf.__file__)",
    ]
    files = subprocess.check_output(where, env=os.environ | {"PYTHONPATH": str(site)}, cwd=site, text=True)
    assert all(file.startswith(str(site)) for file in files.split())


def test_example_of_an_own_project(command: Command, tmp_path: Path) -> None:
    """docs/extending.md: the installed wheel trains an environment and a noise from outside the framework."""
    project = tmp_path / "my_project"
    shutil.copytree(ROOT / "examples" / "my_project", project)
    own = ["--config-dir", "conf", "env=my_robot", "noise=my_noise"]
    short = ["total_steps=300", "random_steps=100", "batch_size=16", "eval.every=300", "eval.episodes=1"]
    done = command("ddpg-train", *own, *short, "hydra.run.dir=run", cwd=project)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (project / "run").iterdir()}
    assert {"metrics.jsonl", "config.yaml", "actor.pt", "learning_curve.png"} <= written
    config = (project / "run" / "config.yaml").read_text()
    assert "id: MyRobot-v0" in config
    assert "_target_: my_package.HeldNoise" in config


def test_algorithm_of_an_own_project(command: Command, tmp_path: Path) -> None:
    """docs/extending.md: SAC, with a network and an optimizer that ours do not have; its policy plays, too."""
    project = tmp_path / "my_project"
    shutil.copytree(ROOT / "examples" / "my_project", project)
    short = ["total_steps=200", "random_steps=100", "batch_size=16", "eval.every=200", "eval.episodes=1"]
    small = ["network.actor.hidden=[16]", "network.critic.hidden=[16]"]
    own = ["--config-dir", "conf", "preset=sac", "env=pendulum"]
    done = command("ddpg-train", *own, *short, *small, "hydra.run.dir=run", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "_target_: my_package.sac.SAC" in (project / "run" / "config.yaml").read_text()
    evaluated = command("ddpg-eval", "run", "episodes=1", cwd=project)
    assert evaluated.returncode == 0, evaluated.stderr
    assert "1 noise-free episode" in evaluated.stdout


def test_own_class_is_checked_like_ours(command: Command) -> None:
    project = ROOT / "examples" / "my_project"
    own = ["--config-dir", "conf", "env=my_robot", "noise=my_noise"]
    done = command("ddpg-train", *own, "noise.hold=0", cwd=project)
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == "ddpg-train: noise.hold=0 is out of range: it must be at least 1"


def test_a_class_that_cannot_be_imported_is_named(command: Command) -> None:
    own = ["--config-dir", str(ROOT / "examples" / "my_project" / "conf"), "noise=my_noise"]
    done = command("ddpg-train", *own)
    assert done.returncode != 0
    assert "noise._target_=my_package.HeldNoise cannot be imported" in done.stderr.splitlines()[-1]


@pytest.fixture
def fresh(wheel: Path, tmp_path: Path) -> Path:
    """A new environment with the wheel; the libraries are those of this one, for want of a network."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    install = ["install", "--no-deps", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "--python", venv / "bin" / "python", *install, wheel], check=True)
    libraries = next(venv.glob("lib/python*/site-packages")) / "libraries.pth"
    libraries.write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    return venv


@pytest.mark.slurm
def test_fresh_environment_trains_on_slurm(
    fresh: Path, slurm: Cluster, tmp_path: Path, reference: Callable[..., dict[str, str]]
) -> None:
    where = "import ddpg, hydra_plugins.ddpg_launcher as plugin; print(ddpg.__file__, plugin.__file__)"
    files = subprocess.check_output([fresh / "bin" / "python", "-c", where], cwd=tmp_path, text=True)
    assert all(file.startswith(str(fresh)) for file in files.split())
    program = str(fresh / "bin" / "ddpg-train")
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", program=program, TOYS_PAUSE_S="0")
    sweep.finish(0)
    (script,) = sweep.path.glob(".submitit/*_submission.sh")
    assert f"{fresh}/bin/python" in script.read_text()
    for number, seed in enumerate((1, 2)):
        assert fingerprint(sweep.runs[number]) == reference(f"seed={seed}")
