# SPDX-License-Identifier: MIT
"""Clients that come as source: libcurl4-doc's examples, and one for curlpp."""

import subprocess
from pathlib import Path

PROGRAMS = Path(__file__).with_name("programs")
INSTALLED = Path("/usr/share/doc/libcurl4-doc/examples")
LIBRARIES = {"multi-uv": ["-luv"], "multi-event": ["-levent"], "ephiperfifo": []}


def run(*command, cwd=None):
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)


def source_of(name, folder):
    """Installed with its package; or, where docs are left out (containers), taken from it."""
    if (INSTALLED / f"{name}.c").is_file():
        return INSTALLED / f"{name}.c"
    if not list(folder.glob("libcurl4-doc*.deb")):
        run("apt-get", "download", "libcurl4-doc", cwd=folder)
        (package,) = folder.glob("libcurl4-doc*.deb")
        run("dpkg-deb", "-x", package, folder)
    (source,) = folder.glob(f"usr/share/doc/*/examples/{name}.c")
    return source


def make_client(name, folder):
    """Compiles it to folder/name. Raises CalledProcessError, with the tool's words."""
    if name == "curlpp":
        run("c++", PROGRAMS / "curlpp.cpp", "-o", folder / name, "-lcurlpp", "-lcurl")
        return
    prelude = ["-include", PROGRAMS / "chat_handle.h"]
    source = source_of(name, folder)
    run("cc", "-w", *prelude, source, "-o", folder / name, "-lcurl", *LIBRARIES[name])
