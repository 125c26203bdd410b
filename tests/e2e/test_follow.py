# SPDX-License-Identifier: MIT
"""Programs that run for long and know nothing of it: their requests carry the task that is current
when each starts, however often it changes. 10,000 changes by shared pages and 10,000 by asking each
time, and no request is late.

The server changes the task before it answers a request, and waits until the service has said so.
What the program sends next starts after that, and has to carry the new one.
"""

import subprocess
import threading

import pytest

from conftest import need
from live import TAGALONG, open_peer
from server import Server

SECONDS = 120
EACH_BY_COMMAND = 50  # every 50th change is made by `tagalong context set`, the others over the socket

PYCURL = """
import pycurl, sys
c = pycurl.Curl()
c.setopt(c.URL, sys.argv[1])
c.setopt(c.POSTFIELDS, "{}")
c.setopt(c.WRITEFUNCTION, lambda data: None)
for i in range(int(sys.argv[2])):
    c.perform()
"""
PHP = """
$c = curl_init($argv[1]);
curl_setopt($c, CURLOPT_POSTFIELDS, "{}");
curl_setopt($c, CURLOPT_RETURNTRANSFER, true);
for ($i = 0; $i < (int)$argv[2]; $i++)
    if (curl_exec($c) === false)
        exit(1);
"""


def parallel_curl(at_once):
    def command(url, count):
        queue = f"{url}?[1-{count}]"
        options = ["-sS", "--no-progress-meter", "-Z", "--parallel-immediate", "-d", "{}"]
        return ["curl", *options, "--parallel-max", str(at_once), "-o", "/dev/null", queue]

    return command


CLIENTS = {  # name: requests at once, changes, command
    "pycurl": (1, 4000, lambda url, n: ["/usr/bin/python3", "-c", PYCURL, url, str(n)]),
    "php": (1, 4000, lambda url, n: ["php", "-r", PHP, "--", url, str(n)]),
    "curl -Z, a queue": (1, 1000, parallel_curl(1)),
    "curl -Z, eight at once": (8, 1000, parallel_curl(8)),
}


class Changer(Server):
    """Answers `at_once` requests together, after it has changed the task."""

    def __init__(self, at_once, change):
        super().__init__()
        self.change = change
        self.current, self.late, self.seen, self.arrived = "T-0", [], 0, []
        self.gate = threading.Barrier(at_once, action=self.turn)

    def turn(self):
        """All have arrived, and none is answered."""
        self.seen += len(self.arrived)
        self.late += [task for task in self.arrived if task != self.current]
        self.arrived = []
        self.current = f"T-{int(self.current[2:]) + 1}"
        self.change(self.current)

    def serve(self, connection):
        for request in connection.requests():
            self.arrived.append(request.value("X-Task-Id"))
            self.gate.wait()
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n")


def test_ten_thousand():
    assert sum(changes for _, changes, _ in CLIENTS.values()) == 10_000


@pytest.fixture(params=["by shared pages", "by asking"])
def service(request, place):
    """The one that `tagalong run` starts, or one that has no pages. Yields the environment."""
    environment = {"PATH": "/usr/bin:/bin", **place}
    if request.param == "by shared pages":
        yield environment
        return
    command = [TAGALONG, "serve", "--no-pages"]
    service = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    with open_peer(place) as peer:
        peer.op("set", scope={"default": True}, context={"user_id": "here"})
    yield environment
    service.terminate()
    assert service.wait(30) == 0


@pytest.mark.parametrize("name", CLIENTS)
def test_a_program_that_runs_for_long(place, service, shim, name):
    need(*(["php"] if name == "php" else []))
    at_once, changes, command = CLIENTS[name]
    environment = service
    made = {"socket": 0, "command": 0}

    def change(task):
        scope = {"pid": client.pid}
        if int(task[2:]) % EACH_BY_COMMAND:
            peer.op("set", scope=scope, context={"task_id": task})
            made["socket"] += 1
        else:
            words = ["context", "set", "--scope", f"pid:{client.pid}", f"task_id={task}"]
            subprocess.run([TAGALONG, *words], env=environment, check=True, timeout=30)
            made["command"] += 1

    with Changer(at_once, change) as server:
        url = server.url + "/v1/chat/completions"
        run = [TAGALONG, "run", "--task", "T-0", "--", *command(url, at_once * changes)]
        # `run` becomes the program: they have one pid. The first request waits for `peer`.
        ready = threading.Event()
        server.change = lambda task: ready.wait(30) and change(task)
        client = subprocess.Popen(run, env=environment, stderr=subprocess.PIPE)
        try:
            with open_peer(place) as peer:
                ready.set()
                _, said = client.communicate(timeout=SECONDS)
        finally:
            client.kill()
    assert (client.returncode, said) == (0, b"")
    assert server.seen == at_once * changes and server.late == []
    assert server.current == f"T-{changes}"
    assert made == {"socket": changes - changes // EACH_BY_COMMAND, "command": changes // EACH_BY_COMMAND}
