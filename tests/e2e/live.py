# SPDX-License-Identifier: MIT
"""Live context in the tests: a run-time folder of the test's own, programs started in it by
`tagalong run`, and the service that starts by itself, as it does for a user.

Fixtures: place (the folder's variables), live (a shell script in `tagalong run`).
"""

import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "service"))

from serving import TAGALONG, Peer  # noqa: E402

PEERCRED = struct.Struct("3i")  # pid, uid, gid


def socket_of(place):
    return place["XDG_RUNTIME_DIR"] + "/tagalong/context.sock"


def service_pid(place):
    """Whoever listens on the test's socket, or None."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(socket_of(place))
        except OSError:
            return None
        peer = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEERCRED.size)
        return PEERCRED.unpack(peer)[0]


def open_peer(place, seconds=5):
    """A connection to the service that the program is about to start."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return Peer(socket_of(place))
        except OSError:
            assert time.monotonic() < deadline, "there is no service"
            time.sleep(0.01)


def stop_service(place):
    pid = service_pid(place)
    if pid:
        os.kill(pid, signal.SIGTERM)


@pytest.fixture
def place():
    """Not the test's working folder: a socket's path has at most 107 bytes. In memory, as /run is."""
    folder = Path(tempfile.mkdtemp(prefix="live-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    (folder / "run").mkdir(mode=0o700)
    place = {
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "XDG_STATE_HOME": str(folder / "state"),
        "TAGALONG_PROJECT_ID": "billing",
        # A machine that is busy with tests is no reason to go without the service.
        "TAGALONG_TIMEOUT_MS": "10000",
    }
    yield place
    stop_service(place)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def live(run, place, relay):
    """live(script) runs a shell script in `tagalong run --task T-1`. In it CHAT is a chat request, by
    curl, and tagalong is at hand."""
    url = relay.url + "/v1/chat/completions"

    def live(script, *options, env=None):
        text = script.replace("CHAT", f"curl -sS -o /dev/null {url} -d '{{}}'")
        path = f"{Path(TAGALONG).parent}:/usr/local/bin:/usr/bin:/bin"
        command = [TAGALONG, "run", "--task", "T-1", *options, "--", "sh", "-ec", text]
        return run(command, shim=None, env=place | {"PATH": path} | (env or {}))

    return live


def tasks(result):
    """Of every request in order, after a run that went well."""
    assert result.rc == 0, result.stderr
    return [request.value("X-Task-Id") for request in result.requests]
