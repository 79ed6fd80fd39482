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
    remotes = _remotes(name)
    folder = _offered(name)
    if folder is not None:
        files = {file: _checked(folder / file, remote) for file, remote in remotes.items()}
    else:
        folder = _cache(name)
        files = {file: _cached(folder / file, remote) for file, remote in remotes.items()}
    return Recording(name, folder, MappingProxyType(files))


def is_available(name: str) -> bool:
    """Whether a recording is on this machine and as it was published; nothing is fetched.

    Raises
    ------
    InvalidInput
        For a name that is not in `RECORDINGS`.

    Examples
    --------
    >>> is_available("winegard-g3")
    Traceback (most recent call last):
        ...
    skyscan_lab.errors.InvalidInput: recording = 'winegard-g3': must be one of winegard-g2
    """
    folder = _offered(name) or _cache(name)
    return all(_is_right(folder / file, remote) for file, remote in _remotes(name).items())


def _remotes(name: str) -> MappingProxyType[str, RemoteFile]:
    if name not in RECORDINGS:
        raise InvalidInput("recording", name, f"one of {', '.join(RECORDINGS)}")
    return RECORDINGS[name]


def _offered(name: str) -> Path | None:
    """Folder of a recording in ``SKYSCAN_DATA``, where there is one."""
    data = os.environ.get("SKYSCAN_DATA")
    return Path(data) / name if data and (Path(data) / name).is_dir() else None


def _cache(name: str) -> Path:
    return Path(pooch.os_cache("skyscan-lab")) / name


def _is_right(path: Path, remote: RemoteFile) -> bool:
    return path.is_file() and pooch.file_hash(str(path)) == remote.sha256


def _checked(path: Path, remote: RemoteFile) -> Path:
    if not path.is_file():
        raise DatasetUnavailable(f"{path} is not there: get it from {remote.url}")
    if not _is_right(path, remote):
        raise DatasetUnavailable(
            f"{path} is not what was published (sha256 {remote.sha256}): get it again from "
            f"{remote.url}"
        )
    return path


def _cached(path: Path, remote: RemoteFile) -> Path:
    if _is_right(path, remote):
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
