// Every connection of a server: which ones serve a request, so that the others can be closed when the server stops, and all of them at the end.

import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

/** Tracks sockets and sessions. */
export class Connections {
  /** Sockets as the system knows them; with TLS, what is below it. */
  readonly #raw = new Set<Duplex>()
  /** Sockets that speak HTTP/1, with the number of their requests under way. */
  readonly #requests = new Map<Duplex, number>()
  /** Sessions of HTTP/2, with the number of their requests under way. */
  readonly #sessions = new Map<Http2Session, number>()
  #stopping = false

  /** Connections that are open. */
  get open(): number {
    return this.#raw.size
  }

  add(socket: Socket): void {
    this.#raw.add(socket)
    socket.once('close', () => this.#raw.delete(socket))
  }

  /** A socket that will speak HTTP, after TLS where there is TLS. One of HTTP/2 is its session's. */
  addPlain(socket: Duplex): void {
    if ((socket as Partial<TLSSocket>).alpnProtocol === 'h2') return
    // It was on its way when the server stopped.
    if (this.#stopping) return void socket.destroy()
    this.#requests.set(socket, 0)
    socket.once('close', () => this.#requests.delete(socket))
  }

  addSession(session: Http2Session, idleMs: number): void {
    if (this.#stopping) return session.destroy()
    this.#sessions.set(session, 0)
    session.once('close', () => this.#sessions.delete(session))
    session.on('stream', (stream: { once(event: 'close', listener: () => void): void }) => {
      this.#sessions.set(session, (this.#sessions.get(session) ?? 0) + 1)
      stream.once('close', () => {
        if (this.#sessions.has(session)) this.#sessions.set(session, (this.#sessions.get(session) ?? 1) - 1)
      })
    })
    // The clock runs from the last sign of life.
    session.setTimeout(idleMs, () => {
      if (this.#sessions.get(session) === 0) session.destroy()
    })
  }

  /** A request begins on `socket`; call the answer when it is over. */
  begin(socket: Duplex): () => void {
    const count = this.#requests.get(socket)
    if (count === undefined) return () => undefined
    this.#requests.set(socket, count + 1)
    return () => {
      const left = (this.#requests.get(socket) ?? 1) - 1
      if (!this.#requests.has(socket)) return
      this.#requests.set(socket, left)
      if (left === 0 && this.#stopping) closeSoon(socket)
    }
  }

  /** Closes what serves no request, now and from now on. */
  stop(): void {
    this.#stopping = true
    for (const [socket, count] of this.#requests) if (count === 0) socket.destroy()
    for (const [session, count] of this.#sessions) {
      // `close` of a session that never had a request may wait for ever.
      if (count === 0) session.destroy()
      else session.close()
    }
  }

  /** Closes everything at once. */
  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy()
    for (const socket of this.#requests.keys()) socket.destroy()
    for (const socket of this.#raw) socket.destroy()
  }
}

/** After what is still to be written. */
function closeSoon(socket: Duplex): void {
  if (socket.writable) socket.end(() => socket.destroy())
  else socket.destroy()
}
