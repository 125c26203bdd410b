# SPDX-License-Identifier: MIT
"""Live context: what the service says when a request starts is what the request carries.

The programs are started by `tagalong run` with a socket of the test's own; the service starts by
itself, as it does for a user, and is stopped at the end.
"""

import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from conftest import ROOT
from live import TAGALONG, service_pid
from tags import CONTEXT, GENERIC, trace_id, without

NO_TASK = without(GENERIC, "X-Task-Id", "X-Conversation-Id", "X-Session-Id")


def tasks(result):
    assert result.rc == 0, result.stderr
    return [request.value("X-Task-Id") for request in result.requests]


def test_a_change_is_seen_by_the_next_request(live):
    result = live("CHAT; tagalong context set task_id=T-2; CHAT; tagalong context unset task_id; CHAT")
    assert tasks(result) == ["T-1", "T-2", None]
    # One trace for the scope, whichever process asks.
    assert len({trace_id(request) for request in result.requests}) == 1


def test_two_trees_side_by_side(live, relay):
    url = relay.url + "/v1/chat/completions"
    tree = "for i in $(seq -s ' ' 50); do curl -sS -o /dev/null {url} -H 'X-Tree: {name}' -d '{{}}' & done; wait"
    first, second = (tree.format(url=url, name=name) for name in ("A", "B"))
    result = live(
        f"tagalong run --task A -- sh -ec \"{first}\" & tagalong run --task B -- sh -ec \"{second}\" & wait"
    )
    assert result.rc == 0, result.stderr
    pairs = [(r.value("X-Tree"), r.value("X-Task-Id")) for r in result.requests]
    assert sorted(pairs) == [("A", "A")] * 50 + [("B", "B")] * 50


def test_nested_runs_merge_from_the_outside_in(live):
    nested = "tagalong run --set mode=code --task inner -- sh -ec \"CHAT\"; CHAT"
    result = live(nested, "--conversation", "C-1")
    assert tasks(result) == ["inner", "T-1"]
    assert [r.value("X-Conversation-Id") for r in result.requests] == ["C-1", "C-1"]


def test_a_daemon_finds_its_scope_by_its_token(live):
    # Re-parented: its ancestry no longer leads to the scope, its environment does.
    daemon = "(setsid sh -c 'sleep 0.3; exec 2>&1; CHAT' >/dev/null 2>&1 &) ; sleep 1"
    assert tasks(live(daemon)) == ["T-1"]


def test_recipe_git_hook(live):
    # The README's: the branch is the task.
    script = (
        "export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b "
        "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; git init -q repo; cd repo; "
        "git commit -q --allow-empty -m x; mkdir -p .git/hooks; "
        "printf '#!/bin/sh\\ngit branch --show-current | tagalong context set task_id=-\\n' "
        "> .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout; "
        "git checkout -q -b T-77; CHAT"
    )
    assert tasks(live(script)) == ["T-77"]


def test_environment_wins_and_set_says_so(live):
    result = live("export TAGALONG_TASK_ID=near; tagalong context set task_id=far; CHAT")
    assert tasks(result) == ["near"]
    assert b"TAGALONG_TASK_ID" in result.stderr


def test_no_service(live, place):
    result = live("echo \"$TAGALONG_TASK_ID/$TAGALONG_SCOPE\"; CHAT", "--no-service")
    assert tasks(result) == ["T-1"] and result.stdout == b"T-1/\n"
    assert service_pid(place) is None


def test_run_leaves_no_process_behind(live):
    # The command has run's pid, and no child that it did not make.
    result = live("echo $$; ps -o pid= --ppid $$ | wc -l")
    assert result.rc == 0
    assert int(result.stdout.split()[1]) <= 2  # ps and wc themselves


