# SPDX-License-Identifier: MIT
"""Records conversations of real clients against the test relay, with its scripted answers:

    scripts/install-deps clients record; scripts/install-npm agents compiled programs record codex
    /usr/bin/python3 tests/conversation/record.py [CLIENT...]

writes recorded.jsonl.gz, or what it has of these clients; a line for each conversation: the client, what
happened in it (see KINDS), and of each request the headers that name the conversation and the body. The
body of a script is as the script wrote it. The others are reduced to what an id could need: tools are left
out, long texts are cut in their middle, and of many messages the first four and the last two are kept. An
agent's turn is a run of it that continues the one before; an SDK's or a script's is a call in one process. The
clock moves between them by faketime where that can be (Codex is static, and programs that Bun compiled do
not start with it).
"""

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "relay"), str(HERE.parent / "agents"), str(HERE)]

import corpus  # noqa: E402
from agent_table import ROWS  # noqa: E402
from conftest import clean_environment  # noqa: E402
from relay import Relay  # noqa: E402

NPM = ROOT / "build" / "npm"
RECORD = Path(os.environ.get("TAGALONG_RECORD_NPM") or NPM / "record")
CLOCK = ["faketime", "-f", "@2026-11-02 10:00:00 x20000"]
PROGRAMS = HERE / "programs"
SDKS = {"openai": "OpenAI SDK 7.59.0, chat", "responses": "OpenAI SDK 7.59.0, responses",
        "anthropic": "Anthropic SDK 1.14.0", "vercel": "Vercel AI SDK 7.0.173", "langchain": "LangChain 1.6.0",
        "genai": "Google Gen AI SDK 3.3.0"}
KINDS = {"plain": 28, "compacted": 3, "first edited": 3}  # of each SDK
OWN = ("x-claude-code-session-id", "thread-id", "session-id", "x-session-affinity", "x-qwen-code-session-id",
       "x-kilocode-taskid", "x-task-id")
