"""Truth: a real server on loopback, and how often it was asked."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from aiohttp import web

from skyscan_server.auth.claims import MAX_LEEWAY
from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.principal import TokenRefused, TokenUnverifiable
from skyscan_server.auth.remote_keys import RemoteKeys
from skyscan_server.auth.scopes import Scope
from skyscan_server.auth.verification import JwtVerifier

OUTSIDE = "https://login.example"


class OutsideIssuer:
    """Serves its keys over HTTP, and misbehaves on command."""

    def __init__(self, folder, clock):
        self._folder = folder
        self._clock = clock
        self.document = {"keys": []}
        self.asked = 0
        self.question = asyncio.Event()
        self.answer = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""

    def new_key(self, name):
        """An issuer that signs with a key that is not yet in the document."""
        key = load_signing_key(self._folder / name)
        return Issuer(key, OUTSIDE, "skyscan", clock=self._clock), key.public_jwk()

    async def jwks(self, request):
        self.asked += 1
        self.question.set()
        await self.gate.wait()
        if self.answer is not None:
            return await self.answer(request)
        return web.json_response(self.document)


def asking():
    """Questions on their way."""
    return [task for task in asyncio.all_tasks() if task.get_name() == "JWKS"]


@pytest.fixture
async def outside(tmp_path, clock):
    issuer = OutsideIssuer(tmp_path, clock)
    app = web.Application()
    app.router.add_get("/jwks", issuer.jwks)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield issuer
    issuer.gate.set()
    await runner.cleanup()


@pytest.fixture
async def keys(outside, seconds):
    async with RemoteKeys(outside.url, monotonic=seconds, timeout_s=5) as keys:
        yield keys


@pytest.fixture
def verify(keys, revocations, clock):
    verifier = JwtVerifier(keys, OUTSIDE, "skyscan", revocations, clock, leeway=MAX_LEEWAY)
    return verifier.verify


async def test_keys_are_fetched_once_for_many_tokens(outside, verify):
    issuer, jwk = outside.new_key("one")
    outside.document = {"keys": [jwk]}
    for name in ("ada", "ben", "cat"):
        principal = await verify(issuer.mint(name, {Scope.SKYSCAN_READ}).token)
        assert (principal.subject, principal.scopes) == (name, {Scope.SKYSCAN_READ})
    assert outside.asked == 1


async def test_keys_that_are_not_old_are_not_asked_for(outside, verify, seconds):
    issuer, jwk = outside.new_key("one")
    outside.document = {"keys": [jwk]}
    await verify(issuer.mint("x", ()).token)
    seconds.now += 3599
    await verify(issuer.mint("y", ()).token)
    assert not asking()
    seconds.now += 1
    await verify(issuer.mint("z", ()).token)
    assert asking()


async def test_nothing_is_asked_before_it_is_open(outside, revocations, clock):
    issuer, _ = outside.new_key("one")
    keys = RemoteKeys(outside.url)
    verifier = JwtVerifier(keys, OUTSIDE, "skyscan", revocations, clock)
    with pytest.raises(TokenUnverifiable, match="not there yet"):
        await verifier.verify(issuer.mint("x", ()).token)
    async with keys:
        pass  # closed without ever having been asked
    assert outside.asked == 0


async def test_checks_are_those_of_our_own_tokens(outside, verify, clock):
    issuer, jwk = outside.new_key("one")
    outside.document = {"keys": [jwk]}
    good, short = issuer.mint("x", ()), issuer.mint("x", (), lifetime=timedelta(seconds=1))
    await verify(good.token)
    with pytest.raises(TokenRefused, match="signature is wrong"):
        await verify(good.token[:-8] + "AAAAAAAA")
    clock.advance(seconds=32)
    with pytest.raises(TokenRefused, match="expired"):
        await verify(short.token)


async def test_an_unknown_name_asks_again_once_a_minute(outside, verify, seconds):
    first, first_jwk = outside.new_key("first")
    second, second_jwk = outside.new_key("second")
    outside.document = {"keys": [first_jwk]}
    await verify(first.mint("x", ()).token)
    outside.document = {"keys": [first_jwk, second_jwk]}
    seconds.now += 59
    for _ in range(3):
        with pytest.raises(TokenRefused, match="key that its issuer does not have"):
            await verify(second.mint("x", ()).token)
    assert outside.asked == 1
    seconds.now += 1
    await verify(second.mint("x", ()).token)
    await verify(first.mint("x", ()).token)
    assert outside.asked == 2


async def test_many_at_once_ask_once(outside, verify):
    issuer, jwk = outside.new_key("one")
    outside.document = {"keys": [jwk]}
    found = await asyncio.gather(*(verify(issuer.mint(str(n), ()).token) for n in range(20)))
    assert [principal.subject for principal in found] == [str(n) for n in range(20)]
    assert outside.asked == 1


async def test_who_gives_up_waiting_leaves_the_answer_to_the_others(outside, verify):
    issuer, jwk = outside.new_key("one")
    outside.document = {"keys": [jwk]}
    outside.gate.clear()
    impatient = asyncio.create_task(verify(issuer.mint("a", ()).token))
    patient = asyncio.create_task(verify(issuer.mint("b", ()).token))
    await outside.question.wait()
    impatient.cancel()
    await asyncio.wait({impatient})
    assert impatient.cancelled()
    outside.gate.set()
    assert (await patient).subject == "b"
    assert outside.asked == 1


async def again_and_again(verify, token):
    async with asyncio.timeout(5):
        while True:
            await verify(token)
            await asyncio.sleep(0.001)


async def test_old_keys_are_asked_for_again_and_nobody_waits(outside, verify, seconds):
    issuer, jwk = outside.new_key("one")
    outside.document = {"keys": [jwk]}
    token = issuer.mint("x", ()).token
    await verify(token)
    outside.document = {"keys": []}
    outside.gate.clear()
    seconds.now += 3600
    await verify(token)  # with the old key, while the question waits at the gate
    outside.gate.set()
    with pytest.raises(TokenRefused, match="key that its issuer does not have"):
        await again_and_again(verify, token)
    assert outside.asked == 2


async def test_known_keys_outlive_an_issuer_that_is_down(outside, verify, seconds):
    issuer, jwk = outside.new_key("one")
    other, _ = outside.new_key("other")
    outside.document = {"keys": [jwk]}
    await verify(issuer.mint("x", ()).token)

    async def down(_):
        return web.Response(status=503)

    outside.answer = down
    seconds.now += 7200
    with pytest.raises(TokenUnverifiable, match="answered with status 503"):
        await verify(other.mint("x", ()).token)
    await verify(issuer.mint("y", ()).token)


async def slow(_):
    await asyncio.sleep(30)
    return web.json_response({"keys": []})


async def no_json(_):
    return web.Response(text="<html>")


async def no_set(_):
    return web.json_response({"error": "no"})


async def brackets(_):
    return web.Response(text="[" * 100_000)


async def endless(request):
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" " * 65536)
    return response


async def elsewhere(_):
    raise web.HTTPFound("/other")


async def cut(request):
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"keys": [')
    request.transport.abort()
    return response


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (slow, "no answer within 0.2 s"),
        (no_json, "Expecting value"),
        (no_set, "no JWK Set"),
        (brackets, "recursion"),
        (endless, "more than 262144 bytes"),
        (elsewhere, "status 302"),
        (cut, ""),
    ],
)
async def test_trouble_is_told_and_tried_again_soon(
    outside, seconds, revocations, clock, answer, words
):
    issuer, jwk = outside.new_key("one")
    outside.document = {"keys": [jwk]}
    outside.answer = answer
    token = issuer.mint("x", ()).token
    async with RemoteKeys(outside.url, monotonic=seconds, timeout_s=0.2) as keys:
        verifier = JwtVerifier(keys, OUTSIDE, "skyscan", revocations, clock)
        for _ in range(3):
            with pytest.raises(TokenUnverifiable, match=f"keys of the token's issuer: .*{words}"):
                await verifier.verify(token)
        assert outside.asked == 1
        outside.answer = None
        seconds.now += 5
        assert (await verifier.verify(token)).subject == "x"


async def test_nobody_there(unused_tcp_port, revocations, clock, outside):
    issuer, _ = outside.new_key("one")
    async with RemoteKeys(f"http://127.0.0.1:{unused_tcp_port}/jwks") as keys:
        verifier = JwtVerifier(keys, OUTSIDE, "skyscan", revocations, clock)
        with pytest.raises(TokenUnverifiable, match="keys of the token's issuer"):
            await verifier.verify(issuer.mint("x", ()).token)


async def test_closing_ends_the_question_on_its_way(outside, revocations, clock):
    issuer, _ = outside.new_key("one")
    outside.gate.clear()
    async with RemoteKeys(outside.url) as keys:
        verifier = JwtVerifier(keys, OUTSIDE, "skyscan", revocations, clock)
        waiting = asyncio.create_task(verifier.verify(issuer.mint("x", ()).token))
        await outside.question.wait()
    with pytest.raises(TokenUnverifiable, match="not there yet"):
        await waiting
    assert not asking()


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example/jwks",
        "https:///jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "jwks",
        "",
    ],
)
def test_keys_come_over_a_safe_way(url):
    with pytest.raises(ValueError, match="must be https, or http on loopback"):
        RemoteKeys(url)
