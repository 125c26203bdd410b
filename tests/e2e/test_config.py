# SPDX-License-Identifier: MIT
"""The configuration, as it shows on the wire."""

import json
import subprocess
import time

import pytest

from commands import BODY, CHAT, curl, post
from conftest import ROOT, clean_environment, need
from standin import standin
from tags import CONTEXT, GENERIC, PLAIN, without
from test_handles import PUPPET


@pytest.fixture
def config(tmp_path):
    """config(document, **variables): writes it, and is the environment that names it."""
    path = tmp_path / "config.json"

    def config(document, context=CONTEXT, **variables):
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        path.chmod(0o644)
        return context | {"TAGALONG_CONFIG": str(path)} | variables

    config.path = path
    return config


def rule(relay, **keys):
    return {"relays": [{"match": [f"{relay.url}"], **keys}]}


def test_a_place_that_cannot_be_looked_at(neutral, relay, tmp_path):
    """What is there may name other relays than the defaults."""
    neutral(post(relay.url + CHAT), [GENERIC])
    folder = tmp_path / ".config" / "tagalong"
    folder.mkdir(parents=True)
    (folder / "config.json").symlink_to("config.json")
    neutral(post(relay.url + CHAT), [PLAIN])


def test_own_headers_stand_before_the_presets(neutral, relay, config):
    document = rule(
        relay,
        headers={"X-Team": "{env:TEAM|'unknown'}", "X-Conversation-Id": None, "X-Task-Id": "t-{task_id}"},
    )
    expect = {"X-Team": "unknown", "X-Task-Id": "t-T-42"} | without(
        GENERIC, "X-Conversation-Id", "X-Task-Id"
    )
    neutral(post(relay.url + CHAT), [expect], env=config(document))
    neutral(post(relay.url + CHAT), [expect | {"X-Team": "pay"}], env=config(document, TEAM="pay"))


def test_json_and_fan_out(neutral, relay, config):
    document = rule(
        relay,
        preset="xai",
        headers={
            "X-Meta": {"$max_members": 3, "$max_value": 6, "task": "{task_id}", "*": "{tags}"},
            "X-Tag-*": "{tags}",
        },
    )
    # "long" is too long for the object, and the fourth member is one too many.
    tags = {"TAGALONG_TAGS": "team=pay,long=1234567,env=ci,last=x"}
    expect = {
        "X-Meta": '{"task":"T-42","team":"pay","env":"ci"}',
        "X-Tag-team": "pay",
        "X-Tag-long": "1234567",
        "X-Tag-env": "ci",
        "X-Tag-last": "x",
        "x-grok-conv-id": "C-7",
    }
    neutral(post(relay.url + CHAT), [expect], env=config(document, **tags))


def test_members_that_do_not_fit_are_told(run, relay, config):
    document = rule(relay, headers={"X-Meta": {"$max_members": 2, "*": "{tags}"}})
    env = config(document, TAGALONG_TAGS="a=1,b=2,c=3,d=4", TAGALONG_DEBUG="stderr")
    log = run(post(relay.url + CHAT), env=env).stderr.decode()
    assert "X-Meta: members left out, too long, too many or not fit to send: 2" in log
    explain = [ROOT / "build" / "tagalong", "explain", relay.url + CHAT]
    assert b"2 members left out" in run(explain, env=env).stdout


def test_first_rule_that_fits(neutral, relay, other_relay, config):
    document = {
        "relays": [
            {"match": [relay.url], "endpoints": ["embedding"], "preset": "xai"},
            {"match": [relay.url], "preset": "fireworks"},
            {"match": [other_relay.url], "endpoints": ["/ask"], "preset": "xai"},
        ]
    }
    env = config(document)
    xai, fireworks = {"x-grok-conv-id": "C-7"}, {"x-session-affinity": "C-7"}
    neutral(post(relay.url + CHAT), [fireworks], env=env)
    neutral(post(relay.url + "/v1/embeddings"), [xai], env=env)
    neutral(post(other_relay.url + "/my/ask"), {"other": [xai]}, env=env)
    neutral(post(other_relay.url + CHAT), {"other": [PLAIN]}, env=env)


