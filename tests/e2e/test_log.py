# SPDX-License-Identifier: MIT
"""TAGALONG_LOG, and tagalong log: one line a tagged request, nothing of the client's, no harm."""

import json
import os
import pty
import re
import stat
import subprocess
import time

import pytest

from commands import CHAT, curl, headers, post
from conftest import ROOT, clean_environment, need
from tags import CONTEXT, GENERIC, PLAIN, parent_id, request_id, trace_id

TAGALONG = ROOT / "build" / "tagalong"
SECRET = "sk-secret-0123456789"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log.jsonl"


def logging(path, **more):
    return CONTEXT | {"TAGALONG_LOG": str(path)} | more


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_one_line_a_tagged_request(neutral, relay, log):
    """Neutral with the log, too; run() clears the log of the first run, which was without the shim."""
    url = relay.url + CHAT
    command = post(url + f"?key={SECRET}", *headers(f"Authorization: Bearer {SECRET}", f"X-Own: {SECRET}"), "--next",
                   "-sS", relay.url + "/v1/models", "--next", "-sS", url, "-d", SECRET)
    before = time.time()
    result = neutral(command, [GENERIC, PLAIN, GENERIC], env=logging(log))
    first, second = records(log)
    sent = [request for request in result.requests if request.value("X-Task-Id")]
    for record, request in zip((first, second), sent):
        assert before - 1 <= record.pop("time") <= time.time() + 1
        assert record.pop("pid") > 1
        assert record == {
            "command": "curl", "relay": f"127.0.0.1:{relay.port}", "path": CHAT, "headers": list(GENERIC),
            "task_id": "T-42", "conversation_id": "C-7", "project_id": "billing",
            "request_id": request_id(request), "trace_id": trace_id(request), "span_id": parent_id(request),
        }
    assert SECRET not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_redirect_is_two_requests(neutral, relay, log):
    result = neutral(curl("-L", relay.url + "/switch/redirect-307-same" + CHAT, "-d", "{}"), [GENERIC] * 2, env=logging(log))
    first, second = records(log)
    assert first["request_id"] == second["request_id"] and first["span_id"] != second["span_id"]
    assert [record["span_id"] for record in (first, second)] == [parent_id(request) for request in result.requests]


def test_values_of_any_bytes(run, relay, log):
    env = logging(log, TAGALONG_TASK_ID='Ä "x"\\\n\x1b[31m', TAGALONG_CONVERSATION_ID="x" * 2000)
    run(post(relay.url + CHAT), env=env)
    (record,) = records(log)
    assert log.read_bytes().isascii() and record["task_id"] == 'Ä "x"\\??[31m'
    assert "conversation_id" not in record


def test_a_preset_without_a_trace(run, relay, log):
    run(post(relay.url + CHAT), env=logging(log, TAGALONG_PRESET="xai"))
    (record,) = records(log)
    assert record["headers"] == ["x-grok-conv-id"] and "trace_id" not in record


def unwritable(kind, tmp_path):
    path = tmp_path / "place"
    if kind == "symlink":
        (tmp_path / "elsewhere").write_text("")
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "full":
        with path.open("wb") as file:
            file.truncate(64 * 1024 * 1024 - 100)
    elif kind == "no folder":
        path = path / "none"
    elif kind == "relative":
        path = "place"
    elif kind == "long":
        path = "/" + "x" * 5000
    return path


@pytest.mark.parametrize("kind", ["symlink", "folder", "fifo", "full", "no folder", "relative", "long"])
def test_what_cannot_be_written_harms_nothing(neutral, relay, tmp_path, kind):
    path = unwritable(kind, tmp_path)
    neutral(post(relay.url + CHAT), [GENERIC], env=logging(path))
    if kind == "symlink":
        assert (tmp_path / "elsewhere").read_text() == ""
    elif kind == "full":
        assert path.stat().st_size == 64 * 1024 * 1024 - 100
    elif kind == "relative":
        assert not (tmp_path / "place").exists()


def test_a_pipe_is_not_written_to(run, relay, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        result = run(post(relay.url + CHAT), env=logging(path))
        assert result.rc == 0 and result.requests[0].value("X-Task-Id") == "T-42"
        assert os.read(reader, 1) == b""  # the end: nothing was written
    finally:
        os.close(reader)


def test_a_limit_on_the_size_of_files_is_no_signal(run, relay, log):
    """A write beyond RLIMIT_FSIZE would end the host by SIGXFSZ."""
    log.write_bytes(b"\n" * 4000)
    script = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *post(relay.url + CHAT)]
    result = run(script, env=logging(log))
    assert result.rc == 0 and result.requests[0].value("X-Task-Id") == "T-42"
    assert log.stat().st_size == 4000
    result = run(["sh", "-c", 'ulimit -f 4096; exec "$@"', "sh", *post(relay.url + CHAT)], env=logging(log))
    assert result.rc == 0 and log.stat().st_size > 4100


