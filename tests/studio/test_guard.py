"""Who gets in: every probe goes through a real socket to a server that runs."""

import http.client
import json
import re
import socket
import time

import pytest
from tests.studio.conftest import ASSETS, Client
from tests.studio.fake_studio import FakeStudio

from chainrule.errors import OutputError
from chainrule.studio.web.guard import HEADERS, MOST_BODY, SECONDS_OF_REFUSAL, Guard, Keys, Route
from chainrule.studio.web.server import Server, bound

ROUTES = [
    ("GET", path)
    for path in (*ASSETS, "/api/number?address=x[1]", "/api/picture?kind=curves", "/api/take?what=model")
]
ROUTES += [("GET", "/api/stream?client=12345678"), ("POST", "/api/command"), ("POST", "/api/session")]


def refused(answer, *statuses):
    assert answer.status in statuses, (answer.status, answer.body)
    data = answer.data
    assert isinstance(data["problem"], str)
    assert "\n" not in data["problem"]
    assert "token" not in data


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1", "127.0.0.1", "localhost", "[::1]"]
)
def test_feature_25_a_foreign_host_is_refused(opened, method, path, host):
    body = {} if method == "POST" else None
    refused(opened.ask(method, path, body, Host=host), 421)


def test_feature_25_a_host_given_twice_is_refused(opened):
    with socket.create_connection(("127.0.0.1", opened.server.port), timeout=30) as raw:
        name = f"127.0.0.1:{opened.server.port}"
        raw.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nHost: {name}\r\n\r\n".encode())
        assert raw.recv(100).split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", ""]
)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_feature_25_a_foreign_origin_is_refused(opened, method, path, origin):
    refused(opened.ask(method, path, {} if method == "POST" else None, Origin=origin), 403)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_feature_25_what_another_site_fetches_is_refused(opened, method, path, site):
    """As an `<img>`, a script or a form of another page would ask."""
    refused(opened.ask(method, path, {} if method == "POST" else None, Sec_Fetch_Site=site), 403)


def test_feature_25_only_the_page_is_opened_by_hand(served):
    assert served.ask("GET", "/", Sec_Fetch_Site="none", Sec_Fetch_Dest="document").status == 200
    refused(served.ask("GET", "/page/main.js", Sec_Fetch_Site="none"), 403)


@pytest.mark.parametrize("kind", ["iframe", "image", "embed", "object", "script"])
def test_feature_25_the_page_stands_in_no_frame(served, kind):
    refused(served.ask("GET", "/", Sec_Fetch_Site="same-origin", Sec_Fetch_Dest=kind), 403)
    assert "frame-ancestors 'none'" in served.ask("GET", "/").headers["content-security-policy"]


@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic {}", "bearer{}", "Bearer x{}", "Bearer é"]
)
@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTES if "/api/" in route[1] and "session" not in route[1]]
)
def test_feature_25_without_the_token_nothing_is_told(opened, method, path, token):
    given = None if token is None else token.format(opened.token)
    answer = opened.ask(method, path, {} if method == "POST" else None, keyed=False, Authorization=given)
    refused(answer, 401, 400)


def test_feature_25_the_token_of_another_run_is_refused(opened):
    other = Server(FakeStudio, ASSETS)
    other.start()
    try:
        stranger = Client(other).open()
        assert stranger.token != opened.token
        opened.token = stranger.token
        refused(opened.ask("GET", "/api/number?address=x[1]"), 401)
    finally:
        other.stop()


def test_feature_25_a_code_works_once(served):
    code = served.server.address().partition("code=")[2]
    assert served.ask("POST", "/api/session", {"code": code}).status == 200
    refused(served.ask("POST", "/api/session", {"code": code}), 401)
    refused(served.ask("POST", "/api/session", {"code": "é" * 9}), 401)
    refused(served.ask("POST", "/api/session", {}), 401)


def test_a_code_that_another_program_is_told_holds_for_a_minute():
    now = [0.0]
    keys = Keys(lambda: now[0])
    early, late, shown = keys.new_code(60), keys.new_code(60), keys.new_code()
    now[0] = 59
    assert keys.exchanged(early) == keys.token
    now[0] = 61
    assert keys.exchanged(late) is None
    assert keys.exchanged(shown) == keys.token
    assert keys.exchanged(shown) is None


def test_feature_25_a_websocket_is_refused(opened):
    words = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Key": "AAAA",
        "Sec_WebSocket_Version": "13",
    }
    refused(opened.ask("GET", "/api/stream?client=12345678", **words), 400)


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PUT", "DELETE", "PATCH", "HEAD", "PROPFIND"])
def test_feature_25_other_methods_are_refused(opened, method):
    answer = opened.ask(method, "/")
    assert answer.status == 405
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/..%2f..%2fetc%2fpasswd", "/page/..%2f..%2fpyproject.toml", "/page/../main.js", "//", "/page/", "/page/main.js/",
     "/page/nix.js", "/page/%6dain.js", "/api", "/api/", "/API/number?address=x[1]", "/api/shutdown",
     "/%00", "/page/main.js%00", "/favicon.ico"],
)  # fmt: skip
def test_feature_25_no_other_path_is_served(opened, path):
    refused(opened.ask("GET", path), 404)


def test_feature_25_a_large_body_is_refused(opened):
    refused(opened.ask("POST", "/api/command", b"x" * 10_000_000), 413)
    assert not opened.server.answers.asked


