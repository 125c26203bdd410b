# SPDX-License-Identifier: MIT
"""A person at a terminal: what is typed into tmux, what is seen, and the page that is made of it.

tell() goes through the story and returns [(sentence, screen)]; page() makes docs/story.md of them.
What differs from run to run (the home folder, the relay's port, the time) is written as one thing.
"""

import re
import subprocess
import time

WIDTH, TALL, LOW = 150, 40, 18  # columns; lines for a shell, and for an editor with a log below it
SECONDS = 30  # until something has to have shown up
PROMPT = "$"
SHELL = "bash --rcfile .bashrc"
RC = "PS1='$ '; unset HISTFILE\n"

ASK = """\
#!/bin/sh
# ask QUESTION...: prints what the model says.
jq -n --arg question "$*" '{model: "m", messages: [{role: "user", content: $question}]}' |
	curl -sS "$OPENAI_BASE_URL/chat/completions" -d @- | jq -r '.choices[0].message.content'
"""
INIT = """\
" :Ask sends the text to the model, and puts the answer below it.
function! Ask(text)
  let body = json_encode({'model': 'm', 'messages': [{'role': 'user', 'content': a:text}]})
  let answer = system(['curl', '-sS', $OPENAI_BASE_URL .. '/chat/completions', '-d', body])
  call append('$', json_decode(answer).choices[0].message.content)
  redraw | echo
endfunction
command! Ask call Ask(join(getline(1, '$'), "\\n"))
set noruler noshowcmd noswapfile shada=
"""
ANSWER = "Tagalong says hello through the test relay."

HEAD = """\
# From nothing to tagged requests, on one terminal

These are the screens of a terminal, as they were. A test (`tests/guide/test_story.py`) types this into
tmux, against a relay on loopback, and compares what it sees with this page. The two clients know nothing
of Tagalong.
"""


