# SPDX-License-Identifier: MIT
"""The ids of bodies: by the core, through `tagalong headers --stdio`, and by the plain hash of the
system prompt and the first message, to compare with."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

from conftest import ROOT

BUILD = Path(os.environ.get("TAGALONG_BUILD") or ROOT / "build")
URL = "http://127.0.0.1:9/v1/chat/completions"


class Core:
    """One helper for each place, as a launcher sets it."""

    def __init__(self, home, preset="xai"):
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "TAGALONG_PRESET": preset,
                    "TAGALONG_SOCKET": str(home / "none.sock")}
        self.helpers = {}

    def helper(self, place):
        if place not in self.helpers:
            self.helpers[place] = subprocess.Popen(
                [BUILD / "tagalong", "headers", "--stdio"], env=self.env | {"TAGALONG_RUN": place},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self.helpers[place]

    def id_of(self, body, place="", own=()):
        head = body[: 1 << 18]
        question = {"url": URL, "own": dict(own), "body_bytes": len(head)}
        helper = self.helper(place)
        helper.stdin.write(json.dumps(question).encode() + b"\n" + head)
        helper.stdin.flush()
        headers = json.loads(helper.stdout.readline())["headers"]
        return {h["name"]: h["value"] for h in headers}.get("x-grok-conv-id")

    def close(self):
        for helper in self.helpers.values():
            helper.stdin.close()
            helper.wait(10)
            helper.stdout.close()


def texts(content):
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return "".join(texts(v) for k, v in content.items() if k in ("text", "content", "parts", "url", "image_url", "data", "source"))
    return "".join(map(texts, content or []))


def plain_hash(body):
    """What is done most often, and was done here: the system prompt and the first user message."""
    said = [texts(body.get(key)) for key in ("system", "instructions", "systemInstruction") if body.get(key)]
    messages = body.get("messages") or body.get("input") or body.get("contents")
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    for message in messages:
        said.append(texts(message.get("content") or message.get("parts")))
        if message.get("role") == "user":
            break
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def rates(conversations, derive):
    """(split, merged): the share of conversations that have several ids, and of those that have one
    of another's. `conversations` are (place, first words, bodies)."""
    ids = [{derive(body, place) for body in bodies} for place, _, bodies in conversations]
    split = sum(len(of_one) > 1 for of_one in ids)
    merged = sum(any(of_one & other for j, other in enumerate(ids) if j != i) for i, of_one in enumerate(ids))
    return split / len(ids), merged / len(ids)
