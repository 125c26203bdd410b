# SPDX-License-Identifier: MIT
"""The stand-in for libcurls that are not installed here (tests/fixtures/standin). It loads the real one
with RTLD_DEEPBIND, which a sanitizer's runtime refuses."""

import os
import re
import subprocess

from conftest import ROOT

FOLDER = ROOT / "build" / "fixtures" / "standin"
SANITIZED = not {"ASAN_OPTIONS", "TSAN_OPTIONS"}.isdisjoint(os.environ)


def system_libcurl():
    listing = subprocess.run(
        ["ldd", ROOT / "build" / "fixtures" / "puppet"], capture_output=True, text=True, check=True
    )
    return re.search(r"libcurl\.so\.4 => (\S+)", listing.stdout).group(1)


def standin(mode=""):
    """The environment in which a program finds it instead of libcurl.so.4. Without a mode it does as
    the real one, but that no inner call comes out through the PLT."""
    return {"STANDIN": mode, "STANDIN_LIBCURL": system_libcurl(), "LD_LIBRARY_PATH": str(FOLDER)}
