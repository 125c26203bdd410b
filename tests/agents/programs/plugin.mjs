// The plugin of Kilo and opencode, called as they call it, without them: two chat requests and a
// command, and how long each waited.
const { Tagalong } = await import(process.argv[2])
const hooks = await Tagalong({ directory: process.cwd() })
const baseURL = process.argv[3]
const model = { providerID: "relay", api: { id: "m", npm: "@ai-sdk/openai-compatible", url: "" }, headers: {} }
const provider = { options: { baseURL, headers: { "X-Task-Id": "the user's" } } }
const session = { sessionID: "ses_1", agent: "Build" }
const seen = []

async function timed(call) {
  const started = performance.now()
  const output = { headers: { "x-other-plugin": "1" }, env: { TRACEPARENT: "the plugin's before us" } }
  await call(output)
  seen.push({ ms: performance.now() - started, ...output })
}

await hooks.event({ event: { type: "session.created", properties: { info: { id: "ses_1", version: "9", parentID: "ses_0" } } } })
await hooks.event({ event: { type: "session.created", properties: {} } })
await hooks["chat.message"]({ sessionID: "ses_1" }, {})
await timed((output) => hooks["chat.headers"]({ ...session, model, provider }, output))
await timed((output) => hooks["chat.headers"]({ ...session, model, provider }, output))
await timed((output) => hooks["shell.env"]({ sessionID: "ses_1", cwd: "/" }, output))
await timed((output) => hooks["shell.env"]({ cwd: "/" }, output))
await timed((output) => hooks["chat.headers"]({ ...session, model, provider: { options: {} } }, output))
await timed((output) => hooks["chat.headers"](undefined, output))
console.log(JSON.stringify(seen))
process.exit(0)