def test_what_is_not_named_gets_nothing(neutral, relay, other_relay, config):
    # Loopback is a relay by itself only where no rule says what is one.
    neutral(post(other_relay.url + CHAT), {"other": [PLAIN]}, env=config(rule(relay)))
    neutral(post(relay.url + CHAT), [GENERIC], env=config(rule(relay)))


def test_redirect_from_rule_to_rule(neutral, relay, other_relay, config):
    """Each hop by its own rule; the values of one rule never reach the other's host."""
    document = {
        "relays": [
            {"match": [relay.url], "preset": "xai"},
            {"match": [other_relay.url], "preset": "fireworks"},
        ]
    }
    send = post(f"{relay.url}/switch/redirect-307-other/switch/redirect-307-other{CHAT}", "-L")
    xai, fireworks = {"x-grok-conv-id": "C-7"}, {"x-session-affinity": "C-7"}
    neutral(send, {"relay": [xai, xai], "other": [fireworks]}, env=config(document))


def test_max_headers(neutral, relay, config):
    expect = {"X-Task-Id": "T-42", "X-Conversation-Id": "C-7"}
    neutral(post(relay.url + CHAT), [expect], env=config(rule(relay, max_headers=2)))


def test_adopted_variables(neutral, relay, config):
    document = rule(relay, preset="xai") | {"adopt": {"conversation_id": ["CI_JOB_ID", "RUN"]}}
    send = post(relay.url + CHAT)

    def expect(value, **variables):
        env = config(document, context={}, **variables)
        neutral(send, [{"x-grok-conv-id": value}], env=env)

    expect("job", CI_JOB_ID="job", RUN="run", CLAUDE_CODE_SESSION_ID="claude")
    expect("run", RUN="run", CLAUDE_CODE_SESSION_ID="claude")
    expect("claude", CLAUDE_CODE_SESSION_ID="claude")
    expect("own", CI_JOB_ID="job", TAGALONG_CONVERSATION_ID="own")


def test_the_environment_is_nearer(neutral, relay, config):
    env = config(rule(relay, preset="xai"))
    neutral(post(relay.url + CHAT), [GENERIC], env=env | {"TAGALONG_PRESET": "generic"})
    neutral(post(relay.url + CHAT), [PLAIN], env=env | {"TAGALONG_ENDPOINTS": "embedding"})
    neutral(post(relay.url + CHAT), [PLAIN], env=env | {"TAGALONG_OFF": "1"})


@pytest.mark.parametrize("own", ["X-task-ID: mine", "X-Task-Id:", "X-Task-Id;"])
def test_the_clients_header_is_kept(neutral, relay, config, own):
    command = post(relay.url + CHAT, "-H", own, "-H", "X-Own: 1")
    env = config(rule(relay, on_conflict="keep"))
    neutral(command, [without(GENERIC, "X-Task-Id")], env=env)


@pytest.mark.parametrize("own", ["X-task-ID: mine", "X-Task-Id:", "X-Task-Id;"])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_the_clients_header_is_replaced(run, relay, config, own, place):
    """Once, never twice; all the client's other lines stay, in their order."""
    others = ["X-A: 1", "Authorization: Bearer sk", "X-B: 2"]
    others.insert({"first": 0, "middle": 1, "last": 3}[place], own)
    command = post(relay.url + CHAT, *[part for line in others for part in ("-H", line)])
    plain = post(relay.url + CHAT, *[p for line in others if line != own for p in ("-H", line)])
    expected = run(plain, env=config(rule(relay))).requests[0]
    got = run(command, env=config(rule(relay, on_conflict="replace"))).requests[0]
    changing = {"x-request-id", "traceparent"}
    lines = [[line for line in request.head.split(b"\r\n")
              if line.split(b":")[0].decode().lower() not in changing]
             for request in (expected, got)]
    assert lines[0] == lines[1]
    assert got.value("X-Task-Id") == "T-42"


