# SPDX-License-Identifier: MIT
"""The store away, slow, wrong or hostile: reads go on, changes are refused in time, nothing is half done."""

import os
import signal
import socket
import time

import pytest

import grants
from redis_server import Relay, Server, Standin, acl_line, make_certificates
from serving import TOOLED, wait_until

PROMISED = 2.0 + (3.0 if TOOLED else 0.3)  # seconds to a refusal, and what a busy machine adds


def refused(peer, **members):
    """A set that is not made. Its message."""
    start = time.monotonic()
    reply = peer.ask({"v": 1, "op": "set", "context": {"task_id": "lost"}, **members})
    assert time.monotonic() - start < PROMISED
    assert not reply["ok"] and reply["error"]["code"] == "store_away", reply
    return reply["error"]["message"]


def is_stale(peer, **members):
    start = time.monotonic()
    reply = peer.op("get", **members)
    assert time.monotonic() - start < 0.5
    return reply["shared"].get("stale", False)


def fresh(peer):
    wait_until(lambda: not is_stale(peer), 10)


@pytest.mark.parametrize("with_data", [True, False])
def test_the_server_is_killed_and_comes_back(make, with_data):
    """What it lost is gone here as well: never two truths."""
    server = Server(*(("--appendonly", "yes", "--appendfsync", "always") if with_data else ()))
    server.start()
    try:
        service, other = make(server), make(server)
        with service.connect() as peer, other.connect() as there:
            peer.op("set", context={"task_id": "T-1"})
            peer.op("open", scope={"name": "x"}, context={"mode": "a"})
            assert there.context(scope={"name": "x"})["mode"] == "a"
            server.kill()
            wait_until(lambda: is_stale(peer))
            assert peer.context() == {"task_id": "T-1"}
            assert "Connection refused" in refused(peer) or "closed" in refused(peer)
            assert peer.context(scope={"name": "x"})["mode"] == "a"
            server.start()
            fresh(peer)
            fresh(there)
            for each in (peer, there):
                if with_data:
                    assert each.context(scope={"name": "x"}) == {"task_id": "T-1", "mode": "a"}
                else:
                    assert each.context() == {}
                    assert each.refusal("get", scope={"name": "x"}) == "bad_scope"
            peer.op("set", context={"task_id": "T-2"})
            wait_until(lambda: there.context().get("task_id") == "T-2")
        said = service.errors().splitlines()
        assert len(said) == 2 and "is away: " in said[0] and said[1].endswith(" again")
    finally:
        server.release()


def test_the_server_is_stopped(server, make):
    """SIGSTOP: the refused change is not made later, when the server reads what it was sent."""
    service = make(server)
    with service.connect() as peer:
        peer.op("set", context={"task_id": "before"})
        server.signal(signal.SIGSTOP)
        assert "no answer in time" in refused(peer)
        wait_until(lambda: is_stale(peer))
        assert peer.context() == {"task_id": "before"}
        refused(peer)
        server.signal(signal.SIGCONT)
        fresh(peer)
        time.sleep(0.3)
        assert peer.context() == {"task_id": "before"}
        assert server.cli("hget", "tagalong:scope:default", "task_id") == "before"
        peer.op("set", context={"task_id": "after"})


def test_the_network_is_cut(server, make):
    """Packets just vanish: noticed by the missing sign of life."""
    relay = Relay(server.port)
    service, other = make(relay), make(server)
    with service.connect() as peer, other.connect() as there:
        there.op("set", context={"task_id": "1"})
        wait_until(lambda: peer.context() == {"task_id": "1"})
        relay.cut.set()
        there.op("set", context={"task_id": "2"})
        wait_until(lambda: is_stale(peer), 5)
        assert peer.context() == {"task_id": "1"}
        refused(peer)
        relay.cut.clear()
        wait_until(lambda: peer.context() == {"task_id": "2"}, 10)
    relay.close()


