# SPDX-License-Identifier: MIT
"""Sends the requests that stdin lists, a JSON object a line: the client, what is sent, and to which URL.
Prints what a program sees of each: status, answer, and the headers that the client says it has sent."""

import asyncio
import http.client
import json
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]}).encode()


def body_of(step):
    if step["method"] == "GET":
        return None
    return [BODY[:10], BODY[10:]] if step.get("chunked") else BODY


def show(status, text, headers=()):
    print(status, text, sorted(f"{name}: {value}" for name, value in headers), flush=True)


def by_http_client(step):
    url = urlsplit(step["url"])
    connection = http.client.HTTPConnection(url.hostname, url.port)
    if step.get("pieces"):
        connection.putrequest(step["method"], url.path)
        for name, value in {**step["headers"], "Content-Length": len(BODY)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(BODY)
    else:
        connection.request(step["method"], url.path, body_of(step), step["headers"])
    answer = connection.getresponse()
    show(answer.status, answer.read().decode())
    connection.close()


def by_urllib(step):
    request = urllib.request.Request(step["url"], body_of(step), step["headers"], method=step["method"])
    try:
        with urllib.request.urlopen(request) as answer:
            show(answer.status, answer.read().decode(), request.header_items())
    except urllib.error.HTTPError as error:
        show(error.code, error.read().decode(), request.header_items())


def by_urllib3(step, pools={}):
    import urllib3

    pool = pools.setdefault(0, urllib3.PoolManager())
    answer = pool.request(step["method"], step["url"], body=body_of(step), headers=step["headers"])
    show(answer.status, answer.data.decode())


def by_requests(step, sessions={}):
    import requests

    session = sessions.setdefault(0, requests.Session()) if step.get("kept") else requests
    body = body_of(step)
    answer = session.request(step["method"], step["url"], data=iter(body) if step.get("chunked") else body, headers=step["headers"])
    show(answer.status_code, answer.text, answer.request.headers.items())


def by_httpx(step, clients={}):
    import httpx

    client = clients.setdefault(0, httpx.Client(follow_redirects=True, timeout=20))
    with client.stream(step["method"], step["url"], content=body_of(step), headers=step["headers"]) as answer:
        show(answer.status_code, "".join(answer.iter_text()), answer.request.headers.items())


async def by_httpx_async(step):
    import httpx

    async def pieces():
        for piece in body_of(step):
            yield piece

    async with httpx.AsyncClient(follow_redirects=True, timeout=20) as client:
        body = pieces() if step.get("chunked") else body_of(step)
        answer = await client.request(step["method"], step["url"], content=body, headers=step["headers"])
        show(answer.status_code, answer.text, answer.request.headers.items())


async def by_aiohttp(step):
    import aiohttp

    async def pieces():
        for piece in body_of(step):
            yield piece

    async with aiohttp.ClientSession() as session:
        body = pieces() if step.get("chunked") else body_of(step)
        async with session.request(step["method"], step["url"], data=body, headers=step["headers"]) as answer:
            show(answer.status, await answer.text(), answer.request_info.headers.items())


WAYS = {
    "http.client": by_http_client,
    "urllib": by_urllib,
    "urllib3": by_urllib3,
    "requests": by_requests,
    "httpx": by_httpx,
    "httpx-async": lambda step: asyncio.run(by_httpx_async(step)),
    "aiohttp": lambda step: asyncio.run(by_aiohttp(step)),
}

if __name__ == "__main__":
    for line in sys.stdin:
        step = json.loads(line)
        WAYS[step["client"]](step)
