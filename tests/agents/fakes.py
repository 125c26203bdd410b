# SPDX-License-Identifier: MIT
"""Helpers that are not as they should be, for the programs that ask one."""

import shutil

from conftest import ROOT

BROKEN = {
    "absent": None,
    "not executable by its format": "\0",
    "silent": "#!/bin/sh\nexec sleep 60\n",
    "gone at once": "#!/bin/sh\nexit 3\n",
    "deaf": "#!/bin/sh\nexec <&-\nexec sleep 60\n",
    "garbage": "#!/bin/sh\nwhile read -r line; do echo '{{{'; done\n",
    "an error": "#!/bin/sh\nwhile read -r line; do echo '{\"error\":\"no\"}'; done\n",
    "half a line": "#!/bin/sh\nread -r line; printf '{\"headers\":'; exec sleep 60\n",
    "other types": "#!/bin/sh\nwhile read -r line; do echo '{\"headers\":7,\"environment\":[1]}'; done\n",
}


def installation(folder, name, script):
    """The agents' file `name` in an installation where `tagalong` is `script`; None: there is none."""
    file = folder / "lib/tagalong/hooks" / name
    file.parent.mkdir(parents=True)
    shutil.copy(ROOT / "shim/hooks" / name, file)
    helper = folder / "bin" / "tagalong"
    helper.parent.mkdir()
    if script is not None:
        helper.write_text(script)
        helper.chmod(0o755)
    return file
