"""What of a station's hardware answers, and how to mend what does not."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from skyscan_lab import station as settings
from skyscan_lab.devices.base import RotorLimits
from skyscan_lab.devices.connection import why_unreachable
from skyscan_lab.devices.factory import drivers_of
from skyscan_lab.devices.rigctld import RigctldReceiver
from skyscan_lab.devices.rotctld import RotctldReceiver, RotctldRotor
from skyscan_lab.devices.winegard import WinegardRotor
from skyscan_lab.errors import (
    DeviceError,
    DeviceRefused,
    DeviceTimeout,
    DeviceUnreachable,
    NoSignalSource,
    OutOfLimits,
    SkyscanError,
)

PATIENCE_S = 3.0

_RTL_TCP_GREETING = b"RTL0"
_RTL_TCP_GREETING_BYTES = 12


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what : str
        The thing: ``"rotctld 127.0.0.1:4533"``.
    ok : bool
        Whether it can be used.
    detail : str
        What was found.
    fix : str
        What to do about it, in words; empty when nothing is to be done.
    """

    what: str
    ok: bool
    detail: str
    fix: str = ""


async def check_station(station: settings.Station) -> list[Finding]:
    """Look at the settings of a station, then at each of its devices, one after the other."""
    try:
        drivers_of(station)
    except SkyscanError as error:
        return [Finding("settings", False, str(error), "correct the station file")]
    findings: list[Finding] = []
    match station.rotor:
        case settings.RotctldRotor(host=host, port=port, limits=limits):
            findings.append(
                await check_rotctld(
                    host,
                    port,
                    with_rssi=isinstance(station.receiver, settings.RotorReceiver),
                    limits=None if limits is None else RotorLimits.of(limits),
                )
            )
        case settings.WinegardRotor(device=device):
            findings.append(await check_winegard(device))
        case _:
            findings.append(Finding("rotor", True, "simulated"))
    match station.receiver:
        case settings.RigctldReceiver(host=host, port=port, level=level):
            findings.append(await check_rigctld(host, port, level=level))
        case settings.RtlTcpReceiver(host=host, port=port):
            findings.append(await check_rtl_tcp(host, port))
        case settings.RotorReceiver():
            findings.append(Finding("receiver", findings[0].ok, "comes with the rotor"))
        case _:
            findings.append(Finding("receiver", True, "simulated"))
    return findings


async def check_rotctld(
    host: str, port: int, *, with_rssi: bool = False, limits: RotorLimits | None = None
) -> Finding:
    """Ask a rotctld server for its model, limits and position; nothing moves.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        TCP port.
    with_rssi : bool
        Whether it is to measure signal strength as well.
    limits : RotorLimits, optional
        Of the station, which must have something in common with the rotor's.
    """
    rotor = RotctldRotor(host, port, limits=limits, timeout_s=PATIENCE_S, reconnect_s=0.0)
    try:
        async with rotor:
            where = await rotor.position()
            if with_rssi:
                async with RotctldReceiver(rotor):
                    pass
    except DeviceError as error:
        return Finding(rotor.name, False, error.reason, _rotctld_fix(error, host, port))
    detail = f"{rotor.model}, at {where}, turns {rotor.limits}"
    return Finding(rotor.name, True, detail)


async def check_winegard(device: str) -> Finding:
    """Ask a Winegard G2's console for the dish's position; nothing moves."""
    port = check_serial_port(device)
    if not port.ok:
        return port
    rotor = WinegardRotor(device, timeout_s=PATIENCE_S, reconnect_s=0.0)
    try:
        async with rotor:
            where = await rotor.position()
    except DeviceTimeout as error:
        fix = "switch the dish on, or off and on again; if it stays silent, swap a pair's + and −"
        return Finding(rotor.name, False, error.reason, fix)
    except DeviceError as error:
        return Finding(rotor.name, False, error.reason, "see that this is the dish's port")
    return Finding(rotor.name, True, f"at {where}")


