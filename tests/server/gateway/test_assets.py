"""Files of nodes: whole or not at all, however often the link breaks.

Truth: the bytes that the test sent, their SHA-256 from hashlib, and the folder on disk.
"""

import asyncio
import errno
import hashlib
import os
from datetime import timedelta

import aiohttp
import numpy as np
import pytest

from skyscan_lab.protocol.assets import UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_OFFSET, NewAsset
from skyscan_server.domain.assets import Assets, QuotaExceeded
from skyscan_server.domain.nodes import Nodes
from skyscan_server.store.asset_files import AssetFiles
from tests.server.gateway.hub import ROOF
from tests.server.gateway.test_nodes_http import ask, registered

DATA = np.random.default_rng(4).bytes(5_000)


def said(data=DATA, **fields):
    return {
        "label": "waterfall",
        "media_type": "image/fits",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    } | fields


async def announce(hub, *, status=201, **fields):
    node_id = await registered(hub)
    answer, _ = await ask(
        hub, "POST", f"/v1/nodes/{node_id}/assets", json=said(**fields), status=status
    )
    return f"/v1/nodes/{node_id}/assets/{answer.get('id')}", answer


async def put(hub, path, data, where=None, status=200):
    headers = {"Content-Type": "application/octet-stream"}
    if where is not None:
        headers["Content-Range"] = where
    return await ask(hub, "PUT", path, data=data, headers=headers, status=status)


async def offset(hub, path):
    _, headers = await ask(hub, "HEAD", path)
    return int(headers[UPLOAD_OFFSET]), headers[UPLOAD_COMPLETE]


def files(tmp_path):
    """Everything in the folder, by name from there."""
    folder = tmp_path / "assets"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_in_one_piece(hub, tmp_path):
    path, answer = await announce(hub)
    assert (answer["received"], answer["complete"]) == (0, False)
    assert await offset(hub, path) == (0, "?0")
    kept, _ = await put(hub, path, DATA)
    assert (kept["received"], kept["complete"]) == (len(DATA), True)
    assert await offset(hub, path) == (len(DATA), "?1")
    name = answer["id"]
    assert files(tmp_path) == {f"{name[:2]}/{name}": DATA}


async def test_got_back_as_a_file_and_never_as_a_page(hub):
    path, _ = await announce(hub, media_type="text/html")
    await put(hub, path, DATA)
    async with hub.client.get(path, headers=hub.bearer()) as response:
        assert await response.read() == DATA
        assert response.content_type == "text/html"
        assert response.headers["Content-Disposition"] == "attachment"
        assert response.headers["Content-Security-Policy"].startswith("sandbox")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    part = hub.bearer() | {"Range": "bytes=10-19"}
    async with hub.client.get(path, headers=part) as response:
        assert (response.status, await response.read()) == (206, DATA[10:20])


async def test_not_to_be_had_before_it_is_whole(hub):
    path, _ = await announce(hub)
    await put(hub, path, DATA[:100], f"bytes 0-99/{len(DATA)}")
    await ask(hub, "GET", path, status=409)


async def test_in_parts(hub, tmp_path):
    path, _ = await announce(hub)
    size = len(DATA)
    for start in range(0, size, 700):
        stop = min(start + 700, size)
        kept, _ = await put(hub, path, DATA[start:stop], f"bytes {start}-{stop - 1}/{size}")
        assert (kept["received"], kept["complete"]) == (stop, stop == size)
    assert list(files(tmp_path).values()) == [DATA]


async def test_part_that_does_not_follow_says_where_to_go_on(hub):
    path, _ = await announce(hub)
    size = len(DATA)
    await put(hub, path, DATA[:100], f"bytes 0-99/{size}")
    for start in (99, 101, 4000):
        refusal, headers = await put(
            hub, path, DATA[start : start + 10], f"bytes {start}-{start + 9}/{size}", status=409
        )
        assert "100 bytes" in refusal["detail"]
        assert headers[UPLOAD_OFFSET] == "100"
    assert (await put(hub, path, DATA[100:], f"bytes 100-{size - 1}/{size}"))[0]["complete"]


async def test_link_that_breaks_loses_nothing_that_has_come(hub, tmp_path):
    path, _ = await announce(hub)
    _reader, writer = await asyncio.open_connection("127.0.0.1", hub.client._base_url.port)
    head = (
        f"PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: {hub.bearer()['Authorization']}\r\n"
        f"Content-Length: {len(DATA)}\r\n\r\n"
    )
    writer.write(head.encode() + DATA[:1234])
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await hub.until(lambda: _has(hub, path, 1234))
    rest = {"Content-Range": f"bytes 1234-{len(DATA) - 1}/{len(DATA)}"} | hub.bearer()
    status = 409
    while status == 409:  # until the hub has noticed that the first upload is over
        async with hub.client.put(path, data=DATA[1234:], headers=rest) as response:
            status, kept = response.status, await response.json()
    assert kept["complete"]
    assert list(files(tmp_path).values()) == [DATA]


async def _has(hub, path, count):
    return (await offset(hub, path))[0] == count


