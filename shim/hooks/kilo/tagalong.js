// SPDX-License-Identifier: MIT
// The plugin for Kilo and opencode, which share their plugin interface. It adds no rules of its own:
// a helper, `tagalong headers --stdio`, is asked which headers a chat request gets and which variables
// a command gets. What it waits for has a deadline, and whatever goes wrong, the agent goes on as
// without it, in silence. See docs/agents.md.
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { accessSync, constants, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const DEADLINE_MS = 250 // an answer takes well under 1 ms
const REST_MS = 1000 // how long a helper that failed is left alone
const WAITING_MAX = 16 // unanswered questions; then it is another helper's turn
const SESSIONS_MAX = 1000

// The agent's own header lines, which are not ours to set.
const OWN = ["user-agent", "http-referer", "x-title"]
const OWN_OF_SESSION = ["x-session-affinity", "x-session-id", "x-parent-session-id"]
const OWN_OF_OPENCODE = ["x-opencode-project", "x-opencode-session", "x-opencode-request", "x-opencode-client"]
const OWN_OF_KILO = ["taskid", "parent-taskid", "projectid", "organizationid", "machineid", "tester", "editorname",
  "feature", "mode"].map((name) => `x-kilocode-${name}`)

// Agents of the agent itself, which run no commands.
const SILENT = ["title", "summary", "compaction"]

// Where a provider's package sends chat requests, below its base URL.
const ENDPOINTS = {
  "@ai-sdk/openai": () => "/responses",
  "@ai-sdk/anthropic": () => "/messages",
  "@ai-sdk/google": (model) => `/models/${model}:streamGenerateContent`,
}

function findCommand() {
  const here = dirname(fileURLToPath(import.meta.url))
  // In PREFIX/lib/tagalong/agents/kilo, a folder deeper as Debian has it, or in a source tree.
  for (const path of ["../../../../bin/tagalong", "../../../../../bin/tagalong", "../../../build/tagalong"]) {
    try {
      accessSync(join(here, path), constants.X_OK)
      return join(here, path)
    } catch {}
  }
  return "tagalong"
}

// Kilo makes titles in a session of their own, title-ses_..., that belongs to the one it names.
const sessionNamed = (id) => id.replace(/^title-(?=ses_)/, "")

// A child process that answers one line with one line, in order.
class Helper {
  constructor(agent) {
    this.agent = agent
    this.command = findCommand()
    this.restUntil = 0
    this.waiting = []
    this.start()
  }

  start() {
    this.rest = ""
    const child = spawn(this.command, ["headers", "--stdio", "--agent", this.agent], {
      stdio: ["pipe", "pipe", "ignore"],
    })
    this.child = child
    const gone = () => this.gone(child)
    child.on("error", gone)
    child.on("exit", gone)
    child.stdin.on("error", gone)
    child.stdout.setEncoding("utf8")
    child.stdout.on("data", (data) => child === this.child && this.read(data))
    // It must not keep the agent alive.
    for (const part of [child, child.stdin, child.stdout]) part.unref?.()
  }

  gone(child) {
    if (child !== this.child) return
    this.child = undefined
    this.restUntil = Date.now() + REST_MS
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  read(data) {
    const lines = (this.rest + data).split("\n")
    this.rest = lines.pop()
    for (const line of lines) {
      let answer
      try {
        answer = JSON.parse(line)
      } catch {}
      this.waiting.shift()?.(answer)
    }
  }

  // The answer, or undefined. A late one is read and forgotten.
  async ask(question) {
    if (Date.now() < this.restUntil) return
    if (this.waiting.length >= WAITING_MAX) {
      // One that was never started has no number, and a signal to none would be for our own group.
      if (this.child.pid) this.child.kill()
      return this.gone(this.child)
    }
    if (!this.child) this.start()
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.restUntil = Date.now() + REST_MS
        resolve()
      }, DEADLINE_MS)
      this.waiting.push((answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      this.child.stdin.write(JSON.stringify(question) + "\n")
    })
  }
}

