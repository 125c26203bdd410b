# SPDX-License-Identifier: MIT
"""Shared pages from the host's side: asked once, then read. test_follow has the 10,000 changes."""

import os
import signal
import subprocess
import sys

import pytest

from conftest import need
from live import TAGALONG, service_pid, tasks

PROGRAM = """
import os, pycurl, subprocess, sys, time
c = pycurl.Curl()
c.setopt(c.URL, sys.argv[1])
c.setopt(c.POSTFIELDS, "{}")
c.setopt(c.WRITEFUNCTION, lambda data: None)
chat = c.perform
def tagalong(*words):
    env = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "TAGALONG_DEBUG")}
    subprocess.run(["tagalong", *words], env=env, check=True)
def set_task(task, *more):
    tagalong("context", "set", *more, f"task_id={task}")
"""


@pytest.fixture
def host(live, relay, tmp_path):
    """host(python): with chat() and set_task(); strace's record of sockets is in .calls."""

    need("strace", python=["pycurl"])

    def host(text, *options, strace=True):
        program, record = tmp_path / "host.py", tmp_path / "calls"
        program.write_text(PROGRAM + text)
        trace = f"strace -qq -o {record} -e trace=connect" if strace else ""
        url = relay.url + "/v1/chat/completions"
        result = live(f"{trace} /usr/bin/python3 {program} {url}", *options)
        result.questions = record.read_text().count("context.sock") if strace else None
        return result

    return host


def test_asked_once_and_never_late(host):
    result = host("chat()\nfor i in range(20): set_task(i); chat()\n")
    assert tasks(result) == ["T-1", *map(str, range(20))]
    assert result.questions <= 1 + 20, "no more than once a second, and a busy machine is slow"
    result = host("for i in range(50): chat()\n")
    assert len(result.requests) == 50 and result.questions <= 5


CURLS = """
import re
url = sys.argv[1]
def curl(task, *more):
    set_task(task, *more)
    record = os.environ["XDG_RUNTIME_DIR"] + "/connects"
    subprocess.run(["strace", "-qq", "-o", record, "-e", "trace=connect", "curl", "-sS", "-o", "/dev/null", "-d", "{}", url],
                   check=True)
    print("asked" if "context.sock" in open(record).read() else "read")
"""


def test_a_new_process_reads_the_file(live, relay, tmp_path):
    """Once somebody has asked for a scope, the first request of a new process wakes nobody."""
    need("strace", python=["pycurl"])
    (tmp_path / "host.py").write_text(PROGRAM + CURLS + """
for i in range(4): curl(i)
tagalong("context", "open", "--scope", "ci", "task_id=named"); os.environ["TAGALONG_SCOPE"] = "ci"
for i in range(2): curl(f"named {i}", "--scope", "ci")
""")
    result = live(f"/usr/bin/python3 {tmp_path}/host.py {relay.url}/v1/chat/completions")
    assert tasks(result) == ["0", "1", "2", "3", "named 0", "named 1"]
    assert [word for word in result.stdout.decode().split() if word != "ci"] == ["asked", "read", "read", "read", "asked", "read"]


def test_another_scope_is_seen_at_once(host):
    """A scope that is opened for the running process, and ends."""
    text = """
chat()
from socket import socket, AF_UNIX
s = socket(AF_UNIX); s.connect(os.environ["XDG_RUNTIME_DIR"] + "/tagalong/context.sock")
def ask(line): s.sendall(line.encode() + b"\\n"); assert b'"ok":true' in s.recv(9999)
ask('{"v":1,"op":"open","context":{"task_id":"inner"}}')
chat()
ask('{"v":1,"op":"close","scope":{"pid":%d}}' % os.getpid())
chat()
os.environ["TAGALONG_SCOPE"] = "named"
ask('{"v":1,"op":"open","scope":{"name":"named"},"context":{"task_id":"by name"}}')
chat()
del os.environ["TAGALONG_SCOPE"]
chat()
"""
    assert tasks(host(text)) == ["T-1", "inner", "T-1", "by name", "T-1"]


