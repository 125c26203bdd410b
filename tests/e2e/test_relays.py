# SPDX-License-Identifier: MIT
"""Which hosts are relays, as it shows on the wire, and what the presets send there."""

import pytest

from commands import BODY, CHAT, curl, post
from tags import COMPUTED, CONTEXT, GENERIC, PLAIN, UUID7, without

SENT, NOT = [GENERIC], [PLAIN]


def at(host, port, *args):
    """A chat request to that host, which is found on loopback whatever its name is."""
    resolve = ["--connect-to", f"::127.0.0.1:{port}"]
    return post(f"http://{host}:{port}{CHAT}", *resolve, "-H", "X-Own: 1", *args)


@pytest.mark.parametrize(
    "host, expect",
    [
        ("127.0.0.1", SENT),
        ("127.1.2.3", SENT),
        ("localhost", SENT),
        ("LocalHost", SENT),
        ("api.localhost", SENT),
        ("[::1]", SENT),
        ("[0:0:0:0:0:0:0:1]", SENT),
        ("relay.example.com", NOT),
        ("localhost.example.com", NOT),
        ("fakelocalhost", NOT),
        ("127.0.0.1.example.com", NOT),
        ("192.0.2.1", NOT),
        ("127.0.0.1@relay.example.com", NOT),
        ("relay.example.com@127.0.0.1", SENT),
    ],
)
def test_nothing_configured_is_loopback_only(neutral, relay, host, expect):
    # user names that look like hosts
    neutral(at(host, relay.port), expect)


@pytest.mark.parametrize(
    "pattern, host, expect",
    [
        ("http://relay.example.com:*", "relay.example.com", SENT),
        ("http://relay.example.com:*", "RELAY.Example.COM", SENT),
        ("http://relay.example.com:*", "relay.example.com.", SENT),
        ("HTTP://Relay.Example.Com:*/", "relay.example.com", SENT),
        ("http://a.example:*, http://relay.example.com:*", "relay.example.com", SENT),
        ("http://*.corp.example:*", "a.b.corp.example", SENT),
        ("http://[2001:db8::1]:*", "[2001:DB8:0::1]", SENT),
        ("http://127.0.0.1:*", "127.0.0.1", SENT),
        ("*", "relay.example.com", SENT),
        ("http://*.corp.example:*", "corp.example", NOT),
        ("http://*.corp.example:*", "fakecorp.example", NOT),
        ("http://relay.example.com:*", "api.relay.example.com", NOT),
        ("http://relay.example.com:*", "fakerelay.example.com", NOT),
        ("http://relay.example.com:*", "relay.example.com@127.0.0.1", NOT),
        ("http://relay.example.com:*", "127.0.0.1", NOT),  # loopback is named no more
        ("http://relay.example.com", "relay.example.com", NOT),  # port 80
        ("https://relay.example.com:*", "relay.example.com", NOT),
        ("relay.example.com:*", "relay.example.com", NOT),  # no scheme means https
        ("http://relay.example.com:1", "relay.example.com", NOT),
        ("http://relay.example.com:*/v1", "relay.example.com", NOT),  # no pattern
        ("nonsense://relay.example.com:*", "relay.example.com", NOT),
        ("", "relay.example.com", NOT),
    ],
)
def test_patterns(neutral, relay, pattern, host, expect):
    neutral(at(host, relay.port), expect, env=CONTEXT | {"TAGALONG_RELAYS": pattern})


def test_a_port_is_part_of_the_relay(neutral, relay, other_relay):
    command = at("127.0.0.1", relay.port) + ["--next"] + at("127.0.0.1", other_relay.port)[1:]
    for env in ({"TAGALONG_RELAYS": relay.url}, {"TAGALONG_RELAYS": f"127.0.0.1:{relay.port}"}):
        neutral(command, {"relay": SENT, "other": NOT}, env=CONTEXT | env)


@pytest.mark.parametrize(
    "pattern, expect",
    [
        ("https://relay.example.com:{port}", SENT),
        ("relay.example.com:{port}", SENT),
        ("*.example.com:*", SENT),
        ("http://relay.example.com:{port}", NOT),
        ("relay.example.com", NOT),  # port 443
    ],
)
def test_https(neutral, front, pattern, expect):
    url = f"https://relay.example.com:{front.port}{CHAT}"
    connect = ["--connect-to", f"::127.0.0.1:{front.port}", "--cacert", front.ca]
    env = CONTEXT | {"TAGALONG_RELAYS": pattern.format(port=front.port)}
    neutral(post(url, *connect), expect, env=env)


