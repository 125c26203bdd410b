# SPDX-License-Identifier: MIT
"""The relay, tested by itself: with raw sockets where bytes count, else with curl."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import switches
from relay import Relay

CHAT = "/v1/chat/completions"
PLAIN_ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


@pytest.fixture
def relay():
    with Relay(delay_ms=0) as server:
        yield server


def curl(*args):
    command = ["curl", "-q", "-sS", "--max-time", "20", *args]
    return subprocess.run(command, capture_output=True, env=PLAIN_ENV)


def talk(port, *sends):
    """Sends raw bytes, then end of input; all that comes back."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for data in sends:
            sock.sendall(data)
            time.sleep(0.02)
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


def test_head_is_kept_to_the_byte(relay):
    head = (
        b"POST /v1/chat/completions?x=%2F&y HTTP/1.1\r\n"
        b"hOsT:  spaced \r\nB: 2\r\nA: \xff\xfe\r\nB: 1\r\nno colon\r\n folded\r\nE:\r\n"
        b"Content-Length: 2\r\n\r\n"
    )
    assert b"200 OK" in talk(relay.port, head[:20], head[20:] + b"{", b"}")
    (request,) = relay.requests
    assert request.head == head
    assert request.body == b"{}" and request.body_length == 2 and request.complete
    assert request.lines[1:5] == [b"B: 2", b"A: \xff\xfe", b"B: 1", b"no colon"]
    assert request.values("b") == ["2", "1"]
    assert request.target == "/v1/chat/completions?x=%2F&y"


def test_keep_alive_counts_connections_and_requests(relay):
    get = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    assert talk(relay.port, get + get, get).count(b"200 OK") == 3
    assert talk(relay.port, get.replace(b"/1.1", b"/1.0") + get).count(b"200 OK") == 1
    seen = [(r.number, r.connection, r.nth) for r in relay.requests]
    assert seen == [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 1)]


def test_bodies_chunked_long_and_cut_off(relay):
    chunked = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    talk(relay.port, chunked, b"3;x=y\r\nabc\r\n2\r", b"\nde\r\n0\r\nTrailer: t\r\n\r\n")
    size = (1 << 20) + 5
    talk(relay.port, b"POST /l HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    talk(relay.port, b"POST /s HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
    chunked, long, short = relay.requests
    assert (chunked.body, chunked.body_length) == (b"abcde", 5)
    assert (len(long.body), long.body_length) == (1 << 20, size)
    assert (short.body, short.complete) == (b"abc", False)


def test_expect_100_continue(relay):
    result = curl(relay.url + CHAT, "-H", "Expect: 100-continue", "-d", "{}", "-D", "-")
    assert result.stdout.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert relay.requests[0].body == b"{}"


def test_head_request_has_no_body(relay):
    answer = talk(relay.port, b"HEAD /x HTTP/1.1\r\n\r\n")
    head, body = answer.split(b"\r\n\r\n")
    assert b"Content-Length: " in head and body == b""


def test_any_other_path(relay):
    assert json.loads(curl(relay.url + "/v1/models").stdout) == {
        "method": "GET",
        "path": "/v1/models",
    }


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/messages", "/prefix" + CHAT])
def test_json_answers(relay, path):
    answer = json.loads(curl(relay.url + path, "-d", '{"model": "gemini-2.5-pro"}').stdout)
    assert answer["model"] == "gemini-2.5-pro"
    assert "Tagalong says hello" in json.dumps(answer)
    assert "usage" in answer


@pytest.mark.parametrize(
    "path, last",
    [
        (CHAT, "data: [DONE]"),
        ("/v1/responses", '"type": "response.completed"'),
        ("/v1/messages", '{"type": "message_stop"}'),
    ],
)
def test_streams(relay, path, last):
    result = curl("-N", relay.url + path, "-d", '{"stream": true}', "-D", "-")
    head, body = result.stdout.decode().split("\r\n\r\n")
    assert "Content-Type: text/event-stream" in head
    assert "Transfer-Encoding: chunked" in head
    assert last in body.rstrip().split("\n\n")[-1]
    assert " hello" in body


def test_usage_only_when_asked(relay):
    def events(options):
        body = {"stream": True, **options}
        return curl(relay.url + CHAT, "-d", json.dumps(body)).stdout.decode()

    assert '"usage"' not in events({})
    assert '"total_tokens": 17' in events({"stream_options": {"include_usage": True}})


def test_stream_comes_in_delayed_pieces():
    with Relay(delay_ms=15) as relay:
        head = b"POST %s HTTP/1.0\r\nContent-Length: 15\r\n\r\n" % CHAT.encode()
        with socket.create_connection(("127.0.0.1", relay.port)) as sock:
            sock.sendall(head + b'{"stream":true}')
            pieces = list(iter(lambda: sock.recv(65536), b""))
    assert len(pieces) > 10
    assert any(not piece.endswith(b"\n\n") for piece in pieces)  # an event cut in two
    assert b"".join(pieces).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["same", "other", "alias"])
