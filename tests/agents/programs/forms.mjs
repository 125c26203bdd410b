// One request in each way that Node programs have. The name of the way is in the path.
import http, { request as named } from "node:http"
import https from "node:https"
import { createRequire } from "node:module"
import { Readable } from "node:stream"
import { Worker } from "node:worker_threads"

const [base, other] = process.argv.slice(2)
const undici = createRequire(process.env.NPM + "/x")("undici")
const say = (way, text) => console.log(way, text.length)
const url = (way) => `${base}/${way}/v1/chat/completions`

async function byFetch(way, init = {}, where = url(way), fetcher = fetch) {
  const answer = await fetcher(where, { method: "POST", body: "{}", ...init })
  say(way, await answer.text())
}

function byHttp(way, send, options = {}, make = http.request) {
  return new Promise((resolve, reject) => {
    const request = make(url(way), { method: "POST", ...options }, async (answer) => {
      say(way, (await answer.toArray()).join(""))
      resolve(request)
    })
    request.on("error", reject)
    send(request)
  })
}

// Tagged.
await byFetch("fetch")
await byFetch("fetch-own", { headers: { "x-task-id": "mine", "X-Other": "1" } })
await byFetch("fetch-same", {}, `${base}/switch/redirect-307-same/fetch-same/v1/chat/completions`)
await byFetch("undici-fetch", {}, undefined, undici.fetch)
const answer = await undici.request(url("undici-request"), { method: "POST", body: "{}", headers: ["X-A", "1"] })
say("undici-request", await answer.body.text())
await byHttp("end", (request) => request.end("{}"))
await byHttp("write", (request) => { request.write("{"); request.end("}") })
await byHttp("pipe", (request) => Readable.from(["{", "}"]).pipe(request))
await byHttp("flush", (request) => { request.flushHeaders(); request.end("{}") })
await byHttp("late", (request) => { request.setHeader("X-Task-Id", "mine"); request.end("{}") })
await byHttp("named", (request) => request.end("{}"), {}, named)
const agent = new http.Agent({ keepAlive: true })
for (const way of ["keep-1", "keep-2"]) await byHttp(way, (request) => request.end("{}"), { agent })
agent.destroy()
await new Promise((resolve) => {
  const code = `fetch(${JSON.stringify(url("worker"))}, { method: "POST", body: "{}" }).then((a) => a.text())`
  new Worker(code, { eval: true }).on("exit", resolve)
})
// Not tagged.
await byFetch("elsewhere", {}, `${base}/elsewhere/v1/models`)
await byFetch("get", { method: "GET", body: undefined })
await byHttp("put", (request) => request.end("{}"), { method: "PUT" })
await byHttp("array", (request) => request.end("{}"), { headers: ["Host", "relay", "X-A", "1"] })
await byHttp("host", (request) => request.end("{}"), { headers: { Host: "example.com" } })
// The last hop goes to a host that was not named.
await byFetch("hop", {}, `${base}/switch/redirect-307-other/hop/v1/chat/completions`)
await new Promise((resolve) => https.request("https://127.0.0.1:59998/v1/messages", { method: "POST" }).on("error", resolve).end())
await fetch("http://127.0.0.1:59998/v1/messages", { method: "POST" }).catch((error) => console.log(error.cause.code))
