// Front processes behind one address, as a load balancer has it: a connection goes to any that is there, and dies with it.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { leftover } from '../../support/leftovers.mjs'
import { within } from '../../support/within.mjs'

const script = fileURLToPath(new URL('front.mjs', import.meta.url))
const quiet = () => {}

class FrontProcess {
  constructor(url, prefix) {
    const env = { ...process.env, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined }
    this.child = fork(script, [url, prefix], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env })
    this.exited = once(this.child, 'exit')
    this.ready = once(this.child, 'message')
    leftover(() => this.kill())
  }

  async start() {
    ;[this.port] = await within(30_000, this.ready, 'a front starts')
    return this
  }

  async kill() {
    this.child.kill('SIGKILL')
    await within(10_000, this.exited, 'a front is killed')
  }

  async stop() {
    this.child.send('stop')
    const [code] = await within(30_000, this.exited, 'a front stops')
    return code
  }
}

/** `add()` starts a front, `kill(i)` and `stop(i)` end one; `url` leads to the next of those that are there, each time. */
export async function fronts(url, prefix) {
  const there = []
  let turn = 0
  const sockets = new Set()
  const server = net.createServer((socket) => {
    const front = there[turn++ % there.length]
    if (front === undefined) return socket.destroy()
    const to = net.connect(front.port, '127.0.0.1')
    for (const [one, other] of [
      [socket, to],
      [to, socket],
    ]) {
      sockets.add(one)
      one.on('error', quiet).on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  leftover(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    there,
    add: async () => there.push(await new FrontProcess(url, prefix).start()),
    kill: async (i) => there.splice(i, 1)[0].kill(),
    stop: async (i) => there.splice(i, 1)[0].stop(),
  }
}
