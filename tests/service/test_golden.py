# SPDX-License-Identifier: MIT
"""The transcripts of tests/golden, replayed: a conversation a file, an exchange a line.

    {"ask": REQUEST, "answer": REPLY}      REQUEST may be a text, which is sent as it is
    {"answer": REPLY}                      what comes without being asked
    {"note": "..."}                        for the reader
An exchange may name its connection ("on"). In texts <pid> is this process's number, and <name:x>
matches a scope's name, which <x> then stands for; <traceparent> matches one.
"""

import json
import os
import re

import pytest

from serving import ROOT

FILES = sorted((ROOT / "tests" / "golden").glob("*.jsonl"))
PATTERNS = {"traceparent": "00-[0-9a-f]{32}-[0-9a-f]{16}-02", "any": ".*"}


class Names(dict):
    def fill(self, text):
        """Replaces what is known."""
        for name, value in self.items():
            text = text.replace(f"<{name}>", value)
        return text

    def check(self, expected, actual):
        if isinstance(expected, dict):
            assert isinstance(actual, dict) and expected.keys() == actual.keys(), actual
            for key, value in expected.items():
                self.check(value, actual[key])
        elif isinstance(expected, list):
            assert isinstance(actual, list) and len(expected) == len(actual), actual
            for pair in zip(expected, actual):
                self.check(*pair)
        elif expected == "<pid>":
            assert actual == int(self["pid"])
        elif isinstance(expected, str):
            self.match(expected, actual)
        else:
            assert expected == actual

    def match(self, expected, actual):
        pattern = ""
        for part in re.split(r"(<[a-z:]+>)", self.fill(expected)):
            if part.startswith("<name:"):
                pattern += f"(?P<{part[6:-1]}>run-[0-9a-f]{{16}})"
            elif part[:1] == "<" and part[1:-1] in PATTERNS:
                pattern += PATTERNS[part[1:-1]]
            else:
                pattern += re.escape(part)
        found = re.fullmatch(pattern, actual)
        assert found, f"{actual!r} is not {expected!r}"
        self.update(found.groupdict())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_transcript(service, path):
    names = Names(pid=str(os.getpid()))
    connections = {}
    for line in path.read_text().splitlines():
        exchange = json.loads(line)
        if "note" in exchange:
            continue
        peer = connections.get(exchange.get("on")) or service.connect()
        connections[exchange.get("on")] = peer
        if "ask" in exchange:
            asked = exchange["ask"]
            text = asked if isinstance(asked, str) else json.dumps(asked, ensure_ascii=False)
            peer.send(names.fill(text.replace('"<pid>"', names["pid"])))
        names.check(exchange["answer"], peer.reply())
    for peer in connections.values():
        assert peer.is_silent(0.02) or peer.is_closed()
        peer.close()
