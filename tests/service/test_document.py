# SPDX-License-Identifier: MIT
"""docs/protocol.md against what is there: its programs run, its tables say what is answered."""

import json
import re
import subprocess
import sys

import pytest

from serving import ROOT, Closed, wait_until

TEXT = (ROOT / "docs" / "protocol.md").read_text()
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.jsonl"))


def block(language, name):
    return re.search(rf"^```{language} {name}\n(.*?)^```$", TEXT, re.M | re.S)[1]


def table(head):
    """The first column of the table that begins with this one."""
    rows = TEXT[TEXT.index(f"\n| {head} |") :].split("\n\n")[0].strip().splitlines()[2:]
    return [row.split("|")[1].strip(" `") for row in rows]


@pytest.mark.parametrize("with_variable", [False, True])
def test_the_socat_line(service, with_variable):
    service.run("context", "set", "task_id=T-42")
    env = service.environment(**({"TAGALONG_SOCKET": str(service.socket)} if with_variable else {}))
    command = ["sh", "-c", block("sh", "socat")]
    done = subprocess.run(command, env=env, capture_output=True, timeout=20)
    assert json.loads(done.stdout)["context"] == {"task_id": "T-42"}, done.stderr


@pytest.fixture
def python_service(cold):
    program = cold.folder / "service.py"
    program.write_text(block("python", "service"))
    cold.process = subprocess.Popen([sys.executable, str(program), str(cold.socket)])

    def answers():
        try:
            cold.connect().close()
            return True
        except OSError:
            return False

    wait_until(answers)
    yield cold
    cold.kill()


def test_the_python_service(python_service):
    service = python_service
    assert service.run("context", "get") == ""
    service.run("context", "set", "task_id=T-42", "user_id=größer")
    assert service.run("context", "get") == "task_id=T-42\nuser_id=größer\n"
    assert service.command("context", "list")[0] == 3
    with service.connect() as peer:
        assert peer.op("ping")["revision"] == 1
        assert peer.ask("nonsense")["error"]["code"] == "bad_json"
        assert peer.ask("7")["error"]["code"] == "bad_json"
        assert peer.refusal("teleport") == "bad_op"
        assert peer.context() == {"task_id": "T-42", "user_id": "größer"}
        peer.socket.shutdown(1)
        with pytest.raises(Closed):
            peer.line()


def test_it_has_about_thirty_lines():
    assert len(block("python", "service").splitlines()) <= 36


@pytest.mark.parametrize("op", table("op"))
def test_every_op_of_the_table_is_known(service, op):
    with service.connect() as peer:
        reply = peer.ask({"v": 1, "op": op})
        assert reply["ok"] or reply["error"]["code"] != "bad_op"


def test_every_code_that_is_answered_is_in_the_table():
    answers = [json.loads(line).get("answer", {}) for path in GOLDEN for line in path.read_text().splitlines()]
    codes = {answer["error"]["code"] for answer in answers if "error" in answer}
    assert len(codes) >= 6 and codes <= set(table("code"))
