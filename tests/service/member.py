# SPDX-License-Identifier: MIT
"""A process of a tree (serving.Process). Reads a JSON list a line and answers with a JSON line:

    ["get"]                    asks the service for its context, with its token if it has one
    ["open", FIELDS]           opens a scope for itself
    ["fork", NAME]             begets a child
    ["daemon", NAME]           the same by double fork and setsid: it is handed to init
    [NAME, ...]                the rest is for the child of that name
    ["forget"]                 drops the token
    ["die", NAME]              ends a child
"""

import json
import os
import signal
import socket
import sys


def ask(request):
    token = os.environ.get("TAGALONG_SCOPE")
    if token:
        request["scope"] = {"token": token}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(sys.argv[1])
        connection.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(connection.makefile().readline())


def beget(daemon):
    """(pid, lines to it, lines from it)"""
    down, up = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.close(down[0])
        os.close(up[1])
        lines = os.fdopen(up[0])
        if daemon:
            os.waitpid(child, 0)
        return int(lines.readline()), os.fdopen(down[1], "w"), lines
    if daemon:
        os.setsid()
        if os.fork():
            os._exit(0)
    os.dup2(down[0], 0)
    os.dup2(up[1], 1)
    for fd in (*down, *up):
        os.close(fd)
    print(os.getpid(), flush=True)
    os._exit(live())


def live():
    children = {}
    for line in iter(sys.stdin.readline, ""):
        word, *rest = json.loads(line)
        if word == "get":
            answer = ask({"v": 1, "op": "get"})
        elif word == "open":
            answer = ask({"v": 1, "op": "open", "context": rest[0]})
            os.environ["TAGALONG_SCOPE"] = answer["scope"]
        elif word in ("fork", "daemon"):
            children[rest[0]] = beget(word == "daemon")
            answer = {"pid": children[rest[0]][0]}
        elif word == "forget":
            answer = {"token": os.environ.pop("TAGALONG_SCOPE", None)}
        elif word == "die":
            os.kill(children[rest[0]][0], signal.SIGKILL)
            try:
                os.waitpid(children[rest[0]][0], 0)
            except ChildProcessError:
                pass  # a daemon is not our child
            answer = {}
        else:
            _, down, up = children[word]
            down.write(json.dumps(rest) + "\n")
            down.flush()
            answer = json.loads(up.readline())
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(live())
