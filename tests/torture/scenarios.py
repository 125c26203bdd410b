# SPDX-License-Identifier: MIT
"""Host programs, what their requests are to carry, and what they may carry when something fails."""

import json
import time
import re
from dataclasses import dataclass

from serving import BUILD, ROOT
from tags import COMPUTED, CONTEXT, GENERIC, PLAIN, TRACEPARENT, without

CHAT = "/v1/chat/completions"
HEADERS = ["-H", "Authorization: Bearer sk", "-H", "Content-Type: application/json"]
OWN = ("Authorization", "Content-Type")
CLIENTS = ROOT / "tests" / "clients" / "programs"
PUPPET = str(BUILD / "fixtures" / "puppet")


def no_files(place, home):
    return dict(CONTEXT)


@dataclass
class Scenario:
    """`sets` are the lines that a request may carry as a whole, the first being those that it is to
    carry; `seen`, the numbers of the sets of all requests when nothing fails."""

    name: str
    command: object  # of the place
    sets: list
    seen: list
    what: list  # a word for each set
    prepare: object = no_files  # (place, home): makes files, and is the environment
    script: object = lambda place: ""
    own: tuple = OWN
    check: object = lambda tagged, failure, seen: None
    is_exact: bool = True  # the same calls in the same order each time
    share: int = 1  # every so many runs are enough


def curl(*more, body='{"model":"m"}'):
    def command(place):
        url = place.relay.url + CHAT
        return ["curl", "-sS", *HEADERS, "-d", body, *more, url]

    return command


def config(document, context=CONTEXT):
    """The user's own file."""

    def prepare(place, home):
        path = home / ".config" / "tagalong" / "config.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(document))
        time.sleep(0.2)  # a file that is very young is read anew each time, or not, by chance
        return dict(context)

    return prepare


# The service says more than the environment.
SERVED = {"task_id": "T-live", "user_id": "ada"}
SERVED_ENVIRONMENT = {"TAGALONG_PROJECT_ID": "billing"}
SERVED_LINES = {
    "X-Task-Id": "T-live",
    "X-Session-Id": "T-live",
    "X-Project-Id": "billing",
    "X-User-Id": "ada",
    **COMPUTED,
}


def served(place, home):
    with place.service.connect() as peer:
        peer.op("open", scope={"name": "torture"}, context=SERVED)
    return SERVED_ENVIRONMENT | {
        "XDG_RUNTIME_DIR": str(place.service.runtime),
        "TAGALONG_SCOPE": "torture",
        "TAGALONG_TIMEOUT_MS": "10000",
    }


COMPANY = {
    "relays": [
        {
            "match": ["http://127.0.0.1:*"],
            "preset": "xai",
            "headers": {"X-Team": "{env:TEAM|'pay'}", "X-Meta": {"task": "{task_id}", "*": "{tags}"}},
        }
    ]
}
COMPANY_LINES = {"X-Team": "pay", "X-Meta": '{"task":"T-42"}', "x-grok-conv-id": "C-7"}

DERIVED = {"relays": [{"match": ["http://127.0.0.1:*"], "conversation": "derive"}]}
DERIVED_ID = re.compile("[0-9a-f-]{16,}")
DERIVED_LINES = GENERIC | {"X-Conversation-Id": DERIVED_ID, "X-Session-Id": DERIVED_ID}
MESSAGES = '{"messages":[{"role":"system","content":"s"},{"role":"user","content":"hello"}]}'
NO_CONVERSATION = {"TAGALONG_TASK_ID": "T-42", "TAGALONG_PROJECT_ID": "billing"}


def with_key(place, home):
    folder = home / ".local" / "state" / "tagalong"
    folder.mkdir(parents=True, mode=0o700)
    key = folder / "conversation.key"
    key.write_text("0123456789abcdef" * 2 + "\n")
    key.chmod(0o600)
    return config(DERIVED, NO_CONVERSATION)(place, home)


def logged(place, home):
    return CONTEXT | {"TAGALONG_LOG": str(home / "log.jsonl")}


def check_log(tagged, failure, seen):
    """A line for each tagged request, and none for another one; all or nothing of it, but for a disk
    that takes a part."""
    path = tagged.home / "log.jsonl"
    text = path.read_text() if path.exists() else ""
    if failure and failure.name == "write":
        return
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) <= seen.count(0), f"{len(lines)} lines for {seen}"
    assert failure or len(lines) == seen.count(0), "nothing is logged"


def debugged(place, home):
    return CONTEXT | {"TAGALONG_DEBUG": str(home / "debug.log")}


def preset(name):
    return lambda place, home: CONTEXT | {"TAGALONG_PRESET": name}


W3C_LINES = {
    "traceparent": TRACEPARENT,
    "baggage": "gen_ai.conversation.id=C-7,task.id=T-42,vcs.repository.name=billing",
}
PORTKEY_LINES = {
    "x-portkey-trace-id": "C-7",
    "x-portkey-metadata": '{"session":"C-7","task":"T-42","project":"billing"}',
}


