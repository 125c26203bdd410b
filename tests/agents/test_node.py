# SPDX-License-Identifier: MIT
"""The door into Node programs: unmodified programs with it and without it."""

import os
import time

import pytest

import fakes
from conftest import HERE, ROOT
from harness import NPM, TAGALONG, check_readme, compare_agents, model, need, place  # noqa: F401
from relay import Relay
from tags import COMPUTED, CONTEXT, GENERIC, PLAIN, without

PROGRAMS = HERE / "agents" / "programs"
FIELDS = ["--task", "T-42", "--conversation", "C-7"]
DOOR = ROOT / "shim" / "hooks" / "node" / "tagalong.cjs"


@pytest.fixture(scope="module")
def node(tmp_path_factory, model):
    env = {"NPM": str(NPM / "agents")}
    with Relay() as other, place(tmp_path_factory, "node", model, env, lambda: model.requests) as node:
        model.other, node.other = other.url, other
        yield node


def both(node, command, expect, noise=(), options=("--no-service",), **env):
    bare = node.run(command, **env)
    tagged = node.run([TAGALONG, "run", *options, *FIELDS, "--", *command], **env)
    compare_agents(bare, tagged, expect, noise)
    return tagged


def test_openai_sdk(node, model):
    need("agents/node_modules/openai")
    result = both(node, ["node", PROGRAMS / "openai.mjs", model.url], [GENERIC, GENERIC])
    check_readme("OpenAI SDK 6.30.1 on Node", "generic", result.requests[0], GENERIC)
    assert result.rc == 0 and result.stdout.count(b"through the test relay") == 2


def test_qwen_code(node, model):
    program = need("agents/node_modules/@qwen-code/qwen-code")
    env = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": model.url + "/v1", "OPENAI_MODEL": "m"}
    command = ["node", program + "/cli.js", "--auth-type", "openai", "-p", "hello"]
    tagged = both(node, command, [GENERIC, GENERIC], noise=[(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"UUID")], **env)
    check_readme("qwen-code 0.15.10", "generic", tagged.requests[0], GENERIC)
    assert tagged.rc == 0, tagged.stderr


MINE = without(GENERIC, "X-Task-Id")
FORMS = {
    "fetch": [GENERIC],
    "fetch-own": [MINE],
    "fetch-same": [GENERIC, GENERIC],  # both hops
    "undici-fetch": [GENERIC],
    "undici-request": [GENERIC],
    **{way: [GENERIC] for way in ("end", "write", "pipe", "flush")},
    "late": [MINE],
    **{way: [GENERIC] for way in ("named", "keep-1", "keep-2", "worker")},
    **{way: [PLAIN] for way in ("elsewhere", "get", "put", "array", "host")},
    "hop": [GENERIC],
}


@pytest.mark.parametrize("service", [True, False])
def test_every_way_of_sending(node, model, service):
    """On the wire, and on the program's output: what is not matched, or cannot be judged, stays as
    it was to the byte; a hop to a host that was not named gets nothing."""
    need("agents/node_modules/undici")
    node.other.reset()
    expect = [tags for way in FORMS.values() for tags in way]
    options = ["--relay", model.url] + ([] if service else ["--no-service"])
    result = both(node, ["node", PROGRAMS / "forms.mjs", model.url], expect, options=options)
    assert result.rc == 0, result.stderr
    assert [r.start for r in node.other.requests] == [b"POST /hop/v1/chat/completions HTTP/1.1"] * 2
    assert node.other.requests[0].head == node.other.requests[1].head
    assert len({r.value("traceparent").split("-")[1] for r in result.requests if r.value("traceparent")}) <= 2


DOOR_NAME = "node/tagalong.cjs"
BROKEN = fakes.BROKEN | {
    "bad headers": "#!/bin/sh\nwhile read -r line; do echo '{\"matched\":true,\"headers\":"
    "[{\"name\":\"a b\",\"value\":\"c\\\\r\\\\nd\"}]}'; done\n",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_helper_costs_nothing(node, tmp_path, how):
    door = fakes.installation(tmp_path, DOOR_NAME, BROKEN[how])
    command = ["node", PROGRAMS / "forms.mjs", node.model.url]
    bare = node.run(command)
    started = time.monotonic()
    result = node.run(command, NODE_OPTIONS=f"--require {door}", **CONTEXT)
    took = time.monotonic() - started
    compare_agents(bare, result, [PLAIN] * len(bare.requests))
    assert took < 20


def test_a_helper_that_ends_is_started_again(node, tmp_path):
    """After a second; and what it leaves behind is never written to."""
    script = f"#!/bin/sh\nread -r line; echo \"$line\" | {TAGALONG} headers --stdio\n"
    door = fakes.installation(tmp_path, DOOR_NAME, script)
    program = """
      const post = () => fetch(process.argv[1] + "/v1/messages", { method: "POST", body: "{}" }).then((a) => a.text())
      const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
      await post(); await wait(100); await post(); await wait(1200); await post()
    """
    command = ["node", "--input-type=module", "-e", program, node.model.url]
    result = node.run(command, NODE_OPTIONS=f"--require {door}", **CONTEXT)
    assert (result.rc, result.stderr) == (0, b"")
    assert [r.value("X-Task-Id") for r in result.requests] == ["T-42", None, "T-42"]


def options_of(node, command, **env):
    done = node.run([*command, "node", "-p", "process.env.NODE_OPTIONS"], **env)
    assert done.rc == 0, done.stderr
    return done.stdout.decode().strip()


LAUNCHERS = [[TAGALONG, "run", "--no-service", "--"], [str(ROOT / "scripts" / "tagalong-run")]]


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=["tagalong run", "tagalong-run"])
def test_node_options_are_kept(node, launcher):
    own = "--no-warnings --max-old-space-size=512"
    value = options_of(node, launcher, NODE_OPTIONS=own)
    assert value.startswith(own + " --require /") and value.endswith("/node/tagalong.cjs")
    assert options_of(node, launcher + launcher, NODE_OPTIONS=own).count("--require") == 1
    assert options_of(node, launcher, TAGALONG_HOOKS="libcurl,dl", NODE_OPTIONS=own) == own
    assert options_of(node, launcher, TAGALONG_HOOKS="dl, node").startswith("--require")


