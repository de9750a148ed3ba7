"""The Airflow page in a real browser: what a person sees after a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from infra.shared.paths import REPOSITORY
from ops.environment import Environment
from tests.e2e.conftest import Runs

pytestmark = pytest.mark.e2e

SCREENSHOTS = REPOSITORY / ".build/screenshots"
PATIENCE_MS = 60_000
"""For actions and for what is to be seen: how fast a page is drawn is nothing that is tested here."""
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not on PATH: `make tools` installs it"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        # Chromium refuses its own sandbox to root
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET, chromium_sandbox=False)
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        tab.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield tab
        browser.close()


def test_log_in(stack: Environment, page: Page) -> None:
    page.goto(stack.platform["airflow_url"])
    page.fill("input[name=username]", stack.platform["airflow_admin_user"])
    page.fill("input[name=password]", stack.platform["airflow_admin_password"])
    page.click("input[type=submit], button[type=submit]")
    page.goto(f"{stack.platform['airflow_url']}/dags")
    expect(page.get_by_role("link", name="autotranscribe").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "dags.png")


def test_the_graph_of_a_finished_run(stack: Environment, page: Page, ended_runs: Runs) -> None:
    page.goto(f"{stack.platform['airflow_url']}/dags/autotranscribe/runs/{ended_runs.twins[0]}")
    for task in ("plan", "batch", "report"):
        expect(page.get_by_text(task, exact=False).first).to_be_visible()
    page.wait_for_timeout(2000)
    page.screenshot(path=SCREENSHOTS / "run.png")


def test_the_log_of_a_task(stack: Environment, page: Page, ended_runs: Runs) -> None:
    page.goto(f"{stack.platform['airflow_url']}/dags/autotranscribe/runs/{ended_runs.twins[0]}/tasks/report")
    expect(page.get_by_text("real-time factor", exact=False).first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "log.png")
