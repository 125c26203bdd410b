# SPDX-License-Identifier: MIT
"""Two machines, as far as one has them: network namespaces with a cable between them, and a chat client that goes on
sending requests on one of them."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import grants
from serving import LIBRARY

# Its relay answers with the task of the request, so that each line tells when a request began, how long it took, and
# for which task it was.
CHAT = r"""
import os, re, socket, sys, time
import pycurl

listening = socket.create_server(("127.0.0.1", 0))
if not os.fork():
    try:
        peer, _ = listening.accept()
        request = b""
        while data := peer.recv(1 << 16):
            request += data
            if request.endswith(b"\r\n\r\n{}"):
                task = (re.findall(rb"(?im)^x-task-id: (\S+)", request) or [b"-"])[0]
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(task), task))
                request = b""
    finally:
        os._exit(0)
handle, answer = pycurl.Curl(), []
handle.setopt(pycurl.URL, f"http://127.0.0.1:{listening.getsockname()[1]}/v1/chat/completions")
handle.setopt(pycurl.POSTFIELDS, "{}")
handle.setopt(pycurl.WRITEFUNCTION, answer.append)
while os.getppid() == int(sys.argv[2]):
    start = time.monotonic()
    handle.perform()
    print(start, time.monotonic() - start, answer.pop().decode(), flush=True)
    time.sleep(float(sys.argv[1]))
"""


class Chat:
    """An unmodified program that sends requests on the machine of a service, `pause` seconds apart."""

    def __init__(self, service, pause=0.0, before=(), **env):
        self.log = tempfile.NamedTemporaryFile(prefix="tagalong-chat-")
        self.process = subprocess.Popen(
            [*before, "/usr/bin/python3", "-c", CHAT, str(pause), str(os.getpid())], stdout=self.log,
            env=service.environment(**{"LD_PRELOAD": LIBRARY} | env),
        )

    def requests(self, since=0.0):
        """(start, seconds, task) of each request that began after that."""
        lines = Path(self.log.name).read_text().splitlines()
        rows = (line.split() for line in lines if line.count(" ") == 2)
        return [(float(start), float(took), task) for start, took, task in rows if float(start) >= since]

    def latest(self, since):
        """The first request that begins from then on."""
        deadline = time.monotonic() + 20
        while not (rows := self.requests(since)):
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        return rows[0]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Network:
    """Two namespaces. `here` and `there` go before a command that is to run in one of them."""

    ADDRESSES = ("10.211.0.1", "10.211.0.2")
    NOBODY = "02:00:00:00:00:99"

    def __init__(self):
        self.holders, self.before = [], []
        unshare, enter = grants.UNSHARE, ("nsenter",)
        for _ in self.ADDRESSES:
            holder = subprocess.Popen([*unshare, "--net", "sleep", "infinity"])
            self.holders.append(holder)
            while Path(f"/proc/{holder.pid}/comm").read_text() != "sleep\n":
                time.sleep(0.01)
            if os.geteuid() and not self.before:  # both are in one namespace of users
                enter = ("nsenter", f"--user=/proc/{holder.pid}/ns/user", "--preserve-credentials")
                unshare = [*enter, "unshare"]
            self.before.append((*enter, f"--net=/proc/{holder.pid}/ns/net"))
        self.here, self.there = self.before
        self.run(self.here, "ip link add cable type veth peer name cable netns %d" % self.holders[1].pid)
        for before, address in zip(self.before, self.ADDRESSES):
            self.run(before, "ip link set lo up")
            self.run(before, f"ip address add {address}/24 dev cable")
            self.run(before, "ip link set cable up")

    @staticmethod
    def run(before, command):
        subprocess.run([*before, *command.split()], check=True, timeout=20)

    def cut(self):
        """Packets leave both machines, and arrive nowhere: they are for a machine that does not exist."""
        for before, address in zip(self.before, reversed(self.ADDRESSES)):
            self.run(before, f"ip neighbour replace {address} lladdr {self.NOBODY} dev cable nud permanent")

    def mend(self):
        for before, address in zip(self.before, reversed(self.ADDRESSES)):
            self.run(before, f"ip neighbour del {address} dev cable")

    def close(self):
        for holder in self.holders:
            holder.kill()
            holder.wait()