class Tmux:
    """A server of its own with one window, and at most two panes in it."""

    def __init__(self, folder, environment):
        self.command = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self.environment = environment
        self.tell("new-session", "-d", SHELL)
        self.resize(TALL)
        self.tell("set-option", "-g", "default-command", SHELL)
        self.tell("set-option", "-g", "status", "off")

    def resize(self, height):
        """Of tmux 3.2 a new session has 80 columns, whatever it is told."""
        self.tell("resize-window", "-x", str(WIDTH), "-y", str(height))

    def tell(self, *words):
        done = subprocess.run([*self.command, *words], env=self.environment, cwd=self.environment["HOME"],
                              capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def see(self, pane=0):
        lines = self.tell("capture-pane", "-p", "-t", f":.{pane}").rstrip("\n").split("\n")
        return [line.rstrip() for line in lines]

    def wait(self, condition, pane=0):
        """Until the pane's lines are as they should be, twice in a row; then they are the answer."""
        deadline, before = time.monotonic() + SECONDS, None
        while not condition(lines := self.see(pane)) or lines != before:
            assert time.monotonic() < deadline, "\n".join(lines)
            before = lines
            time.sleep(0.05)
        return lines

    def keys(self, *keys, pane=0):
        self.tell("send-keys", "-t", f":.{pane}", *keys)

    def type(self, text, pane=0):
        self.tell("send-keys", "-t", f":.{pane}", "-l", text)
        self.keys("Enter", pane=pane)

    def shell(self, *lines):
        """Types lines into an empty screen, each when the one before it is done."""
        self.keys("C-l")
        seen = self.wait(lambda seen: seen == [PROMPT])
        for line in lines:
            before = seen[:-1]
            self.type(line)
            seen = self.wait(lambda seen: len(seen) > len(before) + 1 and seen[-1] == PROMPT)
        return seen[:-1]

    def end(self):
        subprocess.run([*self.command, "kill-server"], env=self.environment, capture_output=True)


def tell(home, environment):
    """`environment` has OPENAI_BASE_URL, and PATH with ~/.local/bin and ~/bin in front; `home` has a folder
    tagalong, the sources. [(sentence, screen)]."""
    for path, text in ((home / "bin/ask", ASK), (home / ".config/nvim/init.vim", INIT)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    (home / "bin/ask").chmod(0o755)
    (home / ".bashrc").write_text(RC)
    tmux = Tmux(home, environment | {"HOME": str(home), "TERM": "screen", "SHELL": "/bin/bash",
                       "NVIM_LOG_FILE": "/dev/null"})  # newer ones begin a log in the home folder
    try:
        return list(chapters(tmux))
    finally:
        tmux.end()


def chapters(tmux):
    yield "It is installed into a home folder.", tmux.shell(
        "make -s -C tagalong install PREFIX=$HOME/.local", "command -v tagalong")
    yield "What can be tagged on this machine? A C program, PHP, Node, a Go program.", tmux.shell(
        "for program in curl php node fzf; do tagalong doctor $program | sed '/^$/,$d'; done")
    yield "One client is a shell script.", tmux.shell("cat bin/ask")
    yield "The other is an editor with a command of one's own.", tmux.shell("cat .config/nvim/init.vim")
    yield "Both are wrapped: from now on they start with Tagalong, and with a task.", tmux.shell(
        "tagalong wrap --task T-41 ask", "tagalong wrap --task T-42 nvim", "tagalong wrap --list")
    yield "The script asks as it always did, and the log has its request.", tmux.shell(
        "export TAGALONG_LOG=$HOME/log.jsonl", "ask 'Say hello.'", "tagalong log")

    tmux.resize(LOW)
    tmux.shell()
    tmux.type("nvim +startinsert letter")
    tmux.wait(lambda seen: "-- INSERT --" in seen)
    tmux.tell("split-window", "-d", "-l", "6")
    tmux.wait(lambda seen: seen == [PROMPT], pane=1)
    tmux.type("tagalong log --follow log.jsonl", pane=1)
    tmux.wait(lambda seen: len(seen) == 3, pane=1)
    tmux.type("Dear model, say hello.")
    tmux.keys("Escape")
    tmux.wait(lambda seen: "-- INSERT --" not in seen)
    tmux.type(":Ask")
    yield "The editor, with the log below it: `:Ask` sends the letter.", both(tmux, 1)
    tmux.type(":!tagalong context set task_id=T-43")
    tmux.wait(lambda seen: "Press ENTER or type command to continue" in seen)
    yield "The next task, told from inside the editor.", both(tmux, 1)
    tmux.keys("Enter")
    tmux.wait(lambda seen: "Press ENTER or type command to continue" not in seen)
    tmux.type(":Ask")
    yield "The same editor, still running: the next request carries the new task.", both(tmux, 2)
    tmux.tell("kill-pane", "-t", ":.1")
    tmux.type(":q!")
    tmux.wait(lambda seen: seen[-1] == PROMPT)
    tmux.tell("resize-window", "-y", str(TALL))

    yield "Who asked how often?", tmux.shell("tagalong log --by task")
    yield "All of it is taken back; what stays is the log, and the state of the context service.", tmux.shell(
        "tagalong unwrap ask", "tagalong unwrap nvim", "make -s -C tagalong uninstall PREFIX=$HOME/.local",
        "hash -r; command -v ask nvim tagalong", "find .local log.jsonl -type f", "rm -r log.jsonl .local/state/tagalong")


def both(tmux, asked):
    """The two panes, once `asked` answers are in the upper one and the log below has them and the script's."""
    upper = tmux.wait(lambda seen: sum(line == ANSWER for line in seen) == asked or "Press ENTER" in seen[-1])
    lower = tmux.wait(lambda seen: sum("/chat/completions" in line for line in seen) == asked + 1, pane=1)
    return [*upper, "\u2500" * 100, *lower]


def page(told, home):
    text = HEAD
    for sentence, screen in told:
        text += f"\n{sentence}\n\n```\n" + "\n".join(screen) + "\n```\n"
    # A column that has the folder in it keeps its width.
    home = str(home)
    text = re.sub(re.escape(home) + r"(\S*  +)", r"~\1" + " " * (len(home) - 1), text)
    text = text.replace(home, "~")
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8090", text)
    return "\n".join(map(with_a_time, text.split("\n")))


def with_a_time(line):
    """That of a line of the log depends on its task alone."""
    if found := re.search(r"\bT-(\d\d)\b", line):
        line = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", f"2026-11-25 09:{found[1]}:00", line)
    return line
