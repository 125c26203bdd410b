// The official SDK, an answer at once and one as a stream.
import { createRequire } from "node:module"

const OpenAI = createRequire(process.env.NPM + "/x")("openai").default
const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "sk-test" })
const asked = { model: "m", messages: [{ role: "user", content: "hello" }] }

const whole = await client.chat.completions.create(asked)
console.log(whole.choices[0].message.content)
let text = ""
for await (const part of await client.chat.completions.create({ ...asked, stream: true })) {
  text += part.choices[0]?.delta?.content ?? ""
}
console.log(text)
