# SPDX-License-Identifier: MIT
"""Real Kilo, unmodified, with the model of model.py as its OpenAI-compatible relay."""

import re

import pytest

import conftest
from bun_agent import SESSION, configuration, curl_prompt, serving, session_of, without_titles
from harness import TAGALONG, check_page, compare_agents, model, need, place  # noqa: F401
from model import say_call
from tags import TRACEPARENT, UUID7, parent_id, trace_id

KILO = "agents/node_modules/@kilocode/cli/bin/kilo"


@pytest.fixture(scope="module")
def kilo(tmp_path_factory, model):
    need("agents/node_modules/@kilocode/cli-linux-x64/bin/kilo")
    conftest.need("node")  # which its launcher is for
    env = {"KILO_API_URL": model.url}
    with place(tmp_path_factory, "kilo", model, env, lambda: model.chats) as kilo:
        kilo.config = kilo.home / ".config" / "kilo" / "kilo.jsonc"
        kilo.config.parent.mkdir(parents=True)
        kilo.config.write_text(configuration(model.url))
        yield kilo


def chat_tags(session, mode="code"):
    """X-KILOCODE-FEATURE would come, too, had the user not configured one for the model."""
    return {
        "X-KILOCODE-TASKID": session,
        "X-KILOCODE-PROJECTID": "billing",
        "X-KILOCODE-MODE": mode,
        "X-KILOCODE-EDITORNAME": "Kilo CLI/7.7.7",
        "traceparent": TRACEPARENT,
    }


def command_tags(session):
    return chat_tags(session) | {"X-KILOCODE-FEATURE": "cli"}


def test_kilo_and_the_curl_that_it_starts(kilo, model):
    """Two requests of Kilo's own, and between them that of the command which the model asked for."""
    command = [need(KILO), "run", "-m", "relay/echo", curl_prompt(model)]
    bare = without_titles(kilo.run(command))
    before = kilo.config.read_bytes()  # Kilo itself has rewritten an old setting by now
    kilo.agents("install", "--yes", "kilo")
    tagged = without_titles(kilo.run([TAGALONG, "run", "--preset", "kilo", "--", *command]))
    assert bare.rc == 0, bare.stderr
    session = session_of(tagged.requests[0])
    assert SESSION.fullmatch(session) and session != session_of(bare.requests[0])
    compare_agents(bare, tagged, [chat_tags(session), command_tags(session), chat_tags(session)])
    assert tagged.requests[1].value("User-Agent").startswith("curl/")
    assert len({trace_id(r) for r in tagged.requests}) == 1
    assert len({parent_id(r) for r in tagged.requests}) == 3
    check_page("Kilo 7.7.7", "kilo", tagged.requests[0], chat_tags(session))
    check_page("curl that Kilo's agent starts", "kilo", tagged.requests[1], command_tags(session))
    assert "kilo          installed, seen working 20" in kilo.agents("status")
    kilo.agents("uninstall", "--yes", "kilo")
    assert kilo.config.read_bytes() == before


def generic(session, **more):
    """What the preset `generic` makes of it; Kilo sends an X-Session-Id of its own, curl does not."""
    return {
        "X-Task-Id": session,
        "X-Conversation-Id": session,
        "X-Project-Id": "billing",
        "X-Request-Id": UUID7,
        "traceparent": TRACEPARENT,
        **more,
    }


def check(request, tags):
    """All of them, once each, and none beside them."""
    every = {"X-Task-Id", "X-Parent-Task-Id", "X-Conversation-Id", "X-Project-Id", "X-Organization-Id", "X-User-Id"}
    for name in every | set(tags):
        wanted = tags.get(name)
        got = request.values(name)
        if isinstance(wanted, str):
            assert got == [wanted], name
        else:
            assert len(got) == bool(wanted) and all(map(getattr(wanted, "fullmatch", None), got)), name


def test_sessions_of_one_kilo(kilo, model):
    """An editor's backend is one process with many sessions, and each keeps its own id: in Kilo's
    requests, in its commands', and in those of a sub-agent. What the user sets goes before it."""
    kilo.agents("install", "--yes", "kilo")
    with serving(kilo, need(KILO)) as server:
        first, second = server.session(), server.session()
        for path, session in ("/1", first), ("/2", second), ("/1", first):
            server.say(session, curl_prompt(model, path + "/v1/chat/completions"))
        chats = model.chats
        model.reset()
        server.say(second, say_call("task", description="d", prompt="hello", subagent_type="general"))
        delegated = model.chats
        (scope,) = re.findall(r"^(run-\S+) .* conversation_id=(ses_\S+) app=Kilo CLI", listing(kilo), re.M)
        model.reset()
        kilo.tagalong("context", "set", "--scope", scope[0], "task_id=T-42")
        server.say(first, curl_prompt(model))
        named = model.chats
    kilo.agents("uninstall", "--yes", "kilo")

    assert len([r for r in chats if r.target.startswith(("/1", "/2"))]) == 3
    for request in chats:
        if own := session_of(request):
            check(request, generic(own.removeprefix("title-")))
        else:
            session = first if request.target.startswith("/1") else second
            check(request, generic(session) | {"X-Session-Id": session})
    check_page("Kilo 7.7.7", "generic", chats[0], generic(first))
    children = {session_of(r) for r in delegated} - {second}
    assert len(children) == 1
    for request in delegated:
        session = session_of(request)
        parent = {} if session == second else {"X-Parent-Task-Id": second}
        check(request, generic(session) | parent)
    assert scope[1] in {second, *children}
    assert {r.value("X-Task-Id") for r in named} == {"T-42"}
    assert {r.value("X-Conversation-Id") for r in named} == {first}


def listing(kilo):
    return kilo.tagalong("context", "list")
