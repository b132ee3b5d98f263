// Every connection of a server: which ones serve a request, so that the others can be closed when the server stops, and all of them at the end.

import type { ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { watchSession } from '../../kit/dead-sessions.js'

/** Tracks sockets and sessions. */
export class Connections {
  /** Sockets as the system knows them; with TLS, what is below it. */
  readonly #raw = new Set<Duplex>()
  /** Sockets that speak HTTP/1, with the responses that are not over. */
  readonly #responses = new Map<Duplex, Set<ServerResponse>>()
  /** Sessions of HTTP/2, with the number of their requests under way. */
  readonly #sessions = new Map<Http2Session, number>()
  /** Sockets that have said nothing yet, with the time that they have left. */
  readonly #first = new Map<Duplex, NodeJS.Timeout>()
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
  addPlain(socket: Duplex, firstMs = 0): void {
    if ((socket as Partial<TLSSocket>).alpnProtocol === 'h2') return
    if (firstMs > 0) this.#first.set(socket, setTimeout(() => socket.destroy(), firstMs).unref())
    // It was on its way when the server stopped.
    if (this.#stopping) return void socket.destroy()
    const open = new Set<ServerResponse>()
    this.#responses.set(socket, open)
    socket.once('close', () => {
      this.#responses.delete(socket)
      this.#arrived(socket)
      for (const res of open) if (res.socket === null) closeUnsent(res)
    })
  }

  addSession(session: Http2Session, idleMs: number, firstMs: number): void {
    if (this.#stopping) return session.destroy()
    this.#sessions.set(session, 0)
    watchSession(session)
    session.once('close', () => this.#sessions.delete(session))
    const first = setTimeout(() => session.destroy(), firstMs).unref()
    session.once('stream', () => clearTimeout(first))
    session.once('close', () => clearTimeout(first))
    session.on('stream', (stream: { once(event: 'close', listener: () => void): void }) => {
      this.#sessions.set(session, (this.#sessions.get(session) ?? 0) + 1)
      stream.once('close', () => {
        if (this.#sessions.has(session)) this.#sessions.set(session, (this.#sessions.get(session) ?? 1) - 1)
      })
    })
    // The clock runs from the last sign of life.
    session.setTimeout(idleMs)
    session.on('timeout', () => {
      if (this.#sessions.get(session) === 0) session.destroy()
    })
  }

  /** A request begins on `socket`, which is not idle until its response is over. */
  begin(socket: Duplex, res: ServerResponse): void {
    this.#arrived(socket)
    const open = this.#responses.get(socket)
    if (open === undefined) return
    open.add(res)
    res.once('close', () => {
      open.delete(res)
      if (open.size === 0 && this.#stopping) closeSoon(socket)
    })
  }

  /** `socket` changes its protocol: it is not idle until it is closed. */
  leave(socket: Duplex): void {
    this.#arrived(socket)
    this.#responses.delete(socket)
  }

  #arrived(socket: Duplex): void {
    clearTimeout(this.#first.get(socket))
    this.#first.delete(socket)
  }

  /** Closes what serves no request, now and from now on. */
  stop(): void {
    this.#stopping = true
    for (const [socket, open] of this.#responses) if (open.size === 0) socket.destroy()
    for (const [session, count] of this.#sessions) {
      // `close` of a session that never had a request may wait for ever.
      if (count === 0) session.destroy()
      else session.close()
    }
  }

  /** Closes everything at once. */
  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy()
    for (const socket of this.#responses.keys()) socket.destroy()
    for (const socket of this.#raw) socket.destroy()
  }
}

/** After what is still to be written. */
function closeSoon(socket: Duplex): void {
  if (socket.writable) socket.end(() => socket.destroy())
  else socket.destroy()
}

/** Behind another response a pipelined one has no socket yet, and Node.js does not tell it that there will be none. */
function closeUnsent(res: ServerResponse): void {
  res.destroy()
  res.emit('close')
}
