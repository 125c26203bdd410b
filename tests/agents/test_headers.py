# SPDX-License-Identifier: MIT
"""tagalong headers: once, and as a helper that is asked line by line."""

import json
import subprocess

import pytest

from conftest import ROOT, clean_environment
from harness import check_page, service
from tags import CONTEXT, GENERIC, TRACEPARENT

TAGALONG = str(ROOT / "build" / "tagalong")
URL = "http://localhost:8090/v1/chat/completions"


@pytest.fixture
def headers(tmp_path):
    def headers(*arguments, stdin="", env=CONTEXT):
        return subprocess.run(
            [TAGALONG, "headers", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=clean_environment(tmp_path) | env,
            cwd=tmp_path,
            timeout=20,
        )

    return headers


@pytest.fixture
def ask(headers):
    """ask(question, ...): the answers."""

    def ask(*questions, env=CONTEXT):
        lines = [q if isinstance(q, str) else json.dumps(q) for q in questions]
        done = headers("--stdio", stdin="".join(line + "\n" for line in lines), env=env)
        assert (done.returncode, done.stderr) == (0, "")
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(questions)
        return answers

    return ask


def as_dict(answer):
    return {header["name"]: header["value"] for header in answer["headers"]}


def check(found, wanted):
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert value == found[name] if isinstance(value, str) else value.fullmatch(found[name])


def test_it_prints_what_the_shim_sends(headers, run, relay):
    """The same lines in the same order as those of a curl through the shim."""
    url = relay.url + "/v1/chat/completions"
    (sent,) = run(["curl", "-sS", url, "-d", "{}"]).requests
    check_page("curl, and every libcurl client", "generic", sent, GENERIC)
    names = [line.decode().split(": ")[0] for line in sent.lines]
    done = headers(url)
    printed = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    check(printed, GENERIC)
    assert [name for name in names if name in GENERIC] == list(printed)
    (again,) = run(["curl", "-sS", url, "-d", "{}", *(w for line in done.stdout.splitlines() for w in ("-H", line))],
                   shim=None).requests
    check({name: again.value(name) for name in GENERIC}, GENERIC)


def test_json(headers):
    answer = json.loads(headers("--json", URL).stdout)
    assert set(answer) == {"matched", "headers"} and answer["matched"] is True
    check(as_dict(answer), GENERIC)


@pytest.mark.parametrize("arguments, env", [
    (["--method", "GET", URL], {}),
    (["http://localhost:8090/v1/models"], {}),
    (["https://example.com/v1/chat/completions"], {}),
    (["no url"], {}),
    ([URL], {"TAGALONG_OFF": "1"}),
    ([URL], {"TAGALONG_PRESET": "nosuch"}),
])
def test_nothing_is_no_failure(headers, arguments, env):
    done = headers(*arguments, env=CONTEXT | env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_set_wins(headers):
    printed = headers("--set", "task_id=T-1", "--set", "user_id=u", URL).stdout
    assert "X-Task-Id: T-1\n" in printed and "X-User-Id: u\n" in printed


@pytest.mark.parametrize("arguments", [
    [], [URL, URL], ["--nosuch", URL], ["--set", "x=1", URL], ["--set", "task_id", URL],
    ["--stdio", URL], ["--agent", "kilo", URL], ["--method"],
])
def test_a_bad_call(headers, arguments):
    done = headers(*arguments)
    assert done.returncode == 2 and done.stdout == "" and "usage:" in done.stderr


def test_context_and_default(ask):
    """`context` goes before all sources, for one question; `default` behind them."""
    given = {"conversation_id": "ses_1", "task_id": 7, "nosuch": "x"}
    one, two, three = ask(
        {"url": URL, "context": given, "default": {"task_id": "ses_1", "user_id": "u", "parent_task_id": "p"}},
        {"url": URL, "default": {"user_id": "v"}},
        {"url": URL},
    )
    assert as_dict(one)["X-Conversation-Id"] == "ses_1" and as_dict(one)["X-Task-Id"] == "T-42"
    assert as_dict(one)["X-User-Id"] == "u" and "X-Parent-Task-Id" not in as_dict(one)
    assert as_dict(two)["X-User-Id"] == "v" and as_dict(two)["X-Conversation-Id"] == "C-7"
    check(as_dict(three), GENERIC)


def test_own_headers_are_left_out(ask):
    (answer,) = ask({"url": URL, "own": ["x-TASK-id", "traceparent", 7]})
    assert set(GENERIC) - set(as_dict(answer)) == {"X-Task-Id", "traceparent"}


def test_a_project_for_each_folder(ask, tmp_path):
    for name in "billing", "search":
        subprocess.run(["git", "init", "-q", tmp_path / name], check=True)
        url = f"https://example.com/acme/{name}.git"
        subprocess.run(["git", "-C", tmp_path / name, "remote", "add", "origin", url], check=True)
    folders = [tmp_path / "billing", tmp_path / "search", tmp_path / "nosuch", None, tmp_path / "billing"]
    answers = ask(*({"url": URL, **({"cwd": str(folder)} if folder else {})} for folder in folders), env={})
    projects = [as_dict(answer).get("X-Project-Id") for answer in answers]
    assert projects == ["billing", "search", None, None, "billing"]


def test_environment(ask):
    given, fallback = {"conversation_id": "ses_1"}, {"task_id": "ses_1", "mode": "code"}
    (one,) = ask({"op": "environment", "context": given, "default": fallback})
    traceparent = one["environment"].pop("TRACEPARENT")
    assert TRACEPARENT.fullmatch(traceparent)
    assert one == {"environment": {"TAGALONG_CONVERSATION_ID": "ses_1", "TAGALONG_MODE": "code"}}


def test_a_trace_that_was_there_goes_on(ask):
    there = {"TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "TRACESTATE": "a=1"}
    mine = {"traceparent": "00-11111111111111111111111111111111-2222222222222222-02"}
    one, two = ask({"op": "environment", "default": mine}, {"url": URL, "default": mine}, env=there)
    assert one["environment"]["TRACEPARENT"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert not one["environment"]["TRACEPARENT"].endswith("b7ad6b7169203331-01")
    assert one["environment"]["TRACESTATE"] == "a=1"
    assert as_dict(two)["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    (three,) = ask({"url": URL, "default": mine}, env={})
    assert as_dict(three)["traceparent"].startswith("00-11111111111111111111111111111111-")


@pytest.mark.parametrize("line", ["", "null", "[]", "{", "7", '{"op":"nosuch"}', "{}", '{"url":7}', "\\xff"])
def test_every_line_is_answered(ask, line):
    bad, good = ask(line, {"url": URL})
    assert list(bad) == ["error"]
    check(as_dict(good), GENERIC)


def test_a_line_that_is_too_long_ends_it(headers):
    done = headers("--stdio", stdin='{"url":"' + "x" * 70000 + '"}\n')
    assert (done.returncode, done.stdout) == (3, "")


PUBLISH = '{"op":"publish","context":{"conversation_id":"%s","task_id":"\\n"}}'


def test_publish(tmp_path, headers):
    """In a scope of the asking process's own: its tree has it, what is around it does not. A value that
    the protocol refuses is left out."""
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "lines").write_text("".join(PUBLISH % name + "\n" for name in ("ses_1", "ses_2")))
    inner = f"{TAGALONG} headers --stdio < lines; {TAGALONG} context get"
    outer = f"sh -c '{inner}'; {TAGALONG} context get"
    with service(tmp_path / "run") as found:
        done = subprocess.run(
            [TAGALONG, "run", "--", "sh", "-c", outer],
            capture_output=True,
            text=True,
            env=clean_environment(tmp_path) | found,
            cwd=tmp_path,
            timeout=20,
        )
    one, two, *rest = done.stdout.splitlines()
    assert one == two == '{"published":true}', done.stderr
    assert [line for line in rest if not line.startswith("traceparent=")] == ["conversation_id=ses_2"]


def test_publish_to_nobody(headers):
    done = headers("--stdio", stdin=PUBLISH % "ses_1" + "\n", env={"TAGALONG_SOCKET": "/nosuch/context.sock"})
    assert (done.returncode, done.stdout) == (0, '{"published":false}\n')


@pytest.fixture
def configured(tmp_path):
    """configured(rule): the variables for a configuration with this one."""

    def configured(**rule):
        path = tmp_path / "config.json"
        adopt = {"task_id": ["CI_JOB_ID"]}
        path.write_text(json.dumps({"relays": [{"match": ["http://localhost:*"], **rule}], "adopt": adopt}))
        return {"TAGALONG_CONFIG": str(path)}

    return configured


BODY = {"metadata": {"run": "R-7"}, "messages": [{"role": "user", "content": "hello"}]}


def test_ids_from_the_body(headers, ask, configured, tmp_path):
    env = configured(conversation="derive", headers={"X-Run": "{body:/metadata/run}"})
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    by_file = headers("--body", "body.json", URL, env=env).stdout.splitlines()
    by_pipe = headers("--body", "-", URL, stdin=json.dumps(BODY), env=env).stdout.splitlines()
    (answer,) = ask({"url": URL, "body": json.dumps(BODY)}, env=env)
    ids = [line for line in by_file if line.startswith("X-Conversation-Id: ")]
    assert "X-Run: R-7" in by_file and len(ids) == 1
    assert "X-Run: R-7" in by_pipe and ids[0] in by_pipe
    assert as_dict(answer)["X-Run"] == "R-7" and as_dict(answer)["X-Conversation-Id"] in ids[0]
    assert not [line for line in headers(URL, env=env).stdout.splitlines() if line.startswith("X-Run")]
    assert headers("--body", "nosuch", URL, env=env).returncode == 3


def test_a_field_that_is_required(headers, ask, configured):
    env = configured(require=["task_id"])
    done = headers(URL, env=env)
    assert (done.returncode, done.stdout) == (1, "") and "do not send this request" in done.stderr
    assert json.loads(headers("--json", URL, env=env).stdout) == {"matched": True, "refused": True, "headers": []}
    assert headers("--set", "task_id=T-1", URL, env=env).returncode == 0
    one, two = ask({"url": URL}, {"url": URL, "default": {"task_id": "T-1"}}, env=env)
    assert one["refused"] and as_dict(two)["X-Task-Id"] == "T-1"


def test_what_is_adopted_goes_before_a_default(ask, configured):
    env = configured() | {"CI_JOB_ID": "job-1"}
    (answer,) = ask({"url": URL, "default": {"task_id": "ses_1", "parent_task_id": "ses_0"}}, env=env)
    assert as_dict(answer)["X-Task-Id"] == "job-1" and "X-Parent-Task-Id" not in as_dict(answer)


def test_a_rule_that_replaces_cannot_here(ask, configured):
    (answer,) = ask({"url": URL, "own": ["x-task-id"]}, env=configured(on_conflict="replace") | CONTEXT)
    assert "X-Task-Id" not in as_dict(answer) and "X-Project-Id" in as_dict(answer)
