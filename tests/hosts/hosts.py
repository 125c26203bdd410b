# SPDX-License-Identifier: MIT
"""Builds the small hosts of this folder: host("target") is the command of target.c. A `compiler` is a command
with its options; a binary of its own is built by each."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent.parent / "build" / "hosts"


def host(name, *libraries, compiler=("cc", "-O2")):
    source, binary = HERE / f"{name}.c", BUILT / "".join([name, *compiler[(compiler[0] == "cc") * 2 :]])
    newest = max(path.stat().st_mtime for path in (source, HERE / "host.h"))
    if not binary.exists() or binary.stat().st_mtime < newest:
        BUILT.mkdir(parents=True, exist_ok=True)
        fresh = BUILT / f"{name}.{os.getpid()}"
        command = [*compiler, "-std=gnu17", "-g", "-Wall", "-Wextra", "-o", fresh, source]
        subprocess.run([*command, *(libraries or ("-lcurl", "-lpthread"))], check=True)
        fresh.rename(binary)
    return str(binary)
