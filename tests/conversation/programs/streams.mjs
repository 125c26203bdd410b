// SPDX-License-Identifier: MIT
// Bodies in pieces: http.request with the first piece in write, or from a file's stream that is piped.
import { createReadStream, readFileSync } from "node:fs"
import http from "node:http"
for (const n of [1, 2, 3]) {
  await new Promise((resolve) => {
    const request = http.request(process.argv[2], { method: "POST" }, async (answer) => {
      for await (const piece of answer) process.stdout.write(piece)
      resolve()
    })
    if (n === 2) return createReadStream(`${n}.json`).pipe(request)
    const body = readFileSync(`${n}.json`)
    request.write(body.subarray(0, body.length - 2))
    request.end(body.subarray(body.length - 2))
  })
}