def test_replacing_over_several_requests(run, relay, config):
    """The client's list is its own again for a request that is not tagged."""
    script = (
        "append l X-Task-Id: mine\nappend l X-Own: 1\n"
        f"init a\nurl a {relay.url}{CHAT}\npost a {{}}\nheaders a l\nperform a\n"
        f"url a {relay.url}/other\nperform a\nurl a {relay.url}{CHAT}\nperform a\ncleanup a\nfree l\n"
    )
    env = config(rule(relay, on_conflict="replace"))
    requests = run(PUPPET, env=env, stdin=script.encode()).requests
    assert [r.value("X-Task-Id") for r in requests] == ["T-42", "mine", "T-42"]
    assert [r.value("X-Own") for r in requests] == ["1", "1", "1"]


def test_required_field(run, relay, config):
    env = config(rule(relay, require=["task_id"]))
    assert run(post(relay.url + CHAT), env=env).requests[0].value("X-Task-Id") == "T-42"
    del env["TAGALONG_TASK_ID"]
    refused = run(post(relay.url + CHAT), env=env)
    assert (refused.rc, refused.requests) == (42, [])  # CURLE_ABORTED_BY_CALLBACK
    # Where the rule does not hold nothing is refused.
    assert len(run(post(relay.url + "/other"), env=env).requests) == 1
    assert len(run(curl(relay.url + CHAT), env=env).requests) == 1
    log = run(post(relay.url + CHAT), env=env | {"TAGALONG_DEBUG": "stderr"}).stderr
    assert b"required, and without a value: task_id" in log


def test_required_field_in_a_multi(run, relay, config):
    env = config(rule(relay, require=["user_id"]))
    refused = run(curl("-Z", relay.url + CHAT, "-d", BODY), env=env)
    assert (refused.rc, refused.requests) == (42, [])


def test_required_field_before_7_80(run, relay, config):
    """Found out when the transfer starts: the stand-in is such a libcurl."""
    env = config(rule(relay, require=["user_id"])) | standin("old")
    start = f"init a\nurl a {relay.url}{CHAT}\npost a {{}}\n"
    done = run(PUPPET, env=env, stdin=(start + "perform a\ncleanup a").encode())
    assert done.requests == [] and b"  42" in done.stdout
    done = run(PUPPET, env=env, stdin=(start + "multi m\nadd m a\ncleanup a\nmulticleanup m").encode())
    assert done.requests == []
    done = run(PUPPET, env=env | {"TAGALONG_USER_ID": "u"}, stdin=(start + "perform a").encode())
    assert done.requests[0].value("X-User-Id") == "u"


def test_nothing_is_tagged_with_a_bad_configuration(neutral, relay, config):
    send = post(relay.url + CHAT, "-H", "X-Own: 1")
    for bad in ("", "{", "[]", '{"relays":5}', '{"relays":[{"match":["*"],"headers":{"Cookie":"x"}}]}'):
        neutral(send, [PLAIN], env=config(bad))
    env = config(rule(relay))
    neutral(send, [GENERIC], env=env)
    config.path.chmod(0o666)
    neutral(send, [PLAIN], env=env)
    neutral(send, [PLAIN], env=env | {"TAGALONG_CONFIG": "/nonexistent/config.json"})
    neutral(send, [PLAIN], env=env | {"TAGALONG_CONFIG": "config.json"})
    neutral(send, [PLAIN], env=env | {"TAGALONG_CONFIG": "/"})


def test_a_bad_one_is_told_once_asked(run, relay, config):
    env = config('{\n"relay":[]}', TAGALONG_DEBUG="stderr")
    log = run(post(relay.url + CHAT), env=env).stderr.decode()
    assert f"{config.path}:2: unknown key" in log


