// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
const { request } = createRequire(process.env.NPM + "/x")("undici")
for (const n of [1, 2, 3]) {
  const answer = await request(process.argv[2], { method: "POST", body: readFileSync(`${n}.json`, "utf8") })
  process.stdout.write(await answer.body.text())
}
