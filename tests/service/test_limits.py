# SPDX-License-Identifier: MIT
"""Every bound of the protocol, from both sides of it."""

import json
import socket
import time

import pytest

import grants
from serving import TOOLED, Closed, Peer, peak_bytes

LINE_MAX = 65536
CONNECTIONS_MAX = 1024
DESCRIPTORS = 4 * CONNECTIONS_MAX  # of this process, and of the service that inherits its limit
MANY = 400 if TOOLED else 2000


@pytest.fixture(autouse=True)
def descriptors():
    grants.descriptors(DESCRIPTORS)


def padded(length):
    """A ping of that many bytes, by white space."""
    line = b'{"v":1,"op":"ping"}'
    return line + b" " * (length - len(line)) + b"\n"


def test_the_longest_line(peer):
    assert peer.ask(padded(LINE_MAX))["ok"]
    assert peer.ask(padded(LINE_MAX))["ok"]


def test_a_line_that_is_too_long(service):
    with service.connect() as peer:
        assert peer.ask(padded(LINE_MAX + 1))["error"]["code"] == "too_long"
        assert peer.is_closed()


def test_a_line_without_end(service):
    with service.connect() as peer:
        peer.send(b"x" * (LINE_MAX + 1))
        assert peer.reply()["error"]["code"] == "too_long"
        assert peer.is_closed()


def test_a_flood(service):
    """It goes on after the line that was too long: the service reads no more of it."""
    with service.connect() as peer:
        with pytest.raises(OSError):
            for _ in range(10_000):
                peer.send(b"x" * LINE_MAX)
    with service.connect() as peer:
        peer.op("ping")


