# SPDX-License-Identifier: MIT
"""Where nothing may be added: the run with the shim is the run without it, byte by byte."""

import pytest

from commands import BODY, CHAT, curl, headers, parallel, post
from neutral import BOUNDARY, MILLISECONDS, MILLISECONDS_LONG
from tags import CONTEXT, GENERIC, PLAIN

OWN = headers("Authorization: Bearer sk-test", "X-Own: 1", "X-Task-Id: mine")


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["-I"],
        ["-G", "-d", "a=1"],
        ["-X", "PUT", "-d", BODY],
        ["-X", "GET", "-d", BODY],
        ["-X", "post", "-d", BODY],  # methods are case-sensitive
        ["-X", "OPTIONS"],
        ["-X", "DELETE"],
        ["-T", "/dev/null"],
    ],
)
def test_other_methods(neutral, relay, args):
    neutral(curl(relay.url + CHAT, *args, *OWN), [PLAIN])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/models",
        "/v1/chat/completionsx",
        "/v1/chat/completions/",
        "/v1/chat%2Fcompletions",
        "/v1/Chat/Completions",
        "/fakecompletions",
        "/v1/other?path=/v1/chat/completions",
        "/v1/other#/v1/chat/completions",
        "/v1/embeddings",
        "/v1/messages/count_tokens",
        "/oauth/token",
    ],
)
def test_other_paths(neutral, relay, path):
    neutral(post(relay.url + path, *OWN), [PLAIN])


def test_off(neutral, relay):
    neutral(post(relay.url + CHAT, *OWN), [PLAIN], env=CONTEXT | {"TAGALONG_OFF": "1"})


@pytest.mark.parametrize("to_file", [True, False])
def test_debug_output(run, relay, shim, tmp_path, to_file):
    # one can see what is decided, but nothing that is the client's
    if not shim:
        pytest.skip("--bare")
    log = tmp_path / "log"
    secrets = ["-H", "Authorization: Bearer sk-secret-1", "-u", "user:secret-2"]
    command = post(relay.url + CHAT + "?key=secret-3", *secrets)
    result = run(command, env=CONTEXT | {"TAGALONG_DEBUG": str(log) if to_file else "stderr"})
    quiet = run(command)
    assert (result.rc, result.stdout) == (quiet.rc, quiet.stdout)
    assert quiet.stderr == b"" and len(quiet.requests) == len(result.requests) == 1
    told = log.read_bytes() if to_file else result.stderr
    assert b"X-Task-Id: T-42" in told and b"secret" not in told
    assert to_file == (result.stderr == b"")


@pytest.mark.parametrize("how", [curl, parallel])
def test_doh_resolver_is_told_nothing(neutral, relay, front, how):
    # hidden handles of libcurl's, through perform and through the multi interface
    url = f"http://invented.test:{relay.port}{CHAT}"
    doh = ["--doh-url", front.url + "/dns-query", "--doh-insecure"]
    expect = {"doh": [PLAIN, PLAIN], "relay": [GENERIC]}
    env = CONTEXT | {"TAGALONG_RELAYS": "*"}  # the resolver's host, too
    result = neutral(how(url, "-d", BODY, "-H", "X-Own: 1", *doh), expect, env, unordered=True)
    assert b"\x08invented\x04test\0" in result.traffic["doh"][0].body


@pytest.mark.parametrize("own", [headers("Subject: x", "X-Own: 1"), []])
def test_mail(neutral, smtp, own):
    # the header list is the mail's, and an empty line would end its head
    env = CONTEXT | {"TAGALONG_RELAYS": "*", "TAGALONG_ENDPOINTS": "all"}
    command = curl(
        f"smtp://127.0.0.1:{smtp.port}{CHAT}",
        *("--mail-from", "a@sink.test", "--mail-rcpt", "b@sink.test", "-F", "=hello"),
        *own,
    )
    result = neutral(command, {"smtp": [PLAIN]}, env, normalise=[BOUNDARY])
    assert b"hello" in result.traffic["smtp"][0].body


def test_other_schemes(neutral, relay, proxy, tmp_path):
    # through an HTTP proxy an ftp:// URL is a GET or PUT of HTTP
    (tmp_path / "file").write_text("content")
    neutral(curl(f"file://{tmp_path}/file", *OWN), [])
    url = relay.url.replace("http:", "ftp:") + CHAT
    env = CONTEXT | {"TAGALONG_RELAYS": "*"}
    command = curl("--proxy", proxy.url, "-X", "POST", url, *OWN)
    neutral(command, {"proxy": [PLAIN], "relay": [PLAIN]}, env)


def test_refused_connection(neutral):
    command = curl("http://127.0.0.1:1" + CHAT, "-d", BODY, *OWN)
    result = neutral(command, [], normalise=[MILLISECONDS])
    assert result.rc == 7


def test_timeout(neutral, relay):
    command = post(relay.url + "/switch/slow-5000" + CHAT, "-m", "0.5")
    result = neutral(command, [GENERIC], normalise=[MILLISECONDS_LONG])
    assert result.rc == 28


@pytest.mark.parametrize(
    "options, switch, rc, count",
    [
        (["-f"], "/switch/status-503", 22, 1),
        (["-f", "-L"], "/switch/redirect-307-same/switch/status-429", 22, 2),
        (["-L", "--max-redirs", "1"], "/switch/redirect-307-same" * 2, 47, 2),
        (["--max-filesize", "10"], "", 63, 1),
    ],
)
def test_error_state_unchanged(neutral, relay, options, switch, rc, count):
    result = neutral(post(relay.url + switch + CHAT, *options), [GENERIC] * count)
    assert result.rc == rc


@pytest.mark.parametrize("bad", ["http://", "http://exa mple/", "nonsense://127.0.0.1/"])
def test_bad_urls(neutral, bad):
    result = neutral(post(bad), [])
    assert result.rc in (1, 3)


def test_getinfo_is_the_clients(neutral, relay):
    # what curl reads back after the transfer
    wanted = ["response_code", "num_connects", "num_redirects", "url_effective", "method"]
    wanted += ["errormsg", "exitcode", "redirect_url", "http_version", "size_upload"]
    form = "\\n" + "\\n".join(f"{name} %{{{name}}}" for name in wanted)
    hop = "/switch/redirect-307-other"
    command = post(relay.url + hop + hop + CHAT, "-L", "-w", form)
    result = neutral(command, {"relay": [GENERIC] * 2, "other": [GENERIC]})
    assert b"num_redirects 2\n" in result.stdout and b"method POST\n" in result.stdout