@pytest.mark.parametrize(
    "url, expect",
    [
        ("127.0.0.1:{port}" + CHAT, SENT),
        ("HTTP://127.0.0.1:{port}" + CHAT, SENT),
        ("http:/127.0.0.1:{port}" + CHAT, SENT),
        ("http:///127.0.0.1:{port}" + CHAT, SENT),
        ("http://user:pass@127.0.0.1:{port}" + CHAT, SENT),
        ("http://127.1:{port}" + CHAT, SENT),
        ("http://0x7f000001:{port}" + CHAT, SENT),
        ("http://%6cocalhost:{port}" + CHAT, SENT),
        ("http://127.0.0.1:{port}/a/../v1/chat/./completions", SENT),
        ("http://127.0.0.1:{port}" + CHAT + "?a=b", SENT),
        ("http://127.0.0.1:{port}" + CHAT + "#a", SENT),
        ("http://127.0.0.1:{port}/v1/chat/completions/..", NOT),
        ("http://127.0.0.1:{port}/?" + CHAT, NOT),
    ],
)
def test_ways_to_write_a_url(neutral, relay, url, expect):
    # read as libcurl reads it
    neutral(post(url.format(port=relay.port)), expect)


@pytest.mark.parametrize("default", ["http", "https"])
def test_default_protocol(neutral, relay, front, default):
    port, ca = (relay.port, []) if default == "http" else (front.port, ["--cacert", front.ca])
    neutral(post(f"127.0.0.1:{port}{CHAT}", "--proto-default", default, *ca), SENT)


def test_path_as_is(neutral, relay):
    url = relay.url + "/v1/chat/completions/../completions"
    result = neutral(post(url, "--path-as-is"), SENT)
    assert result.requests[0].target.endswith("/../completions")


@pytest.mark.parametrize(
    "endpoints, path, expect",
    [
        ("embedding", "/v1/embeddings", SENT),
        ("embedding", CHAT, NOT),
        ("chat,embedding", CHAT, SENT),
        ("/my/own", "/api/my/own", SENT),
        ("all", "/anything", SENT),
    ],
)
def test_endpoint_classes(neutral, relay, endpoints, path, expect):
    env = CONTEXT | {"TAGALONG_ENDPOINTS": endpoints}
    neutral(post(relay.url + path), expect, env=env)


PRESETS = {
    "generic": GENERIC,
    "w3c": {
        "traceparent": COMPUTED["traceparent"],
        "baggage": "gen_ai.conversation.id=C-7,task.id=T-42,vcs.repository.name=billing",
    },
    "kilo": {
        "X-KILOCODE-TASKID": "T-42",
        "X-KILOCODE-PROJECTID": "billing",
        "traceparent": COMPUTED["traceparent"],
    },
    "opencode": {
        "x-opencode-session": "C-7",
        "x-opencode-request": UUID7,
        "x-opencode-project": "billing",
    },
    "nonsense": PLAIN,
}


@pytest.mark.parametrize("preset", PRESETS)
def test_presets(neutral, relay, preset):
    env = CONTEXT | {"TAGALONG_PRESET": preset}
    neutral(post(relay.url + CHAT, "-H", "X-Own: 1"), [PRESETS[preset]], env=env)


def test_kilo_in_full(neutral, relay):
    env = CONTEXT | {
        "TAGALONG_PRESET": "kilo",
        "TAGALONG_PARENT_TASK_ID": "T-41",
        "TAGALONG_ORGANIZATION_ID": "acme",
        "TAGALONG_MODE": "code",
        "KILOCODE_FEATURE": "cli",
        "TAGALONG_APP": "Emacs",
        "TAGALONG_APP_VERSION": "29.1",
    }
    expect = {
        "X-KILOCODE-TASKID": "T-42",
        "X-KILOCODE-PARENT-TASKID": "T-41",
        "X-KILOCODE-PROJECTID": "billing",
        "X-KILOCODE-ORGANIZATIONID": "acme",
        "X-KILOCODE-MODE": "code",
        "X-KILOCODE-FEATURE": "cli",
        "X-KILOCODE-EDITORNAME": "Emacs/29.1",
        "traceparent": COMPUTED["traceparent"],
    }
    neutral(post(relay.url + CHAT), [expect], env=env)


def test_baggage_continues_what_came_in(neutral, relay):
    env = without(CONTEXT, "TAGALONG_CONVERSATION_ID") | {"TAGALONG_PRESET": "w3c"}
    env |= {"BAGGAGE": "tenant=a%20b;p=1,bad member", "TAGALONG_PROJECT_ID": "Büro 1"}
    baggage = "tenant=a%20b;p=1,task.id=T-42,vcs.repository.name=B%C3%BCro%201"
    expect = {"traceparent": COMPUTED["traceparent"], "baggage": baggage}
    neutral(post(relay.url + CHAT), [expect], env=env)


def test_a_session_header_turns_400_into_200(run, relay, shim):
    # What gptel meets at OpenCode Go: karthink/gptel#1547
    if not shim:
        pytest.skip("--bare")
    url = relay.url + "/switch/require-session" + CHAT
    command = curl(url, "-d", BODY, "-o", "answer", "-w", "%{http_code}")
    env = CONTEXT | {"TAGALONG_PRESET": "opencode", "TAGALONG_RELAYS": "http://127.0.0.1:*"}
    assert run(command, env=env, shim=None).stdout == b"400"
    tagged = run(command, env=env)
    assert (tagged.rc, tagged.stdout) == (0, b"200")
    assert tagged.requests[0].values("x-opencode-session") == ["C-7"]
