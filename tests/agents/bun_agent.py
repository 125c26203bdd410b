# SPDX-License-Identifier: MIT
"""Kilo and opencode: Bun programs with one plugin interface, so one set of questions for both."""

import json
import re
import subprocess
import time
import urllib.request
from contextlib import contextmanager

from harness import TAGALONG, Place, end_group
from model import say_call

SESSION = re.compile(r"ses_[0-9A-Za-z]{20,}")


def provider(url):
    """An OpenAI-compatible relay, with header lines that the user configured."""
    return {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": url + "/v1", "apiKey": "sk-test", "headers": {"X-Static": "s"}},
        "models": {"echo": {"name": "echo", "headers": {"X-Kilocode-Feature": "mine"}}},
    }


def configuration(url):
    """With a comment and odd blanks, which have to survive."""
    names = {"model": "relay/echo", "small_model": "relay/echo", "permission": {"*": "allow"}}
    rest = json.dumps({**names, "provider": {"relay": provider(url)}})
    return '// mine\n{\n\t"$schema" : "https://example.com/schema.json",  /* theirs */\n' + rest[1:] + "\n"


def curl_prompt(model, path="/v1/chat/completions"):
    command = f"curl -sS {model.url}{path} -d '{{}}'"
    return say_call("bash", command=command, description="asks the relay")


def is_title(request):
    """An agent names a session beside its work; whether that is done before it ends is chance."""
    return b"title generator" in request.body[:2000]


def without_titles(result):
    result.traffic["relay"] = [r for r in result.requests if not is_title(r)]
    return result


def session_of(request):
    return request.value("x-session-affinity")


class Server:
    """A running `serve`, with many sessions in one process, as an editor's backend has them."""

    def __init__(self, url):
        self.url = url

    def post(self, path, value):
        request = urllib.request.Request(
            self.url + path, json.dumps(value).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=90) as answer:
            return json.load(answer)

    def session(self):
        return self.post("/session", {})["id"]

    def say(self, session, text):
        model = {"providerID": "relay", "modelID": "echo"}
        return self.post(f"/session/{session}/message", {"model": model, "parts": [{"type": "text", "text": text}]})


@contextmanager
def serving(place: Place, program, *options, **env):
    command = [TAGALONG, "run", *options, "--", program, "serve", "--port", "0"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=place.environment(env),
        cwd=place.work,
        start_new_session=True,
        text=True,
    )
    try:
        until = time.monotonic() + 90
        while not (found := re.search(r"listening on (http://\S+)", process.stdout.readline())):
            assert process.poll() is None and time.monotonic() < until, "serve did not start"
        place.model.reset()
        yield Server(found[1])
    finally:
        end_group(process)
        process.stdout.close()
