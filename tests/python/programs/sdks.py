# SPDX-License-Identifier: MIT
"""Requests by each SDK and client of a newer Debian, below a path of its name; prints what the program got."""

import asyncio
import os
import subprocess
import sys
import tempfile

import aiohttp
import anthropic
import httpx
import httpx2
import ollama
import openai

base = sys.argv[1]
messages = [{"role": "user", "content": "hello"}]
gpt = openai.OpenAI(base_url=base + "/openai/v1", api_key="sk-test", max_retries=0)
claude = anthropic.Anthropic(base_url=base + "/anthropic", api_key="sk-test", max_retries=0)


async def by_openai():
    async with openai.AsyncOpenAI(base_url=base + "/openai/v1", api_key="sk-test", max_retries=0) as client:
        return (await client.chat.completions.create(model="m", messages=messages)).choices[0].message.content


async def by_anthropic():
    async with anthropic.AsyncAnthropic(base_url=base + "/anthropic", api_key="sk-test", max_retries=0) as client:
        return (await client.messages.create(model="m", max_tokens=9, messages=messages)).content[0].text


async def by_aiohttp(path):
    async with aiohttp.ClientSession() as session:
        async with session.post(base + path, json={}) as answer:
            return answer.status, await answer.text(), sorted(answer.request_info.headers)


def by_ollama():
    try:
        return ollama.Client(host=base + "/ollama").chat(model="m", messages=messages)
    except ValueError:
        return "not the relay's interface"


def by_llm():
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/extra-openai-models.yaml", "w") as file:
            file.write(f"- {{model_id: relay, model_name: m, api_base: {base}/llm/v1}}\n")
        env = os.environ | {"LLM_USER_PATH": folder, "HOME": folder}
        command = ["llm", "-m", "relay", "--key", "sk-test", "--no-log", "hello"]
        return subprocess.run(command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


print(gpt.chat.completions.create(model="m", messages=messages).choices[0].message.content)
print(len(list(gpt.chat.completions.create(model="m", messages=messages, stream=True))))
print(gpt.responses.create(model="m", input="hello").output_text)
print(asyncio.run(by_openai()))
print(claude.messages.create(model="m", max_tokens=9, messages=messages).content[0].text)
print(asyncio.run(by_anthropic()))
print(by_ollama())
print(httpx.post(base + "/httpx/v1/messages", json={}).text)
print(httpx2.post(base + "/httpx2/v1/messages", json={}).text)
print(asyncio.run(by_aiohttp("/aiohttp/v1/messages")))
print(asyncio.run(by_aiohttp("/switch/redirect-307-other/aiohttp/v1/messages")))
print(by_llm())
