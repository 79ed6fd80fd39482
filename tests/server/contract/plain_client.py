"""A client written from the published page alone, plus one header: it knows nothing of ours.

    python plain_client.py URL TOKEN

It scans the default grid, follows it on the WebSocket to 100.0 %, and checks what ``/data``
then lists. What it found goes to standard output as JSON; anything wrong ends it with words.
"""

import asyncio
import json
import sys

import aiohttp

FIELDS = {"azimuth", "elevation", "rssi_reads", "rssi_average", "rssi_current", "measured_at"}


async def scan(url: str, token: str) -> dict[str, object]:
    """Scan, follow, check."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as client:
        async with client.post(f"{url}/api/skyscan/start", json={"rotor_id": 1}) as response:
            session = await response.json()
            assert response.status == 200, session
        number, total = session["id"], session["total_points"]
        assert total == 4320, total
        points, last = [], None
        async with client.ws_connect(f"{url}/ws/skyscan/{number}") as socket:
            async for message in socket:
                last = json.loads(message.data)
                assert last["session_id"] == number
                if last["point"] is not None:
                    points.append(last["point"])
                if last["status"] == "completed":
                    break
        assert last is not None
        assert last["progress_pct"] == 100.0, last
        assert last["completed"] == last["total"] == total, last
        async with client.get(f"{url}/api/skyscan/{number}/data") as response:
            data = await response.json()
        async with client.get(f"{url}/api/skyscan/{number}") as response:
            session = await response.json()
    assert session["status"] == "completed", session
    assert len(data) == total, len(data)
    assert all(set(point) == FIELDS for point in data)
    assert all(type(point["rssi_average"]) is int for point in data)
    assert all(point["rssi_reads"] == 10 for point in data)
    wanted = [(az, el) for el in range(18, 65, 2) for az in range(0, 360, 2)]
    off = [
        max(abs((point["azimuth"] - az + 180) % 360 - 180), abs(point["elevation"] - el))
        for point, (az, el) in zip(data, wanted, strict=True)
    ]
    assert max(off) < 0.5, max(off)
    times = [point["measured_at"] for point in data]
    assert times == sorted(times)
    assert points == data[len(data) - len(points) :], "the socket and /data differ"
    strengths = [point["rssi_average"] for point in data]
    return {"points": len(data), "told live": len(points), "range": max(strengths) - min(strengths)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(scan(*sys.argv[1:]))))
