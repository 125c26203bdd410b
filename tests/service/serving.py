# SPDX-License-Identifier: MIT
"""A context service in a folder of its own, and connections to it that speak the protocol bare."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("TAGALONG_BUILD", ROOT / "build"))
TAGALONG = str(BUILD / "tagalong")
# What is preloaded into other programs, which have no sanitizer's runtime.
LIBRARY = str((ROOT / "build" if BUILD.name in ("asan", "tsan") else BUILD) / "libtagalong.so")
WRAP = os.environ.get("TAGALONG_WRAP", "").split()  # valgrind ..., around the service
# What a tool needs for itself is not the service's: then memory is not looked at, and less is done.
TOOLED = bool(WRAP) or BUILD.name in ("asan", "tsan") or "TAGALONG_COVERAGE" in os.environ
START_SECONDS = 20 if TOOLED else 5
REPLY_SECONDS = 20
SANITIZERS = ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")


MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Closed(Exception):
    """The service closed the connection."""


class Peer:
    """One connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(REPLY_SECONDS)
        self.socket.connect(str(path))
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, request):
        """A dict, a line of text, or raw bytes."""
        if isinstance(request, dict):
            request = json.dumps(request, ensure_ascii=False)
        if isinstance(request, str):
            request = request.encode() + b"\n"
        self.socket.sendall(request)

    def line(self):
        while b"\n" not in self.pending:
            try:
                more = self.socket.recv(1 << 17)
            except ConnectionResetError:
                more = b""
            if not more:
                raise Closed
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def reply(self):
        return json.loads(self.line())

    def ask(self, request):
        self.send(request)
        return self.reply()

    def op(self, op, **members):
        """A request that has to go well."""
        reply = self.ask({"v": 1, "op": op, **members})
        assert reply["ok"], reply
        return reply

    def refusal(self, op, **members):
        """The code of one that has not."""
        reply = self.ask({"v": 1, "op": op, **members})
        assert not reply["ok"], reply
        return reply["error"]["code"]

    def context(self, **members):
        return self.op("get", **members)["context"]

    def scopes(self):
        """The rows of all pages of the list."""
        page = self.op("list")
        rows = page["scopes"]
        while "next" in page:
            page = self.op("list", after=page["next"])
            rows += page["scopes"]
        return rows

    def service_pid(self):
        return struct.unpack("3i", self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]

    def is_silent(self, seconds=0.1):
        return not self.pending and not select.select([self.socket], [], [], seconds)[0]

    def is_closed(self):
        try:
            self.line()
        except Closed:
            return True
        return False


class Service:
    """`tagalong serve` in its own run-time and state folders, which outlive it."""

    def __init__(self):
        # Not pytest's tmp_path: a socket's path has at most 107 bytes. In memory, as /run is.
        self.folder = Path(tempfile.mkdtemp(prefix="tagalong-", dir=MEMORY))
        self.runtime = self.folder / "run"
        self.runtime.mkdir(mode=0o700)
        self.home = self.folder / "home"
        self.home.mkdir(mode=0o700)
        self.socket = self.runtime / "tagalong" / "context.sock"
        self.state = self.folder / "state" / "tagalong"
        self.database = self.state / "context.db"
        self.process = None
        self.said = self.folder / "stderr"
        self.events = self.folder / "stdout"

    def environment(self, **more):
        kept = {name: os.environ[name] for name in SANITIZERS if name in os.environ}
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "LANG": "C.UTF-8",
            **kept,
            **more,
        }

    def launch(self, *options, before=(), env=None, program=TAGALONG, **popen):
        """Starts without waiting."""
        with open(self.said, "ab") as said, open(self.events, "ab") as events:
            return subprocess.Popen(
                [*before, *WRAP, program, "serve", "--verbose", *options],
                env=self.environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=events,
                stderr=said,
                **popen,
            )

    def start(self, *options, **how):
        self.process = self.launch(*options, **how)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with Peer(self.socket) as peer:
                    peer.op("ping")  # it listens before it has read its state
                return self
            except (OSError, Closed):
                assert self.process.poll() is None, self.errors()
                assert time.monotonic() < deadline, "the service does not start: " + self.errors()
                time.sleep(0.005)

    def connect(self):
        return Peer(self.socket)

    def is_listened_to(self):
        """Whether somebody listens at the socket: a flag in proc(5), so that no connection starts anything."""
        rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()]
        return any(row[3] == "00010000" and row[7:] == [str(self.socket)] for row in rows)

    def is_running(self):
        return self.process and self.process.poll() is None

    def kill(self):
        """As the kernel's OOM killer would."""
        self.process.kill()
        self.process.wait()

    def stop(self, number=signal.SIGTERM, seconds=START_SECONDS):
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def restart(self, *options, **how):
        assert self.stop() == 0, self.errors()
        return self.start(*options, **how)

    def errors(self):
        """What it said, without what valgrind says about itself (system calls that it lacks)."""
        said = self.said.read_text() if self.said.exists() else ""
        return re.sub(r"^--\d+-- .*\n", "", said, flags=re.M)

    def event_lines(self):
        return self.events.read_text().splitlines()

    def rows(self):
        """What the database has of each scope, by name."""
        rows = [json.loads(row) for row, in self.query("SELECT row FROM scope ORDER BY serial")]
        return {row["scope"]: row for row in rows}

    def query(self, sql, *parameters):
        with contextlib.closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            return database.execute(sql, parameters).fetchall()

    def command(self, *words, env=None, stdin=b"", **how):
        """tagalong WORDS... -> (exit code, stdout, stderr)"""
        done = subprocess.run(
            [TAGALONG, *words],
            env=self.environment(**(env or {})),
            input=stdin,
            capture_output=True,
            timeout=30,
            **how,
        )
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def run(self, *words, **how):
        """The stdout of a command that has to go well."""
        code, out, err = self.command(*words, **how)
        assert code == 0, err
        return out

    def release(self):
        """The end of a test. Under a tool it is a clean one, so that it can tell what it found."""
        try:
            if TOOLED and self.is_running():
                assert self.stop() == 0, self.errors()
        finally:
            if self.is_running():
                self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)


def peak_bytes(pid):
    """The most memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


class Process:
    """A process of a tree, which does what it is told: asks, and begets others."""

    def __init__(self, service, pid=None, token=None):
        self.service = service
        environment = service.environment(**({"TAGALONG_SCOPE": token} if token else {}))
        self.popen = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("member.py")), str(service.socket)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.popen.pid

    def tell(self, *words):
        self.popen.stdin.write(json.dumps(words) + "\n")
        self.popen.stdin.flush()
        answer = self.popen.stdout.readline()
        assert answer, "the process ended"
        return json.loads(answer)

    def context(self, *path):
        """What the member at the end of a path of children gets."""
        return self.tell(*path, "get")["context"]

    def end(self):
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self.popen.stdin.close()
        self.popen.stdout.close()


def wait_until(condition, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.005)
