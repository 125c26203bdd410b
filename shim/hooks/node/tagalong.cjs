// SPDX-License-Identifier: MIT
// The hook for Node programs, loaded by `tagalong run` (NODE_OPTIONS=--require), and for those of Bun
// (BUN_OPTIONS=--preload=). It runs when a request is complete and not yet sent: by undici's diagnostics
// channel, which fetch and every copy of undici use, redirect hops included, and where an
// http.ClientRequest makes its head; in Bun before 1.4.6, which has no such channel, around fetch. Lines
// are added to that one hop: programs that follow redirects themselves never see them. All rules are in
// the library, which is in the process already and is an addon of Node-API as well. It is loaded at the
// first POST. Whatever goes wrong, the request goes out as the program made it. The syntax is that of old
// versions of Node: a file that they cannot parse would end the program. See docs/agents.md.
"use strict"

const UNMATCHED_MS = 1000 // how long a URL is taken not to match
const UNMATCHED_MAX = 200
const BODY_MAX = 262145 // what the library reads of a body, and one byte that shows that there is more
const UNSENT_MAX = 1000
const HOPS_MAX = 20
const BUN_CHANNEL = 1004006

function isWanted(env) {
  const name = process.versions.bun ? "bun" : "node"
  const hooks = (env.TAGALONG_HOOKS || name).split(",").map((hook) => hook.trim())
  return env.TAGALONG_OFF !== "1" && hooks.includes(name)
}

// 1.4.6 for 1004006; 0 in Node.
function bunVersion() {
  const [major, minor, patch] = (process.versions.bun || "0.0.0").split(".").map(Number)
  return major * 1e6 + minor * 1e3 + patch
}

function load() {
  const { existsSync } = require("node:fs")
  const { join } = require("node:path")
  // Beside the hooks, or in a source tree's build/.
  const paths = ["../../libtagalong.so", "../../../build/libtagalong.so"].map((path) => join(__dirname, path))
  const addon = { exports: {} }
  process.dlopen(addon, paths.find(existsSync))
  return addon.exports.headers
}

