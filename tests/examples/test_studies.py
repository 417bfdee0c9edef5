"""examples/studies: each file is a whole study, with its sweeper."""

from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from ddpg.config import resolvers
from ddpg.search.plan import planned
from ddpg.search.states import PBT, SEARCH

STUDIES = Path(__file__).parents[2] / "examples" / "studies"


@pytest.mark.parametrize("name", sorted(path.stem for path in (STUDIES / "study").glob("*.yaml")))
def test_a_file_is_a_study(name: str) -> None:
    words = [f"+study={name}"]
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        overrides = [f"hydra.searchpath=[file://{STUDIES}]", *words]
        config = loader.load_configuration("config", overrides, RunMode.MULTIRUN)
        assert config.hydra.sweeper._target_ == (PBT if name.endswith("pbt") else SEARCH)
        definition, _ = planned(config, loader, words)
    assert len(definition.space.dimensions) > 4