def test_where_it_is_looked_for(neutral, relay, config, tmp_path):
    """$TAGALONG_CONFIG, else XDG_CONFIG_HOME, else ~/.config; HOME is tmp_path here."""
    send = post(relay.url + CHAT)
    for folder, env in ((tmp_path / ".config", {}), (tmp_path / "xdg", {"XDG_CONFIG_HOME": str(tmp_path / "xdg")})):
        (folder / "tagalong").mkdir(parents=True)
        preset = "fireworks" if env else "xai"
        (folder / "tagalong" / "config.json").write_text(json.dumps(rule(relay, preset=preset)))
        name = "x-session-affinity" if env else "x-grok-conv-id"
        neutral(send, [{name: "C-7"}], env=CONTEXT | env)
    named = config(rule(relay, preset="generic"))
    neutral(send, [GENERIC], env=named)


class Loop:
    """A client that runs on: it sends a request for each line it is given."""

    PROGRAM = (
        "import pycurl, sys\n"
        "c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); c.setopt(c.POSTFIELDS, '{}')\n"
        "c.setopt(c.WRITEFUNCTION, lambda data: None)\n"
        "for line in sys.stdin: c.perform(); print('done', flush=True)\n"
    )

    def __init__(self, url, environment):
        command = ["/usr/bin/python3", "-c", self.PROGRAM, url]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def send(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self):
        self.process.communicate(timeout=10)


@pytest.fixture
def loop(shim, relay, config, tmp_path):
    need(python=["pycurl"])
    loops = []
    relay.reset()

    def start(env):
        loops.append(Loop(relay.url + CHAT, clean_environment(tmp_path) | env | {"LD_PRELOAD": shim}))
        return loops[-1]

    yield start
    for each in loops:
        each.end()


def test_a_change_counts_from_the_next_request(loop, relay, config):
    """Written in place and moved over, same size and within one tick of the clock: all are seen."""
    env = config(rule(relay, preset="xai", headers={"X-N": "000"}))
    client = loop(env)
    for number in range(300):
        text = json.dumps(rule(relay, preset="xai", headers={"X-N": f"{number:03}"}))
        if number % 2:
            config.path.write_text(text)
        else:
            other = config.path.with_suffix(".new")
            other.write_text(text)
            other.rename(config.path)
        client.send()
    assert [r.value("X-N") for r in relay.requests] == [f"{n:03}" for n in range(300)]


def looks(run, trace, command, env):
    """How often each request of a command looked at the file: strace's view of a curl with a handle that
    it keeps, so that what is done once a process shows as such."""
    run(["strace", "-f", "-o", trace, "-e", "trace=stat,lstat,newfstatat,statx,openat", *command], env=env)
    return sum(str(env["TAGALONG_CONFIG"]) in line for line in trace.read_text().splitlines())


def test_one_look_a_tagged_request_and_one_a_handle(run, relay, config, tmp_path):
    trace = tmp_path / "trace"
    env = config(rule(relay, preset="xai"))
    time.sleep(0.2)  # the file is read anew while it is very young

    def times(url, count):
        return looks(run, trace, curl(*[url] * count, "-d", BODY), env)

    chat, other = relay.url + CHAT, relay.url + "/v1/other"
    # curl makes a handle for each URL: one look before it starts, and one for the request.
    assert times(chat, 9) - times(chat, 1) == 16
    assert times(other, 9) == times(other, 1)
    assert looks(run, trace, curl(chat, chat), env) == 0  # GET


def test_a_bad_change_and_its_mending(loop, relay, config):
    good = rule(relay, preset="xai", headers={"X-N": "1"})
    client = loop(config(good))
    for document in (good, "{", good):
        config(document)
        client.send()
    config.path.unlink()
    client.send()
    config(good)
    client.send()
    assert [r.value("X-N") for r in relay.requests] == ["1", None, "1", None, "1"]