def test_a_slow_server(server, make):
    """Slower than a question may take, faster than the deadline: gets do not wait, sets do."""
    relay = Relay(server.port, delay=0.2)
    service = make(relay)
    with service.connect() as peer, service.connect() as reader:
        fresh(peer)
        peer.send({"v": 1, "op": "set", "context": {"task_id": "T-1"}})
        for _ in range(20):
            start = time.monotonic()
            reader.op("get")
            assert time.monotonic() - start < 0.1
        assert peer.reply()["ok"]
        assert peer.context() == {"task_id": "T-1"}
    relay.close()


def garbage(peer):
    peer.recv(100)
    peer.sendall(os.urandom(50) + b"\r\n" + os.urandom(5000))
    time.sleep(5)


def endless(peer):
    peer.sendall(b"$1000000000\r\n")
    while True:
        peer.sendall(b"x" * (1 << 16))


def huge_array(peer):
    peer.sendall(b"*2000000000\r\n")
    time.sleep(5)


def http(peer):
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def silence(peer):
    time.sleep(10)


def closes(peer):
    peer.recv(100)


def unasked(peer):
    peer.sendall(b"+OK\r\n" * 1000)
    time.sleep(5)


def rude(peer):
    peer.sendall(b"-ERR \xff\x1b[31m\xc3 \x01\r\n" * 3)
    time.sleep(5)


def other_types(peer):
    while peer.recv(1000):
        peer.sendall(b":7\r\n*1\r\n$-1\r\n*-1\r\n")


@pytest.mark.parametrize("serve", [garbage, endless, huge_array, http, silence, closes, unasked, rude, other_types])
def test_a_server_that_is_none(make, serve):
    standin = Standin(serve)
    service = make(standin)
    with service.connect() as peer:
        assert peer.context() == {}
        assert is_stale(peer)
        message = refused(peer)
        assert f"the shared store at 127.0.0.1:{standin.port}/0 is away" in message
        refused(peer, scope={"name": "x"})
        assert peer.ask({"v": 1, "op": "get", "scope": {"name": "x"}})["error"]["code"] == "store_away"
    assert service.is_running()
    assert service.errors().count("is away") == 1
    standin.close()


def test_nobody_there(make):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{unused.getsockname()[1]}"
        with make(url).connect() as peer:
            assert "Connection refused" in refused(peer)


def test_a_host_that_is_unknown(make):
    with make("redis://host.invalid").connect() as peer:
        refused(peer)
        assert is_stale(peer)


SECRET = "s3cr&t:@/pässword"
SECRET_URL = "s3cr%26t%3A%40%2Fp%C3%A4ssword"
# docs/recipes.md has it for people.
ACL = ("user tagalong on >{password} resetchannels ~tagalong:* &tagalong:* -@all +auth +select +ping +time +eval "
       "+subscribe +unsubscribe +publish +type +hlen +hkeys +hstrlen +hget +hgetall +hset +hdel +del +pexpire +pttl")


def server_with_acl(acl, **how):
    server = Server(**how)
    (server.folder / "acl").write_text("user default off\n" + acl_line(acl).format(password=SECRET) + "\n")
    server.options = ["--aclfile", str(server.folder / "acl")]
    return server.start()


def test_the_acl_line_that_is_documented(make):
    """Only the prefix's keys and channels, only the commands used, and all works; nothing shows the password."""
    server = server_with_acl(ACL)
    try:
        url = f"redis://tagalong:{SECRET_URL}@127.0.0.1:{server.port}/1"
        one, two = make(url), make(url)
        with one.connect() as peer, two.connect() as there:
            peer.op("open", scope={"name": "x"}, context={"task_id": "T"}, ttl=60)
            peer.op("set", scope={"name": "x"}, context={"traceparent": "a", "tracestate": "b"})
            peer.op("set", scope={"name": "x"}, context={"traceparent": "c"})
            peer.op("unset", scope={"name": "x"}, fields=["traceparent"])
            wait_until(lambda: there.ask({"v": 1, "op": "get", "scope": {"name": "x"}}).get("context") == {"task_id": "T"})
            peer.op("close", scope={"name": "x"})
            wait_until(lambda: there.ask({"v": 1, "op": "get", "scope": {"name": "x"}})["ok"] is False)
            everything = str(peer.op("ping")) + one.errors() + one.events.read_text() + one.command("doctor")[1]
        assert "s3cr" not in everything
        assert one.errors() == ""
    finally:
        server.release()


