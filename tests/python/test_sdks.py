# SPDX-License-Identifier: MIT
"""The SDKs of OpenAI, Anthropic and Ollama with the Python of Debian's next release, in a root of its own that
debootstrap makes once, in build/python-sid: that wants root."""

import os
import shutil
import subprocess

import pytest

from conftest import ROOT
from hosts import PROGRAMS, Hosts, compare_request
from tags import GENERIC, PLAIN

SID = ROOT / "build" / "python-sid"
PACKAGES = "python3,python3-openai,python3-anthropic,python3-httpx2,python3-httpx,python3-ollama,python3-aiohttp"


@pytest.fixture(scope="module")
def sid():
    if os.geteuid() or not shutil.which("debootstrap", path="/usr/sbin:/sbin"):
        pytest.skip("it wants root and debootstrap")
    if not (SID / "usr/lib/python3/dist-packages/openai").is_dir():
        command = ["/usr/sbin/debootstrap", "--variant=minbase", f"--include={PACKAGES}", "sid", SID]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
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
    for server, added, count in ("relay", GENERIC, 11), ("other", PLAIN, 1):
        before, after = bare.traffic[server], tagged.traffic[server]
        assert (len(before), len(after)) == (count, count)
        for one, two in zip(before, after):
            compare_request(one, two, added)
