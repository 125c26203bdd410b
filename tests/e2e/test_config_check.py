# SPDX-License-Identifier: MIT
"""tagalong config check, show and path; the JSON Schema is held against the same files.

    TAGALONG_GOLDEN=write pytest tests/e2e/test_config_check.py    writes the *.faults anew
"""

import json
import os
import re
import subprocess
import time

import jsonschema
import pytest

from conftest import ROOT, clean_environment

CASES = ROOT / "tests" / "golden" / "config"
TAGALONG = ROOT / "build" / "tagalong"
# The schema's own draft; what it uses of that means the same in draft 7, the newest before jsonschema 4 (Ubuntu 22.04).
VALIDATOR = getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)
# What a schema cannot see: more than one document, presets of hosts, names that are forbidden, what a
# template says, and keys that occur twice.
BEYOND_A_SCHEMA = {"bad-twice", "bad-forbidden", "bad-headers-eleven"}


@pytest.fixture
def tagalong(tmp_path):
    def tagalong(*arguments, **variables):
        return subprocess.run(
            [TAGALONG, *arguments], capture_output=True, text=True, cwd=CASES,
            env=clean_environment(tmp_path) | variables,
        )

    return tagalong


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.json")))
def test_check(tagalong, case):
    done = tagalong("config", "check", f"{case}.json")
    good = case.startswith("good")
    assert done.returncode == (0 if good else 1)
    if good:
        assert re.fullmatch(rf"{case}.json: valid, \d+ rules?\n", done.stdout) and not done.stderr
        return
    path = CASES / f"{case}.faults"
    if os.environ.get("TAGALONG_GOLDEN") == "write":
        path.write_text(done.stderr)
    assert done.stderr == path.read_text()
    # Every fault has a file, a line and a column, and the last line says how many there were.
    *faults, closing = done.stderr.splitlines()
    assert all(re.match(rf"{case}\.json:\d+:\d+: \S", fault) for fault in faults)
    assert closing.startswith(f"{case}.json: {len(faults)} fault")


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.json")))
def test_schema(case):
    schema = json.loads((ROOT / "docs" / "tagalong.schema.json").read_text())
    VALIDATOR.check_schema(schema)
    try:
        document = json.loads((CASES / f"{case}.json").read_text())
    except json.JSONDecodeError:
        assert "syntax" in case
        return
    faults = list(VALIDATOR(schema).iter_errors(document))
    assert bool(faults) == (case.startswith("bad") and case not in BEYOND_A_SCHEMA), faults


def test_the_schema_has_all_words(tagalong, tmp_path):
    """Fields, presets, and a rule's keys, as the command names them where one is misspelt."""
    document = tmp_path / "misspelt.json"
    document.write_text('{"relays": [{"match": ["a.example"], "require": ["zzzzzzzzzz"],\n'
                        '"preset": "zzzzzzzzzz",\n"zzzzzzzzzz": 1}]}')
    said = tagalong("config", "check", str(document)).stderr
    fields, presets, keys = (line.split() for line in re.findall(r"\(known: (.*?)\)", said))
    schema = json.loads((ROOT / "docs" / "tagalong.schema.json").read_text())
    assert schema["$defs"]["field"]["enum"] == fields
    rule = schema["$defs"]["rule"]["properties"]
    assert rule["preset"]["enum"] == presets
    assert [key for key in rule if key[0] != "$"] == keys


def test_the_guides_example_is_good(tagalong, tmp_path):
    for page in ("docs/configuration.md",):
        for number, example in enumerate(re.findall(r"```json\n(.*?)```", (ROOT / page).read_text(), re.S)):
            path = tmp_path / f"{number}.json"
            path.write_text(example)
            done = tagalong("config", "check", str(path))
            assert done.returncode == 0, done.stderr


def test_which_file(tagalong, tmp_path):
    assert tagalong("config", "path").returncode == 1
    assert "only the environment" in tagalong("config", "check").stdout
    user = tmp_path / ".config" / "tagalong" / "config.json"
    user.parent.mkdir(parents=True)
    user.write_text("{}")
    assert tagalong("config", "path").stdout == f"{user}\n"
    named = tagalong("config", "path", TAGALONG_CONFIG=str(CASES / "good-all.json"))
    assert named.stdout == f"{CASES / 'good-all.json'}\n"
    relative = tagalong("config", "path", TAGALONG_CONFIG="good-all.json")
    assert relative.returncode == 1 and "TAGALONG_CONFIG" in relative.stderr


def test_files_that_are_refused(tagalong, tmp_path):
    path = tmp_path / "config.json"
    path.write_text("{}")
    path.chmod(0o666)
    assert "world-writable" in tagalong("config", "check", str(path)).stderr
    path.chmod(0o644)
    path.write_text(" " * 262145)
    assert "larger than 256 KiB" in tagalong("config", "check", str(path)).stderr
    assert "no such file" in tagalong("config", "check", str(tmp_path / "none")).stderr
    assert "not a regular file" in tagalong("config", "check", str(tmp_path)).stderr
    for call in (["check", "a", "b"], ["nonsense"], [], ["check", "--json"], ["path", "x"], ["show", "--x"]):
        assert tagalong("config", *call).returncode == 2, call


def test_show(tagalong):
    document = json.loads(
        tagalong("config", "show", "--json", "good-all.json", TAGALONG_PRESET="kilo").stdout
    )
    rows = {(row["name"], row["value"]): row["origin"] for row in document["values"]}
    assert document["path"] == "good-all.json"
    assert rows["relays[0].preset", "kilo"] == "environment: TAGALONG_PRESET"
    assert rows["relays[0].max_headers", "7"] == "good-all.json:22"
    assert rows["relays[0].headers.X-Meta.task", "{task_id}"] == "good-all.json:15"
    assert rows["relays[0].headers.x-litellm-agent-id", "(left out)"] == "good-all.json:12"
    assert rows["relays[1].on_conflict", "keep"] == "default"
    assert rows["relays[1].match", "(its preset's own hosts)"] == "good-all.json:24"
    assert rows["service.timeout_ms", "10000"] == "good-all.json:26"
    assert rows["adopt.task_id", "CI_JOB_ID"] == "good-all.json:27"
    assert rows["adopt.conversation_id", "CLAUDE_CODE_SESSION_ID"] == "default"
    table = tagalong("config", "show", "good-all.json", TAGALONG_PRESET="kilo").stdout.splitlines()
    assert len(table) == len(document["values"])
    nothing = tagalong("config", "show").stdout
    assert "environment.match" in nothing and "(loopback)" in nothing


def test_a_preset_with_its_example(tagalong):
    text = tagalong("presets", "cloudflare").stdout
    assert 'cf-aig-metadata: {"session":"s-2026-11-25","project":"billing"' in text
    assert "at most 5 members" in text and "gateway.ai.cloudflare.com" in text


def test_many_faults(tagalong, tmp_path):
    """Each with its line, in the time of one."""
    rows = ",\n".join(f'"k{i}": 1' for i in range(15000))
    (tmp_path / "many.json").write_text("{" + rows + "}")
    start = time.monotonic()
    done = tagalong("config", "check", str(tmp_path / "many.json"))
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 15001 and time.monotonic() - start < 5
    assert [line.split(":")[1:3] for line in lines[:15000]] == [[str(i + 1), "2" if not i else "1"] for i in range(15000)]