async def test_silence_in_an_upload_is_not_waited_for(hub_of):
    hub = await hub_of(idle_s=0.1)
    path, _ = await announce(hub)

    async def body():
        yield DATA[:300]
        await asyncio.sleep(5)

    refusal, _ = await put(hub, path, body(), status=408)
    assert refusal["detail"] == "no bytes within 0.1 s"
    assert await offset(hub, path) == (300, "?0")


async def test_hub_that_is_killed_goes_on_with_what_it_has(hub, tmp_path):
    """Also between the file's way into its place and the note of it."""
    path, answer = await announce(hub)
    row = await hub.assets.get(answer["id"])
    with hub.files.open_part(row.id) as part:
        part.append(DATA)
        part.sync()
        part.keep()
    assert not row.complete
    assert await offset(hub, path) == (len(DATA), "?0")
    kept, _ = await put(hub, path, b"", f"bytes */{len(DATA)}")
    assert kept["complete"]
    assert list(files(tmp_path).values()) == [DATA]


async def test_all_there_but_not_checked_is_finished_without_a_byte(hub, tmp_path):
    path, answer = await announce(hub)
    with hub.files.open_part(answer["id"]) as part:
        part.append(DATA)
    kept, _ = await put(hub, path, b"", f"bytes */{len(DATA)}")
    assert kept["complete"]
    assert list(files(tmp_path).values()) == [DATA]


