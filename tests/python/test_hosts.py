# SPDX-License-Identifier: MIT
"""Programs that would notice a careless guest: they wait for any child, close all descriptors, fork in
threads, have a sitecustomize of their own, run in other versions of Python."""

import subprocess

import pytest

from conftest import ROOT
from hosts import HOOKS, PYTHON, TAGALONG, Hosts, others
from tags import GENERIC, PLAIN

POST = """
import sys, os, urllib.request
def post(url=sys.argv[1]):
    return urllib.request.urlopen(url + "/v1/chat/completions", b"{}").read()
"""


@pytest.fixture
def hosts(servers, tmp_path):
    return Hosts(servers, tmp_path)


def script(hosts, text, expect, python=(PYTHON,), env={}, **how):
    file = hosts.home / "program.py"
    file.write_text(POST + text)
    env = {"PYTHONWARNINGS": "ignore::DeprecationWarning"} | env  # 3.12's on fork and threads names a pid
    result = hosts.both([*python, file, hosts.relay.url], expect, **how, **env)
    assert result.rc == 0, result.stderr
    return result


PROGRAMS = {
    "waits for any child": (
        """
import signal
post()
if os.fork() == 0:
    os._exit(7)
print(os.wait()[1])
try:
    print(os.wait())
except ChildProcessError:
    print("no more")
post()
""",
        2,
    ),
    "a SIGCHLD handler": (
        """
import signal, time
seen = []
signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))
for _ in range(3):
    post()
time.sleep(0.1)
print(seen)
""",
        3,
    ),
    "closes all descriptors": (
        """
before = os.listdir("/proc/self/fd")
post()
print(before == os.listdir("/proc/self/fd"))
os.closerange(3, 4096)
post()
""",
        2,
    ),
    "forks in a thread": (
        """
import threading
def work():
    post()
    pid = os.fork()
    if pid == 0:
        post()
        os._exit(0)
    print(os.waitpid(pid, 0)[1])
for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
""",
        6,
    ),
    "threads": (
        """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(len({*pool.map(lambda _: len(post()), range(40))}))
""",
        40,
    ),
    "multiprocessing, spawn": (
        """
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(post, [sys.argv[1]] * 2) == [post()] * 2)
""",
        3,
    ),
    "multiprocessing, forkserver": (
        """
import multiprocessing
if __name__ == "__main__":
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        print(pool.map(post, [sys.argv[1]] * 2) == [post()] * 2)
""",
        3,
    ),
    "what it can see of itself": (
        """
import http.client, inspect
print(sys.path[1:], "sitecustomize" in sys.modules, [name for name in sys.modules if "tagalong" in name])
print(inspect.signature(http.client.HTTPConnection.endheaders), http.client.HTTPConnection.endheaders.__name__)
print(type(http.client.__loader__), http.client.__spec__.name, vars(http.client.__loader__).keys())
post()
""",
        1,
    ),
    "imported again": (
        """
import http.client, importlib
importlib.reload(http.client)
post()
""",
        1,
    ),
    "a refused connection": (
        """
import urllib.error
try:
    post("http://127.0.0.1:9")
except urllib.error.URLError as error:
    print(error)
post()
""",
        1,
    ),
}


# What a server at a Unix socket gets, by each client, is printed.
UNIX = """
import asyncio, http.client, socket, socketserver, threading, aiohttp, httpx
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        lines = sorted(line.lower() for line in iter(self.rfile.readline, b"\\r\\n"))
        self.rfile.read(*[int(line[15:]) for line in lines if line.startswith(b"content-length:")])
        print(*lines)
        self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
if os.path.exists("socket"):
    os.unlink("socket")
server = socketserver.UnixStreamServer("socket", Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://localhost/v1/messages"
class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("socket")
connection = Connection("localhost")
connection.request("POST", "/v1/messages", b"{}")
connection.getresponse().read()
httpx.Client(transport=httpx.HTTPTransport(uds="socket")).post(url, json={})
async def main():
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds="socket")) as client:
        await client.post(url, json={})
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector("socket")) as session:
        await session.post(url, json={})
asyncio.run(main())
post()
"""