def test_a_file_that_appears(loop, relay, config, tmp_path):
    client = loop(CONTEXT)
    client.send()
    folder = tmp_path / ".config" / "tagalong"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(rule(relay, preset="xai")))
    time.sleep(1.1)  # it is looked for once a second
    client.send()
    assert relay.requests[0].value("X-Task-Id") == "T-42"
    assert relay.requests[1].value("x-grok-conv-id") == "C-7"
    assert relay.requests[1].value("X-Task-Id") is None


# A conversation id from the body.

MESSAGES = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
LATER = MESSAGES + [{"role": "assistant", "content": "yes?"}, {"role": "user", "content": "more"}]


def send_body(relay, body, *args):
    return curl(relay.url + CHAT, "--data-binary", json.dumps(body) if isinstance(body, dict) else body, *args)


@pytest.fixture
def derive(run, relay, config):
    def derive(body, *args, context={}, command=None, **variables):
        env = config(rule(relay, conversation="derive"), context=context, **variables)
        (request,) = run(command or send_body(relay, body, *args), env=env).requests
        return request.value("X-Conversation-Id")

    return derive


def test_derived_id_is_stable_over_turns(derive, tmp_path):
    first = derive({"model": "m", "messages": MESSAGES})
    assert first and first[14] == "8"
    assert derive({"messages": LATER, "stream": True}) == first
    assert derive({"messages": [MESSAGES[0], {"role": "user", "content": "ho"}]}) != first
    key = tmp_path / ".local/state/tagalong/conversation.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o077 == 0
    # Another user's ids are others.
    key.unlink()
    assert derive({"messages": MESSAGES}) not in (None, first)


def test_a_given_id_wins(derive):
    given = {"TAGALONG_CONVERSATION_ID": "C-7"}
    assert derive({"messages": MESSAGES}, context=given) == "C-7"
    adopted = {"CLAUDE_CODE_SESSION_ID": "claude"}
    assert derive({"messages": MESSAGES}, context=adopted) == "claude"


@pytest.mark.parametrize("body", ["{", "not json", "a=1&b=2", '{"messages":[]}', "@-"])
def test_bodies_that_are_not_understood(run, relay, config, body):
    """The id of where it was said: the launcher's, the same for all such requests; else the process's."""
    def ids(**variables):
        env = config(rule(relay, conversation="derive", preset="xai"), context={}, **variables)
        for _ in range(2):
            (request,) = run(send_body(relay, body), env=env, stdin=b"\0\xff\0").requests
            yield request.value("x-grok-conv-id")

    first, second = ids(TAGALONG_RUN="host-7")
    assert first == second and first[14] == "8"
    assert len({first, *ids(), *ids(TAGALONG_RUN="host-8")}) == 4


def test_no_id_where_none_is_wanted(neutral, relay, config):
    """The preset needs one, and the configuration says no; or there is a task's."""
    env = config(rule(relay, conversation="none", preset="xai"), context={})
    neutral(send_body(relay, {"messages": MESSAGES}), [PLAIN], env=env)
    env = config(rule(relay, preset="xai"), context={"TAGALONG_TASK_ID": "T-42"})
    neutral(send_body(relay, {"messages": MESSAGES}), [{"x-grok-conv-id": "T-42"}], env=env)


def test_the_place_is_part_of_the_id(derive):
    """Equal words in two terminals are two conversations."""
    ids = {place: derive({"messages": MESSAGES}, TAGALONG_RUN=place) for place in ("", "host-7", "host-8")}
    assert len(set(ids.values())) == 3
    assert derive({"messages": LATER}, TAGALONG_RUN="host-7") == ids["host-7"]


def test_other_kinds_of_body(derive, relay, tmp_path):
    """Forms and uploads are not read: they get the id of the place."""
    (tmp_path / "body").write_text(json.dumps({"messages": MESSAGES}))
    words = derive({"messages": MESSAGES}, TAGALONG_RUN="host-7")
    form = derive(None, command=curl(relay.url + CHAT, "-F", "a=b"), TAGALONG_RUN="host-7")
    upload = derive(None, command=curl(relay.url + CHAT, "-T", "body", "-X", "POST"), TAGALONG_RUN="host-7")
    assert form and form == upload != words


