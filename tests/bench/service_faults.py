#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The longest time that each fault of a context service adds to a request (tests/e2e/faulty.py).

    python3 tests/bench/service_faults.py [--rounds N]

In each round a program sends its requests without the shim, and then with it and each fault: the
slowest of its requests, less the median of those without. Prints the median and the worst round.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "relay")]

import faulty  # noqa: E402
from relay import Relay  # noqa: E402

SHIM = str(Path(os.environ.get("TAGALONG_BUILD", ROOT / "build")) / "libtagalong.so")
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "XDG_RUNTIME_DIR": "/proc/nonexistent",
    "TAGALONG_PROJECT_ID": "billing",
}


def added_ms(url, fault):
    bare = statistics.median(faulty.suffer(url, ENVIRONMENT)["took"])
    with tempfile.TemporaryDirectory() as folder, faulty.faulty(fault, Path(folder)) as service:
        environment = ENVIRONMENT | service.environment | {"LD_PRELOAD": SHIM}
        return (max(faulty.suffer(url, environment)["took"]) - bare) * 1000


def main():
    parser = argparse.ArgumentParser(description="See the docstring.")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    samples = {fault: [] for fault in faulty.FAULTS}
    with Relay() as relay:
        for _ in range(options.rounds):
            for fault, values in samples.items():
                values.append(added_ms(relay.url + "/v1/chat/completions", fault))
    print(f"milliseconds added to the slowest of {faulty.REQUESTS} requests, {options.rounds} rounds")
    for fault, values in samples.items():
        print(f"  {fault:<26} {statistics.median(values):6.1f}   at the worst {max(values):6.1f}")


if __name__ == "__main__":
    main()
