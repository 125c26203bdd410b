# SPDX-License-Identifier: MIT
"""Builds the small hosts of this folder: host("target") is the command of target.c."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent.parent / "build" / "hosts"


def host(name, *libraries):
    source, binary = HERE / f"{name}.c", BUILT / name
    newest = max(path.stat().st_mtime for path in (source, HERE / "host.h"))
    if not binary.exists() or binary.stat().st_mtime < newest:
        BUILT.mkdir(parents=True, exist_ok=True)
        fresh = BUILT / f"{name}.{os.getpid()}"
        command = ["cc", "-std=gnu17", "-O2", "-g", "-Wall", "-Wextra", "-o", fresh, source]
        subprocess.run([*command, *(libraries or ("-lcurl", "-lpthread"))], check=True)
        fresh.rename(binary)
    return str(binary)
