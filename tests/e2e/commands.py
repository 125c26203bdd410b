# SPDX-License-Identifier: MIT
"""curl command lines, as short to write as they are to read."""

CHAT = "/v1/chat/completions"
BODY = '{"model":"gemini-2.5-pro","messages":[{"role":"user","content":"Say hello."}]}'


def curl(*args):
    return ["curl", "-sS", *args]


def parallel(*args):
    """-Z shows how many bytes a second it did, -s or not, unless it is told otherwise."""
    return curl("-Z", "--no-progress-meter", *args)


def post(url, *args):
    """A chat request as a shell script would send it."""
    return curl(url, "-d", BODY, *args)


def headers(*lines):
    return [part for line in lines for part in ("-H", line)]
