"""A headless Chromium for the tests of the report's page."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: What the browser loads by itself: pages of files, data inside them, the empty page.
HARMLESS = ("file://", "data:", "blob:", "about:", "chrome:")


class Browser:
    """A browser window that remembers what a page logged and asked for."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, view: str = "") -> None:
        """Load a page anew and wait until it is drawn."""
        self.visit(path.as_uri() + view)
        self.wait("typeof state !== 'undefined' && state.model !== null")

    def visit(self, url: str) -> None:
        """Load a page anew."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(url)

    def show(self, path: Path, view: str = "") -> None:
        """Show a page with this view; it is loaded only if it is not there yet."""
        if not self.driver.current_url.startswith(path.as_uri()):
            self.open(path)
        self.do("history.pushState(null, '', arguments[0]); readAddress()", view or "#")

    def do(self, script: str, *arguments: Any) -> Any:
        """Run statements in the page; `return` gives a value."""
        return self.driver.execute_script(script, *arguments)

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        return self.do(f"return {expression}")

    def wait(self, condition: str, seconds: float = 20) -> None:
        """Wait until an expression is true in the page; fail with what the page logged."""
        end = time.monotonic() + seconds
        while not self.value(condition):
            assert time.monotonic() < end, f"{condition}: {self.value('document.body.innerText')[:500]} {self.errors()}"
            time.sleep(0.01)

    def find(self, selector: str) -> Any:
        """Find the first element of a CSS selector."""
        return self.driver.find_element("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        """List the texts of all elements of a CSS selector."""
        return self.do("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)

    @property
    def view(self) -> str:
        """The part of the address after the #, decoded."""
        return self.value("decodeURIComponent(location.hash)")

    def errors(self) -> list[str]:
        """List the warnings and errors that the page logged since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """List the addresses that the page asked for since the last call, but for those on this machine."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(HARMLESS)]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser of 1400 x 1000 pixels; skip the test where selenium, Chromium or its driver is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    program = shutil.which("chromium")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("needs chromium and chromedriver (Debian: apt install chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1400,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(window)
    finally:
        window.quit()
