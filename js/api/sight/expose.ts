// `runtime.expose()`: what answers at the socket is a part of `velo-stream/telemetry`, of which nothing is known here but the address, and which is loaded when somebody asks.

import type { Exposed, ExposeOptions } from '../../kit/sight/exposed.js'

/** Resolves when the socket is there. */
export async function expose(options: ExposeOptions): Promise<Exposed> {
  const address = new URL('../../telemetry/socket/expose.js', import.meta.url)
  const socket = (await import(address.href)) as { expose(options: ExposeOptions): Promise<Exposed> }
  return socket.expose(options)
}
