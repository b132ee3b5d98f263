// Clients that wish for another protocol than WebSocket, as those do that prefer HTTP/2 but speak without TLS (Java, curl): a server may go on in HTTP/1.1.
// Before 24.9, Node.js hands every such request over as an upgrade; here a request has no wish that is not ours, so that it is read as any other. Nothing
// is read twice or put together again: what a request is made of is known to the parser alone.

import { IncomingMessage } from 'node:http'

/** Whether `req` asks for the one protocol that is spoken beside HTTP. */
export const wantsWebSocket = (req: IncomingMessage): boolean => req.headers.upgrade?.toLowerCase() === 'websocket'

/** Whether a body comes with `req`, which no handshake has: its bytes would be taken for frames. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** A request whose `upgrade` is looked at when its headers are known. */
export class PlainRequest extends IncomingMessage {
  declare private wish: boolean | null

  get upgrade(): boolean {
    return this.wish === true && (this.method === 'CONNECT' || wantsWebSocket(this))
  }

  set upgrade(wish: boolean | null) {
    this.wish = wish
  }
}
