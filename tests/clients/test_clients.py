# SPDX-License-Identifier: MIT
"""Real, unmodified clients against the relay: each runs without and with the shim, every request
gets its lines, and nothing else differs (neutral.py). The clients are those of Debian 12; one that
is not installed is skipped by name, and with CI=true it fails.

    scripts/install-deps test clients; make; pytest tests/clients -n 2

The session ends with build/clients.md: each client, how it comes to libcurl, and how many of its
requests were tagged.
"""

import re
import shutil
import subprocess
from string import Template

import pytest

from conftest import HERE, ROOT
from examples import make_client
from git_server import GitServer
from rows import BYSTANDERS, PHP_VERSION, ROWS
from table import HEAD, RESULTS, cells, on_page, installed_version, write_table
from tags import CONTEXT, PLAIN

PROGRAMS = HERE / "clients" / "programs"


@pytest.fixture(scope="session")
def servers(servers):
    with GitServer() as git:
        yield servers | {"git": git}


@pytest.fixture(scope="session", autouse=True)
def table(request):
    yield
    if not request.config.getoption("--bare"):
        write_table(ROWS, ROOT / "build" / "clients.md")


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """made(command): the folder of compiled clients, with the one that the command names."""
    folder = tmp_path_factory.mktemp("made")

    def made(command):
        (name,) = (part.removeprefix("$made/") for part in command if part.startswith("$made/"))
        try:
            make_client(name, folder)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"{name} cannot be made: {error.stderr}")
        return folder

    return made


@pytest.fixture
def places(request, relay, servers, tmp_path):
    """places(command): what the names in it stand for."""

    def places(command):
        found = {
            "chat": relay.url + "/v1/chat/completions",
            "url": relay.url,
            "port": relay.port,
            "git": servers["git"].url + str(tmp_path),
            "programs": PROGRAMS,
        }
        if "$doh" in command:
            found["doh"] = request.getfixturevalue("front").url + "/dns-query"
        if any(part.startswith("$made/") for part in command):
            found["made"] = request.getfixturevalue("made")(command)
        return found

    return places


def fill(parts, found):
    return [Template(part).safe_substitute(found) for part in parts]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_client(row, neutral, places):
    for name in row.packages.split():
        if not installed_version(name):
            pytest.skip(f"Debian's package {name} is not installed")
    found = places(row.command)
    env = CONTEXT | dict(zip(row.env, fill(row.env.values(), found)))
    command, expect = fill(row.command, found), {"relay": row.expect} | row.others
    result = neutral(command, expect, env=env, own=row.own, **row.how)
    RESULTS.put(row, result)
    assert result.rc == 0, result.stderr
    for request in result.requests:
        assert request.values("Authorization") == ["Bearer sk-test"]
        assert request.values("Content-Type") == ["application/json"]


@pytest.mark.parametrize("name", BYSTANDERS)
def test_bystander(name, neutral, places):
    command = fill(BYSTANDERS[name], places([]))
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    neutral(command, [PLAIN] if name == "node" else [])


def test_the_page_has_the_table_of_these_rows():
    # As the run makes it (table.py --write); versions are those of the machine that it was made on.
    table = on_page()[1]
    assert table.startswith(HEAD)
    shown = [line.strip("| ").split(" | ") for line in table[len(HEAD) :].splitlines()]
    meant = [cells(row, None, row.tagged, len(row.everywhere)) for row in ROWS]
    assert [[name, *rest] for name, _, *rest in shown] == [[name, *rest] for name, _, *rest in meant]
    assert all(re.match(r"\d+\.", line[1]) for line in shown)


def test_install_deps_knows_every_package():
    command = [ROOT / "scripts" / "install-deps", "--list", "clients", "test", "build"]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {name.replace(PHP_VERSION, "") for row in ROWS for name in row.packages.split()} <= set(known)
