#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many machines on one store: services with named scopes, each scope on two of them, and changes at a steady rate.

    python3 tests/bench/store_scale.py [--services N] [--scopes N] [--rate N] [--seconds N]

Prints what a service and the server take, the bytes on the network for a change, how long a change takes to be
answered, and how long after its answer a watcher of the other service is told. Exit code 1 if a change was refused.
"""

import argparse
import os
import random
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("store", "service")]

from redis_server import Server  # noqa: E402
from serving import Service  # noqa: E402

PROBED = 50  # one change in so many is waited for on the other side
PAIRS_WATCHED = 10


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def network_bytes(server):
    told = server.cli("info", "stats")
    return [int(re.search(rf"total_net_{way}_bytes:(\d+)", told)[1]) for way in ("output", "input")]


def shown(seconds):
    ordered = sorted(seconds)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    return f"p50 {p50:.3f} ms, p99 {p99:.3f} ms, at most {ordered[-1] * 1000:.1f} ms"


def name_of(service, scope):
    return {"name": f"s-{service // 2}-{scope}"}


def change(services, peers, watchers, args):
    """The seconds to each answer, and from the answer to the watcher; and how many were refused."""
    choose, answered, told, refused = random.Random(5), [], [], 0
    start = time.monotonic()
    for number in range(1, args.rate * args.seconds + 1):
        time.sleep(max(0, start + number / args.rate - time.monotonic()))
        probe = number % PROBED == 0
        here = choose.choice(list(watchers)) + 1 if probe else choose.randrange(len(services))
        scope = 0 if probe else choose.randrange(args.scopes)
        asked = time.monotonic()
        reply = peers[here].ask({"v": 1, "op": "set", "scope": name_of(here, scope), "context": {"task_id": str(number)}})
        answered.append(time.monotonic() - asked)
        refused += not reply["ok"]
        while probe and reply["ok"]:
            if watchers[here - 1].reply().get("context", {}).get("task_id") == str(number):
                told.append(time.monotonic() - asked - answered[-1])
                break
    return time.monotonic() - start, answered, told, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option, value in (("--services", 200), ("--scopes", 50), ("--rate", 1000), ("--seconds", 60)):
        parser.add_argument(option, type=int, default=value)
    args = parser.parse_args()
    server, services, peers = Server().start(), [], []
    try:
        for number in range(args.services):
            services.append(Service())
            services[-1].start("--store", server.url)
            peers.append(services[-1].connect())
            for scope in range(args.scopes):
                peers[-1].op("open", scope=name_of(number, scope), context={"task_id": "0"})
        watchers = {}
        for number in range(0, args.services, max(2, args.services // PAIRS_WATCHED // 2 * 2)):
            watchers[number] = services[number].connect()
            watchers[number].send({"v": 1, "op": "watch", "scope": name_of(number, 0)})
            watchers[number].reply()
        pids = [each.process.pid for each in services]
        before, network = [processor_seconds(pid) for pid in pids], network_bytes(server)
        server_before = processor_seconds(server.process.pid)
        took, answered, told, refused = change(services, peers, watchers, args)
        busy = [100 * (processor_seconds(pid) - was) / took for pid, was in zip(pids, before)]
        out, into = (now - was for now, was in zip(network_bytes(server), network))
        server_busy = 100 * (processor_seconds(server.process.pid) - server_before) / took
        print(f"{len(answered)} changes in {took:.1f} s by {args.services} services with {args.scopes} scopes each, {refused} refused")
        print(f"a service: {sum(busy) / len(busy):.3f} % of a core, at most {max(busy):.3f} %; "
              f"{sum(map(memory_mib, pids)) / len(pids):.1f} MiB")
        print(f"the server: {server_busy:.1f} % of a core, {memory_mib(server.process.pid):.1f} MiB; "
              f"{out / len(answered):.0f} bytes out and {into / len(answered):.0f} in for a change, pings included")
        print(f"a change is answered: {shown(answered)}")
        print(f"the other machine is told after that: {shown(told)}, of {len(told)}")
        return 1 if refused else 0
    finally:
        for each in services:
            each.release()
        server.release()


if __name__ == "__main__":
    sys.exit(main())
