"""Two exported policies, made once: one for vectors, one for pictures."""

import pytest
from support.exports import RUNS, Exported, exported_run


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """The exports by name. Nobody changes these folders; take a copy.

    Tests that use it belong to pytest.mark.xdist_group("exported"), so that one process makes them.
    """
    return {name: exported_run(tmp_path_factory.mktemp("runs") / name, *overrides) for name, overrides in RUNS.items()}