def test_unix_sockets(hosts):
    """They are no host, whatever the URL says."""
    result = script(hosts, UNIX, [GENERIC], options=["--no-service", "--relay", "http://localhost"])
    assert result.stdout.count(b"post /v1/messages") == 4 and b"t-42" not in result.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that(hosts, name):
    text, count = PROGRAMS[name]
    script(hosts, text, [GENERIC] * count)


def test_the_environment_changes(hosts):
    text = """
post()
os.environ["TAGALONG_TASK_ID"] = "T-2"
post()
os.environ["TAGALONG_OFF"] = "1"
post()
del os.environ["TAGALONG_OFF"]
post()
"""
    second = {**GENERIC, "X-Task-Id": "T-2"}
    script(hosts, text, [GENERIC, second, PLAIN, second])


@pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
def test_not_reached(hosts, flag):
    """These say that PYTHONPATH, or site, is to be left out."""
    script(hosts, "post()", [PLAIN], python=(PYTHON, flag))


@pytest.mark.parametrize("words", ["libcurl,dl", "node"])
def test_left_out(hosts, words):
    script(hosts, "post(); print(os.environ.get('PYTHONPATH'))", [PLAIN], env={"TAGALONG_HOOKS": words})


def test_hooks_by_name(hosts):
    script(hosts, "post()", [GENERIC], env={"TAGALONG_HOOKS": "node, python"})


def test_the_shell_launcher(hosts):
    file = hosts.home / "program.py"
    file.write_text(POST + "post(); print(os.environ['PYTHONPATH'].split(':')[1:])")
    launcher = [str(ROOT / "scripts" / "tagalong-run"), "--relay", hosts.relay.url, "--"]
    result = hosts.run([*launcher, PYTHON, str(file), hosts.relay.url], PYTHONPATH="/nonexistent")
    assert (result.rc, result.stdout, result.stderr) == (0, b"['/nonexistent']\n", b"")
    assert result.requests[0].value("X-Task-Id") == "T-42"


CUSTOM = {
    "prints": "import sys\nprint('mine', __name__, __file__, sys.modules[__name__].__file__ == __file__)\nVALUE = 1\n",
    "fails": "raise RuntimeError('mine')\n",
    "lacks a module": "import nosuch\n",
    "posts": "import http.client\n",
}


@pytest.mark.parametrize("name", CUSTOM)
def test_the_next_sitecustomize(hosts, name):
    """It runs as if ours were not there, failures and all."""
    (hosts.home / "own").mkdir()
    (hosts.home / "own" / "sitecustomize.py").write_text(CUSTOM[name])
    file = hosts.home / "program.py"
    text = "import sitecustomize\nprint(getattr(sitecustomize, 'VALUE', 0), sitecustomize.__spec__.origin)\npost()\n"
    file.write_text(POST + ("post()\n" if name in ("fails", "lacks a module") else text))
    hosts.both([PYTHON, file, hosts.relay.url], [GENERIC], PYTHONPATH=str(hosts.home / "own"))


def test_one_ahead_on_the_path(hosts):
    """One that loads the next, as the ones of tracing tools do."""
    (hosts.home / "own").mkdir()
    text = "import os, sys\nsys.path.remove(os.path.dirname(__file__))\ndel sys.modules['sitecustomize']\nimport sitecustomize\n"
    (hosts.home / "own" / "sitecustomize.py").write_text(text)
    file = hosts.home / "program.py"
    file.write_text(POST + "post()")
    path = f"{hosts.home / 'own'}:{HOOKS}"
    result = hosts.run([TAGALONG, "run", "--no-service", "--", PYTHON, str(file), hosts.relay.url], PYTHONPATH=path)
    assert (result.rc, result.stderr) == (0, b"") and result.requests[0].value("X-Task-Id") == "T-42"


