# SPDX-License-Identifier: MIT
"""tagalong_headers, as hooks call it: a URL that is not exactly scheme://host[:port]/path is left alone."""

import json
import subprocess

import pytest

from conftest import ROOT, clean_environment
from hosts import PYTHON
from tags import CONTEXT

ASK = """
import ctypes, json, sys
function = ctypes.CDLL(sys.argv[1]).tagalong_headers
function.argtypes = [ctypes.c_char_p] * 4 + [ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
for method, url, head, size in json.load(sys.stdin):
    lines = ctypes.create_string_buffer(16384)
    count = function(method.encode(), url.encode(), head.encode(), None, 0, lines, size)
    print(json.dumps([count, lines.value.decode()]))
"""
URLS = {
    "http://localhost/v1/messages": True,
    "http://localhost:8090/v1/messages": True,
    "http://localhost./v1/messages": True,
    "https://LOCALHOST:1/v1/messages?beta=true": True,
    "http://127.8.9.10/v1/messages": True,
    "http://[::1]:8090/v1/messages": True,
    "http://agent.localhost/v1/messages": False,  # whatever a resolver makes of it
    "http://relay.example.com/v1/messages": False,
    "http://user@localhost/v1/messages": False,
    "http://localhost@relay.example.com/v1/messages": False,
    "http://localhost:80:90/v1/messages": False,
    "http://localhost:/v1/messages": False,
    "http://localhost:0/v1/messages": False,
    "http://localhost:65536/v1/messages": False,
    "http://localhost:+80/v1/messages": False,
    "http://local%68ost/v1/messages": False,
    "http://localhost\\@x/v1/messages": False,
    "http://[::1/v1/messages": False,
    "http://::1/v1/messages": False,
    "http://[fe80::1%25lo]/v1/messages": False,
    "http:///v1/messages": False,
    "http://localhost": False,
    "http://localhost?/v1/messages": False,
    "http://localhost/v1/models?/v1/messages": False,
    "http://localhost/v1/models#/v1/messages": False,
    "http://localhost/v1/messages\n": False,
    "http://local host/v1/messages": False,
    "HTTP://localhost/v1/messages": False,
    "ftp://localhost/v1/messages": False,
    "localhost/v1/messages": False,
    "/v1/messages": False,
    "": False,
    "http://" + "a" * 300 + "/v1/messages": False,
}


@pytest.fixture
def ask(tmp_path):
    def ask(*questions):
        done = subprocess.run(
            [PYTHON, "-c", ASK, ROOT / "build" / "libtagalong.so"],
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            env=clean_environment(tmp_path) | CONTEXT,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def test_urls(ask):
    answers = ask(*(["POST", url, "", 16384] for url in URLS))
    for (url, wanted), (count, lines) in zip(URLS.items(), answers):
        assert (count > 0) == wanted and len(lines) == count and ("X-Task-Id: T-42\n" in lines) == wanted, url


def test_all_of_it_or_nothing(ask):
    url = "http://localhost/v1/messages"
    ((count, _),) = ask(["POST", url, "", 16384])
    answers = ask(*(["POST", url, "", size] for size in range(count + 2)))
    assert [bool(got) for got, _ in answers] == [False] * (count + 1) + [True]


def test_what_the_program_sends_wins(ask):
    url = "http://localhost/v1/messages"
    ((_, lines), (count, _)) = ask(["POST", url, "A: 1\nx-task-id: mine\nX_Project_Id: p\n", 16384], ["GET", url, "", 16384])
    names = [line.split(":")[0] for line in lines.splitlines()]
    assert "X-Task-Id" not in names and "X-Conversation-Id" in names and count == 0


def test_both_files_of_the_hook_name_the_same_modules(tmp_path):
    code = "import sys; f = sys.meta_path[0]; f.load(); print(*sorted(f.names)); print(*sorted(f.hook['HOOKS']))"
    environment = clean_environment(tmp_path) | {"PYTHONPATH": str(ROOT / "shim/hooks/python")}
    done = subprocess.run([PYTHON, "-c", code], env=environment, capture_output=True, text=True)
    names, hooks = done.stdout.splitlines()
    assert names == hooks and "http.client" in names, done
