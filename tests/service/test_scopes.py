# SPDX-License-Identifier: MIT
"""Which scope a process is in: real process trees."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import grants
from conftest import needs_namespace, needs_process_numbers
from serving import REPLY_SECONDS, wait_until


def test_two_trees_never_mix(service, process):
    one, two = process(), process()
    one.tell("open", {"task_id": "one"})
    two.tell("open", {"task_id": "two"})
    for tree in (one, two):
        tree.tell("fork", "child")
        tree.tell("child", "fork", "grandchild")
    for turn in range(20):
        for tree, name in ((one, "one"), (two, "two")):
            value = f"{name}-{turn}"
            with service.connect() as peer:
                peer.op("set", scope={"pid": tree.pid}, context={"task_id": value})
            assert tree.context()["task_id"] == value
            assert tree.context("child", "grandchild")["task_id"] == value
    with service.connect() as peer:
        assert peer.context() == {}


def test_nested_scopes_merge_from_the_outside_in(service, process):
    tree = process()
    tree.tell("open", {"task_id": "outer", "project_id": "billing"})
    tree.tell("fork", "inner")
    tree.tell("inner", "open", {"task_id": "inner"})
    tree.tell("inner", "fork", "child")
    trace = tree.context()["traceparent"]
    expected = {"task_id": "inner", "project_id": "billing", "traceparent": trace}
    assert tree.context("inner", "child") == expected
    assert tree.context()["task_id"] == "outer"
    with service.connect() as peer:
        peer.op("set", scope={"pid": tree.pid}, context={"mode": "plan"})
    assert tree.context("inner", "child") == expected | {"mode": "plan"}
    # The inner scope ends with its process; what it begot lives on in the outer one.
    tree.tell("die", "inner")
    assert tree.context()["task_id"] == "outer"


def test_a_child_without_the_token_is_found_by_its_ancestors(service, process):
    tree = process()
    tree.tell("open", {"task_id": "T-1"})
    tree.tell("fork", "child")
    assert tree.tell("child", "forget")["token"].startswith("run-")
    assert tree.context("child")["task_id"] == "T-1"


def test_a_daemon_is_found_by_its_token(service, process):
    tree = process()
    tree.tell("open", {"task_id": "T-1"})
    tree.tell("daemon", "orphan")
    assert tree.context("orphan")["task_id"] == "T-1"
    tree.tell("orphan", "fork", "child")
    assert tree.context("orphan", "child")["task_id"] == "T-1"
    # Without it, it is in no tree at all.
    tree.tell("orphan", "forget")
    assert tree.context("orphan") == {}
    # A scope that it opens for itself is nearer than any token from outside.
    tree.tell("orphan", "open", {"task_id": "T-2"})
    assert tree.context("orphan")["task_id"] == "T-2"


def test_a_nearer_scope_wins_over_an_inherited_token(service, process):
    tree = process()
    tree.tell("open", {"task_id": "outer"})
    tree.tell("fork", "editor")
    pid = tree.tell("editor", "fork", "shell")["pid"]
    with service.connect() as peer:
        peer.op("open", scope={"pid": pid}, context={"task_id": "inner"})
    assert tree.context("editor", "shell")["task_id"] == "inner"
    assert tree.context("editor")["task_id"] == "outer"


def test_a_named_scope_by_its_token(service, process):
    with service.connect() as peer:
        peer.op("open", scope={"name": "ci/job:7"}, context={"task_id": "job-7"})
    assert process(token="ci/job:7").context() == {"task_id": "job-7"}
    assert process(token="ci/job:8").context() == {}


def test_a_scope_ends_with_its_process(service, process):
    tree = process()
    name = tree.tell("open", {"task_id": "T-1"})["scope"]
    tree.tell("daemon", "left behind")
    with service.connect() as peer:
        assert peer.op("watch", scope={"name": name})["context"]["task_id"] == "T-1"
        tree.popen.kill()
        assert peer.reply()["error"]["code"] == "scope_ended"
        assert peer.is_closed()
    with service.connect() as peer:
        assert peer.refusal("get", scope={"name": name}) == "bad_scope"
        assert len(peer.op("list")["scopes"]) == 1
    wait_until(lambda: list(service.rows()) == ["default"])


def test_without_descriptors_for_pidfds(cold, process):
    """Then processes are looked at now and then."""
    few = 1024 + 64 + 2
    service = cold.start(before=["prlimit", f"--nofile={few}:{few}"])
    trees = [process() for _ in range(4)]
    for tree in trees:
        tree.tell("open", {})
    for tree in trees:
        tree.popen.kill()  # nobody waits for them: a zombie has ended as well

    def only_the_default():
        with service.connect() as peer:
            return len(peer.op("list")["scopes"]) == 1

    wait_until(only_the_default)


def test_other_start_time_other_process(cold, process):
    """A state file that names a living pid, but not this process."""
    service = cold.start()
    tree = process()
    name = tree.tell("open", {"task_id": "T-1"})["scope"]
    service.kill()
    service.start()
    assert tree.context()["task_id"] == "T-1"
    service.kill()
    start = service.rows()[name]["start"]
    service.query("UPDATE scope SET row = replace(row, ?, ?)", f'"start":{start}', f'"start":{start - 1}')
    service.start()
    assert tree.context() == {}
    with service.connect() as peer:
        assert peer.refusal("get", scope={"name": name}) == "bad_scope"


def test_other_boot_other_process(cold, process):
    service = cold.start()
    tree = process()
    tree.tell("open", {"task_id": "T-1"})
    with service.connect() as peer:
        peer.op("open", scope={"name": "named"}, context={"task_id": "N"})
        peer.op("set", context={"user_id": "ada"})
    service.kill()
    service.query("UPDATE meta SET value = 'another' WHERE key = 'boot'")
    service.start()
    assert tree.context() == {"user_id": "ada"}
    with service.connect() as peer:
        assert peer.context(scope={"name": "named"}) == {"task_id": "N", "user_id": "ada"}


def fork_as(pid):
    """A child with this very pid, or None when somebody else was quicker."""
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(pid - 1))
    popen = subprocess.Popen(["sleep", "60"])
    if popen.pid == pid:
        return popen
    popen.kill()
    popen.wait()
    return None


@needs_process_numbers
def test_a_reused_pid(cold, process):
    service = cold.start()
    tree = process()
    tree.tell("open", {"task_id": "T-1"})
    pid = tree.pid
    service.kill()  # it must not see the end
    tree.end()
    time.sleep(0.02)  # the start of a process is counted in hundredths of a second
    for _ in range(200):
        other = fork_as(pid)
        if other:
            break
    assert other, "the kernel does not give that pid out again"
    try:
        service.start()
        with service.connect() as peer:
            assert peer.context(scope={"pid": pid}) == {}
            assert len(peer.op("list")["scopes"]) == 1
    finally:
        other.kill()
        other.wait()


def test_whoever_cannot_be_looked_up(cold, process):
    """No descriptor is left to read /proc with: that is an error, not the default scope, which is
    everybody's."""
    service = cold.start()
    tree = process()
    tree.tell("open", {"task_id": "T-1"})
    with service.connect() as peer:
        peer.op("set", scope={"default": True}, context={"task_id": "default"})
        used = [int(name) for name in os.listdir(f"/proc/{service.process.pid}/fd")]
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (max(used) + 1, 1 << 12))
        gaps = set(range(max(used) + 1)) - set(used)
        assert len(gaps) < 2, "the service leaves descriptors unused"
        if not gaps:
            for reply in (peer.ask({"v": 1, "op": "get"}),
                          peer.ask({"v": 1, "op": "set", "context": {"task_id": "lost"}})):
                assert reply["error"]["code"] == "bad_scope"
                assert "cannot look up the asking process: Too many open files" in reply["error"]["message"]
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (1 << 12, 1 << 12))
        assert peer.context() == {"task_id": "default"}


