"""Truth: RFC 8252 and RFC 9700: a code goes to loopback, or over TLS, and to no third place."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyscan_server.auth.grants.redirects import check_redirect_uri, with_parameters


@pytest.mark.parametrize(
    "uri",
    [
        "https://lab.example/callback",
        "https://lab.example:8443/a/b?c=d&e=%20",
        "https://lab.example",
        "http://127.0.0.1:8888/callback",
        "http://[::1]:8888/callback",
        "http://localhost:8888/callback",
    ],
)
def test_allowed(uri):
    assert check_redirect_uri(uri) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "callback",
        "/callback",
        "//lab.example/callback",
        "http://lab.example/callback",
        "http://127.0.0.1.thief.example/callback",
        "http://127.0.0.1@thief.example/callback",
        "http://localhost:8888@thief.example/",
        "http://10.0.0.1/callback",
        "http://0.0.0.0/callback",
        "https:///callback",
        "https://user@lab.example/callback",
        "https://lab.example/callback#part",
        "https://lab.example/callback#",
        "https://lab.example:port/callback",
        "https://lab.example:99999/callback",
        "https://[::1/callback",
        "https://lab.example\\@thief.example/",
        "https://lab.example/call back",
        "https://lab.example/callback\r\nSet-Cookie: a=b",
        "https://lab.example/\u00e9",
        "javascript:alert(1)",
        "data:text/html,hi",
        "file:///etc/passwd",
        "org.example.app:/callback",
        " https://lab.example/callback",
    ],
)
def test_refused(uri):
    with pytest.raises(ValueError, match=r"redirect_uri|[Pp]ort|IPv6"):
        check_redirect_uri(uri)


@given(st.dictionaries(st.sampled_from(["code", "state", "iss"]), st.text(min_size=1)))
@pytest.mark.parametrize("uri", ["https://lab.example/back", "https://lab.example/back?a=b&c=%20"])
def test_parameters_join_the_query_and_change_nothing_else(uri, parameters):
    before, after = urlsplit(uri), urlsplit(with_parameters(uri, parameters))
    assert after._replace(query="") == before._replace(query="")
    pairs = parse_qsl(after.query, keep_blank_values=True, errors="surrogatepass")
    assert pairs == [*parse_qsl(before.query), *parameters.items()]
