#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first request of a process, which is every request of a shell script: microseconds, with a service over
without one.

    tests/bench/first.py [--rounds N] [--json FILE]

Each way is started once a round, in an order that turns. The request is timed inside of the new process, with
its connection. A figure is the median of the rounds' differences to the way without a service, so what a round
has of other work is in both; beside it what the lower quartiles differ by, for a machine that is busy.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from servers import CALLS, SHIM, keep_clients_apart, preload, start_relay, start_service

BASE = "no service"


def first_us(url, environment):
    environment = {"PATH": "/usr/bin:/bin", **environment}
    done = subprocess.run([CALLS, "first", "1", url], env=environment, cwd="/", capture_output=True, check=True)
    return float(done.stdout.split()[0]) / 1000


def main():
    parser = argparse.ArgumentParser(description="See the docstring.")
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--json", metavar="FILE", help="keep the raw numbers")
    options = parser.parse_args()
    keep_clients_apart()
    # Where the service may have files for new processes, which is on tmpfs alone.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        relay, port, _ = start_relay(work)
        servers = [relay, start_service(work), start_service(work, "asked", "--no-pages")]
        sockets = {name: f"{work}/{name}/context.sock" for name in ("live", "asked", "none")}
        ways = {
            BASE: preload(SHIM, TAGALONG_SOCKET=sockets["none"]),
            "service, page by a file": preload(SHIM, TAGALONG_SOCKET=sockets["live"]),
            "service, asked": preload(SHIM, TAGALONG_SOCKET=sockets["asked"]),
            "nothing preloaded": {},
        }
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        samples = {name: [] for name in ways}
        try:
            for name in ways:
                first_us(url, ways[name])  # the first question of all makes the page
            for number in range(options.rounds):
                turn = number % len(ways)
                for name in [*ways][turn:] + [*ways][:turn]:
                    samples[name].append(first_us(url, ways[name]))
        finally:
            for server in servers:
                server.terminate()
                server.wait()
    print(f"the first request of a process, {options.rounds} of each:")
    for name, values in samples.items():
        more = [value - base for value, base in zip(values, samples[BASE])]
        low, middle, high = statistics.quantiles(more, n=4)
        quiet = statistics.quantiles(values, n=4)[0] - statistics.quantiles(samples[BASE], n=4)[0]
        print(f"  {name:<26} {statistics.median(values):8.1f} us   {middle:+7.1f} over {BASE} ({low:+.1f} to {high:+.1f})"
              f"   lower quartiles {quiet:+7.1f}")
    if options.json:
        Path(options.json).write_text(json.dumps(samples) + "\n")


if __name__ == "__main__":
    main()
