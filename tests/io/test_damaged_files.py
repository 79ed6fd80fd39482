"""Truth: whatever is done to a file, the answer is a valid session or a FileError."""

import shutil
import warnings
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from skyscan_lab.errors import FileError, SkyscanWarning
from skyscan_lab.io import load_session
from skyscan_lab.session import validate

DATA = Path(__file__).parents[2] / "data"
COMPANIONS = {
    "rtl_power.csv": ["rtl_power.pointing.csv"],
    "rtl_power.pointing.csv": ["rtl_power.csv"],
    "raw-data-20260214-020000.txt": ["scan-settings-20260214-020000.txt"],
    "scan-settings-20260215-020000.txt": ["raw-data-20260215-020000.txt"],
}
TEXT = [
    "session.csv",
    "points.json",
    "rtl_power.csv",
    "winegard.txt",
    "raw-data-20260214-020000.txt",
]
BINARY = ["session.nc", "map.fits", "map.healpix.fits"]
OPENED = {
    "rtl_power.pointing.csv": "rtl_power.csv",
    "scan-settings-20260215-020000.txt": "raw-data-20260215-020000.txt",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def load(folder, name, content):
    """Load an example with other content; None where it is refused."""
    for companion in COMPANIONS.get(name, []):
        shutil.copy(DATA / companion, folder)
    (folder / name).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyscanWarning)
        try:
            return validate(load_session(folder / OPENED.get(name, name)))
        except FileError:
            return None


@pytest.mark.parametrize("name", [*TEXT, *BINARY, *OPENED])
@hypothesis.given(share=st.floats(0.0, 1.0, exclude_max=True))
@hypothesis.settings(max_examples=40)
def test_cut_anywhere(name, folder, share):
    content = (DATA / name).read_bytes()
    load(folder, name, content[: int(share * len(content))])


@pytest.mark.parametrize("name", [*TEXT, *BINARY, *OPENED])
def test_cut_at_every_byte_of_the_end(name, folder):
    content = (DATA / name).read_bytes()
    whole = load(folder, name, content)
    measured = int(whole["rssi"].count())
    for missing in range(1, 120):
        ds = load(folder, name, content[:-missing])
        assert ds is None or int(ds["rssi"].count()) <= measured


@pytest.mark.parametrize("name", ["session.nc", "map.fits", "map.healpix.fits"])
def test_binary_formats_are_whole_or_refused(name, folder):
    content = (DATA / name).read_bytes()
    for length in range(0, len(content), 997):
        assert load(folder, name, content[:length]) is None


@pytest.mark.parametrize("name", [*TEXT, *OPENED])
@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=60)
def test_text_with_anything_written_into_it(name, folder, data):
    content = (DATA / name).read_bytes()
    where = data.draw(st.integers(0, len(content) - 1))
    length = data.draw(st.integers(0, 12))
    junk = data.draw(
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [b"nan", b"-inf", b"1e999", b"\n", b" ", b",", b";", b"\xff", b"\0", b"-"]
            ),
        )
    )
    load(folder, name, content[:where] + junk + content[where + length :])


@pytest.mark.parametrize("name", ["map.fits", "map.healpix.fits"])
@hypothesis.given(where=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
@hypothesis.settings(max_examples=60)
def test_fits_with_a_flipped_bit(name, folder, where, bit):
    content = bytearray((DATA / name).read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    load(folder, name, bytes(content))


@hypothesis.given(content=st.binary(min_size=1, max_size=2000))
@hypothesis.settings(max_examples=100)
def test_garbage(folder, content):
    load(folder, "winegard.txt", content)