@needs_process_numbers
def test_a_request_that_waited_for_the_service(cold, process):
    """Its process has ended, and another one has its number: the request is nobody's."""
    service = cold.start()
    tree = process()
    tree.tell("open", {"task_id": "T-1"})
    service.process.send_signal(signal.SIGSTOP)
    ask = f"""
import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect({str(service.socket)!r})
connection.sendall(b'{{"v":1,"op":"set","context":{{"task_id":"lost"}}}}\\n')
os.set_inheritable(connection.fileno(), True)
print(os.getpid(), connection.fileno(), flush=True)
os.execv("/bin/sh", ["sh", "-c", f"exec sleep 3 <&{{connection.fileno()}}"]) if os.fork() == 0 else os._exit(0)
"""
    done = subprocess.Popen(["/usr/bin/python3", "-c", ask], stdout=subprocess.PIPE, text=True)
    pid = int(done.stdout.readline().split()[0])
    done.wait()
    others = [other for other in (fork_as(pid) for _ in range(200)) if other][:1]
    try:
        service.process.send_signal(signal.SIGCONT)
        wait_until(lambda: "it has ended" in service.events.read_text())
        with service.connect() as peer:
            assert peer.context(scope={"default": True}) == {}
        assert tree.context()["task_id"] == "T-1"
    finally:
        done.stdout.close()
        for other in others:
            other.kill()
            other.wait()


