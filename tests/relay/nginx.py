# SPDX-License-Identifier: MIT
"""How the system's nginx is started.

    subprocess.Popen(nginx.command(folder, folder / "nginx.conf"), stderr=log)

What it has to say goes to standard error, from its first line to its last: by `error_log`, because nginx before
1.19.5 (Ubuntu 22.04) knows no `-e`. So as a plain user it may begin with an [alert] that it cannot write
/var/log/nginx/error.log, and goes on.
"""

import os
import shutil


def find():
    # Debian has it in /usr/sbin, which is not in everybody's PATH.
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
    return shutil.which("nginx", path=path) or "nginx"


def command(folder, configuration, level="error"):
    return [find(), "-p", folder, "-c", configuration, "-g", f"error_log stderr {level};"]
