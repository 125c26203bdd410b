#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What each fault of a shared store does to a get, to a set, and to the requests of an unmodified client that goes on
all the time.

    python3 tests/bench/store_faults.py [--seconds N] [FAULT...]

Prints a table: what a get and a request have, what becomes of a set, the longest time that each took (of a request: more
than the median before the fault, in 99 % and at most; "none" tells what a busy machine adds by itself), and how long
after the fault ends a set is made again.
"""

import argparse
import contextlib
import os
import re
import signal
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), *(str(HERE.parent / name) for name in ("store", "service"))]

import grants  # noqa: E402
from machines import Chat, Network  # noqa: E402
from redis_server import Relay, Server, Standin, make_certificates  # noqa: E402
from serving import Service, wait_until  # noqa: E402

KEY = "tagalong:scope:default"


def nothing():
    pass


class Scene:
    """What is there before the fault, what begins and what ends it. All is released at the end."""

    def __init__(self, stack):
        self.stack, self.before, self.begin, self.end = stack, (), nothing, None
        self.server, self.url, self.works = None, None, False

    def serve(self, *options, **how):
        self.server = Server(*options, **how)
        self.stack.callback(self.server.release)
        self.url = self.server.url
        return self.server

    def through(self, relay):
        self.stack.callback(relay.close)
        self.url = relay.url
        return relay


def none(scene):
    """none"""
    scene.serve().start()
    scene.works = True


def killed(scene):
    """the server is killed, its data gone"""
    scene.begin, scene.end = scene.serve().start().kill, scene.server.start


def restarted(scene):
    """the server is killed, its data kept"""
    scene.begin = scene.serve("--appendonly", "yes", "--appendfsync", "always").start().kill
    scene.end = scene.server.start


def stopped(scene):
    """the server is stopped (SIGSTOP)"""
    server = scene.serve().start()
    scene.begin, scene.end = (lambda: server.signal(signal.SIGSTOP)), (lambda: server.signal(signal.SIGCONT))


def dropped(scene):
    """every packet is dropped"""
    network = Network()
    scene.stack.callback(network.close)
    scene.serve(host=network.ADDRESSES[0], before=network.here).start()
    scene.before, scene.begin, scene.end = network.there, network.cut, network.mend


def slow(scene):
    """each way takes 0.3 s more"""
    relay = scene.through(Relay(scene.serve().start().port))
    scene.begin, scene.end = (lambda: setattr(relay, "delay", 0.3)), (lambda: setattr(relay, "delay", 0))


def failover(scene):
    """the address leads to another server; the old one is its replica"""
    first, second = scene.serve().start(), scene.serve()
    second.start("--replicaof", "127.0.0.1", str(first.port))
    relay = scene.through(Relay(first.port))

    def begin():
        wait_until(lambda: second.cli("exists", KEY) == "1", 20)
        second.cli("replicaof", "no", "one")
        first.cli("replicaof", "127.0.0.1", str(second.port))
        relay.to = second.port

    scene.begin = begin


def full(scene):
    """the server is full"""
    server = scene.serve().start()
    scene.begin = lambda: server.cli("config", "set", "maxmemory", "1")
    scene.end = lambda: server.cli("config", "set", "maxmemory", "0")


def other_type(scene):
    """somebody wrote a value of another type"""
    server = scene.serve().start()
    scene.begin = lambda: server.cli("set", KEY, "x")
    scene.end = lambda: server.cli("del", KEY)


def too_large(scene):
    """somebody wrote 10 MiB"""
    server = scene.serve().start()
    scene.begin = lambda: server.cli("-x", "hset", KEY, "tags", stdin=b"x" * (10 << 20))
    scene.end = lambda: server.cli("hdel", KEY, "tags")


def wrong_password(scene):
    """the password is wrong"""
    server = scene.serve("--requirepass", "right").start()
    scene.url = f"redis://:wrong@127.0.0.1:{server.port}"


def wrong_certificate(scene):
    """the certificate is another host's"""
    server = scene.serve(tls=True)
    for end in ("pem", "key"):
        (server.folder / f"server.{end}").write_bytes((server.folder / f"elsewhere.{end}").read_bytes())
    server.start()


