# SPDX-License-Identifier: MIT
"""Programs of a Debian machine, and what tagalong doctor has to say of each: (verdict, hook).

They are of Debian's own base, or of what scripts/install-deps installs."""

from pathlib import Path

LINKED = ("tagged", "linked")
PLUGIN = ("tagged", "plugin")
NODE = ("tagged", "node")
PYTHON = ("tagged", "python")
CHILDREN = ("children", None)
NOT = ("not", None)

# By the versions of this release.
VERSIONED = [str(path) for pattern in ("bin/php[0-9].[0-9]", "sbin/php-fpm[0-9].[0-9]",
                                       "bin/ruby[0-9].[0-9]", "bin/tclsh[0-9].[0-9]")
             for path in sorted(Path("/usr").glob(pattern))]
KNOWN_ANSWERS = {
    LINKED: "curl cmake cpack ctest /usr/lib/git-core/git-remote-http /usr/lib/git-core/git-remote-https "
            "/usr/lib/git-core/git-http-push /usr/lib/git-core/git-http-fetch gdb appstreamcli",
    PLUGIN: " ".join(["php phar ruby irb gem rake erb perl prove cpan corelist R Rscript lua lua5.1 tclsh wish", *VERSIONED]),
    NODE: "node nodejs npm npx",
    PYTHON: "/usr/bin/python3 /bin/python3 /usr/bin/pip3 /usr/bin/gunicorn /usr/bin/uvicorn /usr/bin/flask /usr/bin/httpx "
            "/usr/bin/pydoc3 /usr/bin/pygmentize /usr/bin/chardetect",
    # Shells and their scripts, and what starts others.
    CHILDREN: "sh dash bash rbash busybox emacs nvim git make env xargs find nohup timeout nice setsid stdbuf direnv "
              "run-parts ldd tzselect which zcat valgrind editor vi vim ex view tmux watch script time fakeroot egrep fgrep "
              "bashbug curl-config git-receive-pack git-upload-pack",
    # HTTP of their own; Rust, Go; elsewhere; and those that have nothing to do with it.
    NOT: "java wget systemctl systemd-run crontab runuser rg fdfind fzf ssh slogin su ls cat cp tar gzip sed grep awk sort date openssl nginx socat strace "
         "gcc g++ cc dpkg apt apt-get passwd mount chsh newgrp hostname pkg-config ssh-keygen scp clang "
         "desktop-file-validate redis-server redis-cli sqlite3 xxd jq ps top",
}
PROGRAMS = {program: answer for answer, programs in KNOWN_ANSWERS.items() for program in programs.split()}
