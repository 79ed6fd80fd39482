"""A clock that is set by hand, and stores in memory that obey the protocols of auth.

Each call of a store lets others run first, as with a real one, so that races show.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from skyscan_server.auth.issuer import Issuer
from skyscan_server.auth.keys import load_signing_key
from skyscan_server.auth.verification import JwtVerifier

NOON = datetime(2026, 2, 14, 12, tzinfo=UTC)
ISSUER = "https://hub.example"
AUDIENCE = "skyscan"


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, now=NOON):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **by):
        self.now += timedelta(**by)


class Seconds:
    """The same for a clock that counts seconds."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class MemoryRevocations:
    def __init__(self, clock):
        self.until = {}
        self._clock = clock

    async def revoke(self, revoked_id, until):
        await asyncio.sleep(0)
        self.until[revoked_id] = max(until, self.until.get(revoked_id, until))

    async def any_revoked(self, ids):
        await asyncio.sleep(0)
        return any(self.until.get(an_id, self._clock()) > self._clock() for an_id in ids)


class MemoryClients:
    def __init__(self):
        self.rows = {}

    def add(self, client):
        self.rows[client.client_id] = client

    async def find(self, client_id):
        await asyncio.sleep(0)
        return self.rows.get(client_id)


class MemoryCodes:
    def __init__(self):
        self.rows = {}
        self.used = set()

    async def add(self, code):
        await asyncio.sleep(0)
        self.rows[code.code_hash] = code

    async def find(self, code_hash):
        await asyncio.sleep(0)
        return self.rows.get(code_hash)

    async def use(self, code_hash):
        await asyncio.sleep(0)
        first = code_hash not in self.used
        self.used.add(code_hash)
        return first


class MemoryRefreshTokens:
    def __init__(self):
        self.rows = {}
        self.used = set()

    async def add(self, token):
        await asyncio.sleep(0)
        self.rows[token.token_hash] = token

    async def find(self, token_hash):
        await asyncio.sleep(0)
        return self.rows.get(token_hash)

    async def rotate(self, token_hash, following, used):
        await asyncio.sleep(0)
        if token_hash in self.used:
            return False
        self.used.add(token_hash)
        old = self.rows[token_hash]
        self.rows[token_hash] = replace(old, used=used, followed_by=following.token_hash)
        self.rows[following.token_hash] = following
        return True


class MemoryEnrolments:
    def __init__(self, clients, revocations):
        self.rows = {}
        self.used = set()
        self._clients = clients
        self._revocations = revocations

    async def add(self, enrolment):
        await asyncio.sleep(0)
        self.rows[enrolment.code_hash] = enrolment

    async def find(self, code_hash):
        await asyncio.sleep(0)
        return self.rows.get(code_hash)

    async def redeem(self, code_hash, client, until):
        await asyncio.sleep(0)
        if code_hash in self.used:
            return False
        self.used.add(code_hash)
        for before in list(self._clients.rows.values()):
            if before.installation == client.installation:
                del self._clients.rows[before.client_id]
                self._revocations.until[before.client_id] = until
        self._clients.add(client)
        return True


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def revocations(clock):
    return MemoryRevocations(clock)


@pytest.fixture
def clients():
    return MemoryClients()


@pytest.fixture
def codes():
    return MemoryCodes()


@pytest.fixture
def refresh_tokens():
    return MemoryRefreshTokens()


@pytest.fixture
def enrolments(clients, revocations):
    return MemoryEnrolments(clients, revocations)


@pytest.fixture
def signing_key(tmp_path):
    return load_signing_key(tmp_path)


@pytest.fixture
def issuer(signing_key, clock):
    return Issuer(signing_key, ISSUER, AUDIENCE, clock=clock)


@pytest.fixture
def verifier(signing_key, clock, revocations):
    return JwtVerifier(signing_key.key_set(), ISSUER, AUDIENCE, revocations, clock)
