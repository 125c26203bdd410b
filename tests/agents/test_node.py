# SPDX-License-Identifier: MIT
"""The hook into Node programs: unmodified programs with it and without it."""

import json

import pytest

import conftest
from conftest import HERE, ROOT
from harness import NPM, TAGALONG, check_page, compare_agents, model, need, place  # noqa: F401
from proxy import Proxy, own_address
from relay import Relay
from tags import CONTEXT, GENERIC, PLAIN, without

PROGRAMS = HERE / "agents" / "programs"
FIELDS = ["--task", "T-42", "--conversation", "C-7"]
HOOK = ROOT / "shim" / "hooks" / "node" / "tagalong.cjs"


@pytest.fixture(scope="module")
def node(tmp_path_factory, model):
    conftest.need("node")
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
    check_page("OpenAI SDK 6.30.1 on Node", "generic", result.requests[0], GENERIC)
    assert result.rc == 0 and result.stdout.count(b"through the test relay") == 2


def test_qwen_code(node, model):
    program = need("agents/node_modules/@qwen-code/qwen-code")
    env = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": model.url + "/v1", "OPENAI_MODEL": "m"}
    command = ["node", program + "/cli.js", "--auth-type", "openai", "-p", "hello"]
    tagged = both(node, command, [GENERIC, GENERIC], noise=[(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"UUID")], **env)
    check_page("qwen-code 0.15.10", "generic", tagged.requests[0], GENERIC)
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


def other_machine(library):
    return library[:18] + b"\xf3\0" + library[20:]  # e_machine: RISC-V


BROKEN = {"absent": None, "empty": lambda library: b"", "other machine": other_machine}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_library_costs_nothing(node, tmp_path, how):
    hook = tmp_path / "lib/tagalong/hooks/node/tagalong.cjs"
    hook.parent.mkdir(parents=True)
    hook.write_bytes(HOOK.read_bytes())
    if BROKEN[how]:
        library = (ROOT / "build/libtagalong.so").read_bytes()
        (tmp_path / "lib/tagalong/libtagalong.so").write_bytes(BROKEN[how](library))
    command = ["node", PROGRAMS / "forms.mjs", node.model.url]
    bare = node.run(command)
    result = node.run(command, NODE_OPTIONS=f"--require {hook}", **CONTEXT)
    compare_agents(bare, result, [PLAIN] * len(bare.requests))


def test_addons_are_forbidden(node):
    need("agents/node_modules/undici")
    command = ["node", "--no-addons", PROGRAMS / "forms.mjs", node.model.url]
    both(node, command, [PLAIN] * sum(map(len, FORMS.values())), options=("--no-service", "--relay", node.model.url))


def test_ids_from_the_body(node, tmp_path):
    config = tmp_path / "config.json"
    rule = {"match": [node.model.url], "headers": {"X-Role": "{body:/messages/0/role}"}}
    config.write_text(json.dumps({"relays": [rule]}))
    script = """
      const http = require("node:http")
      const body = JSON.stringify({ messages: [{ role: "user", content: "hello" }] })
      const post = (send) => new Promise((resolve) =>
        send(http.request(process.argv[1] + "/v1/messages", { method: "POST" }, (a) => a.resume().on("end", resolve))))
      post((r) => r.end(body)).then(() => post((r) => { r.write(Buffer.from(body)); r.end() }))
    """
    expect = {**GENERIC, "X-Role": "user"}
    both(node, ["node", "-e", script, node.model.url], [expect, expect], TAGALONG_CONFIG=str(config))


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
def test_left_out(node, env):
    need("agents/node_modules/openai")
    command = ["node", PROGRAMS / "openai.mjs", node.model.url]
    result = node.run(command, NODE_OPTIONS=f"--require {HOOK}", **CONTEXT, **env)
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


def test_nothing_is_started(node):
    """No child, no descriptor more than without."""
    script = """
      const { readFileSync, readdirSync } = require("node:fs")
      const show = () => console.log(readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim(),
        readdirSync("/proc/self/fd").length)
      const post = () => fetch(process.argv[1] + "/v1/messages", { method: "POST" }).then((a) => a.text()).then(show)
      show()
      post().then(post)
    """
    both(node, ["node", "-e", script, node.model.url], [GENERIC, GENERIC])


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
    result = node.run(["node", "-e", script, node.model.url], NODE_OPTIONS=f"--require {HOOK}", **CONTEXT)
    assert [r.value("X-Task-Id") for r in result.requests] == [None, "T-42"], result.stderr


def by_undici(node, url, script, expect, server, relay, **env):
    """A program that uses undici as `undici`, without our part and with it; what the server got is compared."""
    npm = need("agents/node_modules/undici")
    command = ["node", "-e", f"const undici = require({json.dumps(npm)}), url = process.argv[1];{script}", url]
    results = []
    for launcher in [], [TAGALONG, "run", "--no-service", "--relay", relay, *FIELDS, "--"]:
        server.reset()
        result = node.run([*launcher, *command], **env)
        assert result.rc == 0, result.stderr
        result.traffic["relay"] = server.requests
        results.append(result)
    compare_agents(*results, expect)
    return results[1]


def test_http2(node, front, servers):
    """On one connection, and by names in lower case."""
    script = """
      const dispatcher = new undici.Agent({ allowH2: true, connections: 1 })
      const post = () => undici.fetch(url + "/v1/messages", { method: "POST", body: "{}", dispatcher }).then((a) => a.text())
      post().then(() => Promise.all([post(), post()])).then((texts) => { console.log(texts); process.exit() })
    """
    lower = {name.lower(): value for name, value in GENERIC.items()}
    result = by_undici(node, front.url, script, [lower] * 3, servers["relay"], front.url, NODE_EXTRA_CA_CERTS=front.ca,
                        NODE_NO_WARNINGS="1")
    assert {request.value("X-Front-Protocol") for request in result.requests} == {"HTTP/2.0"}


@pytest.mark.parametrize("where", ["loopback", "elsewhere"])
def test_a_proxy(node, model, where):
    """By undici's own, which makes a tunnel even over plain http, where nothing shows who is at its end; and by an
    absolute URL. The loopback of a proxy elsewhere is another machine's."""
    address = own_address() if where == "elsewhere" else "127.0.0.1"
    if not address:
        pytest.skip("this machine has no address but loopback")
    script = """
      const http = require("node:http"), proxy = new URL(process.env.PROXY), headers = { Host: new URL(url).host }
      const plain = () => new Promise((done) => http.request({ method: "POST", host: proxy.hostname, port: proxy.port,
        path: url + "/v1/messages", headers }, (answer) => answer.resume().on("end", done)).end("{}"))
      const dispatcher = new undici.ProxyAgent(process.env.PROXY)
      undici.fetch(url + "/v1/messages", { method: "POST", body: "{}", dispatcher }).then((a) => a.text()).then(plain)
        .then(() => process.exit())
    """
    with Proxy(host=address) as proxy:
        by_undici(node, model.url, script, [PLAIN, GENERIC if where == "loopback" else PLAIN], model, model.url, PROXY=proxy.url)
        assert proxy.requests
