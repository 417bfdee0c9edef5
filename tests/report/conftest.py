"""One browser for all tests of the report's pages."""

from collections.abc import Iterator

import pytest
from support.browser import Browser, chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start a headless Chromium; tests that use it belong to pytest.mark.xdist_group("browser")."""
    with chromium() as started:
        yield started
