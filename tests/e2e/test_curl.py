# SPDX-License-Identifier: MIT
"""What an unmodified curl does to send a chat request: tagged each time, and nothing else changed."""

import json
import time

import pytest

from commands import BODY, CHAT, curl, headers, parallel, post
from neutral import BOUNDARY
from tags import GENERIC, LIBCURL, PLAIN, parent_id, request_id, trace_id

# The request of the feature request (Kilo-Org/kilocode discussion 5775).
KILO = headers(
    "Accept: application/json",
    "Accept-Language: *",
    "Authorization: Bearer sk-test",
    "Content-Type: application/json",
    "Http-Referer: https://kilocode.ai",
    "User-Agent: Kilo-Code/5.3.0",
    "X-Kilocode-Version: 5.3.0",
    "X-Stainless-Arch: x64",
    "X-Stainless-Retry-Count: 0",
    "X-Title: Kilo Code",
)
STREAM = {"model": "gemini-2.5-pro", "stream": True, "stream_options": {"include_usage": True}}


def test_client_headers_unchanged(neutral, relay):
    result = neutral(post(relay.url + CHAT), [GENERIC])  # stderr stays empty
    assert result.rc == 0 and result.stderr == b""
    assert b"Tagalong says hello" in result.stdout
    (request,) = result.requests
    made_ms = int(request_id(request).replace("-", "")[:12], 16)
    assert abs(made_ms / 1000 - time.time()) < 60


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages", "/zen/go" + CHAT, CHAT + "?a=/b"])
def test_other_endpoints(neutral, relay, path):
    assert neutral(post(relay.url + path), [GENERIC]).rc == 0


def test_streamed_chat_with_many_headers(neutral, relay):
    result = neutral(curl("-N", relay.url + CHAT, *KILO, "-d", json.dumps(STREAM)), [GENERIC])
    assert result.stdout.endswith(b"data: [DONE]\n\n") and b'"usage"' in result.stdout
    # credentials and content type are still the client's
    assert result.requests[0].values("Authorization") == ["Bearer sk-test"]
    assert result.requests[0].values("Content-Type") == ["application/json"]


def test_three_urls_one_after_the_other(neutral, relay):
    url = relay.url + CHAT
    result = neutral(curl("-d", BODY, *KILO, url, url, url), [GENERIC] * 3)
    assert [r.connection for r in result.requests] == [1, 1, 1]
    assert len({request_id(r) for r in result.requests}) == 3


@pytest.mark.parametrize("limit", [["--parallel-max", "1"], ["--parallel-immediate"], []])
def test_parallel(neutral, relay, limit):
    # the multi interface; queued handles have ids of their own
    urls = [f"{relay.url}{CHAT}?{n}" for n in range(3)]
    result = neutral(parallel(*limit, "-d", BODY, *urls), [GENERIC] * 3, unordered=True)
    assert len({request_id(r) for r in result.requests}) == 3


def test_next_starts_anew(neutral, relay):
    # curl resets its handle for --next
    url = relay.url + CHAT
    first = post(url, *headers("Authorization: Bearer one", "X-First: 1"))
    second = post(url, *headers("X-Second: 2"))[1:]
    result = neutral(first + ["--next"] + second, [GENERIC] * 2, own=["X-Second", "Authorization"])
    assert result.requests[1].values("Authorization") == []
    assert request_id(result.requests[0]) != request_id(result.requests[1])
    assert trace_id(result.requests[0]) == trace_id(result.requests[1])


def test_next_mixes_tagged_and_not(neutral, relay):
    chat, models = post(relay.url + CHAT), curl(relay.url + "/v1/models")
    more = chat[1:] + ["--next"] + models[1:] + ["--next"] + chat[1:]
    neutral(models + ["--next"] + more, [PLAIN, GENERIC, PLAIN, GENERIC])


@pytest.mark.parametrize("by_stdin", [True, False])
def test_config_file(neutral, relay, tmp_path, by_stdin):
    # as gptel runs it: curl --config -
    config = f'url = "{relay.url}{CHAT}"\nheader = "X-Own: 1"\ndata = "{{}}"\nsilent\n'
    path = tmp_path / "config"
    path.write_text(config)
    command = ["curl", "-K", "-" if by_stdin else str(path)]
    neutral(command, [GENERIC], stdin=config.encode(), own=["X-Own"])


def test_headers_from_a_file(neutral, relay, tmp_path):
    # as codecompanion.nvim runs it: --header @file
    (tmp_path / "headers").write_text("X-One: 1\nX-Two: 2\n")
    neutral(post(relay.url + CHAT, "-H", "@headers"), [GENERIC], own=["X-One"])


def test_multipart(neutral, relay):
    command = curl(relay.url + CHAT, "-F", "a=1", "-F", "b=2;type=text/x", "-H", "X-Own: 1")
    result = neutral(command, [GENERIC], normalise=[BOUNDARY])
    assert result.requests[0].method == "POST" and b'name="b"' in result.requests[0].body


