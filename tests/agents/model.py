# SPDX-License-Identifier: MIT
"""The test relay with a model that can be made to call a tool: it does what the user's last message
says, once (it is made by say_call), and answers what comes back with its fixed sentence."""

import base64
import json
import re

import answers
from relay import Relay
from wire import Response, json_response

CALL = re.compile(r"call (\w+) ([0-9A-Za-z+/=]+)")


def say_call(name, **arguments):
    """The prompt: plain letters, as agents quote what they are given in ways of their own."""
    return f"call {name} " + base64.b64encode(json.dumps(arguments).encode()).decode()


class Model(Relay):
    def respond(self, request):
        call = request.method == "POST" and wanted_call(request.body)
        if call:
            return tool_call(*call, request.body)
        return request.method == "POST" and other_answer(request) or super().respond(request)

    @property
    def chats(self):
        """The requests that agents and their commands made, without those for lists of models."""
        return [request for request in self.requests if request.method == "POST"]


def lines(*values, before="", after="\n"):
    return [f"{before}{json.dumps(value)}{after}".encode() for value in values]


def other_answer(request):
    """The interfaces of Gemini and Ollama, whole and as a stream."""
    path = request.target.split("?")[0]
    if path.endswith("enerateContent"):
        part = {"content": {"role": "model", "parts": [{"text": answers.TEXT}]}, "finishReason": "STOP"}
        answer = {"candidates": [part]}
        if path.endswith(":generateContent"):
            return json_response(200, answer)
        pieces = lines(answer, before="data: ", after="\r\n\r\n")
        return Response(200, {"Content-Type": "text/event-stream"}, pieces=pieces)
    if path.endswith("/api/chat"):
        message = {"role": "assistant", "content": answers.TEXT}
        answer = {"model": "m", "message": message, "done": True}
        if not answers.parse(request.body).get("stream"):
            return json_response(200, answer)
        return Response(200, {"Content-Type": "application/x-ndjson"}, pieces=lines(answer))
    return None


def text_of(content):
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or [])


def wanted_call(body):
    """(name, arguments as JSON) when the last word is the user's and says so."""
    asked = answers.parse(body)
    last = (asked.get("messages") or [{}])[-1]
    if last.get("role") != "user" or not asked.get("tools"):
        return None
    match = CALL.search(text_of(last.get("content")))
    return match and (match[1], base64.b64decode(match[2]).decode())


def tool_call(name, arguments, body):
    asked = answers.parse(body)
    base = {"id": "chatcmpl-2", "created": answers.CREATED, "model": asked.get("model", "m")}
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    if not asked.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return json_response(200, {**base, "object": "chat.completion", "choices": [choice]})
    chunks = [
        {"index": 0, "delta": {"role": "assistant", "tool_calls": [{"index": 0, **call}]}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "tool_calls"},
    ]
    events = [answers.data({**base, "object": "chat.completion.chunk", "choices": [c]}) for c in chunks]
    pieces = [event.encode() for event in [*events, "data: [DONE]\n\n"]]
    return Response(200, {"Content-Type": "text/event-stream"}, pieces=pieces)
