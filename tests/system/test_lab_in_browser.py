"""Truth: what a person sees and does in Chromium, and every address that it asks for."""

import json
import os
import re
import shutil

import pytest
from playwright.async_api import async_playwright

from skyscan_lab.client.runtime import read_runtime
from tests.system.labs import SOON_S

pytestmark = [pytest.mark.system, pytest.mark.timeout(300), pytest.mark.program("chromium")]

SCAN = {"rotor_id": 1, "az_start": 120, "az_end": 140, "el_start": 30, "el_end": 34}

# As a widget does it: with nothing but the page's own cookies.
FOLLOW_A_SCAN = """
async (scan) => {
  const xsrf = document.cookie.match(/_xsrf=([^;]+)/)[1];
  const headers = {"Content-Type": "application/json", "X-XSRFToken": xsrf};
  const request = {method: "POST", headers, body: JSON.stringify(scan)};
  const session = await (await fetch("/skyscan/api/skyscan/start", request)).json();
  const socket = new WebSocket(`ws://${location.host}/skyscan/ws/skyscan/${session.id}`);
  const messages = [];
  socket.onmessage = (event) => messages.push(JSON.parse(event.data));
  const closed = await new Promise((resolve) => { socket.onclose = resolve; });
  return {total: session.total_points, messages, code: closed.code};
}
"""

NOTEBOOK = """
import skyscan_lab as sky

async with sky.SkyScanClient() as client:
    ds = await client.session(1)
ds.sky.plot(title="from the hub")
"""


@pytest.fixture
async def page():
    """A page of a fresh browser, which fails the test where a script fails."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            # Chromium's own sandbox does not start as root.
            chromium_sandbox=os.geteuid() != 0,
        )
        page = await browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(1e3 * SOON_S)
        errors = []
        page.on("pageerror", lambda error: errors.append(error))
        yield page
        await browser.close()
    assert not errors


def write_notebook(path, source):
    cell = {
        "cell_type": "code",
        "id": "only",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source.strip(),
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": [cell],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook))


async def test_a_person_scans_and_looks_at_the_map_in_jupyterlab(start, page, tmp_path):
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    write_notebook(notebooks / "look.ipynb", NOTEBOOK)
    lab = start("--notebooks", notebooks)
    address, jupyter = lab.wait().group(0, 1)
    hub_token = read_runtime(lab.data).token
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))

    await page.goto(address)
    await page.get_by_role("menuitem", name="Kernel").wait_for()
    await page.get_by_text("01_first_scan.ipynb").wait_for()

    followed = await page.evaluate(FOLLOW_A_SCAN, SCAN)
    messages = followed["messages"]
    points = [message["point"] for message in messages if message["point"] is not None]
    assert len(points) == followed["total"] == 33
    assert [message["completed"] for message in messages] == sorted(
        message["completed"] for message in messages
    )
    assert messages[-1]["progress_pct"] == 100.0
    assert followed["code"] == 1000

    await page.get_by_text("look.ipynb").dblclick()
    await page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    await page.locator(".jp-Notebook .cm-content").click()
    await page.keyboard.press("Control+Enter")
    picture = page.locator(".jp-OutputArea-output img")
    await picture.wait_for()
    assert (await picture.bounding_box())["width"] > 300
    assert not await page.locator(".jp-RenderedText[data-mime-type*=stderr]").count()

    # Nothing pops up, nobody outside is asked, and the hub's token is in no page.
    assert not await page.locator(".Toastify__toast").count()
    here = re.compile(
        rf"{re.escape(jupyter)}/|ws{re.escape(jupyter.removeprefix('http'))}/|data:|blob:"
    )
    assert not [url for url in asked if not here.match(url)]
    assert any("/skyscan/ws/skyscan/1" in url for url in asked)
    cookies = await page.context.cookies()
    seen = f"{await page.content()}{cookies}{asked}"
    assert hub_token not in seen
