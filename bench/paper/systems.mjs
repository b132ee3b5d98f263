// The systems that are measured, and how each is started for one stream. Owns: the processes of the servers. Not here: the load (generator.mjs), the figures (paper.mjs).
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { FLINK, flinkProgram } from '../peers/flink.mjs'
import { missing, pythonOf, pythonPeers } from '../peers/places.mjs'

const file = (name) => fileURLToPath(new URL(`systems/${name}`, import.meta.url))
const start = (script, args) => fork(file(`${script}.mjs`), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })

/** Ends a process that may not have begun. */
async function end(child) {
  if (child === undefined || child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Calls `onFirst` for every stream that a server says it has begun with. */
function listen(child, onFirst) {
  child.on('message', ({ first }) => first !== undefined && onFirst(first))
}

/** A server that runs before the stream begins, and has had one. */
function warm(script, client) {
  return async (onFirst, stream) => {
    const child = start(script, ['warm'])
    const [{ port }] = await once(child, 'message')
    const target = { client, target: port, stop: () => end(child) }
    const begun = once(child, 'message')
    await stream(target)
    await begun
    listen(child, onFirst)
    return target
  }
}

/** Nothing runs but a port: the process begins with the first connection, and is handed that one and all later ones. */
function cold(script, client, args = () => []) {
  return async (onFirst, _stream, shared) => {
    let child
    const gate = createServer({ pauseOnConnect: true }, (socket) => {
      if (child === undefined) {
        child = start(script, ['cold', ...args(shared)])
        listen(child, onFirst)
      }
      child.send('connection', socket)
    })
    gate.listen(0, '127.0.0.1')
    await once(gate, 'listening')
    const stop = async () => {
      gate.close()
      await end(child)
    }
    return { client, target: gate.address().port, stop }
  }
}

/** A program that the generator starts when its stream begins. */
const program = (command) => async () => ({ client: 'pipe', target: command, stop: async () => {} })
const inPython = (peer, script) => {
  const python = pythonOf(peer)
  return python === undefined ? { missing: missing(peer) } : { start: program([python, file(script)]) }
}

function inFlink() {
  const command = flinkProgram(new URL('systems/FlinkGray.java', import.meta.url))
  return typeof command === 'string' ? { missing: command } : { start: program(command) }
}

/** Every system by name; what cannot run here says why. */
export function systems() {
  const redis = spawnSync('redis-server', ['--version']).status === 0
  const functions = cold('function', 'requests', ({ redis }) => [String(redis)])
  return {
    'velo-stream, in process': { start: async () => ({ client: 'inside', stop: async () => {} }) },
    'velo-stream, warm server': { start: warm('velo-stream', 'websocket') },
    'bare ws, warm server': { start: warm('ws', 'websocket') },
    'velo-stream, cold server': { start: cold('velo-stream', 'websocket') },
    'bare ws, cold server': { start: cold('ws', 'websocket') },
    'a function call a frame, state in Redis': redis ? { start: functions, redis } : { missing: 'MISSING: redis-server' },
    'batch: collect, then one call': { start: cold('function', 'batch') },
    [`Bytewax ${pythonPeers.bytewax.version}`]: inPython('bytewax', 'stream_bytewax.py'),
    [`${FLINK}, local cluster`]: inFlink(),
    'velo for Python': inPython('velo', 'stream_velo.py'),
  }
}
