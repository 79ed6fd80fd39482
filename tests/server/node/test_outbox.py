"""Truth: the promises of `node_link` on batches, windows and acknowledgements."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from skyscan_lab.grid import ScanGrid
from skyscan_lab.protocol.lifecycle import ScanStatus
from skyscan_lab.protocol.node_link import MAX_BATCH, MAX_MESSAGE_BYTES, NODE_MESSAGE
from skyscan_lab.protocol.records import Entry, MissingRecord, StatusRecord
from skyscan_lab.scanning import make_plan, open_journal
from skyscan_server.node import outbox
from skyscan_server.node.crew import Crew
from skyscan_server.node.outbox import MAX_BATCH_BYTES, Outbox, batch_message

NOW = datetime(2026, 2, 14, tzinfo=UTC)


def missing(sequence, words="x"):
    return MissingRecord(sequence=sequence, reason="reading_failed", words=words, time=NOW)


def test_a_batch_is_a_message_and_holds_no_more_than_it_may():
    entries = [Entry(number, missing(number)) for number in range(5, 1000)]
    text, last = batch_message(3, entries)
    message = NODE_MESSAGE.validate_json(text)
    assert (message.session_id, message.first, last) == (3, 5, 5 + MAX_BATCH - 1)
    assert list(message.records) == [entry.record for entry in entries[:MAX_BATCH]]


def test_a_batch_is_limited_in_bytes_but_never_empty():
    large = [Entry(number, missing(number, "°" * 100_000)) for number in range(1, 9)]
    text, last = batch_message(3, large)
    assert last == 2
    assert len(text.encode()) < MAX_BATCH_BYTES < MAX_MESSAGE_BYTES
    huge = [Entry(1, missing(0, "x" * 600_000)), Entry(2, missing(1))]
    assert batch_message(3, huge)[1] == 1


class Sent:
    """What was sent, batch by batch, as (first, last)."""

    def __init__(self):
        self.batches = []
        self.news = asyncio.Event()

    async def send(self, text):
        message = json.loads(text)
        self.batches.append((message["first"], message["first"] + len(message["records"]) - 1))
        self.news.set()

    async def take(self, count):
        async with asyncio.timeout(5):
            while len(self.batches) < count:
                self.news.clear()
                await self.news.wait()
        taken, self.batches = self.batches, []
        return taken


@pytest.fixture
async def sending(tmp_path, monkeypatch):
    """Outbox with batches of 10, of a journal with 81 records of which the last is final."""
    monkeypatch.setattr(outbox, "_AGAIN_S", 0.05)
    monkeypatch.setattr(outbox, "MAX_BATCH", 10)
    plan = make_plan(ScanGrid(az=(0, 9), el=(0, 7), step=1))
    sent = Sent()
    async with await open_journal(tmp_path / "a.journal", plan) as journal, Crew() as crew:
        for sequence in range(80):
            await journal.append(missing(sequence))
        await journal.append(StatusRecord(status=ScanStatus.CANCELLED, time=NOW))
        opened = asyncio.Event()
        opened.set()
        job = SimpleNamespace(
            session_id=1,
            session="a",
            journal=journal,
            opened=opened,
            lost=None,
            task=SimpleNamespace(number=0),
        )
        box = Outbox(sent.send, crew, ack_s=30.0)
        box.follow(job)
        yield box, sent


FULL_WINDOW = [(1, 10), (11, 20), (21, 30), (31, 40)]


async def test_the_window_moves_with_the_acknowledgements(sending):
    box, sent = sending
    assert await sent.take(4) == FULL_WINDOW
    box.acknowledge(1, 10)
    assert await sent.take(1) == [(41, 50)]
    box.acknowledge(1, 40)  # several at once
    assert await sent.take(3) == [(51, 60), (61, 70), (71, 80)]
    box.acknowledge(1, 50)
    assert await sent.take(1) == [(81, 81)]


async def test_an_acknowledgement_below_what_was_committed_goes_back(sending):
    box, sent = sending
    await sent.take(4)
    box.acknowledge(1, 20)
    await sent.take(2)
    box.acknowledge(1, 5)
    assert (await sent.take(4))[0] == (6, 15)


async def test_an_acknowledgement_of_a_part_of_a_batch_goes_back(sending):
    box, sent = sending
    await sent.take(4)
    box.acknowledge(1, 13)
    assert (await sent.take(4))[0] == (14, 23)


async def test_an_acknowledgement_beyond_what_was_sent_goes_on_from_there(sending):
    box, sent = sending
    await sent.take(4)
    box.acknowledge(1, 75)
    assert await sent.take(1) == [(76, 81)]


async def test_the_same_acknowledgement_again_goes_back_after_a_while(sending):
    box, sent = sending
    await sent.take(4)
    box.acknowledge(1, 0)
    box.acknowledge(1, 0)
    assert await sent.take(4) == FULL_WINDOW


async def test_the_same_acknowledgement_again_means_nothing_if_more_follows(sending):
    box, sent = sending
    await sent.take(4)
    box.acknowledge(1, 0)
    box.acknowledge(1, 10)
    assert await sent.take(1) == [(41, 50)]
    await asyncio.sleep(0.15)
    assert sent.batches == []


async def test_nothing_is_sent_of_what_was_dropped(sending):
    box, sent = sending
    await sent.take(4)
    box.drop(1)
    box.acknowledge(1, 10)
    await asyncio.sleep(0.05)
    assert sent.batches == []