# Scripts: the command; the package that has the version.
SCRIPTS = {
    "shell, curl and jq": (["sh", PROGRAMS / "talk.sh", "{url}"], "curl"),
    "PHP, ext-curl": (["php", PROGRAMS / "talk.php", "{url}"], "php-curl"),
    "R, curl and jsonlite": (["Rscript", PROGRAMS / "talk.R", "{url}"], "r-cran-curl"),
    "Ruby, Typhoeus": (["ruby", PROGRAMS / "talk.rb", "{url}"], "ruby-typhoeus"),
    "Emacs, plz": (["emacs", "--batch", "-l", PROGRAMS / "talk.el"], "elpa-plz"),
    "Neovim": (["nvim", "--headless", "-u", "NONE", "-c", f"luafile {PROGRAMS / 'talk.lua'}"], "neovim"),
}
SCRIPT_KINDS = {"plain": 6, "compacted": 1, "first edited": 1}
# Agents, by their rows of tests/agents/agent_table.py: how many conversations, of how many turns, and what
# makes a run continue the one before; that stands in front of the prompt, or at the end.
AGENTS = {
    "Claude Code": (9, 5, None, ["-c"]),
    "Codex": (12, 5, -1, ["resume", "--last"]),
    "Gemini CLI": (2, 3, None, ["--resume", "latest"]),
    "opencode": (4, 3, None, ["--continue"]),
    "pi": (3, 3, None, ["--continue"]),
    "qwen-code": (8, 4, None, ["--continue"]),
}
LONG = 300
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def reduced(value):
    if isinstance(value, str):
        return value if len(value) <= LONG else value[: LONG // 2] + "[...]" + value[-LONG // 2:]
    if isinstance(value, list):
        return [reduced(part) for part in value]
    if not isinstance(value, dict):
        return value
    value = {key: reduced(part) for key, part in value.items() if key != "tools"}
    for key in ("messages", "input", "contents"):
        if isinstance(value.get(key), list) and len(value[key]) > 6:
            value[key] = value[key][:4] + value[key][-2:]
    return value


def taken(relay, folder):
    """The requests that the relay got, without what says on which machine."""
    for request in relay.requests:
        if request.method == "POST" and request.body:
            own = {name: request.value(name) for name in OWN if request.value(name)}
            text = json.dumps(reduced(json.loads(request.body))).replace(str(folder), "/home/u")
            yield {"own": own, "body": json.loads(text)}


def talk_of(rng, kind, longest=30):
    """The messages of each request: some are sent again, some edited; old ones are left out, or become a
    summary; the first may have an image, or be of one word."""
    first = {"role": "user", "text": corpus.sentence(rng) if rng.random() < 0.8 else f"hello{rng.randrange(10**6)}"}
    if rng.random() < 0.2:
        first["image"] = IMAGE
    messages, length = [first], rng.randrange(3, longest + 1)
    for turn in range(length):
        yield list(messages)
        if rng.random() < 0.1:
            yield list(messages)
        if turn and rng.random() < 0.1:
            messages[-1] = {"role": "user", "text": corpus.sentence(rng)}
            yield list(messages)
        if turn == length // 2 and kind == "compacted":
            messages = [{"role": "user", "text": "Summary of what was said: " + corpus.sentence(rng)}]
        if turn == length // 2 and kind == "first edited":
            messages = [{"role": "user", "text": corpus.sentence(rng)}]
        if len(messages) > 16:
            messages = messages[:1] + messages[-5:]
        messages = messages + [{"role": "assistant", "text": corpus.answer(rng)},
                               {"role": "user", "text": corpus.sentence(rng)}]


def in_one_process(relay, folder, home, client, kinds, command, longest=30, **env):
    """Runs a program that holds all conversations; of each the kind and the number of its requests."""
    rng = random.Random(f"{corpus.SEED} {client}")
    kinds = [kind for kind, count in kinds.items() for _ in range(count)]
    talks = [list(talk_of(rng, kind, longest)) for kind in kinds]
    relay.reset()
    (folder / "talks.json").write_text(json.dumps(sum(talks, [])))
    with open(folder / "talks.json") as stdin:
        subprocess.run([*CLOCK, *command], stdin=stdin, check=True, timeout=300, cwd=folder, stdout=subprocess.DEVNULL,
                       env=clean_environment(home) | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"} | env)
    return [(kind, len(talk)) for kind, talk in zip(kinds, talks)]


def sdk_talks(relay, folder, home):
    for sdk, client in SDKS.items():
        command = ["node", PROGRAMS / "talk.mjs", sdk, relay.url]
        talks = in_one_process(relay, folder, home, client, KINDS, command, NPM=str(RECORD))
        yield from divided(client, talks, list(taken(relay, folder)))


def script_talks(relay, folder, home):
    url = relay.url + "/v1/chat/completions"
    for name, (command, package) in SCRIPTS.items():
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
        client = f"{name} {version.stdout.rpartition(':')[2].partition('+')[0].partition('-')[0]}"
        command = [str(word).replace("{url}", url) for word in command]
        talks = in_one_process(relay, folder, home, client, SCRIPT_KINDS, command, 10, CHAT_URL=url)
        yield from divided(client, talks, [{"own": {}, "raw": r.body.decode()} for r in relay.requests])


def divided(client, talks, requests):
    assert len(requests) == sum(count for _, count in talks), (client, len(requests))
    print(client, len(requests), file=sys.stderr)
    for kind, count in talks:
        yield {"client": client, "kind": kind, "requests": requests[:count]}
        del requests[:count]


def agent_talks(relay, folder, home):
    """In three projects, the third with a file of instructions; files change between the turns."""
    for row in ROWS:
        if row.name not in AGENTS:
            continue
        count, turns, place, later = AGENTS[row.name]
        client = f"{row.name} {row.version()}"
        rng = random.Random(f"{corpus.SEED} {client}")

        def text(value):
            return value.format(url=relay.url, npm=NPM, home=home)

        env = clean_environment(home) | {name: text(value) for name, value in row.env.items()}
        for path, content in row.files.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(text(content))
        if row.before:
            subprocess.run([text(word) for word in row.before], env=env, timeout=60, stdin=subprocess.DEVNULL)
        for number in range(count):
            work = folder / ["billing", "shop", "notes"][number % 3]
            if not work.exists():
                subprocess.run(["git", "init", "-q", work], check=True)
            if number % 3 == 2:
                for name in "AGENTS.md", "CLAUDE.md", "GEMINI.md", "QWEN.md":
                    (work / name).write_text("# Rules\n\nUse <b>tabs</b>.\n" * 20)
            kind = "compacted" if "Claude" in client and number % 3 == 0 else "plain"
            prompts = [corpus.sentence(rng) for _ in range(turns)]
            if number % 4 == 3:
                prompts[0] = ["hi", "test", "go"][number // 4]
            if kind == "compacted":
                prompts[2] = "/compact"
            relay.reset()
            for turn, prompt in enumerate(prompts):
                (work / f"file{number}-{turn}").write_text("x" * turn)
                line = [prompt if word == "say hi" else text(word) for word in row.command]
                if turn:
                    at = len(line) if place is None else place
                    line[at:at] = later
                day = f"2026-11-{number + 1:02} {8 + 3 * turn:02}:00:00"
                clock = ["faketime", "-f", "@" + day] if line[0] == "node" else []
                subprocess.run([*clock, *line], cwd=work, timeout=150, env=env, stdin=subprocess.DEVNULL,
                               capture_output=True)
            requests = list(taken(relay, folder))
            print(client, kind, prompts[0], len(requests), file=sys.stderr)
            yield {"client": client, "kind": kind, "requests": requests}


def main(wanted):
    """`wanted`: how the names of the clients begin; none: all."""
    def select(table):
        return {name: row for name, row in table.items() if not wanted or name.startswith(tuple(wanted))}

    for table in SDKS, SCRIPTS, AGENTS:
        chosen = select(table)
        table.clear()
        table.update(chosen)
    with Relay(delay_ms=1) as relay, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        talks = [talk for talks in (sdk_talks, script_talks, agent_talks) for talk in talks(relay, folder, home)]
    new = {talk["client"] for talk in talks}
    kept = [talk for talk in corpus.recorded() if talk["client"] not in new] if wanted else []
    lines = "".join(json.dumps(talk) + "\n" for talk in [*kept, *talks])
    corpus.RECORDED.write_bytes(gzip.compress(lines.encode(), mtime=0))


if __name__ == "__main__":
    main(sys.argv[1:])