// The project by Kilo's rule: what its configuration says; the git origin is the core's business.
function configuredProject(directory) {
  for (const folder of [".kilo", ".kilocode"]) {
    try {
      const id = JSON.parse(readFileSync(join(directory, folder, "config.json"), "utf8")).project.id.trim()
      if (id) return id.replace(/\/+$/, "").replace(/\.git$/i, "").split(/[/:]/).pop().slice(-100)
    } catch {}
  }
}

// One for the process, though the agent calls the plugin once for each folder that it works in.
let shared
const sessions = new Map()

function sessionOf(id) {
  let session = sessions.get(id)
  if (!session) {
    const hex = (bytes) => randomBytes(bytes).toString("hex")
    session = { traceparent: `00-${hex(16)}-${hex(8)}-02` }
    sessions.set(id, session)
    if (sessions.size > SESSIONS_MAX) sessions.delete(sessions.keys().next().value)
  }
  return session
}

export const Tagalong = async ({ directory }) => {
  const kilo = process.env.KILO === "1"
  if (process.env.TAGALONG_OFF === "1") return {}
  try {
    shared ??= { helper: new Helper(kilo ? "kilo" : "opencode"), published: undefined }
  } catch {
    return {}
  }
  const { helper } = shared

  // A session is its conversation. What the user said himself (tagalong run --task, context set, a
  // variable) goes before the rest.
  const fieldsOf = (id, mode) => {
    const session = sessionOf(id)
    return {
      cwd: directory,
      context: { conversation_id: id },
      default: {
        task_id: id,
        parent_task_id: session.parent,
        mode: mode ?? session.mode,
        app: kilo ? "Kilo CLI" : "opencode",
        app_version: session.version,
        project_id: kilo ? configuredProject(directory) : undefined,
        traceparent: session.traceparent,
      },
    }
  }

  // For what the agent starts by other ways than its shell: the session that spoke last. No task, as
  // this goes before what the user said.
  const publish = (id) => {
    if (shared.published === id) return
    shared.published = id
    void helper.ask({ op: "publish", context: { conversation_id: id, app: kilo ? "Kilo CLI" : "opencode" } })
  }

  const quietly = (hook) => async (...args) => {
    try {
      await hook(...args)
    } catch {}
  }

  return {
    event: quietly(async ({ event }) => {
      const info = event.properties?.info
      if (!/^session\.(created|updated)$/.test(event.type) || !info?.id) return
      const session = sessionOf(info.id)
      session.parent = info.parentID
      session.version = info.version
    }),

    "chat.message": quietly(async ({ sessionID }) => publish(sessionID)),

    "chat.headers": quietly(async ({ sessionID, agent, model, provider }, output) => {
      const base = provider?.options?.baseURL || model.api?.url
      if (typeof base !== "string" || !base) return
      const npm = model.api?.npm
      const path = ENDPOINTS[npm]?.(model.api.id) ?? "/chat/completions"
      // As the agent itself will read it; fetch refuses a user name.
      const target = new URL(base.replace(/\/+$/, "") + path)
      if (target.username || target.password) return
      const opencode = model.providerID.startsWith("opencode")
      const id = sessionNamed(sessionID)
      const mode = typeof agent === "string" ? agent.toLowerCase() : undefined
      if (!SILENT.includes(mode)) sessionOf(id).mode = mode
      publish(id)
      const answer = await helper.ask({
        ...fieldsOf(id, mode),
        url: target.href,
        own: [
          ...OWN,
          ...(opencode ? OWN_OF_OPENCODE : OWN_OF_SESSION),
          ...(npm === "@kilocode/kilo-gateway" ? OWN_OF_KILO : []),
          ...[output.headers, model.headers, provider?.options?.headers].flatMap((own) => Object.keys(own ?? {})),
        ],
      })
      for (const { name, value } of answer?.headers ?? []) output.headers[name] = value
    }),

    "shell.env": quietly(async ({ sessionID, cwd }, output) => {
      if (!sessionID) return // a terminal of the user's belongs to no session
      const answer = await helper.ask({ op: "environment", ...fieldsOf(sessionID), cwd })
      for (const [name, value] of Object.entries(answer?.environment ?? {}))
        if (typeof value === "string") output.env[name] ??= value
    }),
  }
}
