#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A context service that does it wrong, in one of many ways (FAULTS), and a program that suffers it.

    python3 faulty.py FAULT SOCKET      serves; one line "ready", then one for each question that it got

with faulty(fault, folder) as service: service.environment, service.questions() after the end.
suffer(...) sends some requests, by an unmodified program on one handle, and says how it fared.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

GOOD = b'{"v":1,"ok":true,"revision":1,"context":{"task_id":"LIVE"}}\n'
NO = b'{"v":1,"ok":false,"error":{"code":"x","message":"y"}}\n'
REQUESTS = 5
NOBODY = 65534


def padded(length):
    """A good line of so many bytes without its LF."""
    return b" " * (length - len(GOOD) + 1) + GOOD


def hang(connection):
    time.sleep(60)


def drip(connection):
    for byte in GOOD:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def flood(connection):
    while True:
        connection.sendall(b"x" * 65536)


def die(connection):
    connection.sendall(GOOD[:20])
    os.kill(os.getpid(), signal.SIGKILL)


ANSWERS = {
    "good": lambda c: c.sendall(GOOD),
    "hangs": hang,
    "drips": drip,
    "garbage": lambda c: c.sendall(b"\x00\xff{]\n"),
    "another version": lambda c: c.sendall(GOOD.replace(b'"v":1', b'"v":2')),
    "says no": lambda c: c.sendall(NO),
    "a value with a line end": lambda c: c.sendall(GOOD.replace(b"LIVE", b"a\\r\\nX-Evil: 1")),
    "64 KiB": lambda c: c.sendall(padded(65536)),
    "64 KiB and one byte": lambda c: c.sendall(padded(65537)),
    "floods": flood,
    "closes at once": lambda c: None,
    "closes in mid-answer": lambda c: c.sendall(GOOD[:20]),
    "killed in mid-answer": die,
}
# What is wrong with the place, before anybody answers.
PLACES = [
    "no service",
    "a dead service's socket",
    "its queue is full",
    "answered by another user",
    "another user's socket",
    "another user's folder",
    "an open folder",
    "a symlinked folder",
    "a plain file",
]
AS_ROOT = ["answered by another user", "another user's socket", "another user's folder"]
FAULTS = [*ANSWERS, *PLACES]


def expected(fault):
    """The task that the requests carry, and how often the service is asked by five of them."""
    if fault in ("good", "64 KiB"):
        return "LIVE", REQUESTS
    if fault == "a value with a line end":
        return None, REQUESTS
    return None, 1 if fault in ANSWERS else 0


def listen(fault, path):
    listener = socket.socket(socket.AF_UNIX)
    if fault == "no service":
        return listener
    if fault == "a plain file":
        open(path, "w").close()
        return listener
    listener.bind(path)
    os.chmod(path, 0o600)
    if fault == "another user's socket":
        os.chown(path, NOBODY, NOBODY)
    if fault == "another user's folder":
        os.chown(os.path.dirname(path), NOBODY, NOBODY)
    if fault == "an open folder":
        os.chmod(os.path.dirname(path), 0o777)
    if fault == "answered by another user":
        os.seteuid(NOBODY)  # SO_PEERCRED tells who called listen(2)
    if fault != "a dead service's socket":
        listener.listen(0 if fault == "its queue is full" else 64)
    return listener


def serve(fault, path):
    listener = listen(fault, path)
    waiting = socket.socket(socket.AF_UNIX)
    if fault == "its queue is full":
        waiting.connect(path)
    print("ready", flush=True)
    while fault in PLACES and fault != "answered by another user":
        time.sleep(60)
    while True:
        connection, _ = listener.accept()
        with connection:
            if not connection.recv(1000):
                continue
            print("asked", flush=True)
            try:
                ANSWERS.get(fault, ANSWERS["good"])(connection)
            except OSError:
                pass


class Faulty:
    def __init__(self, path, process):
        self.environment = {"TAGALONG_SOCKET": path}
        self.process = process

    def questions(self):
        self.process.kill()
        return self.process.communicate()[0].count("asked")


@contextmanager
def faulty(fault, folder):
    real = folder / "s"
    real.mkdir(mode=0o700)
    path = real / "context.sock"
    command = [sys.executable, __file__, fault, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            if fault == "a symlinked folder":
                (folder / "link").symlink_to(real)
                path = folder / "link" / "context.sock"
            yield Faulty(str(path), process)
        finally:
            process.kill()


# One handle, one request after the other; the descriptors that the program has open before the first
# and after the last, and how long each request took.
PROGRAM = """
import json, os, pycurl, sys, time
c = pycurl.Curl()
c.setopt(c.URL, sys.argv[1])
c.setopt(c.POSTFIELDS, "{}")
c.setopt(c.WRITEFUNCTION, lambda data: None)
c.setopt(c.FORBID_REUSE, 1)
def fds():
    return [fd for fd in range(1024) if os.path.lexists(f"/proc/self/fd/{fd}")]
before, took = fds(), []
for i in range(int(sys.argv[2])):
    start = time.monotonic()
    c.perform()
    took.append(time.monotonic() - start)
print(json.dumps({"before": before, "after": fds(), "took": took}))
"""


def suffer(url, environment, requests=REQUESTS, program=PROGRAM):
    """{"before": descriptors, "after": descriptors, "took": [seconds, ...]}"""
    command = ["/usr/bin/python3", "-c", program, url, str(requests)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


if __name__ == "__main__":
    serve(*sys.argv[1:])
