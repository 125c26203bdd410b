#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Questions a second that the context service answers, beside redis-server on a Unix socket and a bare echo loop.

    tests/bench/rates.py [--rounds N] [--json FILE] [--markdown]

1, 16 and 256 connections, each with one question under way, by one client program (rates.c); each way once a
round, in an order that turns. The service keeps its scopes in a file, as it does by default; Redis keeps nothing.
The median of the rounds, and their spread.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from servers import BUILD, start_service

RATES = str(BUILD / "bench" / "rates")
CLIENTS, MILLISECONDS = (1, 16, 256), 300
OPEN = '{"v":1,"op":"open","scope":{"name":"load"},"context":{"task_id":"T-1"}}\n'
SET = '{"v":1,"op":"set","scope":{"name":"load"},"context":{"task_id":"T-2"}}\n'
GET = '{"v":1,"op":"get","scope":{"name":"load"}}\n'
OK = '{"v":1,"ok":true'


def start(command, path, servers):
    servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    probe = socket.socket(socket.AF_UNIX)
    for _ in range(500):
        if os.path.exists(path) and probe.connect_ex(path) == 0:
            return
        time.sleep(0.01)
    raise SystemExit(f"rates.py: {command[0]} does not start")


def rate(clients, path, lines, begin, question):
    command = [RATES, "ask", path, str(clients), str(MILLISECONDS), str(lines), begin, question]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main():
    parser = argparse.ArgumentParser(description="See the docstring.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", metavar="FILE", help="keep the raw numbers")
    parser.add_argument("--markdown", action="store_true", help="print a table for docs/costs.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        ours, redis, echo = f"{work}/live/context.sock", f"{work}/redis.sock", f"{work}/echo.sock"
        ways = {
            "the service, set": (ours, 1, OK, SET),
            "the service, get": (ours, 1, OK, GET),
            "Redis, SET": (redis, 1, "+OK", "SET load T-2\r\n"),
            "Redis, GET": (redis, 2, "$3", "GET load\r\n"),
            "an echo loop": (echo, 1, OK, GET.replace('"op":"get"', '"ok":true')),
        }
        samples = {name: {clients: [] for clients in CLIENTS} for name in ways}
        servers = [start_service(work)]
        try:
            start(["redis-server", "--port", "0", "--unixsocket", redis, "--save", "", "--dir", work], redis, servers)
            start([RATES, "echo", echo], echo, servers)
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(ours)
                peer.sendall(OPEN.encode())
                assert peer.recv(1 << 16).startswith(OK.encode())
            for number in range(options.rounds):
                turn = number % len(ways)
                for name in [*ways][turn:] + [*ways][:turn]:
                    for clients in CLIENTS:
                        samples[name][clients].append(rate(clients, *ways[name]))
        finally:
            for server in servers:
                server.terminate()
                server.wait()
    if options.json:
        Path(options.json).write_text(json.dumps(samples) + "\n")
    if options.markdown:
        print("| answers a second, by connections |" + "".join(f" {clients} |" for clients in CLIENTS))
        print("|---|" + "---|" * len(CLIENTS))
        for name, values in samples.items():
            print(f"| {name} |" + "".join(f" {statistics.median(v):,.0f} |" for v in values.values()))
        return
    print("answers a second, by connections:" + "".join(f"{clients:>26}" for clients in CLIENTS))
    for name, values in samples.items():
        cells = (f"{statistics.median(v):>9,.0f} ({min(v):,.0f} to {max(v):,.0f})" for v in values.values())
        print(f"  {name:<32}" + "".join(f"{cell:>26}" for cell in cells))


if __name__ == "__main__":
    main()