@pytest.mark.parametrize("env", [{"TAGALONG_OFF": "1"}, {"TAGALONG_HOOKS": "libcurl"}], ids=str)
def test_a_closed_door(node, env):
    command = ["node", PROGRAMS / "openai.mjs", node.model.url]
    result = node.run(command, NODE_OPTIONS=f"--require {DOOR}", **CONTEXT, **env)
    assert [r.value("X-Task-Id") for r in result.requests] == [None, None]


def test_live_context(node, model):
    """A change is seen by the next request of a program that was running before."""
    need("agents/node_modules/openai")
    script = f"""
      const {{ execFileSync }} = require("node:child_process")
      const post = () => fetch(process.argv[1] + "/v1/messages", {{ method: "POST", body: "{{}}" }}).then((a) => a.text())
      post().then(() => {{ execFileSync("{TAGALONG}", ["context", "set", "task_id=T-43"]); return post() }})
    """
    result = node.run([TAGALONG, "run", *FIELDS, "--", "node", "-e", script, model.url])
    assert [r.value("X-Task-Id") for r in result.requests] == ["T-42", "T-43"], result.stderr


def test_nothing_is_started_before_the_first_post(node):
    """And the helper ends with its program."""
    script = """
      const { readFileSync } = require("node:fs")
      const children = () => readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim()
      console.log("before", children())
      fetch(process.argv[1] + "/v1/models").then((a) => a.text()).then(() => console.log("get", children()))
        .then(() => fetch(process.argv[1] + "/v1/messages", { method: "POST" })).then((a) => a.text())
        .then(() => console.log("post", children()))
    """
    result = node.run(["node", "-e", script, node.model.url], NODE_OPTIONS=f"--require {DOOR}")
    lines = result.stdout.decode().split("\n")
    assert lines[:2] == ["before ", "get "] and lines[2].startswith("post ")
    (helper,) = lines[2].split()[1:]
    until = time.monotonic() + 10
    while os.path.exists(f"/proc/{helper}") and time.monotonic() < until:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{helper}")


# What the relay and the other server are to get.
TARGETS = {
    "follow": ([GENERIC], [PLAIN]),
    "host": ([], [PLAIN]),
    "host of another port": ([GENERIC], []),
    "userinfo": ([], [PLAIN]),
    "https in plain": ([], [PLAIN]),
    "createConnection": ([], [PLAIN]),
    "agent": ([], [PLAIN]),
    "agent through": ([GENERIC], []),
    "agent's port": ([], [PLAIN]),
    "dispatcher": ([], [PLAIN, PLAIN]),
    "dispatcher of its own": ([GENERIC], []),
}


@pytest.mark.parametrize("mode", TARGETS)
def test_where_it_goes(node, model, mode):
    need("agents/node_modules/undici")
    node.other.reset()
    relay, other = TARGETS[mode]
    command = ["node", PROGRAMS / "target.mjs", model.url, node.other.url, mode]
    both(node, command, relay, options=["--relay", model.url, "--no-service"])
    node.other.settle()
    heads = [r.head for r in node.other.requests]
    assert len(heads) == 2 * len(other) and not any(b"X-Task-Id" in head for head in heads)
    assert heads[: len(other)] == heads[len(other) :]


def test_a_loopback_name_that_dns_answers(node):
    """Without a relay that was named, and without the address, only localhost itself is believed."""
    script = """
      const dns = require("node:dns"), http = require("node:http"), { port } = new URL(process.argv[1])
      const lookup = (name, options, done) => done(null, options.all ? [{ address: "127.0.0.1", family: 4 }] : "127.0.0.1", 4)
      const post = (host) => new Promise((done) => http.request(
        { method: "POST", host, port, path: "/v1/messages", lookup }, (a) => a.resume().on("end", done)).end("{}"))
      post("agent.localhost").then(() => post("localhost"))
    """
    result = node.run(["node", "-e", script, node.model.url], NODE_OPTIONS=f"--require {DOOR}", **CONTEXT)
    assert [r.value("X-Task-Id") for r in result.requests] == [None, "T-42"], result.stderr
