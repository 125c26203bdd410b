#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every call that the shim makes fails once, in every way in which it can (fail.c).

    python3 tests/torture/torture.py [--only NAME] [--share N] [--jobs N]

A scenario (scenarios.py) is a host program and what its requests are to carry. It runs without the
shim; with it, which gives the list of the shim's calls; and once for each call and each way to fail.
Each run is held against the first: exit code, output and every byte of every request are as without
the shim, but for lines of ours, which are one of the scenario's sets as a whole. Where a call only has
to be made again (EINTR, a short read), nothing may be missing. An allocation or descriptor that is not
to be had is also tried with none to be had from then on. --share N takes every Nth run.
"""

import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from errno import (
    EACCES,
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EEXIST,
    EFAULT,
    EINTR,
    EINVAL,
    EIO,
    ELOOP,
    EMFILE,
    ENOBUFS,
    ENOENT,
    ENOMEM,
    ENOSPC,
    EPERM,
    EPIPE,
    errorcode,
)
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / name) for name in (".", "e2e", "relay", "service")]

from conftest import clean_environment  # noqa: E402
from neutral import compare_request  # noqa: E402
from relay import Relay  # noqa: E402
from serving import BUILD, Service  # noqa: E402

SHIM, FAIL = BUILD / "libtagalong.so", BUILD / "torture" / "fail.so"
CALLS_MAX, NAME_BYTES = 16384, 16  # struct record of fail.c
NO_SERVICE = {"XDG_RUNTIME_DIR": "/dev/null"}  # where nobody can make one
SECONDS = 60  # for one run
SHOWN = 40  # of what went wrong, in full

SHORT, ZERO = "short", "zero"
AGAIN = {EINTR, SHORT}  # the same call goes well when it is made again
RECEIVE = [EINTR, EAGAIN, SHORT, ZERO, ECONNRESET]
HOW = {
    "malloc": [ENOMEM],
    "calloc": [ENOMEM],
    "strdup": [ENOMEM],
    "mmap": [ENOMEM],
    "mprotect": [ENOMEM],
    "malloc in URL": [ENOMEM],
    "calloc in URL": [ENOMEM],
    "realloc in URL": [ENOMEM],
    "strdup in URL": [ENOMEM],
    "openat": [EMFILE, EACCES, EINTR],
    "fcntl": [EMFILE],
    "socket": [EMFILE],
    "connect": [ECONNREFUSED, EACCES, EAGAIN, EINTR],
    "getsockopt": [ENOBUFS],
    "send": [EPIPE, EAGAIN, EINTR, SHORT],
    "recvmsg": RECEIVE,
    "__fxstatat": [ENOMEM, ELOOP, EIO],
    "read": [EIO, EINTR, SHORT, ZERO],
    "pread": [EIO, SHORT, ZERO],
    "write": [EIO, ENOSPC, EINTR, SHORT],
    "mkdir": [EACCES, ENOSPC],
    "link": [EPERM, EEXIST],
    "unlink": [EACCES],
    "fsync": [EIO],
    "close": [EIO, EINTR],
    "getcwd": [ENOENT],
    "uname": [EFAULT],
    "prlimit64": [EPERM],
    "getrandom": [EAGAIN, SHORT],
    "madvise": [EINVAL],
}
# A short read of these is an error like any other: files are whole, and the kernel's random bytes.
NOT_AGAIN = {"write", "getrandom", "pread", "close"}
STAYING = {"malloc", "calloc", "mmap", "openat", "socket"}
# What the shim asks of libc that cannot fail, or not in a way that anybody could tell.
CANNOT_FAIL = set(
    """__environ environ __errno_location __libc_current_sigrtmin memchr memcmp memcpy memmem memmove memset strchr
    strchrnul strcmp strcspn strlen strncmp strnlen strrchr strspn strstr __stack_chk_fail __progname
    program_invocation_short_name _dl_debug_addr _r_debug clock_gettime free munmap getauxval getenv geteuid
    getpid inet_pton pthread_self sched_yield secure_getenv sigaddset sigemptyset
    sigismember sigpending sigprocmask sigtimedwait syscall""".split()
)


@dataclass
class Failure:
    """Which call fails, and how."""

    number: int
    name: str
    how: object
    stays: bool = False

    def __str__(self):
        how = errorcode.get(self.how, self.how)
        return f"call {self.number}, {self.name}: {how}{', and from then on' if self.stays else ''}"

    @property
    def environment(self):
        stays = {"TORTURE_STAYS": "1"} if self.stays else {}
        return {"TORTURE_CALL": str(self.number), "TORTURE_HOW": str(self.how)} | stays

    @property
    def costs_nothing(self):
        """Whether every request has to be as if it had not been."""
        return self.how in AGAIN and self.how in HOW[self.name] and self.name not in NOT_AGAIN


def failures(calls):
    for number, name in enumerate(calls, 1):
        for how in HOW[name]:
            yield Failure(number, name, how)
        if name in STAYING:
            yield Failure(number, name, HOW[name][0], stays=True)


class Place:
    """A relay, another one, and a folder: what one run at a time has for itself."""

    def __init__(self, service):
        self.service = service
        self.folder = Path(tempfile.mkdtemp(dir=service.folder))
        self.relay, self.other = Relay(delay_ms=1).start(), Relay(delay_ms=1).start()
        self.relay.other = self.other.url
        self.runs = 0

    def end(self):
        self.relay.stop()
        self.other.stop()

    def run(self, scenario, shim=True, failure=None):
        """A SimpleNamespace of what it said, what arrived and which calls were made."""
        self.runs += 1
        home = self.folder / f"{self.runs}"
        home.mkdir()
        record = self.folder / "record"
        with open(record, "wb") as file:
            file.truncate(8 + CALLS_MAX * NAME_BYTES)
        for server in (self.relay, self.other):
            server.reset()
        environment = clean_environment(home) | NO_SERVICE | scenario.prepare(self, home)
        if shim:
            environment["LD_PRELOAD"] = f"{FAIL} {SHIM}"
            environment["TORTURE_FILE"] = str(record)
            environment |= failure.environment if failure else {}
        done = subprocess.run(
            scenario.command(self),
            input=scenario.script(self).encode(),
            capture_output=True,
            env=environment,
            cwd=home,
            timeout=SECONDS,
            check=False,
        )
        noted = record.read_bytes()
        calls, failed = (int.from_bytes(noted[i : i + 4], sys.byteorder) for i in (0, 4))
        names = [noted[i : i + NAME_BYTES] for i in range(8, 8 + calls * NAME_BYTES, NAME_BYTES)]
        return SimpleNamespace(
            rc=done.returncode,
            stdout=same_place(done.stdout),
            stderr=same_place(done.stderr),
            requests=self.relay.requests + self.other.requests,
            calls=[name.rstrip(b"\0").decode() for name in names],
            failed=failed,
            home=home,
        )


def same_place(data):
    """Each place has ports of its own."""
    return re.sub(rb"127\.0\.0\.1:\d+", b"RELAY", data)


def sorted_requests(run):
    """Transfers that overlap come in any order; each has a path or a body of its own."""
    return sorted(run.requests, key=lambda request: (request.target, request.body))


def which_set(scenario, bare, tagged):
    """The number of the set of lines that the request carries, which has to be one of them."""
    complaints = []
    for index, lines in enumerate(scenario.sets):
        try:
            compare_request(bare, tagged, lines, scenario.own, same_place, f"set {index}")
            return index
        except AssertionError as error:
            complaints.append(str(error))
    raise AssertionError("; ".join(complaints))


def judge(scenario, bare, tagged, failure):
    assert tagged.rc == bare.rc, f"exit code {tagged.rc}, without the shim {bare.rc}"
    assert tagged.stdout == bare.stdout, f"stdout {tagged.stdout} instead of {bare.stdout}"
    assert tagged.stderr == bare.stderr, f"stderr {tagged.stderr} instead of {bare.stderr}"
    assert len(tagged.requests) == len(bare.requests), f"{len(tagged.requests)} requests"
    pairs = zip(sorted_requests(bare), sorted_requests(tagged))
    seen = [which_set(scenario, one, two) for one, two in pairs]
    if not failure or failure.costs_nothing:
        assert seen == scenario.seen, f"sets {seen} instead of {scenario.seen}"
    scenario.check(tagged, failure, seen)
    return Counter(seen)


class Torture:
    def __init__(self, places, jobs, share):
        self.places, self.jobs, self.share = places, jobs, share
        self.wrong = []
        self.missed = 0  # calls that were not made this time

    def one(self, scenario, bare, failure):
        place = self.places.get()
        try:
            run = place.run(scenario, failure=failure)
            made = run.calls[failure.number - 1] if run.failed else "not made"
            assert made == failure.name or not scenario.is_exact, f"the call is {made}"
            if not run.failed:
                self.missed += 1
            return judge(scenario, bare, run, replace(failure, name=made) if run.failed else None)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            self.wrong.append(f"{scenario.name}: {failure}\n    {error}")
            return Counter()
        finally:
            self.places.put(place)

    def scenario(self, scenario):
        """A line of figures."""
        start, place = time.monotonic(), self.places.get()
        bare = place.run(scenario, shim=False)
        whole = place.run(scenario)
        self.places.put(place)
        try:
            judge(scenario, bare, whole, None)
        except AssertionError as error:
            self.wrong.append(f"{scenario.name}, nothing fails\n    {error}")
            return f"{scenario.name}: not run"
        chosen = list(itertools.islice(failures(whole.calls), 0, None, self.share * scenario.share))
        with ThreadPoolExecutor(self.jobs) as pool:
            found = pool.map(lambda failure: self.one(scenario, bare, failure), chosen)
            seen = sum(found, Counter())
        sets = ", ".join(f"{seen[index]} {what}" for index, what in enumerate(scenario.what))
        return (
            f"{scenario.name}: {len(whole.calls)} calls, {len(chosen)} runs in "
            f"{time.monotonic() - start:.0f} s; requests: {sets}"
        )


def check_covered():
    """Whatever the shim asks of libc either can be made to fail, or cannot fail."""
    def names(file, which):
        command = ["nm", "-D", "--format=posix", which, file]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {line.split()[0].split("@")[0] for line in said.splitlines()}

    missing = names(SHIM, "--undefined-only") - names(FAIL, "--defined-only") - CANNOT_FAIL
    assert not missing, f"fail.c does not have {sorted(missing)}"


def main():
    from scenarios import SCENARIOS

    parser = argparse.ArgumentParser(description="See the docstring.")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--share", type=int, default=1, help="every Nth run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time")
    options = parser.parse_args()
    check_covered()
    service, places = Service(), SimpleQueue()
    made = []
    try:
        service.start()
        for _ in range(options.jobs):
            made.append(Place(service))
            places.put(made[-1])
        torture = Torture(places, options.jobs, options.share)
        for scenario in SCENARIOS:
            if options.only in scenario.name:
                print(torture.scenario(scenario), flush=True)
    finally:
        for place in made:
            place.end()
        service.release()
    for each in torture.wrong[:SHOWN]:
        print(each)
    print(f"{len(torture.wrong)} runs went wrong; {torture.missed} were made in vain")
    sys.exit(1 if torture.wrong else 0)


if __name__ == "__main__":
    main()
