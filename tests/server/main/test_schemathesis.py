"""Truth: schemathesis, which draws requests from the documents that the hub serves of itself."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.scopes import Scope
from skyscan_server.main.issuing import BUILT_IN, issuer_of
from tests.server.processes import HubProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

ST = Path(sys.executable).with_name("st")
# Everything that says what a documented answer is.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "missing_required_header",
    "ignored_auth",
)
# Rotors that schemathesis makes up have nobody behind them, or stand where their node may not
# connect, which is no failure of the hub.
AWAY = (502, 503)
MAY_BE_AWAY = ("/api/rotors/", "/api/skyscan/start", "/internal/", "/readyz")
MAY_BE_SAID = "rotor could not be stopped"
CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "502", "503"]
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    process = HubProcess(tmp_path_factory.mktemp("hub"))
    yield process
    if process.alive:
        assert process.end() == 0, process.output[-3000:]


@pytest.fixture(scope="module")
def runtime(hub):
    return hub.wait_until_ready()


@pytest.fixture(scope="module")
def node_token(hub, runtime):
    issuer = issuer_of(load_signing_key(hub.data))
    return issuer.mint("schemathesis", {Scope.NODE}, installation=BUILT_IN).token


def run_schemathesis(url, token, folder):
    """Run it, and return its own count of what it has tried."""
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    command = [
        *(ST, "--config-file", configuration),
        *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(CHECKS), "--max-examples", "5", "--seed", "1"),
        *("--request-timeout", "30", "--no-color", "--generation-database", "none"),
    ]
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


async def figures(url, token):
    """Requests answered, by status and path, as the hub counts them."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.get(f"{url}/metrics") as response,
    ):
        assert response.status == 200
        families = list(text_string_to_metric_families(await response.text()))
    counted = Counter()
    for sample in (sample for family in families for sample in family.samples):
        if sample.name == "skyscan_http_requests_total":
            counted[int(sample.labels["status"]), sample.labels["path"]] += sample.value
    return counted


def broken(hub, counted):
    """Answers by which the hub says that it failed, and what it has logged of failures."""
    answers = [
        (status, path)
        for status, path in counted
        if status >= 500 and not (status in AWAY and path.startswith(MAY_BE_AWAY))
    ]
    events = map(json.loads, (line for line in hub.output.splitlines() if line.startswith("{")))
    failed = [event for event in events if event["level"] in ("error", "critical")]
    return answers, [event for event in failed if event["event"] != MAY_BE_SAID]


async def test_the_public_api_answers_as_documented(runtime, hub, tmp_path):
    said = run_schemathesis(runtime.url, runtime.token, tmp_path)
    assert "API Operations:" in said
    counted = await figures(runtime.url, runtime.token)
    assert sum(counted.values()) > 1000
    assert {200, 404, 422} <= {status for status, _ in counted}
    assert broken(hub, counted) == ([], [])


async def test_the_gateway_answers_as_documented(runtime, node_token, tmp_path, hub):
    assert "API Operations:" in run_schemathesis(runtime.gateway_url, node_token, tmp_path)
    counted = await figures(runtime.gateway_url, runtime.token)
    assert sum(counted.values()) > 200
    assert {200, 404, 422} <= {status for status, _ in counted}
    assert broken(hub, counted) == ([], [])