function install() {
  let library // null: there is none
  const unmatched = new Map() // URL: until when

  const isUnmatched = (url) => unmatched.get(url.split("?", 1)[0]) > performance.now()

  // The head of a body that is here as bytes; undefined for a stream and the like, which is never read.
  const headOf = (body, encoding) => {
    if (typeof body === "string") return Buffer.from(body.slice(0, BODY_MAX), encoding).subarray(0, BODY_MAX)
    if (body instanceof ArrayBuffer) return Buffer.from(body, 0, Math.min(body.byteLength, BODY_MAX))
    if (!ArrayBuffer.isView(body)) return
    return Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, BODY_MAX))
  }

  // The header lines for a request, as [{ name, value }].
  const headersFor = (url, own, body) => {
    if (library === undefined) {
      library = null
      library = load() || null
    }
    if (!library) return []
    const { protocol, host, pathname } = new URL(url)
    const head = Object.keys(own).map((name) => `${name}: ${own[name].replace(/[\r\n]/g, " ")}\n`).join("")
    const lines = library("POST", `${protocol}//${host}${pathname}`, head, body)
    if (lines) {
      return lines.trimEnd().split("\n").map((line) => {
        const colon = line.indexOf(": ")
        return { name: line.slice(0, colon), value: line.slice(colon + 2) }
      })
    }
    if (unmatched.size >= UNMATCHED_MAX) unmatched.clear()
    unmatched.set(url.split("?", 1)[0], performance.now() + UNMATCHED_MS)
    return []
  }

  const isLoopback = (host) => /^(localhost|127(\.\d+){3}|\[?::1\]?|::ffff:127(\.\d+){3})$/i.test(host)

  // What is asked for at `origin`, a connection's. A plain proxy gets the absolute URL, over http.
  const urlOf = (origin, path) => {
    if (path.startsWith("/")) return origin + path
    if (!/^http:\/\//i.test(path) || !origin.startsWith("http://")) return
    const local = isLoopback(new URL(path).hostname)
    return local && !isLoopback(new URL(origin).hostname) ? undefined : path
  }

  // What the program sends, as { name: value }; a credential's value stays here.
  const ownOf = (pairs) => {
    const own = Object.create(null)
    for (const [name, value] of pairs)
      own[name] = /auth|cookie|key|token|secret/i.test(name) ? "" : String(value).slice(0, 1024)
    return own
  }

  const pairsOf = (headers) => {
    if (typeof headers === "string") {
      return headers.split("\r\n").map((line) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1)]) // undici 5
    }
    if (!Array.isArray(headers)) return Object.entries(headers || {})
    return headers.map((name, index) => [String(name), headers[index + 1]]).filter((_, index) => index % 2 === 0)
  }

  const originalFetch = globalThis.fetch
  const wrapFetch = (apply) => {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, "fetch")
    if (typeof originalFetch !== "function" || !descriptor.writable || !descriptor.configurable) return
    const value = new Proxy(originalFetch, { apply: (target, self, args) => apply(args) || Reflect.apply(target, self, args) })
    Object.defineProperty(globalThis, "fetch", { ...descriptor, value })
  }

  // A Unix socket is no host, and the loopback of a proxy elsewhere is another machine's.
  const linesOf = (url, { method, headers, body, unix, proxy = process.env.http_proxy || process.env.HTTP_PROXY }) => {
    try {
      if (String(method).toUpperCase() !== "POST" || unix || isUnmatched(url)) return []
      if (proxy && isLoopback(new URL(url).hostname) && !isLoopback(new URL(proxy.url || proxy).hostname)) return []
      return headersFor(url, ownOf(new Headers(headers)), headOf(body))
    } catch {
      return []
    }
  }

  // Bun before 1.4.6: fetch is told not to follow redirects, and each hop is made here, as Bun makes it, and
  // judged anew. Behind HOPS_MAX Bun goes on alone, and says itself that there are too many.
  const fetchByHops = async (input, init, url, lines) => {
    const follows = (init.redirect || "follow") === "follow"
    const copy = follows && input instanceof Request && init.body === undefined ? input.clone() : undefined
    for (let hops = 0; ; hops++) {
      const isLast = !follows || hops === HOPS_MAX
      const headers = new Headers(init.headers)
      if (hops < HOPS_MAX) for (const { name, value } of lines) headers.append(name, value)
      const answer = await originalFetch(input, isLast ? { ...init, headers } : { ...init, headers, redirect: "manual" })
      if (hops) Object.defineProperty(answer, "redirected", { value: true, configurable: true })
      const location = [301, 302, 303, 307, 308].includes(answer.status) && answer.headers.get("location")
      if (isLast || !location) return answer
      if (answer.body) answer.body.cancel().catch(() => {})
      const { origin } = new URL(url)
      input = url = new URL(location, url).href
      init = { ...init, headers: new Headers(init.headers) }
      if (copy && !hops) init.body = await copy.arrayBuffer()
      const dropped = new URL(url).origin === origin ? [] : ["authorization", "proxy-authorization", "cookie"]
      if (answer.status < 304) {
        Object.assign(init, { method: "GET", body: undefined })
        dropped.push("content-encoding", "content-language", "content-location", "content-type", "content-length")
      }
      for (const name of dropped) init.headers.delete(name)
      lines = linesOf(url, init)
    }
  }

  if (bunVersion() && bunVersion() < BUN_CHANNEL) {
    wrapFetch(([input, given = {}]) => {
      try {
        const isRequest = input instanceof Request
        const { method, headers, redirect, signal } = isRequest ? input : given
        // A stream cannot be sent twice.
        if (![Object.prototype, null].includes(Object.getPrototypeOf(given)) || (!isRequest && !headOf(given.body))) return
        const init = isRequest ? { method, headers, redirect, signal, ...given } : { ...given }
        const url = new URL(isRequest ? input.url : input).href
        const lines = linesOf(url, init)
        return lines.length ? fetchByHops(input, init, url, lines) : undefined
      } catch {}
    })
    return
  }

  // fetch makes a stream of its body, so that the channel below does not see it: the one that the
  // program gave is passed along with the call.
  let bodies
  wrapFetch(([input, init]) => {
    try {
      const body = init && String(init.method).toUpperCase() === "POST" && headOf(init.body)
      const url = body && (typeof input === "string" || input instanceof URL) && new URL(input).href
      if (!url || isUnmatched(url)) return
      bodies = bodies || new (require("node:async_hooks").AsyncLocalStorage)()
      return bodies.run(body, () => originalFetch(input, init))
    } catch {}
  })

  // undici says where a request goes, but a dispatcher of the program's may connect elsewhere. That is
  // seen when it has connected and nothing is sent yet: then lines are taken off again, and the origin
  // is left alone. Over TLS it is the server's certificate that tells.
  const { subscribe } = require("node:diagnostics_channel")
  const unclear = new Set() // origins
  const unsent = new Map() // request: { origin, lines }

  const removeLines = (request, lines) => {
    for (const { name, value } of lines) {
      if (typeof request.headers === "string") {
        request.headers = request.headers.replace(`${name}: ${value}\r\n`, "")
        continue
      }
      const index = request.headers.lastIndexOf(name)
      if (index >= 0 && request.headers[index + 1] === value) request.headers.splice(index, 2)
    }
  }

  const leadsThere = ({ protocol, hostname, port }, { remoteAddress = "", remotePort }) => {
    if (protocol !== "http:") return true
    if (remotePort !== Number(port || 80)) return false
    const address = remoteAddress.replace(/^::ffff:/, "")
    const name = hostname.replace(/^\[|\]$/g, "")
    if (isLoopback(name)) return isLoopback(address)
    return !require("node:net").isIP(name) || new URL(`http://${hostname}`).hostname.replace(/^\[|\]$/g, "") === address
  }

  const isSent = ({ request }) => unsent.delete(request)
  subscribe("undici:client:sendHeaders", isSent)
  subscribe("undici:request:error", isSent)
  subscribe("undici:client:connected", ({ connectParams, socket }) => {
    try {
      if (leadsThere(connectParams, socket)) return
      const origin = new URL(`${connectParams.protocol}//${connectParams.host}`).origin
      unclear.add(origin)
      for (const [request, tagged] of unsent) if (tagged.origin === origin) removeLines(request, tagged.lines)
    } catch {}
  })
  subscribe("undici:request:create", ({ request }) => {
    try {
      if (request.method !== "POST") return
      const { origin } = new URL(String(request.origin))
      const url = unclear.has(origin) ? undefined : urlOf(origin, request.path)
      const body = headOf(request.body) || (bodies && bodies.getStore())
      const lines = url ? headersFor(url, ownOf(pairsOf(request.headers)), body) : []
      if (!lines.length) return
      for (const { name, value } of lines) request.addHeader(name, value)
      if (unsent.size >= UNSENT_MAX) unsent.clear()
      unsent.set(request, { origin, lines })
    } catch {}
  })

  if (process.versions.bun) return // its node:http is another one

  // Where an http.ClientRequest goes is what its agent connects to; undefined where that is unclear:
  // without an agent, through a Unix socket, or with an agent that connects in a way of its own, but
  // for https, where the server has to prove its name.
  const http = require("node:http")
  const { createConnection, createSocket } = http.Agent.prototype
  const targets = new WeakMap()
  const plain = new WeakSet() // agents with a createConnection of their own that calls Node's

  const targetOf = (request) => {
    const host = String(request.getHeader("host") || "")
    const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")
    const target = targets.get(request)
    const secure = request.protocol === "https:"
    if (request.socketPath || name.toLowerCase() !== String(request.host).toLowerCase()) return
    if (!target) return secure && request.agent ? urlOf(`https://${host}`, request.path) : undefined
    if (target.socketPath || (!secure && target.isOwn && !plain.has(request.agent))) return
    const bracketed = target.host.includes(":") ? `[${target.host}]` : target.host
    return urlOf(`${request.protocol}//${bracketed}:${target.port}`, request.path)
  }

  const wrap = (prototype, name, make) => {
    const original = prototype[name]
    const wrapper = { [name](...args) { return make(this, original, args) } }[name]
    Object.defineProperty(wrapper, "length", { value: original.length, configurable: true })
    Object.defineProperty(prototype, name, { ...Object.getOwnPropertyDescriptor(prototype, name), value: wrapper })
  }

  wrap(http.Agent.prototype, "addRequest", (agent, original, args) => {
    const { host, port, socketPath } = { ...args[1], ...agent.options }
    const isOwn = agent.createConnection !== createConnection || agent.createSocket !== createSocket
    if (host && port) targets.set(args[0], { host: String(host), port, socketPath, isOwn })
    if (!isOwn) return original.apply(agent, args)
    http.Agent.prototype.createConnection = function (options, ...rest) {
      if (this === agent && options.host === host && options.port === port && !options.path) plain.add(agent)
      return createConnection.call(this, options, ...rest)
    }
    try {
      return original.apply(agent, args)
    } finally {
      http.Agent.prototype.createConnection = createConnection
    }
  })

  const chunks = new WeakMap() // request: the arguments of the write or end that is under way
  for (const name of ["write", "end"]) {
    wrap(http.ClientRequest.prototype, name, (request, original, args) => {
      if (request.method !== "POST" || request.headersSent) return original.apply(request, args)
      chunks.set(request, args)
      try {
        return original.apply(request, args)
      } finally {
        chunks.delete(request)
      }
    })
  }

  // The head is made from the request's own headers, so ours are among them for that moment alone.
  wrap(http.ClientRequest.prototype, "_implicitHeader", (request, original, args) => {
    let headers
    const added = []
    try {
      const symbol = Object.getOwnPropertySymbols(request).find((one) => one.description === "kOutHeaders")
      const url = symbol && request.method === "POST" && !request.headersSent ? targetOf(request) : undefined
      const [chunk, encoding] = chunks.get(request) || []
      const body = url && headOf(chunk, typeof encoding === "string" ? encoding : undefined)
      const own = url && request.getHeaderNames().map((name) => [name, request.getHeader(name)])
      const lines = url ? headersFor(url, ownOf(own), body) : []
      for (const { name, value } of lines) {
        request.setHeader(name, value)
        added.push(name.toLowerCase())
      }
      headers = symbol && request[symbol]
    } catch {}
    try {
      return original.apply(request, args)
    } finally {
      for (const name of added) delete headers[name]
    }
  })
}

// Once a thread, also where NODE_OPTIONS names it twice.
const mark = Symbol.for("tagalong.node")
if (!global[mark] && isWanted(process.env) && !process.versions.electron) {
  Object.defineProperty(global, mark, { value: true })
  try {
    install()
  } catch {}
}
