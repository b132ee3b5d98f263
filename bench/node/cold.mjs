// A cold process: from its start to the first result of its WebSocket server. And what importing each entry point takes, beside an empty program.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'
import { contest, document, main } from './harness.mjs'

const BAR = 1.25
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

function server(options) {
  const contestants = {
    'velo-stream': () => firstResult(file('cold/velo-stream.mjs')),
    'bare ws': () => firstResult(file('cold/bare-ws.mjs')),
  }
  const claims = [{ of: 'velo-stream', peer: 'bare ws', bar: BAR, most: true }]
  return contest({
    title: 'from the start of a process to the first result',
    events: 1,
    contestants,
    expected: '{"total":7}',
    claims,
    options,
  })
}

async function imported(code) {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code])
  return stdout
}

function imports(options) {
  const program = (name) => `await import(${JSON.stringify(new URL(`../../dist/${name}.js`, import.meta.url))}); console.log('in')`
  const contestants = {
    nothing: () => imported("console.log('in')"),
    ...Object.fromEntries(entries.map((name) => [name, () => imported(program(name))])),
  }
  const claims = entries.map((name) => ({ of: name, peer: 'nothing', most: true }))
  return contest({ title: 'a process that imports an entry point and ends', events: 1, contestants, expected: 'in\n', claims, options })
}

/** Every turn is a process: there is nothing to warm but the files in the memory of the system. */
export function cold(options) {
  return document('cold', [server, imports], {
    ...options,
    rounds: options.quick ? 1 : Math.max(options.rounds, 21),
    warmup: options.quick ? 0 : 1,
  })
}

await main(import.meta, cold)
