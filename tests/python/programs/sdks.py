# SPDX-License-Identifier: MIT
"""One request by each SDK and client of a newer Debian; prints what the program got."""

import asyncio
import sys

import aiohttp
import anthropic
import httpx
import httpx2
import ollama
import openai

base = sys.argv[1]
messages = [{"role": "user", "content": "hello"}]
gpt = openai.OpenAI(base_url=base + "/v1", api_key="sk-test", max_retries=0)
claude = anthropic.Anthropic(base_url=base, api_key="sk-test", max_retries=0)


async def by_openai():
    async with openai.AsyncOpenAI(base_url=base + "/v1", api_key="sk-test", max_retries=0) as client:
        return (await client.chat.completions.create(model="m", messages=messages)).choices[0].message.content


async def by_anthropic():
    async with anthropic.AsyncAnthropic(base_url=base, api_key="sk-test", max_retries=0) as client:
        return (await client.messages.create(model="m", max_tokens=9, messages=messages)).content[0].text


async def by_aiohttp(path):
    async with aiohttp.ClientSession() as session:
        async with session.post(base + path, json={}) as answer:
            return answer.status, await answer.text(), sorted(answer.request_info.headers)


def by_ollama():
    try:
        return ollama.Client(host=base).chat(model="m", messages=messages)
    except ValueError:
        return "not the relay's interface"


print(gpt.chat.completions.create(model="m", messages=messages).choices[0].message.content)
print(len(list(gpt.chat.completions.create(model="m", messages=messages, stream=True))))
print(gpt.responses.create(model="m", input="hello").output_text)
print(asyncio.run(by_openai()))
print(claude.messages.create(model="m", max_tokens=9, messages=messages).content[0].text)
print(asyncio.run(by_anthropic()))
print(by_ollama())
print(httpx.post(base + "/v1/messages", json={}).text)
print(httpx2.post(base + "/v1/messages", json={}).text)
print(asyncio.run(by_aiohttp("/v1/messages")))
print(asyncio.run(by_aiohttp("/switch/redirect-307-other/v1/messages")))
