# SPDX-License-Identifier: MIT
"""Conversations as clients send them: for each client the requests of several conversations, turn by
turn, with everything moving that moves in life.

The forms are those of the clients' own code and of recordings (recorded.jsonl.gz, made by record.py): what
they put into system prompts (date, clock, working directory, git status, folder listing), in front of
the first message (reminders, project files, environment), what they change later (cache_control,
tools, dropped images, edited and repeated messages, summaries). The words are made up; the same seed
gives the same corpus.

A client is a function of (random, words, project) that yields one list of messages' state for each
request; CLIENTS has them all. A conversation is a list of JSON bodies.
"""

import gzip
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.jsonl.gz"
SEED = 16
CONVERSATIONS = 14  # of each client
VERBS = "fix add explain rename remove test document port speed-up review".split()
THINGS = "the parser|a flag for colours|the login form|the cache|this stack trace|the Makefile|an index|the retry".split("|")
FILES = "src/main.c src/util.c lib/net.py README.md Makefile tests/test_net.py docs/index.md".split()
ONE_WORD = "hi hello continue go hey test".split()


class World:
    """The clock, the project and what changes on its disk."""

    def __init__(self, rng):
        self.rng = rng
        self.now = datetime(2026, 11, 1) + timedelta(minutes=rng.randrange(40000))
        self.cwd = f"/home/u/{rng.choice(['billing', 'shop', 'kernel', 'notes'])}"
        self.changed = []

    def step(self):
        """Some time passes: seconds, hours, or a day."""
        self.now += timedelta(seconds=self.rng.choice([9, 70, 4000, 90000]))
        self.changed = self.rng.sample(FILES, self.rng.randrange(1, 5))

    def git_status(self):
        return "Current branch: main\n" + "\n".join(f" M {name}" for name in self.changed)

    def listing(self):
        return "\n".join(f"{name}" for name in sorted(FILES + [f"tmp{self.rng.randrange(1000)}.o"]))


def sentence(rng):
    return f"{rng.choice(VERBS)} {rng.choice(THINGS)} in {rng.choice(FILES)}, please ({rng.randrange(10**6)})"


def answer(rng):
    return rng.choice(["Done.", "I looked at it.", "Here is what I found: ..."]) + f" {rng.randrange(1000)}"


def turns(rng):
    return rng.randrange(3, 31)


def history(rng, first, user, assistant, count):
    """The growing list of messages; a request is sent after each of the user's."""
    messages = [user(first)]
    for _ in range(count):
        yield list(messages)
        messages += [assistant(answer(rng)), user(sentence(rng))]
        if rng.random() < 0.1:  # the last message edited, or sent once more
            yield list(messages)
            messages[-1] = user(sentence(rng))


def chat(role):
    return lambda text: {"role": role, "content": text}


def tools(rng):
    return [{"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {
        "conversation_id": {"type": "string"}}}}} for name in rng.sample(["read", "write", "run", "find", "ask"], 3)]


def openai_sdk(rng, first, world):
    """A script around the OpenAI SDK: a system prompt with the date, tools that come and go."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        system = chat(rng.choice(["system", "developer"]))(f"You are helpful. It is {world.now:%A, %d %B %Y %H:%M}.")
        body = {"model": rng.choice(["gpt-5", "gpt-5-mini"]), "messages": [system, *messages]}
        yield body | ({"tools": tools(rng)} if rng.random() < 0.5 else {})


def plain_script(rng, first, world):
    """A shell or PHP script: nothing but messages."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        yield {"model": "m", "messages": messages}


def openai_responses(rng, first, world):
    """The responses interface with all of its input, and a text where there is but one message."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        parts = [{"type": "message", "role": m["role"], "content": [{"type": "input_text", "text": m["content"]}]}
                 for m in messages]
        yield {"model": "m", "instructions": f"Today is {world.now:%Y-%m-%d}.", "input": parts if len(parts) > 1 else
               messages[0]["content"]}


def anthropic_sdk(rng, first, world):
    """Texts become lists of parts where cache_control is put, which moves to the last message."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        sent = [dict(m) for m in messages]
        sent[-1]["content"] = [{"type": "text", "text": sent[-1]["content"], "cache_control": {"type": "ephemeral"}}]
        yield {"model": "claude", "max_tokens": 1024, "system": f"Be good. {world.now:%c}", "messages": sent}
        world.step()