def test_many_writers_share_a_log(run, relay, log):
    script = 'for i in 1 2 3 4 5 6 7 8; do curl -s "$1" "$1" "$1" -d "{}" -o /dev/null & done; wait'
    assert run(["sh", "-c", script, "sh", relay.url + CHAT], env=logging(log)).rc == 0
    found = records(log)
    assert len(found) == 24 and len({record["span_id"] for record in found}) == 24
    assert len({record["pid"] for record in found}) == 8


def test_the_configuration_names_it(neutral, relay, log, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"relays": [{"match": ["http://127.0.0.1:*"]}], "log": str(log)}))
    env = CONTEXT | {"TAGALONG_CONFIG": str(config)}
    neutral(post(relay.url + CHAT), [GENERIC], env=env)
    assert len(records(log)) == 1
    other = tmp_path / "nearer.jsonl"
    neutral(post(relay.url + CHAT), [GENERIC], env=env | {"TAGALONG_LOG": str(other)})
    assert len(records(log)) == 1 and len(records(other)) == 1
    show = tagalong(tmp_path, "config", "show", "--json", TAGALONG_CONFIG=str(config))
    assert {"name": "log", "value": str(log), "origin": f"{config}:1"} in json.loads(show.stdout)["values"]
    assert len(tagalong(tmp_path, "log", "--json", TAGALONG_CONFIG=str(config)).stdout.splitlines()) == 1


def test_requests_by_nodes_hook(run, relay, log):
    """Asked for by a helper, and written down as the program's that sends them."""
    need("node")
    script = "const u = process.argv[1]; fetch(u + '?a=1', {method: 'POST', body: '{}'}).then(r => console.log(process.pid))"
    command = [str(TAGALONG), "run", "--no-service", "--", "node", "-e", script, relay.url + CHAT]
    result = run(command, shim=None, env=logging(log))
    (record,) = records(log)
    assert result.requests[0].value("X-Task-Id") == "T-42"
    assert (record["command"], record["pid"], record["path"]) == ("node", int(result.stdout), CHAT)
    assert record["span_id"] == parent_id(result.requests[0])


# The command.


def tagalong(home, *arguments, **variables):
    return subprocess.run([TAGALONG, *arguments], capture_output=True, text=True, cwd=home, timeout=30,
                          env=clean_environment(home) | variables)


def record(when, task, **more):
    return json.dumps({"time": when, "pid": 7, "command": "curl", "relay": "localhost:80", "path": CHAT,
                       "headers": ["X-Task-Id"], "task_id": task, **more})


@pytest.fixture
def written(log):
    now = round(time.time(), 3)
    log.write_text("\n".join((record(now - 7200, "T-1"), record(now - 60, "T-2", project_id="billing"),
                              record(now, "T-1", conversation_id="C-9"))) + "\n")
    return log


def test_table(tmp_path, written):
    done = tagalong(tmp_path, "log", str(written))
    head, *rows = done.stdout.splitlines()
    assert done.returncode == 0 and not done.stderr and "\033" not in done.stdout
    assert head.split() == ["time", "command", "task", "conversation", "project", "relay"]
    assert [row.split()[2:] for row in rows] == [
        ["curl", "T-1", "-", "-", "localhost:80" + CHAT],
        ["curl", "T-2", "-", "billing", "localhost:80" + CHAT],
        ["curl", "T-1", "C-9", "-", "localhost:80" + CHAT],
    ]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", row) for row in rows)
    assert tagalong(tmp_path, "log", TAGALONG_LOG=str(written)).stdout == done.stdout


def test_by(tmp_path, written):
    rows = [row.split() for row in tagalong(tmp_path, "log", "--by", "task", str(written)).stdout.splitlines()]
    assert [(row[0], row[-1]) for row in rows] == [("requests", "task_id"), ("2", "T-1"), ("1", "T-2")]
    for by, values in (("project", ["-", "billing"]), ("conversation", ["-", "C-9"]), ("command", ["curl"])):
        done = tagalong(tmp_path, "log", "--json", "--by", by, str(written))
        groups = [json.loads(line) for line in done.stdout.splitlines()]
        name = "command" if by == "command" else by + "_id"
        assert [group[name] for group in groups] == values
        assert sum(group["requests"] for group in groups) == 3
        assert all(group["first"] <= group["last"] for group in groups)


def test_since(tmp_path, written):
    def count(since):
        return len(tagalong(tmp_path, "log", "--json", "--since", since, str(written)).stdout.splitlines())

    assert [count(since) for since in ("3h", "10m", "30s", "1d", "9000s")] == [3, 2, 1, 3, 3]
    assert [count(since) for since in ("2020-01-01", "2020-01-01 10:00", "2020-01-01T10:00:00", "2990-01-01")] == [3, 3, 3, 0]


