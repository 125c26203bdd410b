# SPDX-License-Identifier: MIT
"""The oracle: with the shim and without it a client does the same, but for the intended lines.

compare() takes two runs of one command and holds against each other the exit code, stdout,
stderr, and, server by server, each request in order: connection, first line, header lines, body.
What may differ is said by the test and nowhere else:

    expect       {server: [tags of request 1, of request 2, ...]}; a server that is not named must
                 see no request. Tags (tags.py) are the lines added to that request, in order.
    normalise    patterns for what differs between any two runs of the client itself

The added lines must stand together in front of the client's own header lines.
"""

import re

# Each is (pattern, replacement), applied to heads, bodies and outputs of both runs.
BOUNDARY = (rb"-{24}(?:[0-9a-f]{16}|[0-9A-Za-z]{22})", b"BOUNDARY")  # curl's multipart boundary
DIGEST = (rb'(cnonce|response)="[^"]+"', rb"\1=RANDOM")
MILLISECONDS = (rb"after \d+ ms", b"after N ms")  # in curl's messages
MILLISECONDS_LONG = (rb"after \d+ milliseconds", b"after N milliseconds")
AMZ_DATE = (rb"(?i)(x-amz-date: |Credential=[^/]+/)\d{8}(T\d{6}Z)?", rb"\1DATE")
AMZ_SIGNATURE = (rb"Signature=[0-9a-f]{64}", b"Signature=HASH")
AMZ_AUTHORIZATION = (rb"Authorization: AWS4-HMAC-SHA256 .*", b"Authorization: AWS4")

# Lines that libcurl writes after the CURLOPT_HTTPHEADER list.
AFTER_LIST = {b"content-length", b"content-type", b"expect"}


def compare(
    bare, tagged, expect, own=(), normalise=(), unordered=False, one_trace=True, one_span=False
):
    """Raises AssertionError unless the run `tagged` is `bare` plus what `expect` says.

    `own` names the client's own header lines. With `unordered` (parallel transfers) neither order
    nor connections are compared: the requests, and the tags for them, are sorted by first line
    and body. A command that forks has `one_trace` False; one whose transfer is tagged as a whole
    has `one_span`.
    """

    def norm(data):
        for pattern, replacement in normalise:
            data = re.sub(pattern, replacement, data)
        return data

    assert tagged.rc == bare.rc, f"exit code {tagged.rc}, without the shim {bare.rc}"
    assert norm(tagged.stderr) == norm(bare.stderr)
    assert norm(tagged.stdout) == norm(bare.stdout)
    assert set(expect) <= set(bare.traffic), "expectation for an unknown server"
    for server, before in bare.traffic.items():
        after, tags = tagged.traffic[server], expect.get(server, [])
        counts = (len(before), len(after))
        assert counts == (len(tags), len(tags)), f"{server}: requests without, with the shim"
        if unordered:
            before, after = (
                sorted(requests, key=lambda r: (r.start, norm(r.body)))
                for requests in (before, after)
            )
        for one, two, added in zip(before, after, tags):
            where = f"{server}, request {one.number}"
            assert unordered or one.connection == two.connection, where
            compare_request(one, two, added, own, norm, where)
    if not one_span:
        check_traces(tagged, expect, one_trace)


def compare_request(bare, tagged, added, own, norm, where):
    assert norm(tagged.start) == norm(bare.start), where
    lines = take_out(tagged, bare, added, own, where)
    assert [norm(line) for line in lines] == [norm(line) for line in bare.lines], where
    assert norm(tagged.body) == norm(bare.body), where
    assert tagged.body_length == bare.body_length, where
    assert tagged.complete == bare.complete, where


def take_out(request, bare, added, own, where):
    """The request's header lines without the added ones, which must be right and in place."""
    place = list_start(bare.lines, own)
    lines = request.lines
    mine, rest = lines[place : place + len(added)], lines[:place] + lines[place + len(added) :]
    lower = request.value("X-Front-Protocol") == "HTTP/2.0"
    for line, (name, value) in zip(mine, added.items()):
        name = name.lower() if lower else name
        pattern = value if isinstance(value, re.Pattern) else re.compile(re.escape(value))
        got = line.decode("latin-1")
        assert got.startswith(name + ": "), f"{where}: {got!r} instead of {name}: {lines}"
        assert pattern.fullmatch(got[len(name) + 2 :]), f"{where}: value of {got!r}"
    assert len(mine) == len(added), f"{where}: {len(mine)} of {len(added)} lines: {lines}"
    return rest


def list_start(lines, own):
    """Where libcurl writes the first line of its list into this head."""
    names = [line.split(b":")[0].lower() for line in lines]
    wanted = {name.lower().encode() for name in own} - {b"host"}  # Host has its place at the top
    for index, name in enumerate(names):
        if name in wanted:
            return index
    index = len(names)
    while index and names[index - 1] in AFTER_LIST:
        index -= 1
    return index


def check_traces(result, expect, one_trace):
    """Every tagged request has a parent-id of its own; a run has one trace."""
    traces = [
        request.value("traceparent").split("-")
        for server, requests in result.traffic.items()
        for request, tags in zip(requests, expect.get(server, []))
        # What goes through a plain HTTP proxy is recorded there and at the relay.
        if "traceparent" in tags and server != "proxy"
    ]
    assert len({trace[2] for trace in traces}) == len(traces), "a parent-id was used twice"
    assert not one_trace or len({trace[1] for trace in traces}) <= 1, "more than one trace in a run"