def test_bodies_by_every_option(run, relay, config):
    """CURLOPT_POSTFIELDS and COPYPOSTFIELDS, with a size and without, on one handle in turn; after a
    reset, and on a copy, there is the body that libcurl has."""
    program = (
        "import ctypes, sys\n"
        "L = ctypes.CDLL('libcurl.so.4'); V = ctypes.c_void_p\n"
        "L.curl_easy_init.restype = L.curl_easy_duphandle.restype = V\n"
        "def opt(h, option, value): L.curl_easy_setopt(V(h), option, value)\n"
        "L.curl_global_init(3); body = sys.argv[2].encode(); h = L.curl_easy_init()\n"
        "def send(h=h): opt(h, 10002, sys.argv[1].encode()); L.curl_easy_perform(V(h))\n"
        "send_off = ctypes.c_longlong; keep = ctypes.create_string_buffer(body + b'garbage')\n"
        "opt(h, 10165, body); send()\n"
        "opt(h, 60, ctypes.c_long(len(body))); opt(h, 10015, keep); send()\n"
        "opt(h, 60, ctypes.c_long(-1)); opt(h, 30120, send_off(len(body))); send()\n"
        "opt(h, 10165, keep); send()\n"
        "d = L.curl_easy_duphandle(V(h)); send(d); L.curl_easy_cleanup(V(d))\n"
        "L.curl_easy_reset(V(h)); opt(h, 10015, b''); send()\n"
        "opt(h, 60, ctypes.c_long(2)); opt(h, 10165, b'{}'); send()\n"
    )
    document = rule(relay, conversation="derive", preset="xai")
    text = json.dumps({"messages": MESSAGES})
    command = ["/usr/bin/python3", "-c", program, relay.url + CHAT, text]
    requests = run(command, env=config(document, context={})).requests
    assert [r.body for r in requests] == [text.encode()] * 5 + [b"", b"{}"]
    ids = [r.value("x-grok-conv-id") for r in requests]
    assert ids[0] and ids[:5] == [ids[0]] * 5
    assert ids[5] == ids[6] != ids[0]  # the process's


# The option that makes a request without the body that was set before; its memory is gone by then.
OTHER_BODIES = {"NOBODY": 44, "UPLOAD": 46, "PUT": 54, "HTTPGET": 80}


@pytest.mark.parametrize("rules", ["none", "derive"])
@pytest.mark.parametrize("option", OTHER_BODIES)
def test_a_body_that_is_not_sent_is_not_read(run, relay, config, option, rules):
    """The client may give back its POSTFIELDS memory once another request takes the place of that body,
    also where it calls that request POST."""
    program = (
        "import ctypes, mmap, sys\n"
        "V = ctypes.c_void_p; L = ctypes.CDLL('libcurl.so.4'); C = ctypes.CDLL(None)\n"
        "L.curl_easy_init.restype = C.mmap.restype = V\n"
        "page = C.mmap(None, 4096, 3, 0x22, -1, 0)\n"  # readable, private, anonymous
        "h = L.curl_easy_init(); ctypes.memmove(page, b'{\"input\":\"hi\"}', 14)\n"
        "def opt(option, value): L.curl_easy_setopt(V(h), option, value)\n"
        "opt(10002, sys.argv[1].encode()); opt(10015, V(page)); opt(10036, b'POST')\n"
        "L.curl_easy_perform(V(h))\n"
        "opt(14, ctypes.c_long(0)); opt(int(sys.argv[2]), ctypes.c_long(1))\n"
        "C.munmap(V(page), 4096); print(L.curl_easy_perform(V(h)), flush=True)\n"
    )
    command = ["/usr/bin/python3", "-c", program, relay.url + CHAT, str(OTHER_BODIES[option])]
    env = config(rule(relay, conversation="derive"), context={}) if rules == "derive" else CONTEXT
    bare = run(command, env=env, shim=None)
    done = run(command, env=env)
    assert (done.rc, done.stdout) == (bare.rc, bare.stdout) and bare.rc == 0
    assert [(r.method, r.body) for r in done.requests] == [(r.method, r.body) for r in bare.requests]
    assert done.requests[1].method == "POST" and not done.requests[1].body