def expired(scene):
    """the certificate has expired"""
    server = scene.serve(tls=True)
    make_certificates(server.folder, days="0")
    server.start()


def garbage(scene):
    """the server speaks another protocol"""

    def serve(peer):
        peer.recv(100)
        peer.sendall(os.urandom(5000) + b"\r\n")

    scene.through(Standin(serve))


def silent(scene):
    """the server accepts, and says nothing"""
    scene.through(Standin(lambda peer: time.sleep(3600)))


FAULTS = [none, killed, restarted, stopped, dropped, slow, failover, full, other_type, too_large, wrong_password,
          wrong_certificate, expired, garbage, silent]


def timed(peer, request):
    start = time.monotonic()
    reply = peer.ask({"v": 1, **request})
    return reply, time.monotonic() - start


def reason(refusal):
    """Of a message, what is not the same in all."""
    message = re.sub("^the (shared store at [^ ]+ is away|store refuses): ", "", refusal["error"]["message"])
    return re.sub(r" script: .*| command not allowed.*", "", message)


def suffer(fault, seconds):
    """Its row."""
    with contextlib.ExitStack() as stack:
        scene, service = Scene(stack), Service()
        stack.callback(service.release)
        fault(scene)
        service.start("--store", scene.url, before=scene.before)
        peer, setter = stack.enter_context(service.connect()), stack.enter_context(service.connect())
        if scene.works or scene.begin is not nothing:
            wait_until(lambda: timed(setter, {"op": "set", "context": {"task_id": "before"}})[0]["ok"])
        chat = Chat(service, pause=0.005, before=scene.before)
        stack.callback(chat.end)
        since = chat.latest(time.monotonic())[0]
        time.sleep(1)
        usual = statistics.median(took for _, took, _ in chat.requests(since))
        scene.begin()
        since, gets, sets, said, refusals = time.monotonic(), [], [], set(), set()
        while time.monotonic() < since + seconds:
            reply, took = timed(setter, {"op": "set", "context": {"task_id": "after"}})
            sets.append(took)
            refusals.add("made" if reply["ok"] else reason(reply))
            reply, took = timed(peer, {"op": "get"})
            gets.append(took)
            said.add((reply["context"].get("task_id", "no value"), bool(reply["shared"].get("stale"))))
            time.sleep(0.02)
        requests = chat.requests(since)
        assert chat.process.poll() is None, "a request failed"
        back = ""
        if scene.end:
            scene.end()
            until = time.monotonic()
            wait_until(lambda: timed(setter, {"op": "set", "context": {"task_id": "back"}})[0]["ok"], 30)
            back = f"{time.monotonic() - until:.1f} s"
    got = "; ".join(sorted(f"{value}{', stale' if stale else ''}" for value, stale in said))
    added = sorted(took - usual for _, took, _ in requests)
    cells = [fault.__doc__, got, ", ".join(sorted({task.replace("-", "no value") for _, _, task in requests})),
             "; ".join(sorted(refusals)), f"{max(gets) * 1000:.1f} ms", f"{max(sets):.2f} s",
             f"{(added[len(added) * 99 // 100]) * 1000:.1f} ms, {added[-1] * 1000:.1f} ms", back]
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5, help="that a fault lasts")
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=" ".join(each.__name__ for each in FAULTS))
    args = parser.parse_args()
    print("| fault | a get has | a request has | a set is | get | set | request | back |")
    print("|---|---|---|---|---|---|---|---|")
    for fault in FAULTS:
        if args.faults and fault.__name__ not in args.faults:
            continue
        if fault is dropped and grants.networks["condition"]:
            print(f"| {fault.__doc__} | {grants.networks['reason']} |||||||")
        else:
            print(suffer(fault, args.seconds), flush=True)


if __name__ == "__main__":
    main()
