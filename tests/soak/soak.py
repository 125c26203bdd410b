#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mixed clients for a long time, while their context changes and the service comes and goes.

    python3 tests/soak/soak.py [--seconds N] [--seed N]

A few requests a second. Every one is compared with what the client sends without the shim, and its
added lines with what was set (lane.py, weather.py). In the middle third of the time the service is
left alone, and its memory is looked at; that of the clients that stay is looked at all the time. Flat
is: after a warm-up, the least of the second half of the samples is at most FLAT_KIB more than the least
of the first, and no descriptor more. (The least, because the service may be looked at while a client
is with it.) The clients warm up for a quarter of the time; the service for so long that each of them
has asked, and has its page. Closes with one line of figures; exit code 1 when anything was wrong.
"""

import argparse
import os
import re
import sys
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / name) for name in ("e2e", "relay", "service")]

from lane import CLIENTS, Lane, Project  # noqa: E402
from relay import Relay  # noqa: E402
from serving import BUILD, Closed, Service  # noqa: E402
from weather import Weather  # noqa: E402

FLAT_KIB = 512
WARM_UP_SECONDS = max(client.pause for client in CLIENTS) + 10
PROJECT_SECONDS = 2  # between two changes of the default scope
SHOWN = 20  # of what was wrong


class Listener(Relay):
    """Keeps a request until it is asked for by its body."""

    def __init__(self):
        super().__init__(delay_ms=1)
        self.kept = {}

    def record(self, request):
        self.kept.setdefault(request.body, []).append(request)


class Place:
    """What the clients share."""

    def __init__(self, relay, service):
        self.relay, self.service = relay, service
        self.url = relay.url + "/v1/chat/completions"
        self.folder = service.folder
        self.seen = set()

    def environment(self, name, shim):
        environment = self.service.environment(
            TAGALONG_SCOPE=name,
            TAGALONG_CONVERSATION_ID=name,
            TAGALONG_USER_ID="ada",
            # A machine that is busy with tests is no reason to go without the service.
            TAGALONG_TIMEOUT_MS="10000",
        )
        return environment | ({"LD_PRELOAD": str(BUILD / "libtagalong.so")} if shim else {})

    def arrived(self, body):
        """The request with this body; None where there is none, or more than one."""
        found = self.relay.kept.pop(body.encode(), [])
        return found[0] if len(found) == 1 else None

    def check_new(self, request_id, traceparent):
        for each in (request_id, traceparent.split("-")[2]):
            assert each not in self.seen, f"{each} was sent before"
            self.seen.add(each)


class Memory:
    """The service's, in the time in which it is left alone."""

    def __init__(self):
        self.samples = []

    def look(self, pid):
        status = Path(f"/proc/{pid}/status").read_text()
        count = len(os.listdir(f"/proc/{pid}/fd"))
        self.samples.append((time.monotonic(), int(re.search(r"VmRSS:\s+(\d+)", status)[1]), count))


def growth(samples, start, end):
    """KiB and descriptors that the least of the second half has more than that of the first."""
    half = (start + end) / 2
    first = [each for each in samples if start < each[0] <= half]
    second = [each for each in samples if half < each[0] <= end]
    if not first or not second:
        return 0, 0
    _, *before = map(min, zip(*first))
    _, *after = map(min, zip(*second))
    return tuple(max(there - here, 0) for here, there in zip(before, after))


def change_all_the_time(project, place, weather, memory, wrong):
    """The default scope's project, and looks at the service's memory."""
    while not weather.end.wait(PROJECT_SECONDS):
        start = time.monotonic()
        try:
            project.change(place.service)
        except (OSError, Closed) as error:
            if not weather.touched(start, time.monotonic()):
                wrong.append(f"the project was refused: {error!r}")
        if weather.calm[0] < start < weather.calm[1] and not weather.touched(start, start):
            memory.look(place.service.process.pid)


def blow(weather, wrong):
    try:
        weather.run()
    except Exception as error:  # whatever it is, it is the soak's result
        wrong.append(f"the service: {error!r}")


def soak(place, seconds, seed):
    """(what was wrong, the line of figures)"""
    start = time.monotonic()
    end, third = start + seconds, seconds / 3
    weather = Weather(place.service, seed, (start + third, end - third))
    project, memory, wrong = Project(), Memory(), []
    project.change(place.service)
    lanes = [Lane(client, place, project, weather) for client in CLIENTS]
    for lane in lanes:
        lane.run_bare()
        lane.open_scope()
    threads = [threading.Thread(target=lane.run, args=(end,)) for lane in lanes]
    others = [
        threading.Thread(target=blow, args=(weather, wrong)),
        threading.Thread(target=change_all_the_time, args=(project, place, weather, memory, wrong)),
    ]
    for thread in threads + others:
        thread.start()
    for thread in threads:
        thread.join()
    weather.end.set()
    for thread in others:
        thread.join()

    wrong += [each for lane in lanes for each in lane.wrong]
    if errors := place.service.errors():
        wrong.append(f"the service said: {errors}")
    grown = {
        lane.client.name: growth(lane.samples, start + seconds / 4, end)
        for lane in lanes
        if lane.client.stays
    }
    grown["service"] = growth(memory.samples, weather.calm[0] + WARM_UP_SECONDS, weather.calm[1])
    for name, (kib, descriptors) in grown.items():
        if kib > FLAT_KIB or descriptors > 0:
            wrong.append(f"{name} grew by {kib} KiB, {descriptors} descriptors")
    return wrong, figures(seconds, lanes, weather, project, grown)


def figures(seconds, lanes, weather, project, grown):
    counts = Counter({lane.client.name: lane.requests for lane in lanes})
    each = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    memory = ", ".join(f"{name} {kib} KiB and {more}" for name, (kib, more) in grown.items())
    kills = sum(outage.by_kill for outage in weather.outages)
    return (
        f"soak: {seconds} s, {counts.total():,} requests ({each}), "
        f"{sum(lane.changes for lane in lanes) + project.begun:,} changes, "
        f"{len(weather.outages)} restarts ({kills} by kill -9), "
        f"{sum(lane.without_service for lane in lanes):,} requests without a service; "
        f"memory and descriptors grew by: {memory}"
    )


def main():
    parser = argparse.ArgumentParser(description="See the docstring.")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    service = Service()
    try:
        with Listener() as relay:
            wrong, line = soak(Place(relay, service.start()), options.seconds, options.seed)
    finally:
        service.release()
    for each in wrong[:SHOWN]:
        print(each)
    if wrong:
        print(f"{len(wrong)} wrong, with --seed {options.seed}")
    print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
