# SPDX-License-Identifier: MIT
"""docs/protocol.md against what is there: its programs run, its tables are those of the code."""

import json
import re
import subprocess
import sys

import pytest

from serving import ROOT, Closed, wait_until

TEXT = (ROOT / "docs" / "protocol.md").read_text()


def block(language, name):
    return re.search(rf"^```{language} {name}\n(.*?)^```$", TEXT, re.M | re.S)[1]


def table(name, path, pattern):
    """The first column of the table whose head begins with `name`, and the names in the code."""
    found = re.search(rf"^\| {name} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.M)[1]
    rows = re.findall(r"^\| `(\w+)` \|", found, re.M)
    return rows, re.findall(pattern, (ROOT / path).read_text(), re.M)


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


def test_the_tables():
    ops, known = table("op", "shim/protocol/ops.def", r"^OP\(\w+, (\w+),")
    assert ops == known
    codes, known = table("code", "shim/protocol/errors.def", r"^ERROR\(\w+, (\w+),")
    assert codes == known


def test_what_errors_mean():
    """The same words as in the code, which keeps quotes where the document has code marks."""
    for code, what in re.findall(
        r'^ERROR\(\w+, (\w+), "(.*)"\)$', (ROOT / "shim/protocol/errors.def").read_text(), re.M
    ):
        words = re.sub(r'\\"(\w+)\\"', r"`\1`", what)
        assert f"| `{code}` | {words} |" in TEXT


def test_the_fields():
    known = re.findall(r"^\tX\(\w+, (\w+),", (ROOT / "shim/core/fields.def").read_text(), re.M)
    section = TEXT[TEXT.index("## Fields") :]
    assert re.findall(r"`(\w+)`", section[: section.index("\n\n", 12)]) == known


def test_the_limits():
    """Numbers stand in headers, and in the document as people write them."""
    limits = "".join(
        (ROOT / "shim" / header).read_text()
        for header in ("lib/limits.h", "protocol/protocol_limits.h", "daemon/daemon_limits.h", "lib/json.h")
    )
    for name in ("WIRE_LINE_BYTES_MAX", "CONNECTIONS_MAX", "SCOPES_MAX", "SCOPE_DEPTH_MAX",
                 "WIRE_NAME_BYTES_MAX", "VALUE_BYTES_MAX", "LIST_BYTES_MAX", "JSON_DEPTH_MAX"):
        number = int(re.search(rf"#define {name} (\d+)$", limits, re.M)[1])
        assert re.search(rf"\b{number:,}\b", TEXT), name
