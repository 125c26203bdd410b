# SPDX-License-Identifier: MIT
"""tagalong context, as people and hooks call it."""

import json
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving import TAGALONG


def test_set_get_unset(service):
    assert service.run("context", "set", "task_id=T-43", "mode=plan") == ""
    assert service.run("context", "get") == "task_id=T-43\nmode=plan\n"
    assert service.run("context", "get", "mode") == "plan\n"
    assert service.run("context", "get", "mode", "task_id") == "task_id=T-43\nmode=plan\n"
    assert service.run("context", "unset", "mode") == ""
    assert service.command("context", "get", "mode") == (1, "", "")


def test_a_value_from_standard_input(service):
    service.run("context", "set", "task_id=-", stdin=b"feature/x y\n")
    assert service.run("context", "get", "task_id") == "feature/x y\n"
    service.run("context", "set", "task_id=-x", "user_id=a=b")
    assert service.run("context", "get") == "task_id=-x\nuser_id=a=b\n"
    for words, stdin in (
        (["task_id=-"], b""),
        (["task_id=-"], b"\n"),
        (["task_id=-"], b"two\nlines\n"),
        (["task_id=-"], b"\xff\n"),
        (["task_id=-"], b"x" * 100_000),
        (["task_id=-", "mode=-"], b"x\n"),
    ):
        code, _, said = service.command("context", "set", *words, stdin=stdin)
        assert (code, "usage: " in said) == (2, True), words
    assert service.run("context", "get", "task_id") == "-x\n"


def test_scopes(service):
    assert service.run("context", "open", "--scope", "ci-7", "task_id=job") == "ci-7\n"
    pid = f"pid:{os.getpid()}"
    name = service.run("context", "open", "--scope", pid, "mode=plan").strip()
    assert name.startswith("run-")
    # This process's tree: the command is in it.
    service.run("context", "set", "task_id=T-1")
    assert service.run("context", "get", "task_id", "--scope", pid) == "T-1\n"
    assert service.run("context", "get", "--scope", "default") == ""
    assert service.run("context", "get", "--scope", "ci-7") == "task_id=job\n"
    token = {"TAGALONG_SCOPE": "ci-7"}
    assert service.run("context", "get", env=token) == "task_id=job\n"
    lines = service.run("context", "list").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["default"],
        ["ci-7", "task_id=job"],
        [name, f"pid={os.getpid()}"],
    ]
    service.run("context", "close", "--scope", "ci-7")
    service.run("context", "close", "--scope", pid)
    assert len(service.run("context", "list").splitlines()) == 1


def test_a_long_list(service):
    with service.connect() as peer:
        for i in range(1200):
            scope = {"name": f"s{i}"}
            peer.send({"v": 1, "op": "open", "scope": scope, "context": {"app": "x" * 50}})
        for i in range(1200):
            peer.reply()
    assert len(service.run("context", "list").splitlines()) == 1201
    pages = service.run("context", "list", "--json").splitlines()
    assert len(pages) > 1
    assert sum(len(json.loads(page)["scopes"]) for page in pages) == 1201


def test_json(service):
    reply = json.loads(service.run("context", "set", "task_id=T-1", "--json"))
    assert reply == {"v": 1, "ok": True, "revision": 1, "scope": "default"}
    reply = json.loads(service.run("context", "get", "--json"))
    assert reply["context"] == {"task_id": "T-1"}
    code, out, said = service.command("context", "get", "--json", "--scope", "none-such")
    assert code == 1 and json.loads(out)["error"]["code"] == "bad_scope"
    assert said == 'tagalong: there is no scope "none-such"\n'


