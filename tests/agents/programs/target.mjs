// Requests whose target is another than their URL says, or that go on by themselves. The server that the
// first argument names is the relay, the second another one. The mode is the last one.
import http from "node:http"
import net from "node:net"
import { createRequire } from "node:module"

const [base, other, mode] = process.argv.slice(2)
const path = "/v1/chat/completions"
const undici = createRequire(process.env.NPM + "/x")("undici")
const port = (url) => Number(new URL(url).port)

const send = (options) =>
  new Promise((resolve) => {
    const request = http.request({ method: "POST", host: "127.0.0.1", port: port(base), path, ...options }, async (answer) => {
      await answer.toArray()
      resolve({ request, answer })
    })
    request.on("error", (error) => resolve(console.log(error.code)))
    request.end("{}")
  })

const connectElsewhere = () => net.connect(port(other), "127.0.0.1")
class Elsewhere extends http.Agent {
  createConnection() {
    return connectElsewhere()
  }
}
class Through extends http.Agent {
  createConnection(options, done) {
    return super.createConnection(options, done)
  }
}
const post = (dispatcher, url = base + path) =>
  undici.request(url, { method: "POST", body: "{}", dispatcher }).then((answer) => answer.body.text())

const modes = {
  // A client that follows redirects itself, with the headers that it finds (superagent).
  follow: async () => {
    const { request } = await send({ path: "/switch/redirect-307-other" + path, headers: { "X-Own": "1" } })
    console.log(JSON.stringify(request.getHeaders()), request.getHeader("X-Task-Id"))
    await send({ port: port(other), headers: request.getHeaders() })
  },
  host: () => send({ port: port(other), headers: { Host: `127.0.0.1:${port(base)}` } }),
  "host of another port": () => send({ headers: { Host: "127.0.0.1:1" } }),
  userinfo: () => send({ port: port(other), path: `@127.0.0.1:${port(base)}${path}` }),
  "https in plain": () => send({ port: port(other), path: `https://127.0.0.1:${port(base)}${path}` }),
  createConnection: () => send({ createConnection: connectElsewhere }),
  agent: () => send({ agent: new Elsewhere() }),
  "agent through": () => send({ agent: new Through() }),
  "agent's port": () => send({ port: port(base), agent: new http.Agent({ port: port(other) }) }),
  dispatcher: async () => {
    const dispatcher = new undici.Agent({ connect: (options, done) => { const socket = connectElsewhere(); socket.on("connect", () => done(null, socket)) } })
    await post(dispatcher)
    await post(dispatcher)
    await dispatcher.close()
  },
  "dispatcher of its own": () => post(new undici.Agent()),
}
await modes[mode]()
process.exit(0)