@pytest.mark.parametrize(
    "missing, reason",
    [("+eval", "NOPERM"), ("+subscribe", "NOPERM"), ("&tagalong:*", "NOPERM"), ("~tagalong:*", "NOPERM|No permissions"),
     ("+hset", "NOPERM|ACL failure|can't run this command")],
)
def test_an_acl_that_lacks_something(make, missing, reason):
    import re

    if not acl_line(" " + missing):
        pytest.skip("this server has no permissions for channels")
    server = server_with_acl(ACL.replace(" " + missing, ""))
    try:
        service = make(f"redis://tagalong:{SECRET_URL}@127.0.0.1:{server.port}")
        with service.connect() as peer:
            assert re.search(reason, refused(peer))
            assert peer.context() == {}
    finally:
        server.release()


def test_a_wrong_password(make):
    server = server_with_acl(ACL)
    try:
        for url in (f"redis://tagalong:wrong@127.0.0.1:{server.port}", f"redis://127.0.0.1:{server.port}"):
            service = make(url)
            with service.connect() as peer:
                message = refused(peer)
                assert "WRONGPASS" in message or "NOAUTH" in message
            assert "wrong@" not in service.errors()
    finally:
        server.release()


def test_a_password_alone(make):
    server = Server("--requirepass", "pw").start()
    try:
        with make(f"redis://:pw@127.0.0.1:{server.port}").connect() as peer:
            peer.op("set", context={"task_id": "T"})
    finally:
        server.release()


def test_tls(make):
    server = Server(tls=True).start()
    try:
        one, two = make(server), make(server.url.replace("localhost", "127.0.0.1"))
        with one.connect() as peer, two.connect() as there:
            peer.op("set", context={"task_id": "T"})
            wait_until(lambda: there.context() == {"task_id": "T"})
        assert one.errors() == ""
    finally:
        server.release()


def test_a_client_certificate(make):
    server = Server(tls=True)
    server.start("--tls-auth-clients", "yes")
    try:
        with make(server.url).connect() as peer:
            refused(peer)
        url = f"{server.url}&cert={server.folder}/client.pem&key={server.folder}/client.key"
        with make(url).connect() as peer:
            peer.op("set", context={"task_id": "T"})
    finally:
        server.release()


def use_elsewhere(folder):
    for end in ("pem", "key"):
        (folder / f"server.{end}").write_bytes((folder / f"elsewhere.{end}").read_bytes())


def use_expired(folder):
    (folder / "later").mkdir()
    make_certificates(folder, days="0")  # openssl 3.5 makes none that ends before it begins


@pytest.mark.parametrize(
    "harm, ca, reason",
    [
        (use_elsewhere, "ca.pem", "hostname mismatch"),
        (use_expired, "ca.pem", "certificate has expired"),
        (lambda folder: None, "otherca.pem", "certificate|issuer"),
        (lambda folder: None, None, "certificate|issuer"),
    ],
)
def test_a_wrong_certificate(make, harm, ca, reason):
    import re

    server = Server(tls=True)
    harm(server.folder)
    server.start()
    try:
        url = f"rediss://localhost:{server.port}" + (f"?cacert={server.folder}/{ca}" if ca else "")
        service = make(url)
        with service.connect() as peer:
            message = refused(peer)
            assert re.search(reason, message), message
    finally:
        server.release()


def test_plain_text_on_a_tls_port_and_the_reverse(server, make):
    with make(server.url.replace("redis:", "rediss:")).connect() as peer:
        refused(peer)
    tls = Server(tls=True).start()
    try:
        with make(f"redis://127.0.0.1:{tls.port}").connect() as peer:
            refused(peer)
    finally:
        tls.release()


