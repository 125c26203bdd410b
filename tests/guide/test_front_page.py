# SPDX-License-Identifier: MIT
"""What the README shows first is what arrives."""

import re

from conftest import ROOT
from guide import machine, prefix  # noqa: F401
from tags import TRACEPARENT, UUID7

README = (ROOT / "README.md").read_text()


def test_the_first_tagged_request(machine):
    (shown,) = re.findall(r"^```\n(\$ curl .*?)^```$", README, re.M | re.S)
    (options,) = re.findall(r"^\$ tagalong run (.*) -- curl ", shown, re.M)
    lines = dict(re.findall(r"^ *\+ (\S+): (\S+)$", shown, re.M))
    url = machine.relay.url + "/v1/chat/completions"
    result = machine.run("sh", "-c", f"tagalong run {options} -- curl -sS -o /dev/null -d '{{}}' {url}")
    bare = machine.run("curl", "-sS", "-o", "/dev/null", "-d", "{}", url)
    added = [line.decode() for line in result.requests[0].lines if line not in bare.requests[0].lines]
    assert [line.split(": ")[0] for line in added] == list(lines)
    for name, value in (line.split(": ") for line in added):
        kind = {"X-Request-Id": UUID7, "traceparent": TRACEPARENT}.get(name)
        assert kind.fullmatch(value) and kind.fullmatch(lines[name]) if kind else value == lines[name]
