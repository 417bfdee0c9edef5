"""Studies composed as `ddpg-train -m hydra/sweeper=search` does, in a folder of the test."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig
from support.studies import FormulaPool, FormulaStudy, Planned, formula_pool

from ddpg.config import resolvers

#: Optuna is an extra, without which nothing here can be tried.
collect_ignore_glob = [] if find_spec("optuna") else ["test_*.py"]


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    """Hydra's loader of conf/."""
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


@pytest.fixture
def study_config(loader: ConfigLoader, tmp_path: Path) -> Callable[..., DictConfig]:
    """study_config("tau=interval(0,1)"): the master config of a study in tmp_path / "study"."""

    def _compose(*words: str) -> DictConfig:
        sweep = ["hydra/launcher=local", f"hydra.sweep.dir={tmp_path / 'study'}"]
        sweep += ["hydra/sweeper=search"] * ("hydra/sweeper=pbt" not in words)
        return loader.load_configuration("config", [*sweep, *words], RunMode.MULTIRUN)

    return _compose


@pytest.fixture
def planned(study_config: Callable[..., DictConfig], loader: ConfigLoader) -> Callable[..., Planned]:
    """planned("tau=interval(0,1)"): the study of a command line, checked, not begun."""
    from ddpg.search.plan import planned as plan

    def _plan(*words: str) -> Any:
        config = study_config(*words)
        return plan(config, loader, list(config.hydra.overrides.task))

    return _plan


@pytest.fixture
def pool() -> Iterator[FormulaPool]:
    """What trains in the place of processes."""
    with formula_pool() as pool:
        yield pool


@pytest.fixture
def study(planned: Callable[..., Planned], tmp_path: Path, pool: FormulaPool) -> FormulaStudy:
    """A study that is not begun."""
    return FormulaStudy(planned, tmp_path / "study", pool)
