# SPDX-License-Identifier: MIT
"""The service, and what happens to it: SIGTERM and kill -9 in turns, for a random time gone.

What a request may carry depends on when it ran. With an outage as

    signalled .... exited ............ launched .... ready
      dying          nobody is there     coming up

a request that touches none of it has to carry what the service says; one that ran as a whole while
nobody was there has to carry what the environment says; any other one or the other.
"""

import random
import threading
import time
from dataclasses import dataclass
from math import inf

CALM_SECONDS = 15  # between two restarts, on the average
GONE_SECONDS_MAX = 3


@dataclass
class Outage:
    signalled: float
    by_kill: bool
    exited: float = inf
    launched: float = inf
    ready: float = inf


class Weather:
    def __init__(self, service, seed, calm):
        """`calm` (start, end): in that time nothing happens to the service."""
        self.service = service
        self.random = random.Random(seed)
        self.calm = calm
        self.outages = []
        self.end = threading.Event()

    def touched(self, start, end):
        """Whether an outage touches that time."""
        return any(each.signalled <= end and start <= each.ready for each in self.outages[-3:])

    def nobody(self, start, end):
        """Whether in all of that time there was no service."""
        return any(each.exited <= start and end <= each.launched for each in self.outages[-3:])

    def restart(self):
        outage = Outage(time.monotonic(), by_kill=len(self.outages) % 2 == 1)
        self.outages.append(outage)  # before the signal: whoever feels it has to find it here
        if outage.by_kill:
            self.service.kill()
        else:
            status = self.service.stop(seconds=60)
            assert status == 0, f"the service ended with {status}: {self.service.errors()}"
        outage.exited = time.monotonic()
        self.end.wait(self.random.uniform(0, GONE_SECONDS_MAX))
        outage.launched = time.monotonic()
        self.service.start()
        outage.ready = time.monotonic()

    def run(self):
        while not self.end.wait(self.random.uniform(0.5, 1.5) * CALM_SECONDS):
            if not self.calm[0] < time.monotonic() < self.calm[1]:
                self.restart()