def test_a_service_that_was_killed_and_started_anew(live, place):
    # Answered changes survive kill -9; between, requests go out without what only it knows.
    script = (
        "CHAT; tagalong context set task_id=T-2; kill -KILL $SERVICE; sleep 0.1; CHAT; "
        "tagalong serve & SERVICE=$!; sleep 0.5; CHAT; kill $SERVICE; wait"
    )
    find = (
        "SERVICE=$(/usr/bin/python3 -c 'import os,socket,struct; s=socket.socket(socket.AF_UNIX); "
        's.connect(os.environ["XDG_RUNTIME_DIR"]+"/tagalong/context.sock"); '
        "print(struct.unpack(\"3i\",s.getsockopt(1,17,12))[0])'); "
    )
    assert tasks(live(find + script)) == ["T-1", None, "T-2"]


# A service that misbehaves costs the request at most the deadline, and then nothing for a second.

GOOD = b'{"v":1,"ok":true,"revision":1,"context":{"task_id":"LIVE"}}\n'


def hang(connection):
    time.sleep(3)


def drip(connection):
    for byte in GOOD:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


FAULTS = {
    "good": lambda c: c.sendall(GOOD),
    "hangs": hang,
    "drips": drip,
    "closes": lambda c: None,
    "closes in mid-answer": lambda c: c.sendall(GOOD[:20]),
    "garbage": lambda c: c.sendall(b"\x00\xff{]\n"),
    "not our version": lambda c: c.sendall(GOOD.replace(b'"v":1', b'"v":2')),
    "says no": lambda c: c.sendall(b'{"v":1,"ok":false,"error":{"code":"x","message":"y"}}\n'),
    "64 KiB and no end": lambda c: c.sendall(b"x" * 65600),
    "bad value": lambda c: c.sendall(GOOD.replace(b"LIVE", b"a\\r\\nX-Evil: 1")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(run, relay, tmp_path, fault):  # pitfall 33
    folder = tmp_path / "s"
    folder.mkdir(mode=0o700)
    path = str(folder / "context.sock")
    asked = []

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    asked.append(connection.recv(1000))
                    FAULTS[fault](connection)
                except OSError:
                    pass

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        script = "init a\nurl a {url}\npost a {}\nrepeat 5 perform a\n".replace("{url}", relay.url + "/v1/messages")
        started = time.monotonic()
        env = {"TAGALONG_SOCKET": path, "TAGALONG_PROJECT_ID": "billing"}
        result = run([str(ROOT / "build/fixtures/puppet")], env=env, stdin=script.encode())
        took = time.monotonic() - started
    assert result.rc == 0 and len(result.requests) == 5
    assert result.stdout.count(b'  0 "" 0') == 5
    good = fault in ("good", "bad value")
    assert tasks(result) == (["LIVE"] * 5 if fault == "good" else [None] * 5)
    assert all(r.value("X-Project-Id") == "billing" and r.value("X-Evil") is None for r in result.requests)
    assert len(asked) == (5 if good else 1), "left alone for a second"
    assert took < 2.5


@pytest.mark.parametrize("how", ["world-writable folder", "symlinked folder", "no socket", "a plain file"])
def test_places_that_are_not_trusted(run, relay, tmp_path, how):
    folder = tmp_path / "s"
    folder.mkdir(mode=0o700)
    path = folder / "context.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        if how == "a plain file":
            path.write_text("")
        elif how != "no socket":
            listener.bind(str(path))
            listener.listen()
        if how == "world-writable folder":
            folder.chmod(0o777)
        if how == "symlinked folder":
            (tmp_path / "link").symlink_to(folder)
            path = tmp_path / "link" / "context.sock"
        url = relay.url + "/v1/messages"
        env = CONTEXT | {"TAGALONG_SOCKET": str(path)}
        result = run(["curl", "-sS", url, "-d", "{}"], env=env)
        listener.settimeout(0)
        with pytest.raises(OSError):
            listener.accept()
    assert (result.rc, result.stderr) == (0, b"")
    assert tasks(result) == ["T-42"]
