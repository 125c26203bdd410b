# SPDX-License-Identifier: MIT
"""One client at a time: it is told to send a request, and what arrived is held against what was set.

Each lane has a scope of its own, whose task it changes, and shares the default scope, whose project
changes meanwhile. A change that was answered is in every request that starts after it; one that was
not answered may be. That is all in one reply of the service, so both fields are there or neither.
"""

import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from neutral import compare_request
from serving import TAGALONG, Closed
from tags import COMPUTED, request_id, trace_id

PROGRAMS = Path(__file__).resolve().with_name("programs")
REST_SECONDS = 1  # how long a process leaves a service alone that failed it (client.c)
ANSWER_SECONDS = 60
COMMAND_EACH = 10  # every so many changes are made by the command


@dataclass
class Client:
    name: str
    command: list
    pause: float  # seconds between two requests
    stays: bool  # one process for all requests
    own: tuple = ("Authorization", "Content-Type")  # names of its header lines

    @classmethod
    def of(cls, program, interpreter, *how, **more):
        return cls(program, [*interpreter, str(PROGRAMS / program)], *how, **more)


CLIENTS = [
    Client.of("pycurl_easy.py", ["/usr/bin/python3"], 0.4, stays=True),
    Client.of("pycurl_multi.py", ["/usr/bin/python3"], 0.4, stays=True),
    Client.of("curl.php", ["php"], 0.4, stays=True),
    Client("curl", ["sh", "-c", 'read body; exec curl -sS -o /dev/null -w "%{http_code}\n" '
           '-H "Authorization: Bearer sk-test" -H "Content-Type: application/json" -d "$body" "$1"',
           "sh"], 1, stays=False),
    Client.of("typhoeus.rb", ["ruby"], 40, stays=False,
              own=("User-Agent", "Authorization", "Content-Type")),
    Client.of("curl.R", ["Rscript"], 40, stays=False),
]  # fmt: skip


class Project:
    """The default scope's project, which somebody changes all the time: P-1, P-2, ..."""

    def __init__(self):
        self.begun = self.answered = 0

    def change(self, service):
        self.begun += 1
        with service.connect() as peer:
            peer.op("set", scope={"default": True}, context={"project_id": f"P-{self.begun}"})
        self.answered = self.begun