async def test_other_bytes_than_were_said_are_dropped_and_their_room_is_free(hub_of, tmp_path):
    hub = await hub_of(quota_bytes=len(DATA))
    path, _ = await announce(hub)
    wrong = DATA[:-1] + bytes([DATA[-1] ^ 1])
    refusal, _ = await put(hub, path, wrong, status=422)
    assert refusal["detail"].startswith("sha256 = ")
    assert hashlib.sha256(wrong).hexdigest() in refusal["detail"]
    assert files(tmp_path) == {}
    await ask(hub, "HEAD", path, status=404)
    path, _ = await announce(hub, label="another")
    assert (await put(hub, path, DATA))[0]["complete"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_more_bytes_than_were_said_are_refused(hub, tmp_path, chunked):
    path, _ = await announce(hub)

    async def body():
        yield DATA
        yield b"more"

    refusal, _ = await put(hub, path, body() if chunked else DATA + b"more", status=422)
    assert f"{len(DATA)} bytes" in refusal["detail"]
    assert all(len(content) <= len(DATA) for content in files(tmp_path).values())
    assert (await put(hub, path, DATA))[0]["complete"]


@pytest.mark.parametrize(
    "where",
    [
        "bytes 0-99",
        "bytes 0-99/*",
        "bytes 0-99/100",
        "bytes 99-0/5000",
        "bytes 0-5000/5000",
        "bytes 0-98/5000",
        "bytes -1-98/5000",
        "bytes ٠-99/5000",
        "lines 0-99/5000",
        f"bytes 0-{10**30}/5000",
    ],
)
async def test_ranges_that_make_no_sense_are_refused_in_words(hub, tmp_path, where):
    path, _ = await announce(hub)
    refusal, _ = await put(hub, path, DATA[:100], where, status=422)
    assert refusal["detail"].startswith("Content-Range = ")
    assert files(tmp_path) == {}


async def test_empty_file(hub, tmp_path):
    path, _ = await announce(hub, data=b"")
    assert (await put(hub, path, b""))[0]["complete"]
    assert list(files(tmp_path).values()) == [b""]


async def test_sent_again_when_it_is_there_changes_nothing(hub, tmp_path):
    path, answer = await announce(hub)
    await put(hub, path, DATA)
    kept, _ = await put(hub, path, b"x" * len(DATA))
    assert kept["complete"]
    assert list(files(tmp_path).values()) == [DATA]
    again_path, again = await announce(hub)
    assert again_path == path
    assert again["complete"]
    assert again["id"] == answer["id"]


async def test_one_at_a_time(hub):
    path, answer = await announce(hub)
    with hub.files.open_part(answer["id"]):
        refusal, _ = await put(hub, path, DATA, status=409)
    assert "under way" in refusal["detail"]
    assert (await put(hub, path, DATA))[0]["complete"]


async def test_whole_body_begins_anew(hub):
    path, _ = await announce(hub)
    await put(hub, path, b"x" * 100, f"bytes 0-99/{len(DATA)}")
    assert (await put(hub, path, DATA))[0]["complete"]


async def test_quota_counts_what_was_said_and_not_what_has_come(hub_of):
    hub = await hub_of(quota_bytes=10_000)
    await announce(hub)
    await announce(hub, label="second")
    _, refusal = await announce(hub, label="third", status=413)
    assert refusal["detail"] == (
        "size = 5000: must be at most 0 bytes, as 10000 of the 10000 bytes of this installation "
        "are taken"
    )
    node_id = await registered(hub, "cellar", {"kind": "hello"})
    await ask(
        hub,
        "POST",
        f"/v1/nodes/{node_id}/assets",
        json=said(),
        installation="cellar",
        status=201,
    )


async def test_quota_holds_against_all_at_once(database, tmp_path):
    """On both databases: what several say in one moment is counted one after the other."""
    await Nodes(database).register("roof", ROOF)
    assets = Assets(database, AssetFiles(tmp_path / "assets"), quota_bytes=10_000)
    outcome = await asyncio.gather(
        *(
            assets.announce("roof", NewAsset.model_validate(said(label=f"file {number}")))
            for number in range(8)
        ),
        return_exceptions=True,
    )
    refused = [one for one in outcome if isinstance(one, QuotaExceeded)]
    assert len(refused) == 6
    assert len(outcome) == 8


async def test_the_same_said_at_once_is_one_asset(database, tmp_path):
    await Nodes(database).register("roof", ROOF)
    assets = Assets(database, AssetFiles(tmp_path / "assets"), quota_bytes=10_000)
    wanted = NewAsset.model_validate(said())
    rows = await asyncio.gather(*(assets.announce("roof", wanted) for _ in range(5)))
    assert len({row.id for row in rows}) == 1


class FullDisk:
    """Takes so many bytes, half of the last piece, and then nothing."""

    def __init__(self, room):
        self.room = room

    def __call__(self, descriptor, data):
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = os.write(descriptor, data[: min(len(data), self.room)])
        self.room -= count
        return count


async def test_full_disk_is_said_in_words_and_gone_on_with(hub_of, tmp_path):
    disk = FullDisk(2_500)
    hub = await hub_of(files={"write": disk})
    path, _ = await announce(hub)
    size = len(DATA)
    await put(hub, path, DATA[:1000], f"bytes 0-999/{size}")
    refusal, _ = await put(hub, path, DATA[1000:], f"bytes 1000-{size - 1}/{size}", status=507)
    assert refusal["detail"] == (
        f"the disk takes nothing: No space left on device; 1000 of {size} bytes are kept"
    )
    assert await offset(hub, path) == (1000, "?0")
    disk.room = 10_000
    kept, _ = await put(hub, path, DATA[1000:], f"bytes 1000-{size - 1}/{size}")
    assert kept["complete"]
    assert list(files(tmp_path).values()) == [DATA]


async def test_room_is_left_to_the_database(hub_of):
    hub = await hub_of(files={"keep_free_bytes": 2**62})
    path, _ = await announce(hub)
    refusal, _ = await put(hub, path, DATA, status=507)
    assert "are kept free" in refusal["detail"]


@pytest.mark.parametrize(
    "fields",
    [
        {"label": ""},
        {"label": "a\x00b"},
        {"media_type": "../../etc/passwd"},
        {"media_type": "text/html\r\nX: y"},
        {"size": -1},
        {"size": 2**63},
        {"sha256": "../../etc/passwd"},
        {"sha256": "0" * 63 + "g"},
        {"name": "../../etc/passwd"},
        {"session_id": 2**63},
    ],
)
async def test_what_cannot_be_said_is_refused(hub, fields):
    _, refusal = await announce(hub, status=422, **fields)
    assert next(iter(fields)) in refusal["detail"] or "NUL" in refusal["detail"]


@pytest.mark.parametrize("name", ["..%2F..%2Fetc", "a", "incoming", "0" * 32, "%2e%2e"])
async def test_no_name_of_the_client_reaches_the_disk(hub, tmp_path, name):
    node_id = await registered(hub)
    before = sorted(tmp_path.rglob("*"))
    for method in ("HEAD", "GET", "PUT"):
        url = f"{hub.url}/v1/nodes/{node_id}/assets/{name}"
        async with hub.client.request(
            method, aiohttp.client.URL(url, encoded=True), headers=hub.bearer(), data=b"x"
        ) as response:
            assert response.status in (404, 422)
    assert sorted(tmp_path.rglob("*")) == before


async def test_asset_of_a_session_is_found_with_it(hub):
    async with hub.node() as node:
        row = await hub.scan(node)
    path, _ = await announce(hub, session_id=row.id)
    assert await hub.assets.of_session(row.id) == []
    await put(hub, path, DATA)
    assert [asset.label for asset in await hub.assets.of_session(row.id)] == ["waterfall"]


async def test_what_nobody_goes_on_with_is_forgotten(hub, tmp_path):
    done, _ = await announce(hub)
    await put(hub, done, DATA)
    left, answer = await announce(hub, label="left alone", data=DATA[:100])
    await put(hub, left, DATA[:10], "bytes 0-9/100")
    assert await hub.assets.tidy(timedelta(hours=1)) == 0
    with hub.files.open_part(answer["id"]):
        assert await hub.assets.tidy(timedelta(0)) == 0  # somebody is at it
    await asyncio.sleep(0.02)
    assert await hub.assets.tidy(timedelta(0)) == 1
    await ask(hub, "HEAD", left, status=404)
    assert await offset(hub, done) == (len(DATA), "?1")
    assert list(files(tmp_path).values()) == [DATA]


async def test_headers_say_how_long_it_is(hub):
    path, _ = await announce(hub)
    _, headers = await ask(hub, "HEAD", path)
    assert headers[UPLOAD_LENGTH] == str(len(DATA))