@pytest.mark.parametrize(
    "field, limit", [("task_id", 1024), ("traceparent", 1024), ("tags", 8192), ("baggage", 8192)]
)
def test_the_longest_values(peer, field, limit):
    peer.op("set", context={field: "é" * (limit // 2)})
    assert peer.refusal("set", context={field: "x" * (limit + 1)}) == "bad_value"
    peer.op("set", context={field: '"' * (limit // 2)})
    assert peer.refusal("set", context={field: "\\" * (limit // 2 + 1)}) == "bad_value"
    assert peer.context()[field] == '"' * (limit // 2)


def test_everything_at_once_fits_a_line(peer):
    lists = ("tags", "tracestate", "baggage")
    ids = "task_id parent_task_id conversation_id session_id project_id organization_id user_id"
    ids = f"{ids} mode feature app app_version environment traceparent".split()
    context = {name: '"' * 512 for name in ids} | {name: "\\" * 4096 for name in lists}
    peer.op("open", scope={"name": "n" * 128}, context=context)
    reply = peer.op("get", scope={"name": "n" * 128})
    assert reply["context"] == context
    assert reply["opened_with"] == {name: context[name] for name in ("traceparent", *lists[1:])}
    rows = peer.op("list")
    assert rows["scopes"][0] == {"scope": "default", "context": {}}
    page = peer.op("list", after=rows["next"]) if "next" in rows else {"scopes": rows["scopes"][1:]}
    assert page["scopes"][0]["context"] == context


def test_a_name(peer):
    peer.op("open", scope={"name": "Az09._-:/@+" + "n" * 117})
    for name in ("n" * 129, "", "a b", "ä", "default", "pid:7"):
        assert peer.refusal("open", scope={"name": name}) == "bad_scope"


def test_many_scopes_come_in_pages(peer):
    names = [f"scope-{i}" for i in range(3000)]
    peer.send(
        b"".join(
            b'{"v":1,"op":"open","scope":{"name":"%s"},"context":{"task_id":"%s"}}\n' % (name, name)
            for name in map(str.encode, names)
        )
    )
    for _ in names:
        assert peer.reply()["ok"]
    found, page, pages = [], peer.op("list"), 1
    while True:
        assert len(json.dumps(page, separators=(",", ":"))) <= LINE_MAX
        found += [row["scope"] for row in page["scopes"]]
        if "next" not in page:
            break
        # One that ends between two pages confuses nobody.
        if pages == 1:
            peer.op("close", scope={"name": found[-1]})
        page, pages = peer.op("list", after=page["next"]), pages + 1
    assert pages > 2 and found == ["default", *names]


@pytest.mark.skipif(TOOLED, reason="too much for a tool; tests/unit/test_scope.c does the same")
def test_all_values_together(peer):
    """32 MiB. What is there may still be changed, and shrink, and then there is room again."""
    full = {"scope": {"name": "full"}, "context": {"tags": "x" * 8000, "baggage": "x" * 8000}}
    opened = 0
    while True:
        reply = peer.ask({"v": 1, "op": "open", "scope": {"name": f"s{opened}"}, "context": full["context"]})
        if not reply["ok"]:
            break
        opened += 1
    assert reply["error"]["code"] == "too_many" and "32 MiB" in reply["error"]["message"]
    # baggage is kept twice: opened_with
    assert opened == (32 << 20) // 24_000
    assert peer.refusal("set", scope={"name": "s0"}, context={"tracestate": "x" * 8000}) == "too_many"
    assert peer.refusal("set", context={"tracestate": "x" * 8000}) == "too_many"
    peer.op("set", scope={"name": "s0"}, context={"tags": "y" * 8000})
    assert peer.context(scope={"name": "s0"}).keys() == {"tags", "baggage"}
    peer.op("unset", scope={"name": "s0"}, fields=["tags"])
    peer.op("set", context={"tracestate": "x" * 8000})


def test_connections(service):
    peers = [service.connect() for _ in range(CONNECTIONS_MAX)]
    try:
        peers[-1].op("ping")
        for _ in range(3):
            with service.connect() as late:
                assert late.reply()["error"]["code"] == "too_many"
                assert late.is_closed()
        peers.pop().close()
        deadline = time.monotonic() + 5
        while True:  # until the service has seen the end
            with service.connect() as late:
                try:
                    late.op("ping")
                    break
                except (AssertionError, BrokenPipeError):
                    assert time.monotonic() < deadline
        for peer in peers[::100]:
            peer.op("ping")
    finally:
        for peer in peers:
            peer.close()


def test_an_idle_connection_makes_room(service):
    """With all of them taken: the one that asked nothing for the longest time. A watcher waits."""
    peers = [service.connect() for _ in range(CONNECTIONS_MAX)]
    try:
        peers[0].op("watch")
        for peer in peers[2:]:
            peer.op("ping")
        peers[1].op("ping")
        time.sleep(10.1)
        peers[2].op("ping")
        for idle in (peers[3], peers[4]):
            peers.append(service.connect())
            peers[-1].op("ping")
            reply = idle.reply()
            assert reply["error"]["code"] == "timed_out" and "idle" in reply["error"]["message"]
            assert idle.is_closed()
        assert peers[0].is_silent(0)
        for peer in (peers[1], peers[2], peers[5], peers[-3]):
            peer.op("ping")
    finally:
        for peer in peers:
            peer.close()


def test_a_line_that_drips(service):
    """Ten seconds for a line, however often a byte of it comes; an idle connection may stay."""
    with service.connect() as idle, service.connect() as slow, service.connect() as half:
        half.send(b'{"v":1,')
        start = time.monotonic()
        slow.send(b'{"v":1,"op":"ping"}\n{')  # one line is whole: the clock starts with the next
        assert slow.reply()["ok"]
        with pytest.raises((Closed, OSError)):
            while time.monotonic() < start + 15:
                slow.send(b" ")
                time.sleep(0.1)
                if not slow.is_silent(0):
                    assert slow.reply()["error"]["code"] == "timed_out"
                    assert slow.is_closed()
                    raise Closed
        assert 9 < time.monotonic() - start < 14
        assert half.reply()["error"]["code"] == "timed_out"
        assert half.is_closed()
        idle.op("ping")


def test_bytes_one_by_one(peer):
    for byte in b'{"v":1,"op":"ping"}\r\n{"v":1,"op":"ping"}\n':
        peer.send(bytes([byte]))
    assert peer.reply()["ok"] and peer.reply()["ok"]


def test_whoever_closes_his_side_is_still_answered(service):
    with service.connect() as peer:
        peer.send({"v": 1, "op": "set", "context": {"task_id": "T-1"}})
        peer.send({"v": 1, "op": "get"})
        peer.send(b'{"v":1,"op":"half')
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.reply()["ok"]
        assert peer.reply()["context"] == {"task_id": "T-1"}
        assert peer.is_closed()


def test_one_that_does_not_read_is_not_read_from(service):
    """Its requests wait in its own buffers, not in the service's memory."""
    request = b'{"v":1,"op":"get"}\n'
    with service.connect() as setter:
        setter.op("set", context={"baggage": "x" * 8000})
    with service.connect() as greedy:
        greedy.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += greedy.socket.send(request * 1000)
        greedy.socket.settimeout(20)
        assert sent < 4 << 20
        with service.connect() as other:
            other.op("ping")
        if sent % len(request):
            greedy.send(request[sent % len(request) :])
            sent += len(request) - sent % len(request)
        for _ in range(sent // len(request)):
            assert greedy.reply()["ok"]
        assert greedy.is_silent()
        greedy.op("ping")


def test_a_watcher_that_does_not_read(service):
    """It is told how things are when it reads again, not all that happened."""
    with service.connect() as watcher, service.connect() as setter:
        watcher.op("watch")
        for i in range(MANY):
            setter.op("set", context={"task_id": str(i), "baggage": "x" * 8000})
        seen = []
        while not seen or seen[-1] != str(MANY - 1):
            seen.append(watcher.reply()["context"]["task_id"])
        assert len(seen) < MANY / 2
        assert seen == sorted(seen, key=int)


def test_a_peer_that_is_gone(service):
    """Requests whose answers nobody waits for."""
    for _ in range(50):
        peer = Peer(service.socket)
        peer.send({"v": 1, "op": "set", "context": {"task_id": "T-1"}})
        peer.send(b'{"v":1,"op":"list"}\n' * 100)
        peer.close()
    with service.connect() as peer:
        assert peer.context() == {"task_id": "T-1"}


@pytest.mark.skipif(TOOLED, reason="a tool's own memory is not the service's")
def test_many_that_do_not_read(service):
    """1,000 connections that ask and never read: their requests wait, and the service stays small."""
    with service.connect() as setter:
        setter.op("set", context={"baggage": "x" * 8000, "tags": "k=" + "y" * 8000})
        for i in range(200):
            setter.op("open", scope={"name": f"s{i}"}, context={"tags": "k=" + "z" * 500})
    peers = [service.connect() for _ in range(1000)]
    try:
        for peer in peers:
            peer.socket.setblocking(False)
        for op in (b"get", b"list"):
            requests = b'{"v":1,"op":"%s"}\n' % op * 4000
            for peer in peers:
                try:
                    peer.send(requests)
                except BlockingIOError:
                    pass
        with service.connect() as other:
            other.op("ping")
        assert peak_bytes(service.process.pid) < 64 << 20
    finally:
        for peer in peers:
            peer.close()
    with service.connect() as other:
        other.op("ping")
