// A cold process: from its start to the first result of its WebSocket server, of its HTTP server, of its worker thread. And what importing each entry point takes, beside an empty program.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'
import { contest, document, main } from './harness.mjs'

const BAR = 1.25
const WORKER_BAR = 1.5
const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const entries = ['index', 'operators', 'http', 'websocket', 'server']

/** Starts a server, sends one event, and answers the first result; the process is gone when this is over. */
async function firstResult(script) {
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [port] = await once(child.stdout, 'data')
    const socket = new WebSocket(`ws://127.0.0.1:${Number(port)}`)
    await once(socket, 'open')
    socket.send('{"add":7}')
    const [data] = await once(socket, 'message')
    socket.terminate()
    return String(data)
  } finally {
    child.kill('SIGKILL')
  }
}

/** The same over HTTP, one request of one line. */
async function firstLine(script) {
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [port] = await once(child.stdout, 'data')
    const headers = { 'content-type': 'application/x-ndjson' }
    const asked = request({ host: '127.0.0.1', port: Number(port), method: 'POST', headers, agent: false })
    asked.end('{"add":7}\n')
    const [response] = await once(asked, 'response')
    const [data] = await once(response, 'data')
    response.destroy()
    return String(data).trim()
  } finally {
    child.kill('SIGKILL')
  }
}

/** A process that says its first result itself. */
async function firstSaid(script) {
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  return stdout.trim()
}

function first(title, ask, scripts, bar, options) {
  const contestants = Object.fromEntries(Object.entries(scripts).map(([name, script]) => [name, () => ask(file(`cold/${script}.mjs`))]))
  const [of, peer] = Object.keys(scripts)
  const claims = [{ of, peer, bar, most: true }]
  return contest({ title, events: 1, contestants, expected: '{"total":7}', claims, options })
}

function server(options) {
  const scripts = { 'velo-stream': 'velo-stream', 'bare ws': 'bare-ws' }
  return first('from the start of a process to the first result', firstResult, scripts, BAR, options)
}

function httpServer(options) {
  const scripts = { 'velo-stream': 'http', Express: 'express' }
  return first('the same over HTTP', firstLine, scripts, BAR, options)
}

function worker(options) {
  const scripts = { 'velo-stream, placement worker': 'worker', 'bare Worker': 'bare-worker' }
  return first('the same of a worker thread', firstSaid, scripts, WORKER_BAR, options)
}

async function imported(code) {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code])
  return stdout
}

function imports(options) {
  const program = (name) => `await import(${JSON.stringify(new URL(`../../dist/${name}.mjs`, import.meta.url))}); console.log('in')`
  const contestants = {
    nothing: () => imported("console.log('in')"),
    ...Object.fromEntries(entries.map((name) => [name, () => imported(program(name))])),
  }
  const claims = entries.map((name) => ({ of: name, peer: 'nothing', most: true }))
  return contest({ title: 'a process that imports an entry point and ends', events: 1, contestants, expected: 'in\n', claims, options })
}

/** Every turn is a process: there is nothing to warm but the files in the memory of the system. */
export function cold(options) {
  return document('cold', [server, httpServer, worker, imports], {
    ...options,
    rounds: options.quick ? 1 : Math.max(options.rounds, 21),
    warmup: options.quick ? 0 : 1,
  })
}

await main(import.meta, cold)
