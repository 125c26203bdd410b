// One answer by an SDK, and where it has one, one as a stream. The SDK's name is the first argument.
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

const [name, url] = process.argv.slice(2)
const load = (path) => import(pathToFileURL(createRequire(process.env.SDKS + "/x").resolve(path)))
const messages = [{ role: "user", content: "hello" }]
const key = "sk-test"

const sdks = {
  openai: async () => {
    const { default: OpenAI } = await load("openai")
    const { chat } = new OpenAI({ baseURL: url + "/v1", apiKey: key })
    for await (const _ of await chat.completions.create({ model: "m", messages, stream: true }));
    return (await chat.completions.create({ model: "m", messages })).choices[0].message.content
  },
  anthropic: async () => {
    const { default: Anthropic } = await load("@anthropic-ai/sdk")
    const client = new Anthropic({ baseURL: url, apiKey: key })
    const asked = { model: "m", max_tokens: 9, messages }
    for await (const _ of await client.messages.create({ ...asked, stream: true }));
    return (await client.messages.create(asked)).content[0].text
  },
  google: async () => {
    const { GoogleGenAI } = await load("@google/genai")
    const { models } = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } })
    for await (const _ of await models.generateContentStream({ model: "m", contents: "hello" }));
    return (await models.generateContent({ model: "m", contents: "hello" })).text
  },
  vercel: async () => {
    const { generateText, streamText } = await load("ai")
    const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible")
    const model = createOpenAICompatible({ name: "relay", baseURL: url + "/v1", apiKey: key })("m")
    await streamText({ model, prompt: "hello" }).text
    return (await generateText({ model, prompt: "hello" })).text
  },
  langchain: async () => {
    const { ChatOpenAI } = await load("@langchain/openai")
    const model = new ChatOpenAI({ model: "m", apiKey: key, configuration: { baseURL: url + "/v1" } })
    for await (const _ of await model.stream("hello"));
    return (await model.invoke("hello")).content
  },
  ollama: async () => {
    const { Ollama } = await load("ollama")
    const client = new Ollama({ host: url })
    for await (const _ of await client.chat({ model: "m", messages, stream: true }));
    return (await client.chat({ model: "m", messages })).message.content
  },
}
console.log(await sdks[name]())