@pytest.mark.parametrize("length", [True, False])
def test_feature_25_who_sends_a_large_body_to_its_end_is_told_why_it_is_refused(opened, length):
    """A connection that is closed on bytes that nobody has read is reset, and the answer would be lost with it."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", opened.server.port), timeout=30) as raw:
            head = f"POST /api/command HTTP/1.1\r\nHost: 127.0.0.1:{opened.server.port}\r\nContent-Type: application/json\r\n"
            kind = f"Content-Length: {5 << 20}" if length else "Transfer-Encoding: chunked"
            raw.sendall(f"{head}Authorization: Bearer {opened.token}\r\n{kind}\r\n\r\n".encode())
            part = b" " * (1 << 20)
            for _ in range(5):
                raw.sendall(part if length else b"%x\r\n%b\r\n" % (len(part), part))
            if not length:
                raw.sendall(b"0\r\n\r\n")
            time.sleep(0.05)
            told = raw.makefile("rb").read()
            assert told.split()[1] == b"413"
            assert json.loads(told.partition(b"\r\n\r\n")[2])["problem"] == "a request has at most 64 kB"


def test_feature_25_a_refused_body_that_never_ends_is_left(opened):
    with socket.create_connection(("127.0.0.1", opened.server.port), timeout=30) as raw:
        head = f"POST /api/command HTTP/1.1\r\nHost: 127.0.0.1:{opened.server.port}\r\nContent-Type: application/json\r\n"
        raw.sendall(f"{head}Content-Length: 900000\r\n\r\n".encode())
        began = time.perf_counter()
        assert raw.makefile("rb").read().split()[1] == b"401"
        assert SECONDS_OF_REFUSAL <= time.perf_counter() - began < 25


def test_feature_25_a_body_without_an_end_is_refused(opened):
    with socket.create_connection(("127.0.0.1", opened.server.port), timeout=30) as raw:
        head = f"POST /api/command HTTP/1.1\r\nHost: 127.0.0.1:{opened.server.port}\r\nContent-Type: application/json\r\n"
        raw.sendall(
            f"{head}Authorization: Bearer {opened.token}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        for _ in range(4):
            raw.sendall(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        assert raw.recv(100).split()[1] == b"413"
    assert MOST_BODY == 64 * 1024


def test_feature_25_a_large_head_is_refused(opened):
    refused(opened.ask("GET", "/", Cookie="x" * 20_000), 431)
    refused(opened.ask("GET", "/api/number?address=" + "x" * 5000), 431)
    assert opened.ask("GET", "/").status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_feature_25_a_form_of_another_page_is_no_command(opened, kind):
    """Only what a form can't send needs a permission first, which is never given."""
    refused(opened.ask("POST", "/api/command", b"{}", Content_Type=kind), 415)


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "٣"])
def test_a_length_that_is_none_is_refused(opened, length):
    with socket.create_connection(("127.0.0.1", opened.server.port), timeout=30) as raw:
        head = f"POST /api/session HTTP/1.1\r\nHost: 127.0.0.1:{opened.server.port}\r\nContent-Length: {length}\r\n\r\n"
        raw.sendall(head.encode())
        assert raw.recv(100).split()[1] in (b"400", b"411")


def test_feature_25_every_answer_has_the_headers(opened):
    answers = [
        opened.ask("GET", "/"),
        opened.ask("GET", "/nix"),
        opened.ask("GET", "/api/number?address=x[1]"),
    ]
    answers += [
        opened.ask("POST", "/api/command", {}),
        opened.ask("GET", "/", Host="x"),
        opened.command("step", grain="term", by=1),
    ]
    for answer in answers:
        for name, value in HEADERS:
            assert answer.headers[name.decode()] == value.decode()
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]
    policy = answers[0].headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert re.search(r"default-src 'none'", policy)


def test_feature_25_a_column_named_script_is_a_text(opened):
    """What a cell or a column is called gets to the page as a text in JSON, never as markup."""
    stream = opened.stream()
    _, frame = stream.until("frame")
    stream.close()
    assert frame["cells"][0]["cell"] == "<b>5</b>"
    assert opened.ask("GET", "/").headers["content-type"].startswith("text/html")
    assert opened.ask("GET", "/api/number?address=<script>").headers["content-type"] == "application/json"


def test_a_planted_hole_is_seen():
    """Were a route free, the test without a token would see it."""

    async def app(scope, receive, send):
        raise AssertionError

    guard = Guard(app, 80, [Route("GET", "/a"), Route("GET", "/b", free=True)], Keys())
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/a",
        "raw_path": b"/a",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:80")],
    }
    assert guard.refusal(scope).status == 401
    assert guard.refusal({**scope, "path": "/b", "raw_path": b"/b"}) is None


def test_only_this_machine_is_listened_on():
    with bound() as made:
        assert made.getsockname()[0] == "127.0.0.1"
        assert not made.get_inheritable()


def test_a_port_in_use_is_one_line():
    with (
        bound() as made,
        pytest.raises(OutputError, match=r"^port \d+ is in use; choose another port") as failed,
    ):
        bound(made.getsockname()[1])
    assert "\n" not in str(failed.value)


def test_what_is_no_http_is_refused(opened):
    with socket.create_connection(("127.0.0.1", opened.server.port), timeout=30) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        assert raw.recv(100).split()[1] == b"400"
    assert opened.ask("GET", "/").status == 200


def test_many_connections_leave_room(opened):
    kept = []
    for _ in range(40):
        connection = http.client.HTTPConnection("127.0.0.1", opened.server.port, timeout=30)
        connection.connect()
        kept.append(connection)
    assert json.loads(opened.ask("GET", "/api/number?address=x[1]").body)["ok"]
    for connection in kept:
        connection.close()