def test_a_forked_child_asks_for_itself(host):
    text = """
chat()
if not os.fork():
    c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); c.setopt(c.POSTFIELDS, "{}")
    c.setopt(c.WRITEFUNCTION, lambda data: None)
    c.perform(); set_task("child"); c.perform(); os._exit(0)
os.wait(); chat()
"""
    assert tasks(host(text)) == ["T-1", "T-1", "child", "child"]


def test_a_host_that_closes_all_descriptors(host):
    text = """
for i in range(5):
    chat(); c.close(); os.closerange(3, 256)
    c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); c.setopt(c.POSTFIELDS, "{}")
    c.setopt(c.WRITEFUNCTION, lambda data: None); chat = c.perform
"""
    assert tasks(host(text)) == ["T-1"] * 5


@pytest.mark.parametrize("low", [0, 1, 2])
def test_no_page_where_a_low_number_is_free(host, low):
    """What arrives on a socket would get that number."""
    another = 'os.environ["TAGALONG_SCOPE"] = "another"'  # the page that is there is for another question
    result = host(f"chat()\nos.close({low})\n{another}\nchat()\nchat()\nchat()\n")
    assert tasks(result) == ["T-1"] * 4 and result.questions == 4


def test_killed_between_any_two_requests(host):
    text = """
import signal
from socket import socket, AF_UNIX, SOL_SOCKET, SO_PEERCRED
path = os.environ["XDG_RUNTIME_DIR"] + "/tagalong/context.sock"
def kill():
    with socket(AF_UNIX) as s:
        s.connect(path); pid = int.from_bytes(s.getsockopt(SOL_SOCKET, SO_PEERCRED, 4), "little")
    os.kill(pid, signal.SIGKILL)
    # Its other thread may hold the socket for a moment longer, and a question that is cut off there
    # makes the shim leave the service alone for a second.
    while is_listening(): time.sleep(0.001)
def is_listening():
    with socket(AF_UNIX) as s: return s.connect_ex(path) == 0
for i in range(5):
    set_task(i); chat(); kill(); chat()
    service = subprocess.Popen(["tagalong", "serve"], stdout=subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if k != "LD_PRELOAD"})
    while subprocess.run(["tagalong", "context", "list"], capture_output=True).returncode: time.sleep(0.02)
    chat()
kill()
"""
    seen = [task for i in range(5) for task in (str(i), None, str(i))]
    assert tasks(host(text, strace=False)) == seen


def test_a_service_that_comes_and_goes(host):
    """Where there is none, its folder alone is looked at: the next request knows of it all the same."""
    text = """
import shutil, tempfile
folder = os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(dir="/dev/shm")
os.environ.pop("TAGALONG_SCOPE", None)
env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
for i in range(2):
    time.sleep(2.2) # a folder that has just changed tells nothing
    chat(); chat()
    service = subprocess.Popen(["tagalong", "serve"], stdout=subprocess.DEVNULL, env=env)
    while not os.path.exists(folder + "/tagalong/context.sock"): time.sleep(0.01)
    set_task(i); chat()
    service.terminate(); service.wait(); chat()
shutil.rmtree(folder)
"""
    assert tasks(host(text, strace=False)) == [None, None, "0", None, None, None, "1", None]