def claude_code(rng, first, world):
    """Reminders with the project's file around the user's words, and its tool results."""
    memory = "# claudeMd\nContents of CLAUDE.md:\n\n" + "Write <b>tests</b> first. " * 30
    date = world.now

    def user(text):
        parts = [{"type": "text", "text": text}]
        if text == first:
            parts.insert(0, {"type": "text", "text": f"<system-reminder>\nToday's date is {date:%Y-%m-%d}.\n{memory}\n</system-reminder>\n"})
        elif rng.random() < 0.4:
            parts.insert(0, {"type": "tool_result", "tool_use_id": f"toolu_{rng.randrange(999)}", "content": [
                {"type": "text", "text": world.git_status()}]})
            parts.append({"type": "text", "text": "<system-reminder>\nThe file changed.\n</system-reminder>"})
        return {"role": "user", "content": parts}

    def assistant(text):
        return {"role": "assistant", "content": [{"type": "text", "text": text}]}

    for messages in history(rng, first, user, assistant, turns(rng)):
        world.step()
        date = world.now
        sent = json.loads(json.dumps(messages))
        # The reminder is made anew for each request.
        sent[0]["content"][0]["text"] = f"<system-reminder>\nToday's date is {date:%Y-%m-%d}.\n{memory}{world.git_status()}\n</system-reminder>\n"
        sent[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
        yield {"model": "claude", "system": [{"type": "text", "text": "You are Claude Code."}, {
            "type": "text", "text": f"<env>\nWorking directory: {world.cwd}\nToday: {world.now:%d/%m/%Y}\n</env>\n{world.git_status()}"}],
            "messages": sent, "tools": tools(rng)}


def codex(rng, first, world):
    """AGENTS.md and the environment as messages of the user's."""
    def item(role, text):
        return {"type": "message", "role": role, "content": [{"type": "input_text" if role == "user" else "output_text",
                                                              "text": text}]}

    for messages in history(rng, first, lambda t: item("user", t), lambda t: item("assistant", t), turns(rng)):
        world.step()
        agents = f"# AGENTS.md instructions for {world.cwd}\n\n<INSTRUCTIONS>\nUse tabs. {len(world.changed)}\n</INSTRUCTIONS>"
        environment = (f"<environment_context>\n  <cwd>{world.cwd}</cwd>\n  <approval_policy>never</approval_policy>\n"
                       f"  <current_date>{world.now:%Y-%m-%d}</current_date>\n</environment_context>")
        yield {"model": "gpt-5-codex", "instructions": "You are a coding agent", "input": [
            item("user", agents), item("user", environment), *messages], "tools": tools(rng), "store": False}


def gemini_form(setup):
    def client(rng, first, world):
        """The setting up as a first message of the user's, made anew with each start."""
        def content(role, text):
            parts = {"parts": [{"text": text}]}
            return {"role": role, **parts} if rng.random() < 0.5 else {**parts, "role": role}

        for messages in history(rng, first, lambda t: content("user", t), lambda t: content("model", t), turns(rng)):
            world.step()
            intro = content("user", f"{setup} We are setting up the context for our chat.\nToday's date is "
                            f"{world.now:%A, %B %d, %Y}.\nMy operating system is: linux\n{world.listing()}")
            yield {"systemInstruction": {"parts": [{"text": "You are an agent"}]}, "contents": [
                intro, content("model", "Got it. Thanks for the context!"), *messages]}
    return client


def qwen_code(rng, first, world):
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        intro = f"This is the Qwen Code. We are setting up the context for our chat.\nToday's date is {world.now:%A}.\n{world.listing()}"
        yield {"model": "qwen3", "stream": True, "messages": [
            chat("system")("You are Qwen Code " + "x" * 3000), chat("user")([{"type": "text", "text": intro}]),
            chat("assistant")("Got it. Thanks for the context!"), *messages], "tools": tools(rng)}


def cline(rng, first, world):
    """The task in a tag, the state of the editor behind each message, and again in the newest."""
    def details():
        world.step()
        return (f"<environment_details>\n# VSCode Visible Files\n{world.listing()}\n\n# Current Time\n"
                f"{world.now:%m/%d/%Y, %I:%M:%S %p}\n</environment_details>")

    def user(text):
        text = f"<task>\n{text}\n</task>" if text == first else f"<feedback>\n{text}\n</feedback>"
        return {"role": "user", "content": [{"type": "text", "text": text}, {"type": "text", "text": details()}]}

    for messages in history(rng, first, user, chat("assistant"), turns(rng)):
        yield {"model": "m", "messages": [chat("system")(f"You are Cline. cwd: {world.cwd} {world.git_status()}"), *messages]}


def roo(rng, first, world):
    """The same in one text, and the details are written anew in the first message, too."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        sent = [dict(m) for m in messages]
        sent[0]["content"] = f"<task>{first}</task>\n\n<environment_details>\n{world.now:%c}\n{world.listing()}\n</environment_details>"
        yield {"model": "m", "messages": [chat("system")(f"You are Roo. {world.git_status()}"), *sent]}


def opencode(rng, first, world):
    """Two requests at first: the title, with a system prompt of its own, and the answer."""
    def system():
        return chat("system")(f"You are opencode.\n<env>\n  Working directory: {world.cwd}\n  Today's date: "
                              f"{world.now:%a %b %d %Y}\n</env>\n<files>\n{world.listing()}\n</files>")

    yield {"model": "small", "messages": [chat("system")("You are a title generator."), chat("user")(first)]}
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        yield {"model": "m", "max_tokens": 32000, "messages": [system(), *messages], "tools": tools(rng), "stream": True}


def aider(rng, first, world):
    """Examples and the map of the repository are messages, too, and the map changes."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        yield {"model": "m", "messages": [
            chat("system")("Act as an expert software developer."),
            chat("user")("Change get_factorial() to use math.factorial"), chat("assistant")("mathweb.py\n..."),
            chat("user")("Here are summaries of some files present in my git repository.\n" + world.listing()),
            chat("assistant")("Ok, I won't try and edit those files."),
            chat("user")("I have *added these files to the chat* so you can go ahead and edit them.\n" + world.git_status()),
            chat("assistant")("Ok."), *messages]}


