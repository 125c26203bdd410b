#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How soon a change on one machine is in the requests of another: two network namespaces with a cable between them, a
server and a service in one, a service and an unmodified client that never stops in the other. Needs root.

    python3 tests/bench/store_lag.py [--changes N] [--bound-ms MS]

Prints how long a change takes to be answered, how long after that the other machine's service tells a watcher, and of
the client's requests how long before its start the oldest change had been answered that one lacked. Exit code 1 if
that was ever longer than the bound.
"""

import argparse
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("store", "service", ".")]

from machines import Chat, Network  # noqa: E402
from redis_server import Server  # noqa: E402
from serving import Service  # noqa: E402


def shown(seconds):
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return f"p50 {p50:.3f} ms, p99 {p99:.3f} ms, at most {ordered[-1] * 1000:.1f} ms"


def change(peer, watcher, changes):
    """When each change was answered, in how long, and how long after that the watcher was told."""
    at, took, lags, chance = [], [], [], random.Random(3)
    for number in range(1, changes + 1):
        asked = time.monotonic()
        peer.op("set", context={"task_id": str(number)})
        at.append(time.monotonic())
        took.append(at[-1] - asked)
        while watcher.reply()["context"]["task_id"] != str(number):
            pass
        lags.append(time.monotonic() - at[-1])
        time.sleep(chance.random() * 0.002)
    return at, took, lags


def behind(requests, at):
    """Of each request: how long before its start the first change was answered that it does not have."""
    late = []
    for start, _, task in requests:
        missing = int(task)  # the number of the last change that it has is the index of the next one
        late.append(max(0.0, start - at[missing]) if missing < len(at) else 0.0)
    return late


def measure(changes):
    network, services = Network(), [Service(), Service()]
    server = Server(host=network.ADDRESSES[0], before=network.here)
    chat = None
    try:
        server.start()
        for service, before in zip(services, network.before):
            service.start("--store", server.url, before=before)
        with services[0].connect() as peer, services[1].connect() as watcher:
            peer.op("set", context={"task_id": "0"})
            watcher.send({"v": 1, "op": "watch"})
            while watcher.reply()["context"] != {"task_id": "0"}:
                pass
            chat = Chat(services[1], before=network.there)
            chat.latest(time.monotonic())
            since = time.monotonic()
            at, took, lags = change(peer, watcher, changes)
            chat.latest(time.monotonic())
        return took, lags, behind(chat.requests(since), at)
    finally:
        if chat:
            chat.end()
        for service in services:
            service.release()
        server.release()
        network.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=10000)
    parser.add_argument("--bound-ms", type=float, default=100)
    args = parser.parse_args()
    took, lags, late = measure(args.changes)
    print(f"{len(took)} changes; one is answered: {shown(took)}")
    print(f"the other machine is told after that: {shown(lags)}")
    print(f"{len(late)} requests there, {sum(map(bool, late))} began before the change had come; behind: {shown(late)}")
    return 1 if max(late) * 1000 > args.bound_ms else 0


if __name__ == "__main__":
    sys.exit(main())