def test_watch(service):
    service.run("context", "set", "task_id=T-1")
    watch = subprocess.Popen(
        [TAGALONG, "context", "watch"],
        env=service.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert [watch.stdout.readline() for _ in range(2)] == ["task_id=T-1\n", "\n"]
    service.run("context", "set", "mode=plan")
    assert [watch.stdout.readline() for _ in range(3)] == ["task_id=T-1\n", "mode=plan\n", "\n"]
    service.stop()
    assert watch.wait(10) == 3
    assert "closed the connection" in watch.communicate()[1]


@pytest.mark.parametrize(
    "words, said",
    [
        (["set", "task=T-1"], "the fields are: task_id, parent_task_id, conversation_id"),
        (["get", "task"], "the fields are: task_id"),
        (["unset", "task"], "the fields are: task_id"),
        (["set"], "set needs FIELD=VALUE"),
        (["unset"], "unset needs a field"),
        (["set", "task_id"], "set needs FIELD=VALUE"),
        (["set", "task_id="], "the value of task_id is empty"),
        (["set", "task_id=" + "x" * 1025], "the value of task_id is longer than 1,024 bytes"),
        (["set", "task_id=a\nb"], "the value of task_id has a control character"),
        (["open"], "open needs --scope"),
        (["close"], "close needs --scope"),
        (["list", "task_id"], "too many arguments"),
        (["get", "--scope", "pid:0"], "invalid process id"),
        (["get", "--scope", "a b"], "invalid scope"),
        (["get", "--scope"], "option --scope needs a value"),
        (["get", "--port", "1"], "unknown option --port"),
        (["teleport"], "unknown subcommand: teleport"),
        ([], "a subcommand is needed"),
    ],
)
def test_bad_calls(cold, words, said):
    code, out, err = cold.command("context", *words)
    assert (code, out) == (2, "")
    assert said in err and "usage: tagalong context" in err


def test_help(cold):
    for words in (["context", "--help"], ["context", "set", "-h"], ["help", "context"]):
        assert cold.run(*words).startswith("usage: tagalong context ")


def test_no_service(cold):
    code, _, said = cold.command("context", "set", "task_id=T-1")
    assert code == 3
    assert f"cannot connect to the context service at {cold.socket}: there is no socket" in said
    assert 'Start it with "tagalong serve"' in said


def test_a_dead_service(service):
    service.kill()
    code, _, said = service.command("context", "get")
    assert code == 3 and "it is not running any more" in said


def test_a_service_that_hangs(cold):
    """After the question, or before, as its queue is full: ten seconds, and the reason."""
    cold.socket.parent.mkdir(mode=0o700)
    full = cold.socket.with_name("full.sock")
    with (
        socket.socket(socket.AF_UNIX) as deaf,
        socket.socket(socket.AF_UNIX) as busy,
        socket.socket(socket.AF_UNIX) as waiting,
        ThreadPoolExecutor() as pool,
    ):
        deaf.bind(str(cold.socket))
        deaf.listen()
        busy.bind(str(full))
        busy.listen(0)
        waiting.connect(str(full))
        answer = pool.submit(cold.command, "context", "get")
        place = cold.command("context", "get", env={"TAGALONG_SOCKET": str(full)})
        assert place[0] == 3 and "it has too many connections" in place[2]
        assert answer.result()[0] == 3 and "did not answer in time" in answer.result()[2]


def test_variables_that_win(service):
    env = {"TAGALONG_TASK_ID": "fixed"}
    code, _, said = service.command("context", "set", "task_id=T-1", "mode=plan", env=env)
    assert code == 0
    reason = "is set in this environment, where it overrides what was set now"
    assert said == f"tagalong: TAGALONG_TASK_ID {reason}\n"
    assert service.command("context", "set", "task_id=fixed", env=env)[2] == ""
    assert service.command("context", "set", "task_id=T-1", "--scope", "default", env=env)[2] == ""


def test_an_inherited_trace_does_not_win(service):
    one, two = (f"00-{digit * 32}-b7ad6b7169203331-01" for digit in "12")
    pid = f"pid:{os.getpid()}"
    service.run("context", "open", "--scope", pid, f"traceparent={one}")
    setting = ("context", "set", f"traceparent={two}")
    assert service.command(*setting, env={"TRACEPARENT": one})[2] == ""
    assert "TRACEPARENT is set" in service.command(*setting, env={"TRACEPARENT": two[:-1] + "0"})[2]


def test_set_is_seen_by_whoever_asks_next(service):
    with service.connect() as peer:
        for i in range(30):
            service.run("context", "set", f"task_id=T-{i}")
            assert peer.context() == {"task_id": f"T-{i}"}
