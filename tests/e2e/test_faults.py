# SPDX-License-Identifier: MIT
"""A context service that is not there, or does it wrong (faulty.py): the request goes out as it would
without, in time, and the program has the descriptors that it had. docs/protocol.md has the table; how
long it takes is measured by `make bench-service`."""

import os
import re

import pytest

import faulty
from conftest import ROOT, clean_environment
from live import tasks
from test_live import KILL, START

PATIENT = {"TAGALONG_TIMEOUT_MS": "10000"}
NOT_FELT = 1.5  # seconds in all: a deadline of 50 ms, and a busy machine


def only_root(fault):
    return pytest.param(fault, marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give away"))


@pytest.mark.parametrize("fault", [only_root(f) if f in faulty.AS_ROOT else f for f in faulty.FAULTS])
def test_fault(relay, shim, tmp_path, fault):
    url = relay.url + "/v1/messages"
    environment = clean_environment(tmp_path) | {"TAGALONG_PROJECT_ID": "billing"}
    bare = faulty.suffer(url, environment)
    task, questions = faulty.expected(fault)
    if questions == faulty.REQUESTS:  # an answer is waited for, on a busy machine, too
        environment |= PATIENT
    with faulty.faulty(fault, tmp_path) as service:
        relay.reset()
        result = faulty.suffer(url, environment | service.environment | {"LD_PRELOAD": shim})
        asked = service.questions()
    requests = relay.requests
    assert [r.value("X-Task-Id") for r in requests] == [task] * faulty.REQUESTS
    assert all(r.value("X-Project-Id") == "billing" and r.value("X-Evil") is None for r in requests)
    assert asked == questions, "after a fault it is left alone for a second"
    for when in ("before", "after"):  # libcurl keeps two for itself, with the first request
        assert result[when] == bare[when]
    assert sum(result["took"]) - sum(bare["took"]) < NOT_FELT


def test_it_is_asked_again_after_a_second(relay, shim, tmp_path):
    url = relay.url + "/v1/messages"
    program = faulty.PROGRAM.replace("start =", "i and time.sleep(1.2); start =")
    environment = clean_environment(tmp_path) | {"LD_PRELOAD": shim}
    with faulty.faulty("garbage", tmp_path) as service:
        faulty.suffer(url, environment | service.environment, 3, program)
        assert service.questions() == 3


@pytest.mark.parametrize("path, method, asked", [
    ("/v1/chat/completions", "POST", 1),
    ("/v1/models", "POST", 0),
    ("/v1/chat/completions", "GET", 0),
])
def test_asked_for_tagged_requests_and_no_others(run, relay, tmp_path, path, method, asked):
    with faulty.faulty("good", tmp_path) as service:
        options = ["-d", "{}"] if method == "POST" else []
        command = ["curl", "-sS", "-o", "/dev/null", relay.url + path, *options]
        result = run(command, env=service.environment | PATIENT)
        assert tasks(result) == (["LIVE"] if asked else [None])
        assert service.questions() == asked


def test_asked_once_for_each_request(run, relay, tmp_path):
    """A redirect and an auth round are requests on the wire of their own: each with what is current."""
    with faulty.faulty("good", tmp_path) as service:
        url = relay.url + "/switch/redirect-307-same/v1/chat/completions"
        result = run(["curl", "-sSL", "-o", "/dev/null", url, "-d", "{}"], env=service.environment | PATIENT)
        assert service.questions() == len(result.requests) == 2


def test_killed_and_started_anew(live):
    """Answered changes survive kill -9; between, requests go out without what only it knows."""
    script = f"CHAT; tagalong context set task_id=T-2; {KILL}; CHAT; {START}; CHAT; kill $SERVICE; wait"
    assert tasks(live(script)) == ["T-1", None, "T-2"]


def test_the_table_has_them_all():
    text = (ROOT / "docs" / "protocol.md").read_text()
    section = text[text.index("## When the service does it wrong") :]
    rows = re.findall(r"^\| ([^|`]+) \|", section, re.M)
    assert set(faulty.FAULTS) <= set(rows)
