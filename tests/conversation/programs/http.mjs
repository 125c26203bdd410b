// SPDX-License-Identifier: MIT
import { readFileSync } from "node:fs"
import http from "node:http"
for (const n of [1, 2, 3]) {
  await new Promise((resolve) => {
    const request = http.request(process.argv[2], { method: "POST" }, async (answer) => {
      for await (const piece of answer) process.stdout.write(piece)
      resolve()
    })
    if (n > 1) request.write(readFileSync(`${n}.json`, "utf8"))
    request.end(n > 1 ? undefined : readFileSync(`${n}.json`))
  })
}