def open_webui(rng, first, world):
    """A prompt with the clock, and an image that is sent once."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 500}}
    with_image = rng.random() < 0.5
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        sent = [dict(m) for m in messages]
        if with_image:
            sent[0]["content"] = [{"type": "text", "text": first}] + ([image] if len(sent) == 1 else [])
        yield {"model": "m", "messages": [chat("system")(f"It is {world.now:%H:%M:%S}."), *sent], "chat": rng.random()}


def images_alone(rng, first, world):
    """A picture and not a word."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": f"{rng.getrandbits(900):x}"}}
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        messages[0] = {"role": "user", "content": [image]}
        yield {"model": "m", "messages": messages}


def vercel_sdk(rng, first, world):
    def user(text):
        return {"role": "user", "content": [{"type": "text", "text": text}]}

    for messages in history(rng, first, user, chat("assistant"), turns(rng)):
        yield {"model": "m", "messages": [chat("system")(f"{world.now:%s}"), *messages], "prompt_cache_retention": "24h"}
        world.step()


def ollama(rng, first, world):
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        yield {"model": "llama", "messages": messages, "options": {"seed": rng.randrange(999)}, "stream": False}


def large_project_file(rng, first, world):
    """A file of the project of 40 KiB in front of the first message, in one text with it."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        sent = [dict(m) for m in messages]
        sent[0]["content"] = f"<project-context>\n{world.git_status()}\n{'int x; // y < z' * 2700}\n</project-context>\n\n{first}"
        yield {"model": "m", "messages": sent}


def one_word(rng, first, world):
    """Nothing but a word to begin with: see test_corpus.py for what is told apart."""
    for messages in history(rng, first, chat("user"), chat("assistant"), turns(rng)):
        world.step()
        yield {"model": "m", "messages": [chat("system")(f"Be brief. {world.now:%c}"), *messages]}


CLIENTS = {
    "OpenAI SDK": openai_sdk, "shell and PHP scripts": plain_script, "OpenAI responses": openai_responses,
    "Anthropic SDK": anthropic_sdk, "Claude Code": claude_code, "Codex": codex,
    "Gemini CLI": gemini_form("This is the Gemini CLI."), "Qwen Code": qwen_code, "Cline": cline, "Roo Code": roo,
    "opencode": opencode, "aider": aider, "Open WebUI": open_webui, "images alone": images_alone,
    "Vercel AI SDK": vercel_sdk, "Ollama": ollama, "a large project file": large_project_file,
}


def conversations(client, count=CONVERSATIONS):
    """`count` conversations: [(place, first words, [body, ...]), ...]; each begins otherwise."""
    for number in range(count):
        rng = random.Random(f"{SEED} {client} {number}")
        first = sentence(rng)
        yield f"host-{number % 3}", first, list(CLIENTS[client](rng, first, World(rng)))


def recorded():
    return [json.loads(line) for line in gzip.decompress(RECORDED.read_bytes()).splitlines()]


def recordings():
    """Of real clients: what record.py wrote."""
    talks = recorded()
    for request in (request for talk in talks for request in talk["requests"] if "raw" in request):
        request["body"] = json.loads(request["raw"])
    return talks


def one_word_conversations():
    """The same few words, in five terminals."""
    for place in range(5):
        for word in ONE_WORD:
            rng = random.Random(f"{SEED} {word} {place}")
            yield f"host-{place}", word, list(one_word(rng, word, World(rng)))


def encodings(body):
    """As languages write the same JSON."""
    yield json.dumps(body, ensure_ascii=False).encode()  # Node, curl scripts
    yield json.dumps(body).replace("/", "\\/").encode()  # PHP
    yield json.dumps(body, indent=1).replace("<", "\\u003c").replace(">", "\\u003e").encode()  # Go, pretty
