"""Truth: cryptography's own Ed25519, RFC 7638 for the key's name, and the file system."""

import base64
import hashlib
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.jwk import OKPKey

from skyscan_lab.client.private_file import create_private
from skyscan_lab.errors import FileError
from skyscan_server.auth import keys
from skyscan_server.auth.keys import KEY_FILE, SigningKey, load_signing_key


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_signs_what_others_can_check(tmp_path):
    key = load_signing_key(tmp_path)
    (jwk,) = key.jwks()["keys"]
    head, payload, signature = key.sign({"sub": "somebody"}, "at+jwt").split(".")
    public = Ed25519PublicKey.from_public_bytes(unpadded(jwk["x"]))
    public.verify(unpadded(signature), f"{head}.{payload}".encode())
    assert json.loads(unpadded(head)) == {"alg": "Ed25519", "kid": jwk["kid"], "typ": "at+jwt"}
    assert json.loads(unpadded(payload)) == {"sub": "somebody"}


def test_the_public_document_holds_nothing_private(tmp_path):
    key = load_signing_key(tmp_path)
    (jwk,) = key.jwks()["keys"]
    assert set(jwk) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("OKP", "Ed25519", "Ed25519", "sig")
    required = f'{{"crv":"Ed25519","kty":"OKP","x":"{jwk["x"]}"}}'
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(required.encode()).digest())
    assert jwk["kid"] == thumbprint.rstrip(b"=").decode()


def test_stays_the_same_and_is_for_its_owner_alone(tmp_path):
    first = load_signing_key(tmp_path / "data")
    path = tmp_path / "data" / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert load_signing_key(tmp_path / "data").jwks() == first.jwks()
    assert path.read_bytes() == content
    private = Ed25519PrivateKey.from_private_bytes(unpadded(json.loads(content)["d"]))
    (jwk,) = first.jwks()["keys"]
    assert private.public_key().public_bytes_raw() == unpadded(jwk["x"])


def test_two_folders_have_two_keys(tmp_path):
    assert load_signing_key(tmp_path / "a").key_id != load_signing_key(tmp_path / "b").key_id


def test_readable_by_others_is_refused_with_the_way_out(tmp_path):
    load_signing_key(tmp_path)
    path = tmp_path / KEY_FILE
    path.chmod(0o644)
    with pytest.raises(FileError, match=f"chmod 600 {path}"):
        load_signing_key(tmp_path)
    path.chmod(0o600)
    load_signing_key(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"[]",
        b'{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}',
        b'{"kty": "OKP", "crv": "X25519", "x": "%s", "d": "%s"}' % (b"A" * 43, b"A" * 43),
        b'{"kty": "OKP", "crv": "Ed25519", "x": "%s"}' % (b"A" * 43),
        b'{"kty": "oct", "k": "c2VjcmV0"}',
    ],
)
def test_a_file_without_such_a_key_is_refused_and_left(tmp_path, content):
    path = tmp_path / KEY_FILE
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(FileError, match="holds no private Ed25519 key") as caught:
        load_signing_key(tmp_path)
    assert "c2VjcmV0" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_key_shows_nothing_of_itself(tmp_path):
    key = load_signing_key(tmp_path)
    secret = json.loads((tmp_path / KEY_FILE).read_bytes())["d"]
    assert secret not in f"{key!r} {key} {key.key_set()!r}"


def test_a_public_key_cannot_sign():
    with pytest.raises(ValueError, match="must be a private Ed25519 key"):
        SigningKey(OKPKey.generate_key("Ed25519", private=False))
    with pytest.raises(ValueError, match="must be a private Ed25519 key"):
        SigningKey(OKPKey.generate_key("X25519"))


def test_the_slower_of_two_takes_the_key_of_the_faster(tmp_path, monkeypatch):
    rival = load_signing_key(tmp_path / "rival")
    made = (tmp_path / "rival" / KEY_FILE).read_bytes()

    def too_late(path, data):
        assert create_private(path, made)
        return create_private(path, data)

    monkeypatch.setattr(keys, "create_private", too_late)
    assert load_signing_key(tmp_path / "data").key_id == rival.key_id
    assert (tmp_path / "data" / KEY_FILE).read_bytes() == made


START = """
import sys
from pathlib import Path
from skyscan_server.auth.keys import load_signing_key
print("ready", flush=True)
sys.stdin.read()
print(load_signing_key(Path(sys.argv[1])).key_id)
"""


def test_processes_that_start_at_once_get_the_same_key(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START, tmp_path / "data"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert {process.stdout.readline() for process in processes} == {"ready\n"}
    for process in processes:
        process.stdin.close()
    found = [process.stdout.read().strip() for process in processes]
    for process in processes:
        process.stdout.close()
        assert process.wait(30) == 0
    assert len(set(found)) == 1
    assert found[0] == load_signing_key(tmp_path / "data").key_id
    assert [file.name for file in (tmp_path / "data").iterdir()] == [KEY_FILE]