def test_json_is_the_lines(tmp_path, written):
    done = tagalong(tmp_path, "log", "--json", str(written))
    assert [json.loads(line) for line in done.stdout.splitlines()] == records(written)


def test_colour_on_a_terminal_only(tmp_path, written):
    def shown(**variables):
        leader, follower = pty.openpty()
        subprocess.run([TAGALONG, "log", written], stdout=follower, env=clean_environment(tmp_path) | variables)
        try:
            return os.read(leader, 65536)
        finally:
            os.close(follower)
            os.close(leader)

    assert b"\033[1m" in shown(TERM="xterm")
    assert b"\033" not in shown(TERM="xterm", NO_COLOR="1") and b"\033" not in shown(TERM="dumb")


def test_what_is_no_record(tmp_path, log):
    log.write_text("nonsense\n[]\n" + record(1, "\033]0;evil\007", command="a\nb") + "\n" + record(2, "half")[:30])
    done = tagalong(tmp_path, "log", str(log))
    assert done.returncode == 0 and "2 invalid lines skipped" in done.stderr
    assert "?]0;evil?" in done.stdout and "a?b" in done.stdout and "\033" not in done.stdout


def test_many_tasks_are_counted_at_once(tmp_path, log):
    log.write_text("".join(record(1.7e9 + i, f"T-{i % 60000}") + "\n" for i in range(90000)))
    start = time.monotonic()
    done = tagalong(tmp_path, "log", "--json", "--by", "task", str(log))
    groups = {group["task_id"]: group["requests"] for group in map(json.loads, done.stdout.splitlines())}
    assert groups == {f"T-{i}": 1 + (i < 30000) for i in range(60000)}
    assert time.monotonic() - start < 10  # 0.5 s; it was minutes


def test_a_time_that_is_none(tmp_path, log):
    """1e400 is infinite, and no time_t; so is one of a million years."""
    log.write_text("".join(f'{{"time":{when},"command":"curl"}}\n' for when in ("1e400", "-1e400", "1e15", "-1", "1")))
    done = tagalong(tmp_path, "log", str(log))
    assert "4 invalid lines skipped" in done.stderr and len(done.stdout.splitlines()) == 2


# C1, in UTF-8 and as a byte; a mark, an embedding, an isolate; DEL.
STEERING = ["\u009b31m", "\u200f", "\u202e", "\u2066", "\u061c", "\x7f", "\r", "\u2028"]


@pytest.mark.parametrize("evil", STEERING, ids=ascii)
def test_nothing_steers_the_terminal(tmp_path, log, evil):
    log.write_text(record(1, f"a{evil}é", command=f"é{evil}b") + "\n")
    for words in ([], ["--by", "task"]):
        out = tagalong(tmp_path, "log", *words, str(log)).stdout
        assert evil[0] not in out and "é" in out and "?" in out
    assert json.loads(tagalong(tmp_path, "log", "--json", str(log)).stdout)["task_id"] == f"a{evil}é"


def test_follow(tmp_path, log):
    """It waits for the file, takes whole lines only, and goes on with a new file of the name."""
    process = subprocess.Popen([TAGALONG, "log", "--follow", "--json", log], stdout=subprocess.PIPE, text=True,
                               env=clean_environment(tmp_path))
    try:
        half = record(1, "T-1") + "\n"
        log.write_text(half[:20])
        time.sleep(0.3)
        with log.open("a") as file:
            file.write(half[20:] + record(2, "T-2") + "\n")
        assert [json.loads(process.stdout.readline())["task_id"] for _ in range(2)] == ["T-1", "T-2"]
        new = tmp_path / "new"
        new.write_text(record(3, "T-3") + "\n")
        new.rename(log)
        assert json.loads(process.stdout.readline())["task_id"] == "T-3"
        log.write_text("")
        time.sleep(0.5)
        log.write_text(record(4, "T-4") + "\n")
        assert json.loads(process.stdout.readline())["task_id"] == "T-4"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_bad_calls(tmp_path, written):
    for call in (["--by", "colour"], ["--since", "yesterday"], ["--since", "m"], ["a", "b"], ["--x"],
                 ["--follow", "--by", "task"], ["--since"]):
        done = tagalong(tmp_path, "log", *call)
        assert done.returncode == 2 and done.stderr.startswith("tagalong log: "), call
    assert "no log: TAGALONG_LOG" in tagalong(tmp_path, "log").stderr
    assert tagalong(tmp_path, "log").returncode == 1
    assert tagalong(tmp_path, "log", TAGALONG_LOG="relative").returncode == 1
    assert tagalong(tmp_path, "log", str(tmp_path / "none")).returncode == 1
