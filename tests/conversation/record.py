# SPDX-License-Identifier: MIT
"""Records conversations of real clients against the test relay, with its scripted answers:

    apt-get install faketime; scripts/install-npm agents compiled record; /usr/bin/python3 tests/conversation/record.py

writes recorded.jsonl.gz, a line for each conversation: the client, what happened in it (see KINDS), and of
each request the headers that name the conversation and the body, reduced to what an id could need: tools
are left out, long texts are cut in their middle, and of many messages the first four and the last two are
kept. An agent's turn is a run of it that continues the one before; an SDK's is a call in one process. The
clock moves between them by faketime where that is Node's (Codex is static, and programs that Bun compiled
do not start with it).
"""

import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "relay"), str(HERE.parent / "agents"), str(HERE)]

import corpus  # noqa: E402
from bun_agent import configuration  # noqa: E402
from conftest import clean_environment  # noqa: E402
from relay import Relay  # noqa: E402

NPM = ROOT / "build" / "npm"
RECORD = Path(os.environ.get("TAGALONG_RECORD_NPM") or NPM / "record")
SDKS = {"openai": "OpenAI SDK 7.59.0, chat", "responses": "OpenAI SDK 7.59.0, responses",
        "anthropic": "Anthropic SDK 1.14.0", "vercel": "Vercel AI SDK 7.0.173", "langchain": "LangChain 1.6.0",
        "genai": "Google Gen AI SDK 3.3.0"}
KINDS = {"plain": 28, "compacted": 3, "first edited": 3}  # of each SDK
OWN = ("x-claude-code-session-id", "thread-id", "session-id", "x-session-affinity", "x-qwen-code-session-id")
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


def talk_of(rng, kind):
    """The messages of each request: some are sent again, some edited; old ones are left out, or become a
    summary; the first may have an image, or be of one word."""
    first = {"role": "user", "text": corpus.sentence(rng) if rng.random() < 0.8 else f"hello{rng.randrange(10**6)}"}
    if rng.random() < 0.2:
        first["image"] = IMAGE
    messages, length = [first], rng.randrange(3, 31)
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


def sdk_talks(relay, folder, home):
    for sdk, client in SDKS.items():
        rng = random.Random(f"{corpus.SEED} {sdk}")
        kinds = [kind for kind, count in KINDS.items() for _ in range(count)]
        talks = [list(talk_of(rng, kind)) for kind in kinds]
        relay.reset()
        subprocess.run(
            ["faketime", "-f", "@2026-11-02 10:00:00 x20000", "node", HERE / "programs/talk.mjs", sdk, relay.url],
            input=json.dumps(sum(talks, [])).encode(), check=True, timeout=300,
            env=clean_environment(home) | {"NPM": str(RECORD), "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        requests = list(taken(relay, folder))
        assert len(requests) == sum(map(len, talks)), (sdk, len(requests))
        for kind, talk in zip(kinds, talks):
            yield {"client": client, "kind": kind, "requests": requests[:len(talk)]}
            del requests[:len(talk)]


def agents(relay, home):
    """Each: client, how many conversations, turns, its environment, and the command of a turn."""
    compiled, npm = NPM / "compiled/node_modules", NPM / "agents/node_modules"
    for path, text in [
        (".config/opencode/opencode.jsonc", configuration(relay.url)),
        (".codex/config.toml", f'model = "m"\nmodel_provider = "t"\n[model_providers.t]\nname = "t"\nwire_api = "responses"\n'
                               f'base_url = "{relay.url}/v1"\nenv_key = "OPENAI_API_KEY"\n'),
    ]:
        (home / path).parent.mkdir(parents=True)
        (home / path).write_text(text)
    claude = [compiled / "@anthropic-ai/claude-code-linux-x64/claude", "-p"]
    yield "Claude Code 2.1.332", 9, 5, {
        "ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": relay.url, "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }, lambda prompt, later: [*claude, *(["-c"] if later else []), prompt]
    codex = [RECORD.parent / "codex/node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex", "exec"]
    yield "Codex 0.171.0", 12, 5, {"OPENAI_API_KEY": "sk-test"}, lambda prompt, later: [
        *codex, *(["resume", "--last"] if later else []), prompt]
    qwen = ["node", npm / "@qwen-code/qwen-code/cli.js", "--auth-type", "openai"]
    yield "Qwen Code 0.15.10", 8, 4, {
        "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": relay.url + "/v1", "OPENAI_MODEL": "m",
    }, lambda prompt, later: [*qwen, *(["--continue"] if later else []), "-p", prompt]
    opencode = [npm / "opencode-linux-x64/bin/opencode", "run", "-m", "relay/echo"]
    yield "opencode 1.18.33", 4, 3, {
        "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1",
    }, lambda prompt, later: [*opencode, *(["--continue"] if later else []), prompt]


def agent_talks(relay, folder, home):
    """In three projects, the third with a file of instructions; files change between the turns."""
    for client, count, turns, more, command in agents(relay, home):
        if not shutil.which(command("", False)[0]):
            print(f"{client} is not installed", file=sys.stderr)
            continue
        rng = random.Random(f"{corpus.SEED} {client}")
        for number in range(count):
            work = folder / ["billing", "shop", "notes"][number % 3]
            if not work.exists():
                subprocess.run(["git", "init", "-q", work], check=True)
            if number % 3 == 2:
                for name in "AGENTS.md", "CLAUDE.md", "QWEN.md":
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
                day = f"2026-11-{number + 1:02} {8 + 3 * turn:02}:00:00"
                line = command(prompt, turn > 0)
                clock = ["faketime", "-f", "@" + day] if line[0] == "node" else []
                subprocess.run([*clock, *line], cwd=work, timeout=60, env=clean_environment(home) | more,
                               stdin=subprocess.DEVNULL, capture_output=True)
            requests = list(taken(relay, folder))
            print(client, kind, prompts[0], len(requests), file=sys.stderr)
            yield {"client": client, "kind": kind, "requests": requests}


def main():
    with Relay(delay_ms=1) as relay, tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        talks = [*sdk_talks(relay, Path(folder), home), *agent_talks(relay, Path(folder), home)]
    lines = "".join(json.dumps(talk) + "\n" for talk in talks)
    (HERE / "recorded.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))


if __name__ == "__main__":
    main()
