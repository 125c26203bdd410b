// fetch in each way that Bun has, and every redirect. The name of the way is in the path. Prints what a
// program sees of each answer.
const [base, other] = process.argv.slice(-2)
const chat = "/v1/chat/completions"
const headers = { Authorization: "Bearer x", Cookie: "a=1", "X-Own": "1", "Content-Type": "application/json", "Content-Language": "en" }

async function send(way, init = {}, path = `/${way}${chat}`, make = (url, init) => [url, init]) {
  try {
    const answer = await fetch(...make(base + path, { method: "POST", body: '{"a":1}', headers, ...init }))
    console.log(way, answer.status, answer.redirected, answer.url, answer.type, (await answer.text()).length)
  } catch (error) {
    console.log(way, error.code)
  }
}
const asRequest = (url, init) => [new Request(url, init)]

if (process.env.ONE) {
  await send(process.env.ONE, {}, process.env.ONE === "endless" ? "/switch/redirect-307-same".repeat(160) + chat : chat)
  process.exit()
}
await send("string")
await send("lower", { method: "post" })
await send("url", {}, undefined, (url, init) => [new URL(url), init])
await send("bytes", { body: new TextEncoder().encode("{}") })
await send("headers", { headers: new Headers({ "x-task-id": "mine" }) })
await send("pairs", { headers: [["X-A", "1"], ["X-A", "2"]] })
await send("request", {}, undefined, asRequest)
await send("request and more", {}, undefined, (url, init) => [new Request(url, { ...init, method: "PUT" }), { method: "POST", headers: { "X-More": "1" } }])
await send("stream", { body: '{"stream":true}' })
await Promise.all(["many", "many", "many"].map((way) => send(way)))
await send("same", {}, `/switch/redirect-307-same/same${chat}`)
await send("same request", {}, `/switch/redirect-308-same/same${chat}`, asRequest)
await send("found", {}, `/switch/redirect-302-same/found${chat}`)
await send("manual", { redirect: "manual" }, `/switch/redirect-307-same/manual${chat}`)
await send("error", { redirect: "error" }, `/switch/redirect-307-same/error${chat}`)
for (const status of [301, 302, 303, 307, 308]) await send("away", {}, `/switch/redirect-${status}-other/${status}${chat}`)
await send("back", {}, `/switch/redirect-307-other/switch/redirect-307-other/back${chat}`)
await send("429", {}, `/switch/status-429/429${chat}`)
await send("aborted", { signal: AbortSignal.timeout(300) }, `/switch/slow-2000/aborted${chat}`)
// Not tagged.
await send("models", {}, "/v1/models")
await send("put", { method: "PUT" })
await send("get", { method: "GET", body: undefined })
await send("pull", { body: new ReadableStream({ pull: (c) => (c.enqueue("{}"), c.close()) }) })
await send("unnamed", {}, "", (_, init) => [other + chat, init])
await send("refused", {}, "", (_, init) => ["http://127.0.0.1:59998" + chat, init])
await send("no url", {}, "", () => ["no url"])
await send("nothing", {}, "", () => [])
const unix = `${process.env.HOME}/socket`
const server = Bun.serve({ unix, fetch: (request) => new Response([...request.headers].join("\n")) })
await send("unix", { unix })
server.stop()
console.log(fetch.name, fetch.length, typeof fetch.preconnect, Object.getOwnPropertyDescriptor(globalThis, "fetch").enumerable)
const { readFileSync } = require("node:fs")
console.log(readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim() === "")
