# SPDX-License-Identifier: MIT
"""What the relay's model says: chat completions, responses, messages and Gemini's contents, whole or as a stream.

Every answer is the same at every time (no clock, no random ids), so that two runs of a client can
be compared byte by byte. A body that is no JSON object counts as {}: nothing is judged here.
A stream cuts each event in two, so that clients see events that arrive in pieces.
"""

import json

from wire import Response, json_response

WORDS = ["Tagalong", " says", " hello", " through", " the", " test", " relay", "."]
TEXT = "".join(WORDS)
CREATED = 1760000000


def answer(path, body, pause):
    """The answer to a POST to `path`, or None when no model lives there."""
    for suffix, make in MODELS.items():
        if path.endswith(suffix):
            asked = parse(body)
            whole, events = make(asked)
            if asked.get("stream") is True or suffix == ":streamGenerateContent":
                headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
                return Response(200, headers, pieces=halves(events, pause))
            return json_response(200, whole)
    return None


def parse(body):
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def halves(events, pause):
    for event in events:
        data = event.encode()
        middle = len(data) // 2
        yield data[:middle]
        pause()
        yield data[middle:]
        pause()


def data(value):
    return f"data: {json.dumps(value)}\n\n"


def named(value):
    return f"event: {value['type']}\n" + data(value)


def chat_completions(asked):
    base = {"id": "chatcmpl-1", "created": CREATED, "model": asked.get("model", "test-model")}
    usage = {"prompt_tokens": 9, "completion_tokens": len(WORDS), "total_tokens": 9 + len(WORDS)}
    message = {"role": "assistant", "content": TEXT}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}

    def chunk(choices, **more):
        return data({**base, "object": "chat.completion.chunk", "choices": choices, **more})

    def delta(content, finish=None):
        return chunk([{"index": 0, "delta": content, "finish_reason": finish}])

    def events():
        yield delta({"role": "assistant", "content": ""})
        yield from (delta({"content": word}) for word in WORDS)
        yield delta({}, "stop")
        if (asked.get("stream_options") or {}).get("include_usage"):
            yield chunk([], usage=usage)
        yield "data: [DONE]\n\n"

    return whole, events()


def responses(asked):
    usage = {"input_tokens": 9, "output_tokens": len(WORDS), "total_tokens": 9 + len(WORDS)}
    content = [{"type": "output_text", "text": TEXT, "annotations": []}]
    item = {"id": "msg_1", "type": "message", "role": "assistant", "content": content}
    base = {"id": "resp_1", "object": "response", "created_at": CREATED}
    base["model"] = asked.get("model", "test-model")
    whole = {**base, "status": "completed", "output": [item], "usage": usage}

    def events():
        begun = {**base, "status": "in_progress", "output": []}
        yield named({"type": "response.created", "response": begun})
        where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        for word in WORDS:
            yield named({"type": "response.output_text.delta", **where, "delta": word})
        yield named({"type": "response.output_text.done", **where, "text": TEXT})
        yield named({"type": "response.completed", "response": whole})

    return whole, events()


def messages(asked):
    base = {"id": "msg_1", "type": "message", "role": "assistant"}
    base["model"] = asked.get("model", "test-model")
    usage = {"input_tokens": 9, "output_tokens": len(WORDS)}
    content = [{"type": "text", "text": TEXT}]
    whole = {**base, "content": content, "stop_reason": "end_turn", "usage": usage}

    def events():
        begun = {**base, "content": [], "usage": {"input_tokens": 9, "output_tokens": 0}}
        yield named({"type": "message_start", "message": begun})
        block = {"type": "text", "text": ""}
        yield named({"type": "content_block_start", "index": 0, "content_block": block})
        for word in WORDS:
            delta = {"type": "text_delta", "text": word}
            yield named({"type": "content_block_delta", "index": 0, "delta": delta})
        yield named({"type": "content_block_stop", "index": 0})
        end = {"stop_reason": "end_turn"}
        yield named({"type": "message_delta", "delta": end, "usage": usage})
        yield named({"type": "message_stop"})

    return whole, events()


def generate_content(_):
    usage = {"promptTokenCount": 9, "candidatesTokenCount": len(WORDS), "totalTokenCount": 9 + len(WORDS)}

    def part(text, **more):
        return {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, **more}]}

    def events():
        yield from (data(part(word)) for word in WORDS[:-1])
        yield data(part(WORDS[-1], finishReason="STOP") | {"usageMetadata": usage})

    return part(TEXT, finishReason="STOP") | {"usageMetadata": usage}, events()


MODELS = {
    "/chat/completions": chat_completions,
    "/responses": responses,
    "/v1/messages": messages,
    ":generateContent": generate_content,
    ":streamGenerateContent": generate_content,
}