IN_ANOTHER_NAMESPACE = """
import json, os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
lines = connection.makefile("rw")
for request in ({"op": "get"}, {"op": "get", "scope": {"pid": os.getpid()}},
                {"op": "open", "scope": {"pid": os.getpid()}},
                {"op": "open", "context": {"task_id": "inside"}}, {"op": "get"}):
    lines.write(json.dumps({"v": 1, **request}) + "\\n")
    lines.flush()
    print(lines.readline(), end="")
"""


@needs_namespace
def test_a_client_in_a_pid_namespace(service):
    """Its numbers mean other processes: they are refused, and it opens a scope for itself."""
    with service.connect() as peer:
        peer.op("set", context={"task_id": "default"})
    done = subprocess.run(
        [*grants.UNSHARE, "--pid", "--fork", sys.executable, "-c", IN_ANOTHER_NAMESPACE, service.socket],
        capture_output=True,
        text=True,
        timeout=REPLY_SECONDS,
    )
    get, get_pid, open_pid, open_own, get_own = map(json.loads, done.stdout.splitlines())
    assert get["context"] == {"task_id": "default"}
    assert get_pid["error"]["code"] == open_pid["error"]["code"] == "bad_scope"
    assert open_own["ok"]
    assert get_own["context"]["task_id"] == "inside"


@needs_namespace
def test_a_service_in_a_pid_namespace(cold):
    """It cannot see who asks: the default scope, or one by its name."""
    unshare = [*grants.UNSHARE, "--pid", "--fork", "--kill-child", "--mount-proc"]
    service = cold.start(before=unshare)
    with service.connect() as peer:
        peer.op("set", context={"task_id": "default"})
        peer.op("open", scope={"name": "named"}, context={"task_id": "named"})
        assert peer.context() == {"task_id": "default"}
        assert peer.context(scope={"token": "named"}) == {"task_id": "named"}
        assert peer.refusal("open") == "bad_scope"
        assert peer.refusal("get", scope={"pid": os.getpid()}) == "bad_scope"
        assert peer.refusal("set", scope={"pid": 1}, context={"mode": "x"}) == "bad_scope"
    service.kill()


@needs_namespace
def test_a_service_under_a_proc_of_another_namespace(cold, process):
    """There /proc has other processes under the numbers that the kernel tells: nothing is read."""
    service = cold.start(before=[*grants.UNSHARE, "--pid", "--fork", "--kill-child"])
    assert "/proc is not this process's own" in service.errors()
    with service.connect() as peer:
        peer.op("set", context={"task_id": "default"})
        peer.op("open", scope={"name": "named"}, context={"task_id": "named"})
    user = ["--user", "--preserve-credentials"] if os.geteuid() else []
    inside = ["nsenter", *user, "--pid", "-t", str(first_child(service.process.pid)), sys.executable, "-c"]
    done = subprocess.run(
        [*inside, IN_ANOTHER_NAMESPACE, service.socket], capture_output=True, text=True, timeout=20
    )
    get, get_pid, open_pid, open_own, get_own = map(json.loads, done.stdout.splitlines())
    assert get["context"] == get_own["context"] == {"task_id": "default"}
    assert [each["error"]["code"] for each in (get_pid, open_pid, open_own)] == ["bad_scope"] * 3
    assert process(token="named").context() == {"task_id": "named"}
    service.kill()


def first_child(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.mark.parametrize("depth", [64])
def test_nesting_has_an_end(peer, depth):
    for _ in range(depth):
        peer.op("open")
    assert peer.refusal("open") == "too_many"
    assert "traceparent" in peer.context()
