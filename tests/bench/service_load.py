#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Load on the context service: many connections, many scopes, a million changes and questions.

    python3 tests/bench/service_load.py [--connections N] [--scopes N] [--pairs N]

Each connection has its own scopes; it sets a field of one and asks for it, many such pairs in one
piece. Every reply is looked at: ok, and the value that was just set. Prints for each part how long
it took (this client included), the processor time of the service, its memory, and the size of its
state file. Fails unless memory is flat: what it comes back to in the second half of the pairs is
what it came back to in the first. Between, it may be more: a new state file is put together then.
"""

import argparse
import os
import re
import selectors
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "service"))

from serving import Service, peak_bytes  # noqa: E402

PIECE = 50  # pairs sent together
PARTS = 10  # of the pairs, with a look at the memory after each
FLAT_KIB = 1024
TICKS = os.sysconf("SC_CLK_TCK")

OPEN = b'{"v":1,"op":"open","scope":{"name":"%s"},"context":{"project_id":"billing"}}\n'
CLOSE = b'{"v":1,"op":"close","scope":{"name":"%s"}}\n'
SET = b'{"v":1,"op":"set","scope":{"name":"%s"},"context":{"task_id":"%s"}}\n'
GET = b'{"v":1,"op":"get","scope":{"name":"%s"}}\n'


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Load:
    def __init__(self, service, connections, scopes):
        self.service = service
        self.pid = service.process.pid
        self.own = -(-scopes // connections)
        self.peers = [service.connect() for _ in range(connections)]
        self.selector = selectors.DefaultSelector()
        for number, peer in enumerate(self.peers):
            self.selector.register(peer.socket, selectors.EVENT_READ, (number, peer))

    def name(self, number, index):
        return b"load-%d-%d" % (number, index % self.own)

    def part(self, what, total, make):
        """`total` requests or pairs, shared out: make(number, index) -> [(line, wanted in reply)].
        The service's memory afterwards."""
        start, cpu = time.monotonic(), cpu_seconds(self.pid)
        lines = self.exchange(-(-total // len(self.peers)), make)
        seconds, cpu = time.monotonic() - start, cpu_seconds(self.pid) - cpu
        file = sum(path.stat().st_size for path in self.service.state.glob("context.db*")) >> 20
        resident = resident_kib(self.pid)
        print(
            f"{what:<26} {seconds:6.1f} s {lines / seconds:>9,.0f}/s   service {cpu:5.1f} s"
            f"   {resident:>7,} KiB   file {file:>3} MiB",
            flush=True,
        )
        return resident

    def exchange(self, share, make):
        """One piece is under way on each connection. The number of lines."""
        done, wanted = [0] * len(self.peers), [[]] * len(self.peers)
        lines = 0

        def send(number, peer):
            last = min(done[number] + PIECE, share)
            made = [each for i in range(done[number], last) for each in make(number, i)]
            done[number], wanted[number] = last, [part for _, part in made]
            peer.send(b"".join(line for line, _ in made))
            return len(made)

        busy = sum(send(number, peer) > 0 for number, peer in enumerate(self.peers))
        while busy:
            for key, _ in self.selector.select():
                number, peer = key.data
                peer.pending += peer.socket.recv(1 << 16)
                if peer.pending.count(b"\n") < len(wanted[number]):
                    continue
                for line, part in zip(peer.pending.splitlines(), wanted[number], strict=True):
                    assert line.startswith(b'{"v":1,"ok":true') and part in line, line
                    lines += 1
                peer.pending = b""
                busy -= not send(number, peer)
        return lines

    def opening(self, number, index):
        name = self.name(number, index)
        return [(OPEN % name, name)]

    def closing(self, number, index):
        name = self.name(number, index)
        return [(CLOSE % name, name)]

    def pair(self, part):
        def make(number, index):
            name, task = self.name(number, index), b"T-%d-%d" % (part, index)
            return [(SET % (name, task), name), (GET % name, b'"task_id":"%s"' % task)]

        return make


def lone_questions(service, name):
    """Microseconds from connecting to the answer, as a request has it."""
    taken = []
    for _ in range(1000):
        start = time.monotonic()
        with service.connect() as peer:
            peer.context(scope={"name": name})
        taken.append((time.monotonic() - start) * 1e6)
    return statistics.median(taken)


def run(service, options):
    load = Load(service, options.connections, options.scopes)
    print(f"{options.connections:,} connections; at the start {resident_kib(load.pid):,} KiB")
    load.part(f"{options.scopes:,} opened", options.scopes, load.opening)
    resident = [
        load.part(
            f"{options.pairs // PARTS * (part + 1):,} set and get",
            options.pairs // PARTS,
            load.pair(part),
        )
        for part in range(PARTS)
    ]
    name = load.name(0, 0).decode()
    print(f"a get on a connection of its own, from Python: {lone_questions(service, name):.0f} us")
    load.part("all closed", options.scopes, load.closing)
    print(f"at the most {peak_bytes(load.pid) >> 10:,} KiB")
    assert service.errors() == "", service.errors()
    grown = min(resident[PARTS // 2 :]) - min(resident[: PARTS // 2])
    print(f"from the first half of the pairs to the second memory grew by {max(grown, 0):,} KiB")
    return grown < FLAT_KIB


def main():
    parser = argparse.ArgumentParser(description="See the docstring.")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--scopes", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    options = parser.parse_args()
    service = Service()
    try:
        service.start()
        sys.exit(0 if run(service, options) else "service_load: memory is not flat")
    finally:
        service.release()


if __name__ == "__main__":
    main()