@pytest.mark.parametrize(
    "command",
    [
        ["set", "KEY", "text"],
        ["rpush", "KEY", "a", "b"],
        ["hset", "KEY", "task_id", "not ours"],
        ["hset", "KEY", "v", "2", "task_id", "a later version's"],
        ["hset", "KEY", "v", "1", "task_id", "a\r\nX-Evil: 1"],
        ["hset", "KEY", "v", "1", "task_id", "x" * 1025],
        ["hset", "KEY", *[str(i) for i in range(60)]],
    ],
)
def test_a_value_that_is_not_ours(server, make, command):
    """It is refused, not believed, and not written over."""
    server.cli(*[word.replace("KEY", "tagalong:scope:theirs") for word in command])
    before = server.cli("type", "tagalong:scope:theirs")
    service = make(server)
    with service.connect() as peer:
        reply = peer.ask({"v": 1, "op": "get", "scope": {"name": "theirs"}})
        assert not reply["ok"]
        reply = peer.ask({"v": 1, "op": "set", "scope": {"name": "theirs"}, "context": {"mode": "x"}})
        if "1" not in command[3:4]:
            assert reply["error"]["code"] == "store_away" and "not a scope" in reply["error"]["message"]
        peer.op("set", context={"task_id": "T"})  # others go on
    assert "is not a scope of tagalong's" in service.errors()
    assert server.cli("type", "tagalong:scope:theirs") == before


def test_ten_mebibytes(server, make):
    """Neither fetched nor believed."""
    service = make(server)
    with service.connect() as peer:
        peer.op("open", scope={"name": "big"}, context={"task_id": "T"})
        server.cli("-x", "hset", "tagalong:scope:big", "tags", stdin=b"x" * (10 << 20))
        server.cli("-x", "set", "tagalong:scope:text", stdin=b"x" * (10 << 20))
        sent = int(dict(line.split(":", 1) for line in server.cli("info", "stats").splitlines() if ":" in line)
                   ["total_net_output_bytes"])
        for name in ("big", "text"):
            reply = peer.ask({"v": 1, "op": "set", "scope": {"name": name}, "context": {"mode": "x"}})
            assert reply["error"]["code"] == "store_away"
        now = int(dict(line.split(":", 1) for line in server.cli("info", "stats").splitlines() if ":" in line)
                  ["total_net_output_bytes"])
        assert now - sent < 1 << 20
        assert peer.context(scope={"name": "big"}) == {"task_id": "T"}
        assert is_stale(peer, scope={"name": "big"})


def test_messages_that_are_not_ours(server, make):
    """Whoever may publish cannot set a context by it: the store itself is looked at."""
    service = make(server)
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T"})
        for text in ("garbage", "[]", '["late"]', "x" * 100_000, '["ok","1","9"]', "\x00\xff"):
            server.cli("publish", "tagalong:changes:0:default", text.replace("\x00", "\\0"))
        server.cli("publish", "tagalong:changes:0:nobody", "x")
        time.sleep(0.2)
        assert peer.context() == {"task_id": "T"}
        peer.op("set", context={"task_id": "T-2"})
        assert peer.context() == {"task_id": "T-2"}


def test_a_full_server(server, make):
    service = make(server)
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T"})
        server.cli("config", "set", "maxmemory", "1")
        assert "OOM" in refused(peer)
        assert peer.context() == {"task_id": "T"} and not is_stale(peer)
        server.cli("config", "set", "maxmemory", "0")
        peer.op("set", context={"task_id": "T-2"})


def test_a_replica_refuses(server, make):
    service = make(server)
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T"})
        server.cli("replicaof", "127.0.0.1", "1")
        assert "READONLY" in refused(peer) or "MASTERDOWN" in refused(peer)
        assert peer.context() == {"task_id": "T"}


