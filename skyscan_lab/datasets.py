"""Real recordings by name: fetched once, checked against their checksums, never altered.

A recording is looked for in the folder named by ``SKYSCAN_DATA``, then in the cache of this
machine, then at its public address. With ``SKYSCAN_OFFLINE=1`` the network is left alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pooch

from skyscan_lab.errors import DatasetUnavailable, InvalidInput

_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class RemoteFile:
    """A file of a recording, as its publisher has it.

    Attributes
    ----------
    url : str
        Address, at a fixed commit.
    sha256 : str
        Checksum.
    """

    url: str
    sha256: str


@dataclass(frozen=True)
class Recording:
    """A recording on this machine.

    Attributes
    ----------
    name : str
        Its name in `RECORDINGS`.
    folder : Path
        Where it lies.
    files : mapping of str to Path
        Its files by name.
    """

    name: str
    folder: Path
    files: MappingProxyType[str, Path]

    def __getitem__(self, file: str) -> Path:
        return self.files[file]


# MIT License, Copyright (c) 2024 Christopher Davidson.
_WINEGARD_G2 = (
    "https://raw.githubusercontent.com/cdavidson0522/winegard-sky-scan/"
    "293fef9f0a7823fdd0694d793f9629e481872ab8/example"
)

RECORDINGS = MappingProxyType(
    {
        "winegard-g2": MappingProxyType(
            {
                "scan_data.txt": RemoteFile(
                    f"{_WINEGARD_G2}/scan_data.txt",
                    "5bcddfa1ba513df3822ec611818c5ac484a47e1a27e79a4cbe89ed7a52cc8bf7",
                ),
                "satellites.csv": RemoteFile(
                    f"{_WINEGARD_G2}/satellite_data.csv",
                    "63c2cc1f7afb7f571c456adf51c3c291a5ca219a0e094c5dbfeed1a84edee843",
                ),
            }
        )
    }
)
"""Recordings that can be had: their files, addresses and checksums.

``winegard-g2``: a Carryout G2 in Ku band, 2024; azimuth 110–240°, elevation 18–58° in steps of
1°, 5371 points, and the geostationary satellites as seen from its site.
"""


def fetch(name: str) -> Recording:
    """Get a real recording.

    Parameters
    ----------
    name : str
        One of `RECORDINGS`.

    Returns
    -------
    Recording
        Its folder and files, each with the right checksum.

    Raises
    ------
    InvalidInput
        For a name that is not in `RECORDINGS`.
    DatasetUnavailable
        Where it is neither here nor to be had, or a file has the wrong checksum; it says how
        to get it.

    Examples
    --------
    >>> sorted(RECORDINGS["winegard-g2"])  # fetch("winegard-g2")["scan_data.txt"] is a path
    ['satellites.csv', 'scan_data.txt']
    """
    if name not in RECORDINGS:
        raise InvalidInput("recording", name, f"one of {', '.join(RECORDINGS)}")
    offered = os.environ.get("SKYSCAN_DATA")
    if offered and (Path(offered) / name).is_dir():
        folder = Path(offered) / name
        files = {file: _checked(folder / file, remote) for file, remote in RECORDINGS[name].items()}
    else:
        folder = pooch.os_cache("skyscan-lab") / name
        files = {file: _cached(folder / file, remote) for file, remote in RECORDINGS[name].items()}
    return Recording(name, folder, MappingProxyType(files))


def _checked(path: Path, remote: RemoteFile) -> Path:
    if not path.is_file():
        raise DatasetUnavailable(f"{path} is not there: get it from {remote.url}")
    found = pooch.file_hash(str(path))
    if found != remote.sha256:
        raise DatasetUnavailable(
            f"{path} is not what was published (sha256 {found}, expected {remote.sha256}): get it "
            f"again from {remote.url}"
        )
    return path


def _cached(path: Path, remote: RemoteFile) -> Path:
    if path.is_file() and pooch.file_hash(str(path)) == remote.sha256:
        return path
    elsewhere = (
        f"put it at {path}, or in the folder {path.parent.name} of a folder named by SKYSCAN_DATA"
    )
    if os.environ.get("SKYSCAN_OFFLINE", "") not in ("", "0"):
        raise DatasetUnavailable(
            f"{path.name} is not on this machine and SKYSCAN_OFFLINE is set: get it from "
            f"{remote.url} and {elsewhere}"
        )
    try:
        pooch.retrieve(
            remote.url,
            known_hash=f"sha256:{remote.sha256}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT_S),
        )
    except (OSError, ValueError) as error:
        raise DatasetUnavailable(f"{remote.url} cannot be had ({error}): {elsewhere}") from error
    return path