def test_a_large_body(derive, tmp_path):
    long = MESSAGES + [{"role": "user", "content": "x" * (8 << 20)}]
    (tmp_path / "body.json").write_text(json.dumps({"messages": long}))
    assert derive("@body.json") == derive({"messages": MESSAGES})


def test_a_first_message_that_is_too_long(derive, run, relay, config, tmp_path):
    """It counts as far as it is looked at: by both kinds of POSTFIELDS, and in the commands."""
    need(python=["pycurl"])
    def body(end):
        text = json.dumps({"messages": [{"role": "user", "content": "x" * (300 << 10) + end}]})
        (tmp_path / "body.json").write_text(text)
        return text

    body("a")
    first = derive("@body.json")
    body("b")
    assert first and derive("@body.json") == first
    env = config(rule(relay, conversation="derive"), context={})
    body("c")
    copying = (  # pycurl sets COPYPOSTFIELDS
        "import pycurl, sys; c = pycurl.Curl(); c.setopt(c.URL, sys.argv[1]); "
        "c.setopt(c.POSTFIELDS, open('body.json').read()); c.perform()"
    )
    (copied,) = run(["/usr/bin/python3", "-c", copying, relay.url + CHAT], env=env).requests
    command = [ROOT / "build" / "tagalong", "headers", "--body", tmp_path / "body.json", relay.url + CHAT]
    assert copied.value("X-Conversation-Id") == first
    assert f"X-Conversation-Id: {first}\n" in run(command, env=env, shim=None).stdout.decode()


def test_values_of_the_body(neutral, relay, config):
    document = rule(relay, preset="xai", headers={
        "X-Task-Id": "{body:/metadata/task_id|task_id}", "X-User": "{body:/user}", "X-Bad": "{body:/bad}",
    })
    body = {"user": "ünï", "bad": "a\nb", "metadata": {"task_id": "T-9"}}
    expect = {"X-Task-Id": "T-9", "X-User": "%C3%BCn%C3%AF", "x-grok-conv-id": "C-7"}
    neutral(send_body(relay, body), [expect], env=config(document))
    del expect["X-User"]
    neutral(send_body(relay, {}), [expect | {"X-Task-Id": "T-42"}], env=config(document))


def test_a_key_that_is_not_to_be_trusted(derive, tmp_path):
    """Then nothing is made of the words: each process has an id of its own."""
    ids = [derive({"messages": MESSAGES})]
    key = tmp_path / ".local/state/tagalong/conversation.key"
    key.chmod(0o644)
    ids.append(derive({"messages": MESSAGES}, TAGALONG_RUN="host-7"))
    key.chmod(0o600)
    key.write_text("short")
    ids.append(derive({"messages": MESSAGES}, TAGALONG_RUN="host-7"))
    key.unlink()
    key.symlink_to("/dev/zero")
    ids.append(derive({"messages": MESSAGES}))
    ids.append(derive({"messages": MESSAGES}, HOME="", XDG_STATE_HOME=""))
    assert all(ids) and len(set(ids)) == 5


def test_derived_id_is_shared_by_hops(run, relay, config):
    env = config(rule(relay, conversation="derive", preset="xai"), context={})
    body = json.dumps({"messages": MESSAGES})
    send = curl(f"{relay.url}/switch/redirect-307-same{CHAT}", "-d", body, "-L")
    ids = [r.value("x-grok-conv-id") for r in run(send, env=env).requests]
    assert len(ids) == 2 and ids[0] and ids[0] == ids[1]