def test_upload_as_post(neutral, relay, tmp_path):
    # the method on the wire counts, not the option
    (tmp_path / "body").write_text(BODY)
    url = relay.url + CHAT
    result = neutral(curl("-T", "body", "-X", "POST", url), [GENERIC])
    assert result.requests[0].body == BODY.encode()
    neutral(curl("-T", "body", url), [PLAIN])
    neutral(curl("-T", "-", "-X", "POST", url), [GENERIC], stdin=BODY.encode())


def test_chunked_body(neutral, relay):
    command = post(relay.url + CHAT, *headers("Transfer-Encoding: chunked", "X-Own: 1"))
    result = neutral(command, [GENERIC], own=["X-Own", "Transfer-Encoding"])
    assert result.requests[0].body == BODY.encode()


def test_large_body_waits_for_100_continue(neutral, relay, tmp_path):
    size = (1 << 20) + 3
    (tmp_path / "body").write_bytes(b"x" * size)
    result = neutral(curl(relay.url + CHAT, "--data-binary", "@body"), [GENERIC])
    assert result.requests[0].value("Expect") == "100-continue"
    assert result.requests[0].body_length == size


@pytest.mark.parametrize(
    "args",
    [
        ["-X", "POST"],
        ["-0", "-d", "{}"],
        pytest.param(["--json", BODY], marks=pytest.mark.skipif(LIBCURL < (7, 82), reason="no --json before curl 7.82")),
        ["--data-urlencode", "a=b c"],
        ["-b", "c=1", "-u", "user:secret", "-e", "http://from/", "-A", "Agent/1", "-d", "{}"],
        ["--compressed", "-d", "{}", "-H", "Host: other.example", "-H", "Accept:"],
        ["-d", "", "-H", "Content-Type:"],
    ],
)
def test_other_options(neutral, relay, args):
    own = ["Content-Type"] if "--json" in args else None  # --json brings header lines of its own
    neutral(curl(relay.url + CHAT, *args), [GENERIC], own=own)


@pytest.mark.parametrize("version", ["--http1.1", "--http2", "--http2-prior-knowledge"])
def test_http2(neutral, relay, front, version):
    url = front.plain_url if "prior" in version else front.url
    command = post(url + CHAT, version, "--cacert", front.ca, *headers("X-Own: 1", "x-two: 2"))
    # curl 7.88.1 sends nothing when it reuses a connection with prior knowledge, and says nothing.
    count = 1 if "prior" in version else 2
    result = neutral(command + [url + CHAT] * (count - 1), [GENERIC] * count)
    protocol = "HTTP/1.1" if version == "--http1.1" else "HTTP/2.0"
    assert [r.value("X-Front-Protocol") for r in result.requests] == [protocol] * count
    assert len({request_id(r) for r in result.requests}) == count


def test_http2_streams_of_one_connection(neutral, front):
    urls = [f"{front.url}{CHAT}?{n}" for n in range(3)]
    command = parallel("--http2", "--cacert", front.ca, "-d", BODY, *urls)
    neutral(command, [GENERIC] * 3, unordered=True)


def test_retry_by_the_tool_is_a_new_transfer(neutral, relay):
    url = relay.url + "/switch/drop-first" + CHAT
    command = ["curl", "-s", "--retry", "1", "--retry-all-errors", "--retry-delay", "1"]
    result = neutral(command + [url, "-d", BODY], [GENERIC] * 2)
    assert result.rc == 0
    assert request_id(result.requests[0]) != request_id(result.requests[1])


def test_plain_http_through_a_proxy(neutral, relay, proxy):
    # the request itself goes to the proxy, there is no other way
    command = post(relay.url + CHAT, "--proxy", proxy.url, "-H", "X-Own: 1")
    result = neutral(command, {"proxy": [GENERIC], "relay": [GENERIC]})
    (seen,) = result.traffic["proxy"]
    assert seen.target == relay.url + CHAT
    assert seen.head == result.requests[0].head


@pytest.mark.parametrize("more", [[], ["--proxy-header", "X-Proxy: 1"]])
def test_connect_tells_the_proxy_nothing(neutral, relay, proxy, front, more):
    through = ["--proxy", proxy.url, *more, "-H", "X-Own: 1"]
    expect = {"proxy": [PLAIN], "relay": [GENERIC]}
    neutral(post(relay.url + CHAT, "--proxytunnel", *through), expect)
    result = neutral(post(front.url + CHAT, "--cacert", front.ca, *through), expect)
    assert result.traffic["proxy"][0].method == "CONNECT"


def test_parent_ids_are_not_reused_between_processes(run, relay, shim):
    if not shim:
        pytest.skip("--bare")
    results = [run(post(relay.url + CHAT)).requests[0] for _ in range(2)]
    for part in (request_id, trace_id, parent_id):
        assert part(results[0]) != part(results[1])