class Process:
    """A client's process, which answers a line with a line."""

    def __init__(self, command, environment, folder):
        self.popen = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, line):
        watchdog = threading.Timer(ANSWER_SECONDS, self.popen.kill)
        watchdog.start()
        try:
            self.popen.stdin.write(line + "\n")
            self.popen.stdin.flush()
            return self.popen.stdout.readline().strip()
        except BrokenPipeError:
            return "it is gone"
        finally:
            watchdog.cancel()

    def end(self):
        """Its exit code, and what else it said."""
        said = self.popen.communicate(timeout=ANSWER_SECONDS)[0]
        return self.popen.returncode, said

    def memory(self):
        """Resident KiB and open descriptors."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text()
        count = len(os.listdir(f"/proc/{self.popen.pid}/fd"))
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]), count


class Lane:
    def __init__(self, client, place, project, weather):
        self.client, self.place, self.project, self.weather = client, place, project, weather
        self.requests = self.changes = self.without_service = 0
        self.resting_until = 0
        self.allowed = set()  # tasks that the next request may carry
        self.trace = os.urandom(16).hex()
        self.bare = None
        self.samples = []  # (seconds, KiB, descriptors) of a process that stays
        self.wrong = []
        self.process = None

    def say(self, what):
        self.wrong.append(f"{self.client.name}, request {self.requests}: {what}")

    def start(self, shim=True):
        environment = self.place.environment(self.client.name, shim)
        command = [*self.client.command, self.place.url]
        return Process(command, environment, self.place.folder)

    def body(self):
        return '{"client":"%s","n":"%07d"}' % (self.client.name, self.requests)

    def open_scope(self):
        """With a trace of its own, which every answer of the service has to lead to."""
        traceparent = f"00-{self.trace}-{os.urandom(8).hex()}-02"
        with self.place.service.connect() as peer:
            peer.op("open", scope={"name": self.client.name}, context={"traceparent": traceparent})

    def run_bare(self):
        """What the client sends without us."""
        process = self.start(shim=False)
        body = self.body()
        said = process.ask(body), process.end()
        assert said == ("200", (0, "")), (self.client.name, said)
        self.bare = self.place.arrived(body)

    # Changes

    def change(self):
        """A new task. What was not answered, because the service went, may hold or not."""
        self.changes += 1
        value = f"T-{self.changes}"
        start = time.monotonic()
        if self.changes % COMMAND_EACH:
            done = self.change_by_protocol(value)
        else:
            done = self.change_by_command(value)
        if done:
            self.allowed = {value}
            return
        self.allowed.add(value)
        if not self.weather.touched(start, time.monotonic()):
            self.say(f"task_id={value} was refused")

    def change_by_protocol(self, value):
        try:
            with self.place.service.connect() as peer:
                peer.op("set", scope={"name": self.client.name}, context={"task_id": value})
        except (OSError, Closed):
            return False
        return True

    def change_by_command(self, value):
        command = [TAGALONG, "context", "set", "--scope", self.client.name, f"task_id={value}"]
        environment = self.place.environment(self.client.name, shim=False)
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        return done.returncode == 0

    # Requests

    def request(self):
        if not self.process:
            self.process = self.start()
        self.requests += 1
        body, low, start = self.body(), self.project.answered, time.monotonic()
        said = self.process.ask(body)
        end, high = time.monotonic(), self.project.begun
        arrived = self.place.arrived(body)
        if self.client.stays:
            self.samples.append((end, *self.process.memory()))
        else:
            said, self.process = (said, self.process.end()), None
            said = said[0] if said[1] == (0, "") else said
        if said != "200" or not arrived:
            self.say(f"it said {said!r}, and the request {'arrived' if arrived else 'is lost'}")
            return
        try:
            self.check(arrived, start, end, range(low, high + 1))
        except AssertionError as error:
            self.say(error)
        if self.weather.touched(start, end):
            self.resting_until = end + REST_SECONDS

    def check(self, arrived, start, end, projects):
        task, project = arrived.value("X-Task-Id"), arrived.value("X-Project-Id")
        nobody = self.weather.nobody(start, end)
        resting = self.client.stays and start < self.resting_until
        if task is None:
            assert resting or self.weather.touched(start, end), "the service was not asked"
            assert project is None, f"half of an answer: {project}"
            self.without_service += 1
        else:
            assert not nobody, f"{task} from a service that is gone"
            assert task in self.allowed, f"{task} instead of {self.allowed}"
            number = int((project or "P-0").removeprefix("P-"))
            assert number in projects, f"{project} instead of {projects}"
            assert trace_id(arrived) == self.trace, "another trace"
        self.place.check_new(request_id(arrived), arrived.value("traceparent"))
        mine = {
            "X-Task-Id": task,
            "X-Conversation-Id": self.client.name,
            "X-Session-Id": self.client.name,
            "X-Project-Id": project,
            "X-User-Id": "ada",
        }
        mine = {name: value for name, value in mine.items() if value} | COMPUTED
        compare_request(self.bare, arrived, mine, self.client.own, without_number, "it")

    def run(self, until):
        """The thread of this client."""
        try:
            while time.monotonic() < until:
                if self.requests % 3 == 0 or not self.client.stays:
                    self.change()
                self.request()
                time.sleep(max(0, min(self.client.pause, until - time.monotonic())))
            if self.process and (ended := self.process.end()) != (0, ""):
                self.say(f"it ended with {ended}")
        except Exception as error:  # whatever it is, it is the soak's result
            self.say(repr(error))


def without_number(data):
    return re.sub(rb'"n":"\d+"', b'"n":"N"', data)