def test_redirects(relay, code, where):
    with Relay() as other:
        relay.other = other.url
        url = f"{relay.url}/switch/redirect-{code}-{where}{CHAT}?q=1"
        assert curl("-L", url, "-d", "{}").returncode == 0
        last = (other if where == "other" else relay).requests[-1]
        assert len(relay.requests) + len(other.requests) == 2
    assert last.method == ("POST" if code in (307, 308) else "GET")
    assert last.target == CHAT + "?q=1"
    assert last.value("Host") == {
        "same": f"127.0.0.1:{relay.port}",
        "other": f"127.0.0.1:{other.port}",
        "alias": f"localhost:{relay.port}",
    }[where]


def test_there_and_back_again(relay):
    with Relay(other=relay.url) as other:
        relay.other = other.url
        hop = "/switch/redirect-307-other"
        assert curl("-L", relay.url + hop + hop + CHAT, "-d", "{}").returncode == 0
        assert [r.target for r in other.requests] == [hop + CHAT]
    assert [r.target for r in relay.requests] == [hop + hop + CHAT, CHAT]


@pytest.mark.parametrize("how", ["--digest", "--anyauth"])
def test_digest(relay, how):
    url = relay.url + "/switch/digest" + CHAT
    result = curl(how, "-u", f"{switches.USER}:{switches.PASSWORD}", url, "-d", "{}")
    assert b"Tagalong says" in result.stdout
    assert len(relay.requests) == 2
    wrong = curl(how, "-u", "user:wrong", url, "-d", "{}", "-w", "%{http_code}")
    assert wrong.stdout.endswith(b"401")


def test_drop_first(relay):
    url = relay.url + "/switch/drop-first" + CHAT
    assert curl(url, "-d", "{}").returncode == 52  # empty reply
    assert curl(url, "-d", "{}").returncode == 0
    relay.reset()
    assert relay.requests == []
    assert curl(url, "-d", "{}").returncode == 52


def test_drop_reused_is_repeated_silently(relay):
    url = relay.url + "/switch/drop-reused" + CHAT
    result = curl(url, "-d", "1", "--next", "-sS", url, "-d", "2")
    assert result.returncode == 0 and result.stderr == b""
    assert [(r.connection, r.nth, r.body) for r in relay.requests] == [
        (1, 1, b"1"),
        (1, 2, b"2"),
        (2, 1, b"2"),
    ]


def test_slow_and_status(relay):
    assert curl(relay.url + "/switch/slow-5000/x", "-m", "0.2").returncode == 28
    out = curl(relay.url + "/switch/slow-1/switch/status-503/x", "-w", "%{http_code}").stdout
    assert out.endswith(b"503") and b'"test_error"' in out
    assert b"unknown_switch" in curl(relay.url + "/switch/nonsense/x").stdout


def test_require_session(relay):
    url = relay.url + "/switch/require-session" + CHAT
    bare = curl(url, "-d", "{}", "-w", "%{http_code}").stdout
    assert bare.endswith(b"400") and b'"type": "MissingSessionID"' in bare
    assert b"Request is missing x-opencode-session and cannot be routed efficiently" in bare
    assert b"MissingSessionID" in curl(url, "-d", "{}", "-H", "x-session-id;").stdout
    for name in switches.SESSION_HEADERS:
        assert b"Tagalong says" in curl(url, "-d", "{}", "-H", f"{name.title()}: s").stdout


def test_as_a_program(tmp_path):
    record = tmp_path / "requests.jsonl"
    program = Path(__file__).with_name("relay.py")
    command = [sys.executable, program, "--record", record, "--require-session"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert b"MissingSessionID" in curl(url + CHAT, "-d", "{}").stdout
        assert b"Tagalong" in curl(url + CHAT, "-d", b"\xff", "-H", "session-id: s").stdout
        port = url.rpartition(":")[2]
        second = subprocess.run([sys.executable, program, "--port", port], capture_output=True)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait() == 0
    assert second.returncode == 1 and b"Address already in use" in second.stderr
    rows = [json.loads(line) for line in record.read_text().splitlines()]
    assert [row["number"] for row in rows] == [1, 2]
    assert rows[1]["body"].encode("latin-1") == b"\xff"
    assert "\r\nsession-id: s\r\n" in rows[1]["head"]


def test_stop_ends_hanging_connections():
    with Relay() as relay:
        idle = socket.create_connection(("127.0.0.1", relay.port))
        slow = socket.create_connection(("127.0.0.1", relay.port))
        slow.sendall(b"GET /switch/slow-60000/x HTTP/1.1\r\n\r\n")
        while not relay.requests:
            time.sleep(0.01)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    with idle, slow:
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", relay.port))


def test_digest_arithmetic():
    # RFC 7616 section 2 by hand, so that the switch is not its own judge.
    fields = {"nonce": "n", "nc": "00000001", "cnonce": "c", "qop": "auth", "uri": "/u"}
    first = hashlib.md5(b"user:test relay:secret").hexdigest()
    second = hashlib.md5(b"POST:/u").hexdigest()
    both = f"{first}:n:00000001:c:auth:{second}".encode()
    assert switches.digest_response("POST", fields) == hashlib.md5(both).hexdigest()