def repository(place, home):
    (home / ".git").mkdir()
    (home / ".git" / "config").write_text('[remote "origin"]\n\turl = git@git.example:team/pay.git\n')
    (home / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return without(CONTEXT, "TAGALONG_PROJECT_ID")


def puppet(text):
    """A script, in which CHAT is the relay's chat URL."""
    return {
        "own": ("Authorization",),
        "command": lambda place: [PUPPET],
        "script": lambda place: text.replace("CHAT", place.relay.url + CHAT).replace(
            "RELAY", place.relay.url
        ),
    }


LIFE = """append l Authorization: Bearer sk
init a
headers a l
url a CHAT
post a {"n":1}
perform a
dup a b
url b CHAT?2
post b {"n":2}
perform b
perform a
reset a
url a CHAT?3
headers a l
post a {"n":3}
prereq a ok
perform a
cleanup b
cleanup a
"""

MANY = """init a
init b
url a CHAT?1
url b CHAT?2
post a {"n":1}
post b {"n":2}
multi m
add m a
add m b
run m
remove m a
url a CHAT?3
post a {"n":3}
add m a
run m
remove m a
remove m b
cleanup a
multicleanup m
cleanup b
"""

HOPS = """init a
follow a 1
url a RELAY/switch/redirect-307-same/v1/chat/completions
post a {"n":1}
perform a
url a RELAY/switch/redirect-307-other/v1/chat/completions
perform a
cleanup a
"""

THRICE = """init a
url a CHAT
post a {"n":1}
perform a
post a {"n":2}
perform a
post a {"n":3}
perform a
cleanup a
"""

# The random bytes that are kept (random.h) last until the last request has its id, and not its span.
SPENT = """init a
follow a 1
url a RELAY/switch/redirect-307-same/v1/chat/completions
post a {}
perform a
url a CHAT
""" + "".join(f'post a {{"n":{n:02}}}\nperform a\n' for n in range(12))

PHP = """$c = curl_init($argv[1]);
curl_setopt_array($c, [CURLOPT_RETURNTRANSFER => true, CURLOPT_POSTFIELDS => '{}', CURLOPT_HTTPHEADER
    => ['Authorization: Bearer sk', 'Content-Type: application/json']]);
echo curl_exec($c), curl_error($c);"""

TAGGED = ["tagged", "as the client made them"]
BY_ENVIRONMENT = {"X-Project-Id": "billing", **COMPUTED}
WITHOUT_CONVERSATION = without(GENERIC, "X-Conversation-Id") | {"X-Session-Id": "T-42"}
WITHOUT_PROJECT = without(GENERIC, "X-Project-Id")


SCENARIOS = [
    Scenario("curl", curl(), [GENERIC, PLAIN], [0], TAGGED),
    Scenario(
        "service",
        curl(),
        [SERVED_LINES, PLAIN, BY_ENVIRONMENT],
        [0],
        [*TAGGED, "by the environment alone"],
        prepare=served,
        is_exact=False,
    ),
    Scenario("configuration", curl(), [COMPANY_LINES, PLAIN], [0], TAGGED, prepare=config(COMPANY)),
    Scenario(
        "derive",
        curl(body=MESSAGES),
        [DERIVED_LINES, PLAIN, WITHOUT_CONVERSATION],
        [0],
        [*TAGGED, "without a conversation"],
        prepare=with_key,
    ),
    Scenario(
        "derive, the first time",
        curl(body=MESSAGES),
        [DERIVED_LINES, PLAIN, WITHOUT_CONVERSATION],
        [0],
        [*TAGGED, "without a conversation"],
        prepare=config(DERIVED, NO_CONVERSATION),
    ),
    Scenario("log", curl(), [GENERIC, PLAIN], [0], TAGGED, prepare=logged, check=check_log),
    Scenario("debug", curl(), [GENERIC, PLAIN], [0], TAGGED, prepare=debugged),
    Scenario(
        "git",
        curl(),
        [GENERIC | {"X-Project-Id": "pay"}, PLAIN, WITHOUT_PROJECT],
        [0],
        [*TAGGED, "without a project"],
        prepare=repository,
    ),
    Scenario("w3c", curl(), [W3C_LINES, PLAIN], [0], TAGGED, prepare=preset("w3c")),
    Scenario("portkey", curl(), [PORTKEY_LINES, PLAIN], [0], TAGGED, prepare=preset("portkey")),
    Scenario("life", sets=[GENERIC, PLAIN], seen=[0] * 4, what=TAGGED, **puppet(LIFE)),
    Scenario("multi", sets=[GENERIC, PLAIN], seen=[0] * 3, what=TAGGED, **puppet(MANY)),
    # The other relay is on loopback as well, so it is tagged, too.
    Scenario("hops", sets=[GENERIC, PLAIN], seen=[0] * 4, what=TAGGED, **puppet(HOPS)),
    Scenario("random bytes", sets=[GENERIC, PLAIN], seen=[0] * 14, what=TAGGED, **puppet(SPENT)),
    Scenario(
        "service, one handle",
        sets=[SERVED_LINES, PLAIN, BY_ENVIRONMENT],
        seen=[0] * 3,
        what=[*TAGGED, "by the environment alone"],
        prepare=served,
        is_exact=False,
        **puppet(THRICE),
    ),
    Scenario(
        "threads",
        lambda place: [str(BUILD / "fixtures" / "threads"), "pass", place.relay.url + CHAT],
        sets=[GENERIC, PLAIN],
        seen=[0] * 48,
        own=("Authorization", "X-Turn"),
        share=4,
        what=TAGGED,
        is_exact=False,
    ),
    Scenario(
        "ctypes",
        lambda place: ["/usr/bin/python3", str(CLIENTS / "ctypes_curl.py"), place.relay.url + CHAT],
        sets=[GENERIC, PLAIN],
        seen=[0] * 2,
        what=TAGGED,
    ),
    Scenario(
        "php",
        lambda place: ["php", "-r", PHP, place.relay.url + CHAT],
        sets=[GENERIC, PLAIN],
        seen=[0],
        what=TAGGED,
    ),
]
