// Free ports of 127.0.0.1, for servers that must be told on which one to listen.

import { once } from 'node:events'
import net from 'node:net'

/** A port that nobody listens on. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** What `start(port)` answers. Where it fails somebody else may have taken the port: it is tried on two more. */
export async function onFreePort(start) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort())
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}
