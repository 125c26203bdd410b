// SPDX-License-Identifier: MIT
// Holds conversations with an SDK: talk.mjs SDK URL <talks.json. A talk is a list of turns, each the
// messages as the program has them then: { role, text, image }. The system prompt has the clock.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

const [sdk, url] = process.argv.slice(2)
const resolve = createRequire(process.env.NPM + "/x").resolve
const load = (name) => import(pathToFileURL(resolve(name)))
const parts = (message, text, image) => (message.image ? [text(message.text), image(message.image)] : message.text)
const system = () => `You are helpful. It is ${new Date()}.`
const options = { apiKey: "sk-test", baseURL: url + "/v1", maxRetries: 0 }
const text = (text) => ({ type: "text", text })

const SDKS = {
  async openai() {
    const client = new (await load("openai")).default(options)
    return (messages) => client.chat.completions.create({ model: "m", messages: [
      { role: "developer", content: system() },
      ...messages.map((m) => ({ role: m.role, content: parts(m, text, (data) => ({
        type: "image_url", image_url: { url: "data:image/png;base64," + data } })) })),
    ] })
  },
  async responses() {
    const client = new (await load("openai")).default(options)
    return (messages) => client.responses.create({ model: "m", instructions: system(), input: messages.length > 1
      ? messages.map((m) => ({ role: m.role, content: m.text })) : messages[0].text })
  },
  async anthropic() {
    const client = new (await load("@anthropic-ai/sdk")).default({ ...options, baseURL: url })
    return (messages) => client.messages.create({ model: "m", max_tokens: 64, system: system(),
      messages: messages.map((m) => ({ role: m.role, content: parts(m, text, (data) => ({
        type: "image", source: { type: "base64", media_type: "image/png", data } })) })) })
  },
  async vercel() {
    const { generateText } = await load("ai")
    const provider = (await load("@ai-sdk/openai-compatible")).createOpenAICompatible({ name: "relay", ...options })
    return (messages) => generateText({ model: provider("m"), maxRetries: 0, instructions: system(),
      messages: messages.map((m) => ({ role: m.role, content: parts(m, text, (data) => ({
        type: "file", mediaType: "image/png", data })) })) })
  },
  async langchain() {
    const { ChatOpenAI } = await load("@langchain/openai")
    const model = new ChatOpenAI({ model: "m", apiKey: "sk-test", maxRetries: 0, configuration: { baseURL: url + "/v1" } })
    return (messages) => model.invoke([["system", system()], ...messages.map((m) => [m.role, m.text])])
  },
  async genai() {
    const { GoogleGenAI } = await load("@google/genai")
    const client = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: url } })
    return (messages) => client.models.generateContent({ model: "m", config: { systemInstruction: system() },
      contents: messages.map((m) => ({ role: m.role === "user" ? "user" : "model", parts: [{ text: m.text },
        ...(m.image ? [{ inlineData: { mimeType: "image/png", data: m.image } }] : [])] })) })
  },
}

const ask = await SDKS[sdk]()
for (const messages of JSON.parse(readFileSync(0))) {
  try {
    await ask(messages)
  } catch (error) {
    // An answer that the SDK does not like: what counts is what it sent.
    if (!(error.status || /json|parse|api|model/i.test(String(error)))) throw error
  }
}
