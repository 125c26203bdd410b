# SPDX-License-Identifier: MIT
"""Records conversations of real clients against the test relay, with its scripted answers:

    scripts/install-npm agents opencode; /usr/bin/python3 tests/conversation/record.py

writes recorded.jsonl, a line for each conversation: the client, the prompts, and the bodies of its
requests, reduced to what the id needs: tools are left out, and long texts are cut in their middle.
Each turn is a run of the client that continues the one before, on another day where faketime is
installed (Node programs; it does not reach Bun's).
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "relay"), str(HERE.parent / "agents")]

from bun_agent import configuration  # noqa: E402
from conftest import clean_environment  # noqa: E402
from relay import Relay  # noqa: E402

NPM = ROOT / "build" / "npm" / "agents" / "node_modules"
TALKS = [["what is in here", "and how large is it", "thanks"], ["hi", "more", "go on"], ["rename it", "undo that"]]
DAYS = ["2026-11-02 10:00:00", "2026-11-03 23:59:00", "2026-12-01 08:00:00"]
LONG = 600


def reduced(value):
    if isinstance(value, str):
        return value if len(value) <= LONG else value[: LONG // 2] + "[...]" + value[-LONG // 2:]
    if isinstance(value, list):
        return [reduced(part) for part in value]
    if isinstance(value, dict):
        return {key: reduced(part) for key, part in value.items() if key != "tools"}
    return value


def clients(relay, home):
    """The command of a turn, by client: of a first one, and of one that continues."""
    qwen = ["node", NPM / "@qwen-code/qwen-code/cli.js", "--auth-type", "openai"]
    kilo = [NPM / "@kilocode/cli-linux-x64/bin/kilo", "run", "-m", "relay/echo"]
    opencode = [NPM / "opencode-linux-x64/bin/opencode", "run", "-m", "relay/echo"]
    for name in "kilo", "opencode":
        folder = home / ".config" / name
        folder.mkdir(parents=True)
        (folder / f"{name}.jsonc").write_text(configuration(relay.url))
    env = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": relay.url + "/v1", "OPENAI_MODEL": "m",
           "KILO_API_URL": relay.url, "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}
    yield "Qwen Code 0.15.10", env, lambda prompt, later: [*qwen, *(["--continue"] if later else []), "-p", prompt]
    yield "Kilo 7.7.7", env, lambda prompt, later: [*kilo, *(["--continue"] if later else []), prompt]
    yield "opencode 1.18.33", env, lambda prompt, later: [*opencode, *(["--continue"] if later else []), prompt]


def record(relay, work, home):
    for name, more, command in clients(relay, home):
        env = clean_environment(home) | more
        for prompts in TALKS:
            bodies = []
            for turn, prompt in enumerate(prompts):
                (work / f"file{turn}").write_text("x" * turn)  # what listings and git status show
                relay.reset()
                clock = ["faketime", "-f", "@" + DAYS[turn]] if shutil.which("faketime") and "Qwen" in name else []
                try:
                    subprocess.run([*clock, *command(prompt, turn > 0)], env=env, cwd=work, stdin=subprocess.DEVNULL,
                                   capture_output=True, timeout=60)
                except subprocess.TimeoutExpired:
                    print(f"{name}: \"{prompt}\" hangs", file=sys.stderr)
                bodies += [reduced(json.loads(r.body)) for r in relay.requests if r.method == "POST" and r.body]
            print(name, prompts[0], len(bodies), file=sys.stderr)
            yield {"client": name, "prompts": prompts, "bodies": bodies}


def main():
    with Relay(delay_ms=1) as relay, tempfile.TemporaryDirectory() as folder:
        home, work = Path(folder) / "home", Path(folder) / "work"
        home.mkdir()
        subprocess.run(["git", "init", "-q", work], check=True)
        with open(HERE / "recorded.jsonl", "w") as lines:
            for talk in record(relay, work, home):
                lines.write(json.dumps(talk) + "\n")
                lines.flush()


if __name__ == "__main__":
    main()