def test_imported_by_a_pth_file(hosts):
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", hosts.home / "venv"], check=True)
    site = next((hosts.home / "venv" / "lib").glob("python*/site-packages"))
    (site / "early.pth").write_text("import http.client\n")
    script(hosts, "post()", [GENERIC], python=(hosts.home / "venv/bin/python",))


def test_a_zip_file(hosts):
    (hosts.home / "app").mkdir()
    (hosts.home / "app" / "__main__.py").write_text(POST + "post()")
    subprocess.run([PYTHON, "-m", "zipapp", hosts.home / "app"], check=True)
    hosts.both([PYTHON, hosts.home / "app.pyz", hosts.relay.url], [GENERIC])


@pytest.mark.parametrize("library", [None, b"", b"\x7fELF", "other machine"])
def test_no_library(hosts, tmp_path, library):
    """Absent, empty, broken: the request goes out as it was."""
    folder = tmp_path / "lib/tagalong/hooks/python"
    folder.mkdir(parents=True)
    for name in "sitecustomize.py", "hook.py":
        (folder / name).write_bytes((HOOKS / name).read_bytes())
    if library == "other machine":
        library = bytearray((ROOT / "build/libtagalong.so").read_bytes())
        library[18:20] = b"\xf3\0"  # e_machine: RISC-V
    if library is not None:
        (tmp_path / "lib/tagalong/libtagalong.so").write_bytes(library)
    file = hosts.home / "program.py"
    file.write_text(POST + "post(); post()")
    result = hosts.run([PYTHON, str(file), hosts.relay.url], PYTHONPATH=str(folder))
    assert (result.rc, result.stdout, result.stderr) == (0, b"", b"")
    assert [request.value("X-Task-Id") for request in result.requests] == [None, None]


@pytest.mark.parametrize("broken", ["hook.py", "sitecustomize.py"])
def test_files_that_are_gone(hosts, tmp_path, broken):
    """A package that is removed while programs with its path in the environment are about to start."""
    folder = tmp_path / "hooks/python"
    folder.mkdir(parents=True)
    for name in "sitecustomize.py", "hook.py":
        if name != broken:
            (folder / name).write_bytes((HOOKS / name).read_bytes())
    file = hosts.home / "program.py"
    file.write_text(POST + "post()")
    result = hosts.run([PYTHON, str(file), hosts.relay.url], PYTHONPATH=str(folder))
    assert (result.rc, result.stdout, result.stderr, len(result.requests)) == (0, b"", b"", 1)


OLD = """
import sys
try:
    from urllib.request import urlopen
except ImportError:
    from urllib2 import urlopen
print(sys.path[1:], "sitecustomize" in sys.modules)
print(urlopen(sys.argv[1] + "/v1/chat/completions", b"{}").read())
"""


def test_other_versions(hosts):
    """3.8 and newer are reached; in older ones the hook does nothing. Where there is only the system's
    Python, that one."""
    for version, python in {"system": PYTHON, **others()}.items():
        file = hosts.home / "program.py"
        file.write_text(OLD)
        reached = version == "system" or tuple(map(int, version.split(".")[:2])) >= (3, 8)
        hosts.both([python, file, hosts.relay.url], [GENERIC if reached else PLAIN])


def test_context_from_the_service(hosts, place):
    """A program's own scope is found, and a value that changes meanwhile counts for the next request."""
    text = f"""
import subprocess
post()
subprocess.run(["{TAGALONG}", "context", "set", "user_id=me"], check=True)
post()
"""
    file = hosts.home / "program.py"
    file.write_text(POST + text)
    command = [TAGALONG, "run", "--", PYTHON, str(file), hosts.relay.url]
    result = hosts.run(command, **place)
    assert (result.rc, result.stderr) == (0, b"")
    assert [request.value("X-User-Id") for request in result.requests] == [None, "me"]
