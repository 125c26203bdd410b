// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
const OpenAI = createRequire(process.env.NPM + "/x")("openai")
const client = new OpenAI({ baseURL: process.argv[2].replace("/chat/completions", ""), apiKey: "sk-test", maxRetries: 0 })
for (const n of [1, 2, 3]) {
  const answer = await client.chat.completions.create(JSON.parse(readFileSync(`${n}.json`)))
  console.log(JSON.stringify(answer))
}
