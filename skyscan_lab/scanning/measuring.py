"""One step of a scan becomes one record: go there, check, read."""

from __future__ import annotations

from asyncio import sleep
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite

from skyscan_lab.devices.base import Measurement, Position, ReadingKey, Receiver, Rotor
from skyscan_lab.devices.clock import Clock
from skyscan_lab.errors import DeviceError, DeviceProtocolError, NoSignalSource, PositionMismatch
from skyscan_lab.protocol.records import (
    MissingRecord,
    PointRecord,
    ReferenceRecord,
    ScanRecord,
)
from skyscan_lab.scanning.faults import FaultPolicy
from skyscan_lab.scanning.steps import Look, Skip, Visit
from skyscan_lab.scanning.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class Measuring:
    """Rotor and receiver at work on one scan."""

    rotor: Rotor
    receiver: Receiver
    clock: Clock
    policy: FaultPolicy
    watchdog: Watchdog

    async def go(self, step: Visit | Look) -> Position:
        """Send the rotor to a step's target and return where it says it has settled.

        Raises
        ------
        PositionMismatch
            Where that is farther from the target than the policy's tolerance.
        DeviceError
            As the rotor says.
        """
        position = await self.watchdog.call(
            self.rotor.move(step.azimuth_deg, step.elevation_deg),
            device=self.rotor.name,
            limit_s=self.policy.move_limit_s,
        )
        # Rotors that count from 0 to 360 report the same place a turn away.
        off_azimuth = abs((position.azimuth_deg - step.azimuth_deg + 180.0) % 360.0 - 180.0)
        off_elevation = abs(position.elevation_deg - step.elevation_deg)
        if not max(off_azimuth, off_elevation) <= self.policy.tolerance_deg:
            raise PositionMismatch(
                self.rotor.name,
                f"sent to azimuth {step.azimuth_deg:g}° elevation {step.elevation_deg:g}°, says it "
                f"has settled at azimuth {position.azimuth_deg:g}° elevation "
                f"{position.elevation_deg:g}°; check motors, encoders and limits",
            )
        return position

    async def look(self, step: Visit | Look, position: Position, reads: int) -> ScanRecord:
        """Read where the rotor is, and return what is to be recorded.

        A reading that fails again and again gives up its point; the record says why.

        Parameters
        ----------
        step : Visit or Look
            What is read.
        position : Position
            Where the rotor is.
        reads : int
            Readings to average.

        Raises
        ------
        NoSignalSource
            Where the receiver has no signal at all.
        """
        try:
            measured, time = await self._read(reads, step.key)
        except NoSignalSource:
            raise
        except DeviceError as error:
            return self._unread(step, position, error)
        common = {**position._asdict(), **_reading(measured), "time": time}
        if isinstance(step, Look):
            return ReferenceRecord.model_validate({"visit": step.visit, **common})
        return PointRecord.model_validate({"sequence": step.point.sequence, **common})

    def skip(self, step: Skip) -> ScanRecord:
        """Return what is to be recorded of a point that the rotor cannot reach."""
        where = f"azimuth {step.point.azimuth_deg:g}° elevation {step.point.elevation_deg:g}°"
        return MissingRecord(
            sequence=step.point.sequence,
            reason="out_of_limits",
            words=f"{self.rotor.name} cannot reach {where}",
            time=self.clock.now(),
        )

    async def _read(self, reads: int, key: ReadingKey) -> tuple[Measurement, datetime]:
        """Read, again if need be, and return the average and the middle of its time.

        Raises
        ------
        NoSignalSource
            At once: trying again cannot help.
        DeviceError
            Of the last try.
        """
        attempt = 1
        while True:
            try:
                return await self._read_once(reads, key)
            except NoSignalSource:
                raise
            except DeviceError:
                if attempt >= self.policy.read_attempts:
                    raise
            attempt += 1
            await self.watchdog.call(
                sleep(self.policy.retry_s), device=self.receiver.name, limit_s=inf
            )

    async def _read_once(self, reads: int, key: ReadingKey) -> tuple[Measurement, datetime]:
        begin = self.clock.now()
        measurement = await self.watchdog.call(
            self.receiver.read(reads, key),
            device=self.receiver.name,
            limit_s=self.policy.read_limit_s,
        )
        if measurement.reads < 1 or not isfinite(measurement.mean):
            raise DeviceProtocolError(
                self.receiver.name, f"none of {reads} readings is a finite number"
            )
        return measurement, begin + (self.clock.now() - begin) / 2

    def _unread(self, step: Visit | Look, position: Position, error: DeviceError) -> ScanRecord:
        if isinstance(step, Visit):
            return MissingRecord(
                sequence=step.point.sequence,
                reason="reading_failed",
                words=str(error),
                time=self.clock.now(),
            )
        return ReferenceRecord(
            visit=step.visit,
            azimuth_deg=position.azimuth_deg,
            elevation_deg=position.elevation_deg,
            time=self.clock.now(),
            reads=0,
            mean=None,
            std=None,
            last=None,
            domain=None,
        )


def _reading(measured: Measurement) -> dict[str, object]:
    return {
        "reads": int(measured.reads),
        "mean": measured.mean,
        "std": measured.std if isfinite(measured.std) else None,
        "last": measured.last,
        "domain": measured.domain,
    }
