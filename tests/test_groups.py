"""Tests of one group run in one process, as `make test` asks pytest-xdist for."""

import pytest


@pytest.mark.xdist_group("together")
def test_groups_are_kept_together(request: pytest.FixtureRequest) -> None:
    """Some releases of pytest and pytest-xdist ignore groups, and what a group shares is then made in each process."""
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("no pytest-xdist that keeps groups together")
    assert request.node.nodeid.endswith("@together")
