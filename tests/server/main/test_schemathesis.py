"""Truth: schemathesis, which draws requests from the documents that the hub serves of itself."""

import json
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.scopes import Scope
from skyscan_server.main.issuing import BUILT_IN, issuer_of
from tests.server.processes import HubProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

ST = Path(sys.executable).with_name("st")
# Everything that says what a documented answer is. That a 503 is an answer at all is not held
# against us: rotors that schemathesis makes up have nobody behind them.
CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "missing_required_header",
    "ignored_auth",
)


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
    command = [
        *(ST, "run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {token}"),
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
    """Requests answered, by status, as the hub counts them."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.get(f"{url}/metrics") as response,
    ):
        lines = (await response.text()).splitlines()
    counted = [line for line in lines if line.startswith("skyscan_http_requests_total{")]
    statuses = {}
    for line in counted:
        labels, _, value = line.rpartition(" ")
        status = json.loads(labels.partition("status=")[2].rstrip("}"))
        statuses[int(status)] = statuses.get(int(status), 0) + float(value)
    return statuses


async def test_the_public_api_answers_as_documented(runtime, hub, tmp_path):
    said = run_schemathesis(runtime.url, runtime.token, tmp_path)
    assert "API Operations:" in said
    statuses = await figures(runtime.url, runtime.token)
    assert sum(statuses.values()) > 500
    unforeseen = [line for line in hub.output.splitlines() if '"level": "error"' in line]
    assert 500 not in statuses, unforeseen
    assert {200, 404, 422} <= statuses.keys()


def test_the_gateway_answers_as_documented(runtime, node_token, tmp_path, hub):
    assert "API Operations:" in run_schemathesis(runtime.gateway_url, node_token, tmp_path)
    assert "internal error" not in hub.output