def test_a_stopped_service_is_still_read(live, place, relay, tmp_path):
    """It cannot answer in time, and its page is right: nobody can have changed anything."""
    (tmp_path / "host.py").write_text(PROGRAM + """
os.environ["TAGALONG_TIMEOUT_MS"] = "10000"; chat()
print("ready", flush=True); sys.stdin.readline()
os.environ["TAGALONG_TIMEOUT_MS"] = "50"
for i in range(3): time.sleep(0.5); chat()
""")
    relay.reset()
    url = relay.url + "/v1/chat/completions"
    words = ["run", "--task", "T-1", "--", "/usr/bin/python3", str(tmp_path / "host.py"), url]
    env = {"PATH": "/usr/bin:/bin", **place}
    host = subprocess.Popen([TAGALONG, *words], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdout.readline() == b"ready\n"
    service = service_pid(place)
    os.kill(service, signal.SIGSTOP)
    try:
        host.communicate(b"go\n", timeout=60)
    finally:
        os.kill(service, signal.SIGCONT)
        host.kill()
    assert [r.value("X-Task-Id") for r in relay.requests] == ["T-1"] * 4


SERVICE = """
import os, socket, struct, sys
fault, path = sys.argv[1:]
os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
def memory(size=65536, seals=2, content=b""):
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING); os.ftruncate(fd, size); os.pwrite(fd, content, 0)
    if seals: __import__("fcntl").fcntl(fd, 1033, seals)
    return fd
control = memory(content=struct.pack("I60xI", os.getpid(), 7))
text = b"task_id\\0page\\0\\0"
good = struct.pack("II", 2, len(text)) + text
fds = {
    "good": lambda: [memory(content=good), control],
    "can shrink": lambda: [memory(content=good, seals=0), control],
    "too small": lambda: [memory(4096, content=good), control],
    "no memory file": lambda: [os.open(__file__, os.O_RDONLY), control],
    "always written": lambda: [memory(content=struct.pack("II", 1, 3)), control],
    "more bytes than it has": lambda: [memory(content=struct.pack("II", 2, 1 << 30)), control],
    "garbage": lambda: [memory(content=struct.pack("II", 2, 60000) + b"\\xff" * 60000), control],
    "a dead owner": lambda: [memory(content=good), memory(content=struct.pack("I60xI", 0x40000001, 7))],
    "one descriptor": lambda: [control],
    "none": lambda: [],
    "five": lambda: [memory(content=good), control] + [memory()] * 3,
}[fault]()
s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(9); print("ready", flush=True)
while True:
    c, _ = s.accept(); c.recv(999); print("asked", flush=True)
    line = b'{"v":1,"ok":true,"revision":1,"context":{"task_id":"line"},"page":{"topology":7}}\\n'
    socket.send_fds(c, [line], fds) if fds else c.sendall(line)
    c.close()
"""
ONCE = {"good": "page", "five": "page"}  # there is room for two, and the kernel closes the rest
FAULTS = ["good", "can shrink", "too small", "no memory file", "always written", "more bytes than it has",
          "garbage", "a dead owner", "one descriptor", "none", "five"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_foreign_page(run, relay, tmp_path, tmp_path_factory, fault):
    """Whatever comes with the line: the line counts, the descriptors are closed, nothing breaks."""
    folder = tmp_path_factory.mktemp("s")
    os.chmod(folder, 0o700)
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "host.py").write_text(PROGRAM + """
count = lambda: len(os.listdir("/proc/self/fd"))
chat(); before = count(); chat(); chat(); assert count() == before, (before, count())
assert not [n for n in range(64) if os.path.lexists(f"/proc/self/fd/{n}") and "memfd" in os.readlink(f"/proc/self/fd/{n}")]
""")
    command = [sys.executable, str(tmp_path / "service.py"), fault, str(folder / "s")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout.readline() == "ready\n"
            env = {"TAGALONG_SOCKET": str(folder / "s"), "TAGALONG_TIMEOUT_MS": "10000"}
            url = relay.url + "/v1/chat/completions"
            result = run(["/usr/bin/python3", str(tmp_path / "host.py"), url], env=env)
        finally:
            service.kill()
        asked = service.communicate()[0].count("asked")
    assert tasks(result) == ["line"] + [ONCE.get(fault, "line")] * 2
    assert asked == (1 if fault in ONCE else 3)
