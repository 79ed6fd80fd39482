"""Truth: what the issue says of a hub without configuration and beyond loopback, and files as
people write them."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from skyscan_server.settings import HubSettings, SettingsError, data_folder, load_settings
from skyscan_server.store.database import open_database


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "hub.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_without_anything_it_is_a_lab_on_loopback(tmp_path):
    settings = load_settings(tmp_path)
    assert (settings.host, settings.port, settings.gateway_port) == ("127.0.0.1", 5001, 5002)
    assert settings.loopback
    assert not settings.open_api
    assert settings.url == f"sqlite:///{tmp_path}/skyscan.sqlite"


def test_the_command_line_wins_over_the_file_and_what_is_not_given_does_not(write):
    data = write('port = 6001\ngateway_port = 6002\norigins = ["https://hub.example"]')
    settings = load_settings(data, port=7001, gateway_port=None, host=None)
    assert (settings.port, settings.gateway_port) == (7001, 6002)
    assert settings.origins == ("https://hub.example",)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_the_api_may_be_open_on_loopback(tmp_path, host):
    assert load_settings(tmp_path, host=host, open_api=True).loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "hub.example", ""])  # noqa: S104 - what must be refused
def test_the_api_is_never_open_beyond_loopback(tmp_path, write, host):
    assert not load_settings(tmp_path, host=host).loopback
    with pytest.raises(SettingsError, match=r"open_api: must be off where host is"):
        load_settings(tmp_path, host=host, open_api=True)
    with pytest.raises(SettingsError, match="beyond loopback every call needs a token"):
        load_settings(write("open_api = true"), host=host)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = 70000", ["port = 70000", "less than or equal to 65535"]),
        ("port = -1\nopen_api = 7", ["port = -1", "open_api = 7"]),
        ("prot = 5001", ["'prot' is no setting; known are", "port"]),
        ("[outside_issuer]\nissuer = 'x'", ["outside_issuer.jwks_url is required"]),
        (
            "[outside_issuer]\nissuer = 'x'\njwks_url = 'y'\nsecret = 'z'",
            ["'secret' is no setting", "jwks_url"],
        ),
        ("asset_quota_bytes = 0", ["asset_quota_bytes = 0", "greater than 0"]),
        ("port = ", ["not TOML"]),
        ("data = '/elsewhere'", ["data: must be left out"]),
        ("database = 'mysql://u:hush@h/d'", ["database: must be sqlite:///PATH or postgresql://"]),
        ("database = 'sqlite:///'", ["database: must be sqlite:///PATH"]),
        (
            "gateway_database = 'postgresql://gate:hush@h/d'",
            ["gateway_database: must be left out", "SQLite has no roles"],
        ),
        (
            "database = 'postgresql://u:hush@h/d'\ngateway_database = 'sqlite:///x'",
            ["gateway_database: must be left out"],
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(write, text, words):
    data = write(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(data)
    said = str(caught.value)
    assert said.startswith(f"{data / 'hub.toml'}: ")
    assert [word for word in words if word not in said] == [], said
    assert "hush" not in said, "a password"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "hub.toml").mkdir()
    with pytest.raises(SettingsError, match=r"hub\.toml: Is a directory"):
        load_settings(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "hub.toml").write_bytes(b"\xff\xfe\x00port")
    with pytest.raises(SettingsError, match=r"hub\.toml: not TOML"):
        load_settings(tmp_path)


def test_what_is_wrong_on_the_command_line_names_no_file(tmp_path):
    with pytest.raises(SettingsError, match=r"^settings: port = 70000"):
        load_settings(tmp_path, port=70000)


@pytest.mark.parametrize("name", ["plain", "with space", "50%25 off?", "ü#1&2"])
async def test_a_database_is_in_its_folder_whatever_that_is_called(tmp_path, name):
    folder = tmp_path / name
    async with open_database(HubSettings(data=folder).url) as database:
        assert database.is_sqlite
    assert (folder / "skyscan.sqlite").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_gateway_may_have_a_role_of_its_own(write):
    text = "database = 'postgresql://own@h/d'\ngateway_database = 'postgresql://gate@h/d'"
    settings = load_settings(write(text))
    assert sa.make_url(settings.gateway_database).username == "gate"


def test_settings_are_not_changed(tmp_path):
    settings = load_settings(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        settings.open_api = True


def test_the_data_folder_is_the_chosen_one_or_the_home_or_the_platform_s(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKYSCAN_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert data_folder() == tmp_path / "share" / "skyscan-lab"
    monkeypatch.setenv("SKYSCAN_HOME", "home")
    assert data_folder() == tmp_path / "home"
    assert data_folder(Path("chosen")) == tmp_path / "chosen"
    monkeypatch.setenv("SKYSCAN_HOME", "")
    assert data_folder() == tmp_path / "share" / "skyscan-lab"
