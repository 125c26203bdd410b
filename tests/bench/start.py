#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tagalong run` in front of a command costs: each way once a round, in an order that turns.

    tests/bench/start.py [NAME=PROGRAM ...]     other builds of tagalong, in the same run

The command is /bin/true, so that what is left is the start. Milliseconds above it alone, by the median of all
starts, and the spread of the rounds' medians.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDS, STARTS = 11, 40


def start_ms(command, environment):
    begin = time.perf_counter()
    _, status = os.waitpid(os.posix_spawn(command[0], command, environment), 0)
    assert status == 0, command
    return (time.perf_counter() - begin) * 1000


def main():
    programs = {"tagalong": ROOT / "build" / "tagalong"} | dict(word.split("=", 1) for word in sys.argv[1:])
    ways = {"alone": ["/bin/true"], "env": ["/usr/bin/env", "/bin/true"],
            "tagalong-run": [str(ROOT / "scripts" / "tagalong-run"), "--task", "T-1", "--", "/bin/true"]}
    for name, program in programs.items():
        ways[f"{name} run --no-service"] = [str(program), "run", "--no-service", "--task", "T-1", "--", "/bin/true"]
        ways[f"{name} run"] = [str(program), "run", "--task", "T-1", "--", "/bin/true"]
    with tempfile.TemporaryDirectory(prefix="tagalong-start-") as folder:
        environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "XDG_RUNTIME_DIR": folder}
        service = subprocess.Popen([programs["tagalong"], "serve"], env=environment)
        try:
            socket = Path(folder, "tagalong", "context.sock")
            while not socket.exists():
                time.sleep(0.01)
            rounds = {way: [] for way in ways}
            for number in range(ROUNDS):
                order = list(ways)[number % len(ways):] + list(ways)[:number % len(ways)]
                for way in order:
                    rounds[way].append([start_ms(ways[way], environment) for _ in range(STARTS)])
        finally:
            service.terminate()
            service.wait()
    alone = statistics.median(sum(rounds["alone"], []))
    print(f"/bin/true alone: {alone:.2f} ms; above that:")
    for way, starts in rounds.items():
        medians = [statistics.median(some) - alone for some in starts]
        print(f"  {way:28} {statistics.median(sum(starts, [])) - alone:6.2f} ms   {min(medians):.2f} to {max(medians):.2f}")


if __name__ == "__main__":
    main()
