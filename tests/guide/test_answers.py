# SPDX-License-Identifier: MIT
"""docs/answers.md: what it shows is what is said, and what it claims is so."""

import configparser
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import time

import nginx
import pytest

from conftest import COMMAND_SECONDS, ROOT, need
from guide import blocks, machine, page, prefix, seen, with_our_fzf  # noqa: F401
from live import socket_of

PAGE = "answers.md"
BLOCKS = ["doctor", "probe", "environ", "explain", "debug", "off-command", "off-program", "off-services", "headers", "front"]


def test_all_of_them():
    assert list(blocks(PAGE)) == BLOCKS


def answers(question):
    return re.search(rf"^## {re.escape(question)}\n(.*?)(?=^## |\Z)", page(PAGE), re.M | re.S)[1]


# Why is nothing tagged?


def pattern(lines):
    """What was said has to fit: a line of dots stands for any lines, 4711 for the process."""
    parts = [r"(?:.*\n)*?" if line == "..." else re.escape(line).replace("4711", r"\d+") + r"\n" for line in lines]
    return "".join(parts)


@pytest.mark.parametrize("name", BLOCKS[:5])
def test_what_is_said(machine, name):
    command, *lines = machine.block(name, PAGE).splitlines()
    start = ["tagalong", "run", "--no-service", "--", "sleep", "60"]
    with subprocess.Popen([machine.prefix / "bin" / start[0], *start[1:]], env=machine.environment) as running:
        try:
            wait_until(lambda: b"sleep" in cmdline(running.pid)[:6])
            result = machine._run(["sh", "-c", command.removeprefix("$ ")], shim=None,
                                  env=machine.environment | {"PID": str(running.pid)})
        finally:
            running.kill()
    said = with_our_fzf((result.stdout + result.stderr).decode())
    assert re.fullmatch(pattern(lines), said), said


