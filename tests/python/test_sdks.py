# SPDX-License-Identifier: MIT
"""The SDKs of OpenAI, Anthropic and Ollama, and llm, with the Python of Debian's next release, in a root of its own
that debootstrap makes once, in build/python-sid: that wants root."""

import shutil
import sys

import pytest

import grants
from conftest import ROOT
from hosts import PROGRAMS, Hosts, compare_request
from tags import GENERIC, PLAIN

sys.path += [str(ROOT / "tests" / folder) for folder in ("agents", "packages")]
from agent_table import ROWS, put  # noqa: E402
from chroot import Impossible, debootstrap, mirror, obstacle  # noqa: E402

SID = ROOT / "build" / "python-sid"
PACKAGES = "python3,python3-openai,python3-anthropic,python3-httpx2,python3-httpx,python3-ollama,python3-aiohttp,llm"


@pytest.fixture(scope="module")
def sid():
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    if not (SID / "usr/bin/llm").exists():
        shutil.rmtree(SID, ignore_errors=True)
        try:
            debootstrap(f"--include={PACKAGES}", "sid", SID, mirror()[1])
        except Impossible as error:
            pytest.skip(f"{grants.REFUSED}: Debian's sid from this machine's mirror: {error}")
    place = SID / "opt" / "tagalong"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ROOT / "shim/hooks/python", place / "hooks/python", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "build/libtagalong.so", place)
    shutil.copy(PROGRAMS / "sdks.py", place)
    return SID


def test_each_sdk(sid, servers, tmp_path):
    hosts = Hosts(servers, tmp_path)
    command = ["/usr/sbin/chroot", str(sid), "/usr/bin/env"]
    program = ["/usr/bin/python3", "/opt/tagalong/sdks.py", hosts.relay.url]
    bare = hosts.run([*command, *program])
    assert bare.rc == 0, bare.stderr
    hook = ["LD_PRELOAD=/opt/tagalong/libtagalong.so", "PYTHONPATH=/opt/tagalong/hooks/python"]
    tagged = hosts.run([*command, *hook, "TAGALONG_RELAYS=" + hosts.relay.url, *program])
    assert (tagged.rc, tagged.stdout, tagged.stderr) == (bare.rc, bare.stdout, bare.stderr)
    for server, added, count in ("relay", GENERIC, 12), ("other", PLAIN, 1):
        before, after = bare.traffic[server], tagged.traffic[server]
        assert (len(before), len(after)) == (count, count)
        for one, two in zip(before, after):
            compare_request(one, two, added)
    sent = {row: [r for r in tagged.requests if f"/{row.path}/" in r.target] for row in ROWS if row.path}
    assert sum(map(len, sent.values())) == len(tagged.requests) and all(sent.values())
    for row, requests in sent.items():
        put(row, len([r for r in requests if r.value("X-Task-Id") == "T-42"]), len(requests))