async def check_rigctld(host: str, port: int, *, level: str = "STRENGTH") -> Finding:
    """Ask rigctld or gqrx for one reading."""
    receiver = RigctldReceiver(host, port, level=level, timeout_s=PATIENCE_S, reconnect_s=0.0)
    try:
        async with receiver:
            measured = await receiver.read(1)
    except DeviceError as error:
        return Finding(receiver.name, False, error.reason, _rigctld_fix(error, host, port))
    return Finding(receiver.name, True, f"{receiver.model}, {measured.last:g} {receiver.units}")


async def check_rtl_tcp(host: str, port: int) -> Finding:
    """See whether rtl_tcp greets, without changing what its dongle is tuned to."""
    what = f"rtl_tcp {host}:{port}"
    start = f"start it beside the dongle: rtl_tcp -a {host} -p {port}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                greeting = await reader.readexactly(_RTL_TCP_GREETING_BYTES)
            finally:
                writer.transport.abort()
    except TimeoutError:
        return Finding(
            what, False, "no greeting", "it serves one client: end the other program, or restart it"
        )
    except asyncio.IncompleteReadError:
        return Finding(what, False, "hangs up without a greeting", "check the port")
    except OSError as error:
        return Finding(what, False, why_unreachable(error), start)
    if not greeting.startswith(_RTL_TCP_GREETING):
        return Finding(what, False, f"greets with {greeting!r}", "another program: check the port")
    return Finding(what, True, f"tuner type {int.from_bytes(greeting[4:8], 'big')}")


def check_serial_ports() -> list[Finding]:
    """List the serial ports of this computer, and whether they may be used."""
    try:
        from serial.tools import list_ports
    except ImportError:
        return [
            Finding(
                "serial ports",
                False,
                "pyserial is not installed",
                'pip install "skyscan-lab[devices]"',
            )
        ]
    ports = sorted(port.device for port in list_ports.comports())
    if not ports:
        return [
            Finding("serial ports", True, "none found", "plug in the adapter to use a serial rotor")
        ]
    return [check_serial_port(port) for port in ports]


def check_serial_port(path: str) -> Finding:
    """Tell whether a serial port is there and may be used; it is not opened."""
    what = f"serial port {path}"
    if not os.path.exists(path):  # noqa: PTH110 -- a port is a name to the system, not a file of ours
        return Finding(what, False, "does not exist", "plug in the adapter, or correct the name")
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding(
            what,
            False,
            "may not be read and written",
            "join its group and log in again: sudo usermod -a -G dialout $USER",
        )
    return Finding(what, True, "can be used")


def _rotctld_fix(error: DeviceError, host: str, port: int) -> str:
    match error:
        case DeviceUnreachable():
            return (
                f"start it beside the rotor: rotctld -m MODEL -r /dev/ttyUSB0 -T {host} -t {port} "
                "(rotctl -l lists the models)"
            )
        case DeviceTimeout():
            return "another client may hold it, or the port belongs to another program"
        case DeviceRefused():
            return "see that the rotor is switched on, and that rotctld was given its serial port"
        case NoSignalSource():
            return "choose another receiver in the station file: rtl_tcp, rigctld"
        case OutOfLimits():
            return "correct rotor.limits in the station file"
        case _:
            return "see that the port is rotctld's"


def _rigctld_fix(error: DeviceError, host: str, port: int) -> str:
    match error:
        case DeviceUnreachable():
            return (
                f"start it: rigctld -m MODEL -r /dev/ttyUSB0 -T {host} -t {port} (rigctl -l lists "
                "the models), or in gqrx: Tools, Remote control, on port 7356"
            )
        case NoSignalSource():
            return "use a level that this receiver has, or start gqrx's DSP"
        case DeviceRefused():
            return "see that the radio is switched on, and that rigctld was given its port"
        case _:
            return "see that the port is rigctld's or gqrx's"
