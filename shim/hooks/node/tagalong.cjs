// SPDX-License-Identifier: MIT
// The door into Node programs, loaded by `tagalong run` (NODE_OPTIONS=--require). It stands where a
// request is complete and not yet sent: undici's diagnostics channel, which fetch and every copy of
// undici use, redirect hops included, and the first byte of an http.ClientRequest. Both want an
// answer at once, so a helper, `tagalong headers --stdio`, is asked over pipes that are read without
// the event loop. It knows all the rules; here is none. Nothing is started before the first POST, and
// whatever goes wrong, the request goes out as the program made it. Written in words that old versions
// of Node can read, as a file that they cannot would end the program. See docs/agents.md.
"use strict"

const START_MS = 1000 // the longest wait for a helper's first answer: a program starts
const DEADLINE_MS = 250 // and for each later one, which takes well under 1 ms
const REST_MS = 1000 // how long a helper that failed is left alone
const POLL_MS = 0.05
const UNMATCHED_MS = 1000 // how long it is believed that a URL is none of ours
const UNMATCHED_MAX = 200

function isOpen(env) {
  const doors = (env.TAGALONG_HOOKS || "node").split(",").map((door) => door.trim())
  return env.TAGALONG_OFF !== "1" && doors.includes("node")
}

function findCommand() {
  const { accessSync, constants } = require("node:fs")
  const { join } = require("node:path")
  // In PREFIX/lib/tagalong/agents/node, a folder deeper as Debian has it, or in a source tree.
  for (const path of ["../../../../bin/tagalong", "../../../../../bin/tagalong", "../../../build/tagalong"]) {
    try {
      accessSync(join(__dirname, path), constants.X_OK)
      return join(__dirname, path)
    } catch {}
  }
  return "tagalong"
}

// Answers a question before it returns, or not at all.
class Helper {
  constructor() {
    this.restUntil = 0
    this.buffer = undefined
    this.clock = new Int32Array(new SharedArrayBuffer(4)) // for Atomics.wait, the only sleep there is
  }

  start() {
    const { spawn } = require("node:child_process")
    const child = spawn(findCommand(), ["headers", "--stdio"], { stdio: ["pipe", "pipe", "ignore"] })
    child.on("error", () => {})
    // No process: its number would be 0, and a signal to that one would be for our own group.
    if (!child.pid) throw new Error("it cannot be started")
    child.stdin.on("error", () => {})
    child.stdout.on("error", () => {})
    child.unref()
    // Read here, not by the event loop, which it must not keep alive either.
    child.stdout._handle.readStop()
    child.stdout._handle.unref()
    child.stdin._handle.unref()
    this.child = child
    this.buffer = this.buffer || Buffer.alloc(65536)
    this.deadline = START_MS
  }

  stop() {
    this.restUntil = performance.now() + REST_MS
    if (this.child) this.child.kill()
    this.child = undefined
  }

  // The stream closes its descriptor when the child has ended: its number is asked for each time.
  static descriptor(stream) {
    const fd = stream.destroyed || !stream._handle ? undefined : stream._handle.fd
    if (!(fd > 2)) throw new Error("the helper is gone")
    return fd
  }

  exchange(line) {
    const { readSync, writeSync } = require("node:fs")
    const { stdin, stdout } = this.child
    const until = performance.now() + this.deadline
    let text = ""
    if (writeSync(Helper.descriptor(stdin), line) !== Buffer.byteLength(line)) throw new Error("it is stuck")
    while (!text.endsWith("\n")) {
      let count
      try {
        count = readSync(Helper.descriptor(stdout), this.buffer)
      } catch (error) {
        if (error.code !== "EAGAIN" || performance.now() > until) throw error
        Atomics.wait(this.clock, 0, 0, POLL_MS)
        continue
      }
      if (!count) throw new Error("it has ended")
      text += this.buffer.latin1Slice(0, count)
    }
    this.deadline = DEADLINE_MS
    return JSON.parse(text)
  }

  ask(question) {
    if (performance.now() < this.restUntil) return
    try {
      if (!this.child) this.start()
      return this.exchange(JSON.stringify(question) + "\n")
    } catch {
      this.stop()
    }
  }
}

function install() {
  const helper = new Helper()
  const unmatched = new Map() // URL: until when

  // The header lines for a request, as [{ name, value }].
  const headersFor = (method, url, own) => {
    if (method !== "POST") return []
    const key = url.split("?", 1)[0]
    const now = performance.now()
    if (unmatched.get(key) > now) return []
    const answer = helper.ask({ url, method, own, cwd: process.cwd() })
    if (!answer || answer.matched) return (answer && answer.headers) || []
    if (unmatched.size >= UNMATCHED_MAX) unmatched.clear()
    unmatched.set(key, now + UNMATCHED_MS)
    return []
  }

  // A proxy is told the whole URL.
  const urlOf = (origin, path) => (/^https?:\/\//i.test(path) ? path : origin + path)

  const namesOf = (headers) =>
    typeof headers === "string"
      ? headers.split("\r\n").map((line) => line.split(":", 1)[0]) // undici 5
      : Array.isArray(headers)
        ? headers.filter((_, index) => index % 2 === 0).map(String)
        : Object.keys(headers || {})

  require("node:diagnostics_channel").subscribe("undici:request:create", ({ request }) => {
    try {
      if (request.method !== "POST") return
      const url = urlOf(String(request.origin).replace(/\/$/, ""), request.path)
      for (const { name, value } of headersFor("POST", url, namesOf(request.headers))) request.addHeader(name, value)
    } catch {}
  })

  // Where an http.ClientRequest goes; undefined where that cannot be told. Its port is in no public
  // property, but in the Host line, unless the program wrote that itself.
  const targetOf = (request) => {
    const host = String(request.getHeader("host") || "")
    const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "")
    if (request.socketPath || name.toLowerCase() !== String(request.host).toLowerCase()) return
    return urlOf(`${request.protocol}//${host}`, request.path)
  }

  const complete = (request) => {
    try {
      if (request.method !== "POST" || request.headersSent) return
      const url = targetOf(request)
      if (!url) return
      for (const { name, value } of headersFor("POST", url, request.getHeaderNames())) request.setHeader(name, value)
    } catch {}
  }

  const { ClientRequest } = require("node:http")
  for (const name of ["write", "end", "flushHeaders"]) {
    const original = ClientRequest.prototype[name]
    const wrapper = {
      [name](...args) {
        complete(this)
        return original.apply(this, args)
      },
    }[name]
    Object.defineProperty(wrapper, "length", { value: original.length, configurable: true })
    Object.defineProperty(ClientRequest.prototype, name, { value: wrapper, writable: true, configurable: true })
  }
}

// Once a thread, also where NODE_OPTIONS names it twice; and in Node alone.
const mark = Symbol.for("tagalong.node")
if (!global[mark] && isOpen(process.env) && !process.versions.electron && !process.versions.bun) {
  Object.defineProperty(global, mark, { value: true })
  try {
    install()
  } catch {}
}
