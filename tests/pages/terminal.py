# SPDX-License-Identifier: MIT
"""A shell in a terminal of its own, with a person who types the beginning of a line and TAB."""

import os
import pty
import re
import select
import subprocess
import time

from serving import ROOT

SECONDS = 20
# What a shell's start-up file binds to C-x C-d: print the line as it stands, between these.
TELL = b"\x18\x04"
TOLD = re.compile(rb"<<(.*?)>>", re.DOTALL)
# Not always in front of the prompt.
BRACKETED_PASTE = re.compile(rb"\x1b\[\?2004[hl]")

COMPLETIONS = ROOT / "scripts" / "completions"
BASH = """
PS1='ready> '
source /usr/share/bash-completion/bash_completion
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
tell() {{ printf '<<%s>>\\n' "$READLINE_LINE"; }}
bind -x '"\\C-x\\C-d": tell'
"""
ZSH = """
PS1='ready> '
unsetopt PROMPT_SP BEEP
fpath=({completions} $fpath)
autoload -U compinit
compinit -u -D
tell() {{ print -rn -- "<<$BUFFER>>" }}
zle -N tell
bindkey '^X^D' tell
bindkey '^U' kill-whole-line
"""


class Terminal:
    def __init__(self, command, environment, folder):
        self.master, slave = pty.openpty()
        self.shell = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment,
                                      cwd=folder, start_new_session=True)
        os.close(slave)
        self.seen = b""

    def close(self):
        self.shell.kill()
        self.shell.wait()
        os.close(self.master)

    def read_until(self, condition):
        deadline = time.monotonic() + SECONDS
        while not condition(self.seen):
            ready = select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, f"the shell says nothing more: {self.seen!r}"
            self.seen += os.read(self.master, 65536)

    def wait_for(self, words):
        self.read_until(lambda seen: words in seen)

    def complete(self, line):
        """(the line after TAB, what else was printed)."""
        self.seen = b""
        os.write(self.master, line.encode() + b"\t" + TELL)
        self.read_until(TOLD.search)
        found = TOLD.search(self.seen)
        shown = BRACKETED_PASTE.sub(b"", self.seen[: found.start()])
        os.write(self.master, b"\x15")
        return found[1].decode(), shown.decode()


def start(shell, environment, home):
    path = home / f".{shell}rc"
    text = {"bash": BASH, "zsh": ZSH}[shell].format(completions=COMPLETIONS)
    path.write_text(text)
    command = {"bash": ["bash", "--noprofile", "--rcfile", path, "-i"], "zsh": ["zsh", "-d", "-i"]}[shell]
    terminal = Terminal(command, environment, home)
    terminal.wait_for(b"ready> ")
    return terminal
