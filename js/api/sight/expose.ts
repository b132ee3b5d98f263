// `runtime.expose()`: what answers at the socket is a part of `velo-stream/telemetry`, of which nothing is known here but the address, and which is loaded when somebody asks.

import type { Exposed, ExposeOptions } from '../../kit/sight/exposed.js'
import { late } from '../../kit/start/late.js'

const socket = late<{ expose(options: ExposeOptions): Promise<Exposed> }>(
  () => new URL('../../telemetry/socket/expose.js', import.meta.url),
)

/** Resolves when the socket is there. */
export async function expose(options: ExposeOptions): Promise<Exposed> {
  return socket().expose(options)
}