def wait_until(condition):
    deadline = time.monotonic() + COMMAND_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def cmdline(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


def test_behind_what_clears_the_environment(machine):
    (words,) = re.findall(r"`(env -i .*) program`", machine.here(page(PAGE)))
    # Else a service would start at this machine's own place, and stay for minutes.
    words = words.replace("env -i", f"env -i XDG_RUNTIME_DIR={machine.environment['XDG_RUNTIME_DIR']}")
    program = machine.chat()
    assert seen(machine.run("sh", "-c", f"{words} {program}").requests, "Task") == ["T-42"]
    behind = machine.run("tagalong", "run", "--no-service", "--task", "T-1", "--", "env", "-i", program)
    assert seen(behind.requests, "Task") == [None]


REASONS = {
    "the host is not a configured relay": (["https://other.example.com/v1/chat/completions"], {}),
    "the path is not a chat endpoint": (["https://relay.example.com/v1/models"], {}),
    "the method is not POST": (["--method", "GET", "https://relay.example.com/v1/chat/completions"], {}),
    "libcurl refuses the URL": (["https://[/v1/chat/completions"], {}),
    "the configuration is invalid": (["https://relay.example.com/v1/chat/completions"], {"TAGALONG_CONFIG": "/dev/null"}),
    "unknown preset": (
        ["http://localhost/v1/messages"], {"TAGALONG_PRESET": "none", "TAGALONG_RELAYS": "http://localhost"}),
    "no header has a value": (
        ["http://localhost/v1/messages"], {"TAGALONG_PRESET": "kong", "TAGALONG_RELAYS": "http://localhost"}),
    "TAGALONG_OFF is 1": (["https://relay.example.com/v1/chat/completions"], {"TAGALONG_OFF": "1"}),
}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_explained(machine, reason):
    words, env = REASONS[reason]
    said = machine.run("tagalong", "explain", *words, rc=1, **env).stdout.decode()
    assert f": {reason}\n" in said
    assert f"\n| {reason} | " in answers("Why is nothing tagged?")


def test_the_client_sets_it_itself(machine):
    result = machine.run("tagalong", "run", "--no-service", "--task", "T-1", "--debug", "--", "curl", "-sS", "-d", "{}",
                         "-H", "X-Task-Id: mine", machine.relay.url + "/v1/chat/completions")
    assert b"X-Task-Id: left out: the client sets it itself" in result.stderr
    assert seen(result.requests, "Task") == ["mine"]


@pytest.mark.parametrize("env, path", [({"TAGALONG_OFF": "1"}, "/v1/chat/completions -d {}"), ({}, "/v1/models")])
def test_no_line_at_all(machine, env, path):
    url, *options = (machine.relay.url + path).split()
    result = machine.run("tagalong", "run", "--no-service", "--task", "T-1", "--debug", "--", "curl", "-sS", url, *options, **env)
    assert result.stderr == b"" and seen(result.requests, "Task") == [None]


# What does it cost?

AT_HOME = """
import os, pycurl, sys
for turn in range(3):
    curl = pycurl.Curl()
    curl.setopt(curl.URL, sys.argv[1])
    curl.setopt(curl.POSTFIELDS, "{}")
    curl.setopt(curl.WRITEFUNCTION, len)
    curl.perform()
    curl.close()
print(len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")))
"""


def test_nothing_stays(machine):
    command = ["/usr/bin/python3", "-c", AT_HOME, machine.relay.url + "/v1/chat/completions"]
    bare = machine.run(*command)
    tagged = machine.run("tagalong", "run", "--task", "T-1", "--", *command)  # with the service
    assert seen(tagged.requests, "Task") == ["T-1"] * 3 and tagged.stdout == bare.stdout


# Is it safe?


def chat(machine, *options, path="/v1/chat/completions", **env):
    return machine.run("tagalong", "run", "--no-service", "--task", "T-1", "--", "curl", "-sS", "-d", '{"a": 1}', *options,
                       machine.relay.url + path, **env)


@pytest.mark.parametrize("config, env, task", [
    ('{ "relays": [ }', {}, None),
    (None, {"TAGALONG_SOCKET": "/nonexistent/socket"}, "T-1"),
    (None, {"TAGALONG_CONVERSATION_ID": "a\nb"}, "T-1"),
])
def test_whatever_goes_wrong(machine, config, env, task):
    if config:
        machine.write(".config/tagalong/config.json", config)
    result = chat(machine, **env)
    assert b"Tagalong says hello" in result.stdout and result.stderr == b""
    assert seen(result.requests, "Task") == [task]
    assert result.requests[0].body == b'{"a": 1}'
    assert "\n" not in result.requests[0].value("X-Conversation-Id", "")


def test_nobody_else(machine):
    result = chat(machine, "-L", path="/switch/redirect-307-other/v1/chat/completions")
    assert seen(result.requests, "Task") == ["T-1"]
    assert seen(result.traffic["other"], "Task", "Request") == [(None, None)]


def test_credentials_are_refused(machine):
    path = machine.write("mine.json", '{ "relays": [ { "match": ["*"], "headers": { "Authorization": "x" } } ] }')
    result = machine.run("tagalong", "config", "check", path, rc=1)
    assert b"Authorization" in result.stdout + result.stderr


def connections(machine, *command):
    calls = machine.run("strace", "-f", "-qq", "-e", "trace=connect", *command).stderr.decode()
    return len(re.findall(r"connect\(", calls))


def test_no_connection_of_its_own(machine):
    curl = ["curl", "-sS", "-o", "/dev/null", "-d", "{}", machine.relay.url + "/v1/chat/completions"]
    tagged = ["env", f"LD_PRELOAD={machine.library}", "TAGALONG_TASK_ID=T-1", "TAGALONG_SOCKET=/nonexistent/s", *curl]
    assert connections(machine, *tagged) - connections(machine, *curl) in (0, 1)  # the service's
    assert seen(machine.run(*tagged).requests, "Task") == ["T-1"]


def test_a_library_that_is_gone(machine):
    result = chat(machine, LD_PRELOAD="/nonexistent/libtagalong.so")
    assert seen(result.requests, "Task") == [None] and b"ignored" in result.stderr


# Who sees the ids?


def test_proxies(machine, front, proxy):
    tunnel = machine.run("tagalong", "run", "--no-service", "--task", "T-1", "--relay", front.url, "--", "curl", "-sS", "-d", "{}",
                         "--proxy", proxy.url, "--cacert", front.ca, front.url + "/v1/chat/completions")
    assert seen(tunnel.requests, "Task") == ["T-1"]
    assert [(r.method, r.value("X-Task-Id")) for r in tunnel.traffic["proxy"]] == [("CONNECT", None)]
    plain = chat(machine, "--proxy", proxy.url)
    assert seen(plain.traffic["proxy"], "Task") == ["T-1"]


def test_yours_alone(machine, tmp_path):
    log = tmp_path / "log.jsonl"
    script = "curl -sS -o /dev/null -d '{}' -H 'X-Mine: secret' $OPENAI_BASE_URL/chat/completions"
    machine.run("tagalong", "run", "--task", "T-1", "--", "sh", "-c", script, TAGALONG_LOG=str(log))
    mode = lambda path: stat.S_IMODE(os.stat(path).st_mode)  # noqa: E731
    path = socket_of(machine.environment)
    assert (mode(path), mode(os.path.dirname(path)), mode(log)) == (0o600, 0o700, 0o600)
    assert mode("/proc/self/environ") == 0o400
    assert "secret" not in log.read_text() and json.loads(log.read_text())["task_id"] == "T-1"


def test_ps_does_not_show_it(machine):
    command = [machine.prefix / "bin" / "tagalong", "run", "--task", "T-secret", "--", "sleep", "60"]
    with subprocess.Popen(command, env=machine.environment) as running:
        try:
            wait_until(lambda: cmdline(running.pid) == b"sleep\x0060\x00")
        finally:
            running.kill()


def test_names_are_not_guessed(machine):
    (request,) = chat(machine, USER="quentin", LOGNAME="quentin").requests
    bare = machine.run("curl", "-sS", "-d", '{"a": 1}', machine.relay.url + "/v1/chat/completions").requests[0]
    added = dict(line.decode().split(": ") for line in request.lines if line not in bare.lines)
    assert "X-User-Id" not in added and added["X-Task-Id"] == "T-1"
    assert not any("quentin" in value for value in added.values())


# How do I turn it off?


def wrapped(machine):
    """Something to wrap of the name that the page has."""
    machine.chat("bin/nvim")
    machine.run("tagalong", "wrap", "--no-service", "--task", "T-1", "nvim")
    assert seen(machine.run("sh", "-c", "nvim").requests, "Task") == ["T-1"]


def test_off_for_a_command(machine):
    wrapped(machine)
    assert seen(machine.run("sh", "-c", machine.block("off-command", PAGE)).requests, "Task") == [None]
    assert seen(machine.run("sh", "-c", "nvim").requests, "Task") == ["T-1"]


def test_off_for_a_program(machine):
    wrapped(machine)
    machine.run("sh", "-c", machine.block("off-program", PAGE))
    assert seen(machine.run("sh", "-c", "nvim").requests, "Task") == [None]


def test_off_inside_a_shell(machine):
    need("node")
    (words,) = re.findall(r"`(env -u .*) program`", page(PAGE))
    program = machine.chat()
    node = f"node -e \"fetch('{machine.relay.url}/v1/chat/completions', {{method: 'POST', body: '{{}}'}})\""
    script = f"{program}; {words} {program}; {node}; {words} {node}"
    result = machine.run("tagalong", "run", "--no-service", "--task", "T-1", "--", "sh", "-c", script)
    assert seen(result.requests, "Task") == ["T-1", None, "T-1", None]


def test_off_for_services():
    """Not run, as the page says; but it is what TAGALONG_OFF is called."""
    settings = configparser.ConfigParser()
    settings.optionxform = str
    settings.read_string(blocks(PAGE)["off-services"])
    assert dict(settings["Manager"]) == {"DefaultEnvironment": "TAGALONG_OFF=1"}


TAKEN_OUT = AT_HOME.replace("    curl.close()\n", """    curl.close()
    open(sys.argv[2], "w").write('{ "relays": [ { "match": ["https://other.example.com"] } ] }')
""")


def test_off_in_a_running_program(machine, tmp_path):
    config = tmp_path / ".config/tagalong/config.json"
    result = machine.run("tagalong", "run", "--no-service", "--task", "T-1", "--", "/usr/bin/python3", "-c", TAKEN_OUT,
                         machine.relay.url + "/v1/chat/completions", config)
    assert seen(result.requests, "Task") == ["T-1", None, None]


def test_uninstalled(machine, tmp_path):
    own = shutil.copytree(machine.prefix, tmp_path / "own")
    machine.chat("bin/nvim")
    path = machine.environment["PATH"].replace(str(machine.prefix), str(own))
    machine.run("tagalong", "wrap", "--no-service", "--task", "T-1", "nvim", PATH=path)
    assert seen(machine.run("sh", "-c", "nvim", PATH=path).requests, "Task") == ["T-1"]
    subprocess.run(["make", "-s", "uninstall", f"PREFIX={own}"], cwd=ROOT, check=True)
    path = path.replace(f"{own}/bin:", "")
    result = machine.run("sh", "-c", "nvim", PATH=path)
    assert seen(result.requests, "Task") == [None] and result.stderr == b""


# What cannot be reached.


def test_headers(machine):
    result = machine.run("/usr/bin/python3", "-c", machine.block("headers", PAGE), TAGALONG_TASK_ID="T-1")
    assert seen(result.requests, "Task") == ["T-1"] and "urllib" in result.requests[0].value("User-Agent")


def test_front(machine, tmp_path):
    """For a static program: nothing can be loaded into busybox, which is one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    server = machine.block("front", PAGE).replace("8091", port)
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    machine.write("nginx.conf", f"daemon off; master_process off; pid {tmp_path}/pid; events {{ }}\n"
                                f"http {{ access_log off; {temporary}\n{server}}}\n")
    assert "statically" in machine.run("tagalong", "doctor", "busybox").stdout.decode()
    with subprocess.Popen(nginx.command(tmp_path, tmp_path / "nginx.conf")) as front:
        try:
            wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", int(port))) == 0)
            result = machine.run("busybox", "wget", "-q", "-O", "-", "--post-data", "{}",
                                 f"http://127.0.0.1:{port}/v1/chat/completions")
        finally:
            front.terminate()
    assert b"Tagalong says hello" in result.stdout
    assert seen(result.requests, "Task", "Project") == [("nightly", "billing")]
