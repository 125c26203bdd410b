// SPDX-License-Identifier: MIT
// fetch with a stream, which nobody may read ahead, and says what was read of it.
import { readFileSync } from "node:fs"
for (const n of [1, 2, 3]) {
  let pulls = 0
  const body = new ReadableStream({ pull(stream) {
    if (pulls++) return stream.close()
    stream.enqueue(readFileSync(`${n}.json`))
  } }, { highWaterMark: 0 })
  const answer = await fetch(process.argv[2], { method: "POST", body, duplex: "half" })
  process.stdout.write(await answer.text())
  if (pulls !== 2) throw new Error(`${pulls} pulls`)
}
