"""Truth: what a hub saw of a node's attempts to reach it, and of what it may not do."""

import asyncio
import socket
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from skyscan_lab.protocol.node_link import LINK_VERSION, Superseded
from skyscan_server.node import Credentials, Node, NodeConfig, NodeError, NodeSection, NodeTiming
from skyscan_server.node.data_folder import data_folder
from tests.server.node.conftest import QUICK
from tests.server.node.hub import CODE, SECRET, running


async def test_a_node_says_what_it_is(hub, make_node):
    async with running(make_node()) as node:
        await asyncio.wait_for(node.connected.wait(), 10)
        (hello,) = hub.hellos
        assert hello.version == LINK_VERSION
        assert hello.graph == node.config.graph
        assert hello.software.startswith("skyscan-lab ")
        hub.cut()
        await hub.until(lambda: not node.connected.is_set())


async def test_tokens_are_fetched_once_and_again_when_refused(hub, make_node):
    async with running(make_node()):
        await hub.until(lambda: hub.connections == 1)
        hub.cut()
        await hub.until(lambda: hub.connections == 2)
        assert hub.tokens_made == 1
        hub.good_tokens.clear()  # a hub with new keys
        hub.cut()
        await hub.until(lambda: hub.connections == 3)
        assert hub.tokens_made == 2


async def test_a_token_near_its_end_is_not_used_again(hub, make_node):
    hub.token_s = 0
    async with running(make_node()):
        await hub.until(lambda: hub.connections == 1)
        hub.cut()
        await hub.until(lambda: hub.connections == 2)
    assert hub.tokens_made == 2


async def test_who_is_superseded_does_not_race_back(hub, make_node, tmp_path):
    async with running(make_node()), running(make_node(data=tmp_path / "other")):
        await hub.until(lambda: hub.connections == 2)
        await asyncio.sleep(0.5)
        assert hub.connections == 2


async def test_who_is_superseded_comes_back_later_each_time_and_says_so(hub, make_node):
    timing = {"superseded_s": 0.2, "superseded_most_s": 0.8}
    with capture_logs() as logs:
        async with running(make_node(timing=timing)):
            for count, least_s in enumerate((0.2, 0.4, 0.8, 0.8), 1):
                await hub.until(lambda count=count: hub.connections == count)
                began = asyncio.get_running_loop().time()
                await hub.send(Superseded(words="a newer one has come"))
                await hub.until(lambda count=count: hub.connections == count + 1)
                assert asyncio.get_running_loop().time() - began >= least_s
    told = [event for event in logs if event["event"].startswith("superseded: another process")]
    assert [event["log_level"] for event in told] == ["error"] * 4
    assert all(event["again_in_s"] >= 0.2 for event in told)


class Cable:
    """A way to the hub. Cut, nothing arrives on what goes over it, and nobody is told."""

    def __init__(self, port):
        self._port = port
        self._ends = []
        self._cuts = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for end in self._ends:
            end.transport.abort()
            with suppress(OSError):
                await end.wait_closed()

    def cut(self):
        self._cuts += 1

    async def _carry(self, reader, writer):
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._ends += [writer, back]
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, source, sink):
        cuts = self._cuts
        with suppress(OSError):
            while data := await source.read(65536):
                if self._cuts == cuts:
                    sink.write(data)
        if self._cuts == cuts:
            sink.transport.abort()


async def test_a_half_open_link_is_noticed_by_its_silence(hub, make_node):
    async with Cable(hub.port) as cable:
        url = f"http://127.0.0.1:{cable.port}"
        async with running(make_node(hub=url, timing={"heartbeat_s": 0.4})) as node:
            await hub.until(lambda: hub.connections == 1)
            cable.cut()
            await hub.until(lambda: hub.connections == 2)
            await asyncio.sleep(1.0)  # and the new one stays
            assert hub.connections == 2
            assert node.connected.is_set()


async def test_a_hub_that_is_not_there_yet_is_waited_for(hub, make_node):
    await hub.stop()
    async with running(make_node()):
        await asyncio.sleep(0.2)
        await hub.start()
        await hub.until(lambda: hub.connections == 1)


async def test_what_is_no_hub_is_borne(make_node, hub):
    """A server that accepts and says nothing, then garbage, harms nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with running(make_node(hub=url, timing={"answer_s": 0.2})) as node:
            await asyncio.sleep(0.7)
            assert not node.connected.is_set()


async def test_wrong_credentials_end_nothing(hub, make_node, tmp_path):
    config = NodeConfig(node=NodeSection(hub=hub.url, data=tmp_path / "a"))
    node = Node(config, Credentials("node-1", "wrong"), timing=NodeTiming(**QUICK))
    task = asyncio.create_task(node.run())
    await asyncio.sleep(0.3)
    assert not task.done()
    assert hub.connections == 0
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_code_of_enrolment_becomes_credentials_once(hub, tmp_path):
    section = {"hub": hub.url, "data": tmp_path / "node", "enrol": CODE}
    for _ in range(2):  # the second time, from what was kept
        node = Node(NodeConfig(node=NodeSection(**section)), timing=NodeTiming(**QUICK))
        async with running(node):
            before = hub.connections
            await hub.until(lambda before=before: hub.connections > before)
    assert hub.enrolled == [CODE]
    kept = tmp_path / "node" / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert SECRET in kept.read_text()


async def test_a_code_that_is_not_good_is_told_in_words(hub, tmp_path):
    section = NodeSection(hub=hub.url, data=tmp_path / "node", enrol="WRONG")
    node = Node(NodeConfig(node=section), timing=NodeTiming(**QUICK))
    with pytest.raises(NodeError, match=r"refused the code of enrolment \(403\)"):
        await asyncio.wait_for(node.run(), 10)


async def test_a_node_without_credentials_says_what_to_do(tmp_path):
    node = Node(NodeConfig(node=NodeSection(data=tmp_path / "node")))
    with pytest.raises(NodeError, match='put enrol = "CODE"'):
        await node.run()


async def test_one_data_folder_serves_one_node(hub, make_node, tmp_path):
    async with running(make_node()):
        await hub.until(lambda: hub.connections == 1)
        with pytest.raises(NodeError, match="another node uses this folder"):
            await make_node().run()


def test_a_node_that_died_is_noticed(tmp_path):
    with data_folder(tmp_path) as died:
        assert not died
        left = (tmp_path / "node.lock").read_text()
    with data_folder(tmp_path) as died:
        assert not died
    (tmp_path / "node.lock").write_text(left)  # as a killed one leaves it
    with data_folder(tmp_path) as died:
        assert died
