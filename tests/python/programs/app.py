# SPDX-License-Identifier: MIT
"""A web application that asks a model for each page: for gunicorn as `wsgi`, for uvicorn as `asgi`."""

import os

URL = os.environ.get("RELAY", "") + "/v1/chat/completions"


def wsgi(environ, start_response):
    import requests

    text = requests.post(URL, json={}).content
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    import httpx

    async with httpx.AsyncClient() as client:
        text = (await client.post(URL, json={})).content
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text})
