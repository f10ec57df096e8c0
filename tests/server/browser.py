"""Prefect's UI in a headless Chromium, as far as a data steward uses it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, sync_playwright

from tests.server.processes import CannotRunError

PATIENCE_MILLISECONDS = 60_000
_QUIET = (
    # a container's root may not make the sandbox that Chromium wants; the page comes from ourselves
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
)


@contextmanager
def opened_browser() -> Iterator[Page]:
    """A page of a new browser."""
    program = shutil.which("chromium")
    if program is None:
        raise CannotRunError("there is no chromium here (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, headless=True, args=list(_QUIET))
        page = browser.new_page(viewport={"width": 1100, "height": 800})
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        yield page
        browser.close()


class Ui:
    """The pages of one Prefect server at *address* (without ``/api``)."""

    def __init__(self, page: Page, address: str, pictures: Path) -> None:
        self.page = page
        self._address = address
        self._pictures = pictures

    def open_form(self, deployment: dict[str, Any]) -> None:
        """The form of "Custom run" of a deployment."""
        self.page.goto(f"{self._address}/deployments/deployment/{deployment['id']}/run")
        self.page.get_by_text("Parameters", exact=True).wait_for()

    def open_run(self, run_id: str) -> None:
        self.page.goto(f"{self._address}/runs/flow-run/{run_id}")

    def open_artifact(self, artifact: dict[str, Any]) -> None:
        """One thing that a run published."""
        self.page.goto(f"{self._address}/artifacts/artifact/{artifact['id']}")
        self.page.get_by_text(artifact["key"]).first.wait_for()

    def field(self, label: str) -> Locator:
        """One field of a form, with everything that belongs to it."""
        name = self.page.locator(".schema-form-property__label", has_text=label)
        return self.page.locator(".schema-form-property").filter(has=name).first

    def fill(self, label: str, text: str) -> None:
        self.field(label).locator("textarea, input[type=number]").first.fill(text)

    def add(self, label: str, text: str) -> None:
        """One more entry of a list."""
        self.field(label).get_by_role("button", name="Add item").click()
        self.field(label).locator("textarea").last.fill(text)

    def choose(self, label: str, option: str) -> None:
        """Pick an entry of a select."""
        self.field(label).locator(".p-select-button__control").press("ArrowDown")
        self.page.locator(".p-select-option").get_by_text(option, exact=True).click()

    def switch_on(self, label: str) -> None:
        self.field(label).get_by_role("switch").click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def picture(self, name: str) -> None:
        """Keep what is seen now."""
        self.page.wait_for_timeout(800)
        self.page.screenshot(path=self._pictures / f"{name}.png")