def test_failover(server, make):
    """The address leads to the replica, which is the primary now; the old one lives on as a replica of it."""
    second = Server()
    relay = Relay(server.port)
    try:
        second.start("--replicaof", "127.0.0.1", str(server.port))
        service = make(relay)
        with service.connect() as peer:
            peer.op("set", context={"task_id": "T", "mode": "a"})
            wait_until(lambda: "master_link_status:up" in second.cli("info", "replication"), 20)
            wait_until(lambda: second.cli("keys", "*") == server.cli("keys", "*"), 5)
            second.cli("replicaof", "no", "one")
            server.cli("replicaof", "127.0.0.1", str(second.port))
            relay.to = second.port
            message = refused(peer)
            assert "READONLY" in message or "MASTERDOWN" in message
            assert peer.context() == {"task_id": "T", "mode": "a"}
            wait_until(lambda: peer.ask({"v": 1, "op": "set", "context": {"task_id": "T-2"}})["ok"], 10)
            assert peer.context() == {"task_id": "T-2", "mode": "a"}
            wait_until(lambda: not is_stale(peer), 5)
        with make(second).connect() as there:
            wait_until(lambda: there.context() == {"task_id": "T-2", "mode": "a"}, 5)
    finally:
        relay.close()
        second.release()


@pytest.mark.skipif(**grants.own_mounts)
def test_failover_by_name(server, make):
    """The name leads to another address: it is looked up anew for each attempt, /etc/hosts included."""
    second = Server(host="127.0.0.2")
    second.port = server.port
    service = make(f"redis://store.test:{server.port}", start=False)
    hosts = service.folder / "hosts"
    hosts.write_text("127.0.0.1 store.test\n")
    private = (*grants.UNSHARE, "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts))
    try:
        second.start("--replicaof", "127.0.0.1", str(server.port))
        service.start("--store", service.url, before=private)
        with service.connect() as peer:
            peer.op("set", context={"task_id": "T"})
            wait_until(lambda: second.cli("exists", "tagalong:scope:default") == "1", 20)
            server.kill()
            second.cli("replicaof", "no", "one")
            assert "Connection refused" in refused(peer) or "closed" in refused(peer)
            hosts.write_text("127.0.0.2 store.test\n")
            wait_until(lambda: peer.ask({"v": 1, "op": "set", "context": {"mode": "a"}})["ok"], 10)
            assert peer.context() == {"task_id": "T", "mode": "a"}
        assert second.cli("hget", "tagalong:scope:default", "mode") == "a"
    finally:
        second.release()


def test_flushall_is_seen(server, make):
    """Nobody publishes it. A change of the scope starts from what is there."""
    service = make(server)
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T", "mode": "a"})
        server.cli("flushall")
        peer.op("set", context={"task_id": "T-2"})
        assert peer.context() == {"task_id": "T-2"}


@pytest.mark.parametrize(
    "url",
    ["redis://", "redis://user@host", "redis://host/x", "redis://host/1?port=7", "redis://host?cacert=/x",
     "rediss://host?cacert=/does/not/exist", "redis://host:port", "redis://h:1/1/2"],
)
def test_urls_that_are_none(make, url):
    service = make("redis://127.0.0.1:1", start=False)
    assert service.launch("--store", url).wait(10) == 2
    assert "invalid URL of a store" in service.errors()


def test_a_url_in_a_file(server, make):
    service = make(server, start=False)
    (service.folder / "url").write_text(server.url + "\n")
    service.start("--store", f"@{service.folder}/url")
    with service.connect() as peer:
        peer.op("set", context={"task_id": "T"})
    assert server.cli("hget", "tagalong:scope:default", "task_id") == "T"
    service.stop()
    service.start(env={"TAGALONG_STORE": f"@{service.folder}/url"})
    with service.connect() as peer:
        wait_until(lambda: peer.context() == {"task_id": "T"})
    service.stop()
    assert service.launch("--store", "@/does/not/exist").wait(10) == 3
    assert "cannot read /does/not/exist" in service.errors()
