# SPDX-License-Identifier: MIT
"""PHP loads each extension with RTLD_DEEPBIND. The shim's dlopen takes that from the one that needs
libcurl, which could not be interposed otherwise, and from no other.

What the dynamic loader did is read from its own words: LD_DEBUG=scopes names, for each object, the
lists of objects in which its symbols are looked up. With RTLD_DEEPBIND the object's own list comes
before the program's.
"""

import re
import subprocess
from pathlib import Path

import pytest

from grants import REFUSED
from rows import PHP
from table import installed_version
from tags import CONTEXT


@pytest.fixture(autouse=True)
def php():
    if not installed_version(PHP.split()[0]):
        pytest.skip("Debian's package php-curl is not installed")


def extension_folder():
    command = ["php", "-r", "echo ini_get('extension_dir');"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


WITHOUT_DEEPBIND = f"{REFUSED}: a PHP that loads extensions with RTLD_DEEPBIND"  # 8.4 does not


def deep_bound(stderr):
    """{extension: whether its own scope comes first}, from the output of LD_DEBUG=scopes."""
    folder, found = str(extension_folder()), {}
    for name, first in re.findall(r"object=(\S+) \[0\]\n\s*\d+:\s*scope 0: (\S+)", stderr):
        if name.startswith(folder):
            found[Path(name).name] = first == name
    return found


def test_the_same_modules(neutral):
    result = neutral(["php", "-m"], [])
    assert b"\ncurl\n" in result.stdout


def test_deepbind_stays(run, shim):
    """RTLD_DEEPBIND stays, for curl.so as well: its references are bound to us when it is loaded."""
    if not shim:
        pytest.skip("--bare")
    env = CONTEXT | {"LD_DEBUG": "scopes"}
    bare = deep_bound(run(["php", "-m"], shim=None, env=env).stderr.decode())
    tagged = deep_bound(run(["php", "-m"], env=env).stderr.decode())
    assert len(bare) > 1
    if not any(bare.values()):
        pytest.skip(WITHOUT_DEEPBIND)
    assert tagged == bare


def test_doors_closed(run, relay, shim):
    # Then a PHP that loads with RTLD_DEEPBIND is not seen at all, and its requests are its own.
    bare = run(["php", "-m"], shim=None, env=CONTEXT | {"LD_DEBUG": "scopes"})
    if not any(deep_bound(bare.stderr.decode()).values()):
        pytest.skip(WITHOUT_DEEPBIND)
    program = Path(__file__).with_name("programs") / "php_exec.php"
    env = CONTEXT | {"TAGALONG_HOOKS": "libcurl"}
    result = run(["php", program, relay.url + "/v1/chat/completions"], env=env)
    assert (result.rc, result.stderr) == (0, b"")
    assert [r.value("X-Task-Id") for r in result.requests] == [None] * 5
    assert [r.value("Authorization") for r in result.requests] == ["Bearer sk-test"] * 5
