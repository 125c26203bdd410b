#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the hook adds to a Python program: instructions by valgrind --tool=callgrind, and processor time.

    tests/bench/python_hook.py

"bare" is without anything of ours, "hook" as `tagalong run` starts a program, with the hook compiled. Times are the
process's own, user's and system's, and held against each other within a round, in turn, as the machine is rarely
quiet: the median of the rounds' differences. A request goes over one connection that stays open, by http.client.
"""

import os
import py_compile
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from servers import CONTEXT, ROOT, SHIM, start_relay

ROUNDS, STARTS, REQUESTS = 15, 20, 300
PYTHON = "/usr/bin/python3"
# Prints the microseconds of the first request, and of each of the others.
PROGRAM = """
import http.client, sys, time
method, address, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = http.client.HTTPConnection(address)
def send():
    begin = time.process_time()
    connection.request(method, "/v1/messages", b"{}" if method == "POST" else None)
    answer = connection.getresponse()
    answer.read()
    return (time.process_time() - begin) * 1e6, answer.headers.get("X-Saw")
connection.connect()
times, saw = zip(*[send() for _ in range(count)])
assert (saw[-1] == "T-42-") == (len(sys.argv) > 4 and method == "POST"), saw[-1]
print(times[0], sorted(times)[len(times) // 2])
"""


def compiled_hooks(folder):
    for name in "sitecustomize.py", "hook.py":
        shutil.copy(ROOT / "shim/hooks/python" / name, folder)
        py_compile.compile(str(folder / name))
    return str(folder)


def run(command, environment):
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=True)


def instructions(command, environment, folder):
    output = folder / "callgrind"
    run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", *command], environment)
    return int(next(line for line in output.read_text().splitlines() if line.startswith("summary:")).split()[1])


def start_us(environment):
    spent = 0
    for _ in range(STARTS):
        _, _, usage = os.wait4(os.posix_spawn(PYTHON, [PYTHON, "-c", "pass"], environment), 0)
        spent += usage.ru_utime + usage.ru_stime
    return spent / STARTS * 1e6


def in_turn(measure, ways):
    """Of each round the difference and the ratio of the two ways; their medians."""
    rounds = []
    for number in range(ROUNDS):
        found = {}
        for way in (list(ways), list(ways)[::-1])[number % 2]:
            found[way] = measure(ways[way])
        rounds.append(found)
    bare = statistics.median(found["bare"] for found in rounds)
    added = statistics.median(found["hook"] - found["bare"] for found in rounds)
    return f"{bare:9.0f} us bare, {added:+8.1f} us, {100 * added / bare:+6.2f} %"


def main():
    with tempfile.TemporaryDirectory(prefix="tagalong-python-") as name:
        folder = Path(name)
        (folder / "hooks").mkdir()
        base = {"PATH": "/usr/bin:/bin", "HOME": name, "PYTHONHASHSEED": "0"}
        hook = {"PYTHONPATH": compiled_hooks(folder / "hooks"), "LD_PRELOAD": SHIM, "XDG_RUNTIME_DIR": "/proc/nonexistent"}
        ways = {"bare": base, "hook": base | hook | CONTEXT}
        program = folder / "program.py"
        program.write_text(PROGRAM)
        server, port, _ = start_relay(name)
        try:
            address = f"127.0.0.1:{port}"

            def request(method, count, way):
                return [PYTHON, str(program), method, address, str(count), *(["tagged"] if way == "hook" else [])]

            counted = {
                way: {
                    "start": instructions([PYTHON, "-c", "pass"], environment, folder),
                    **{(method, count): instructions(request(method, count, way), environment, folder)
                       for method in ("GET", "POST") for count in (1, 2, 202)},
                }
                for way, environment in ways.items()
            }
            for found in counted.values():
                for method in "GET", "POST":
                    found[method] = (found[method, 202] - found[method, 2]) // 200
                    found["first " + method] = found[method, 1] - found["start"]
            print("instructions")
            for what in "start", "GET", "POST", "first GET", "first POST":
                bare, tagged = (counted[way][what] for way in ways)
                print(f"  {what:10} {bare:12,} bare, {tagged - bare:+12,}, {100 * (tagged - bare) / bare:+6.2f} %")
            print("times")
            print("  start     ", in_turn(start_us, ways))
            for method in "GET", "POST":
                for index, title in enumerate((f"first {method}", method)):
                    def measure(environment):
                        way = "hook" if "LD_PRELOAD" in environment else "bare"
                        return float(run(request(method, REQUESTS, way), environment).stdout.split()[index])

                    print(f"  {title:10}", in_turn(measure, ways))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
