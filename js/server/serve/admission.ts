// Who may have a stream: how many are open in the server and for each client. The limits of a function are its own, and Rust's; these stay here, because
// they hold before there is a stream, and Rust knows no clients (ARCHITECTURE section 8 has the figures).

/** Takes a place back; calling it twice does nothing. */
export type Release = () => void

/** Counts places. */
export class Admission {
  readonly #most: number
  readonly #mostPerClient: number
  readonly #clients = new Map<string, number>()
  /** Places that are taken. */
  open = 0
  /** Requests that got no place. */
  refused = { server: 0, client: 0 }

  constructor(most: number, mostPerClient: number) {
    this.#most = most
    this.#mostPerClient = mostPerClient
  }

  /** A place for `client`, or which limit is reached. One that comes back meets its own stream, which has a place: for it the limits are double. */
  enter(client: string, comesBack = false): Release | 'server' | 'client' {
    const held = this.#clients.get(client) ?? 0
    const times = comesBack ? 2 : 1
    const limit = held >= this.#mostPerClient * times ? 'client' : this.open >= this.#most * times ? 'server' : undefined
    if (limit !== undefined) {
      this.refused[limit]++
      return limit
    }
    this.#clients.set(client, held + 1)
    this.open++
    let left = false
    return () => {
      if (left) return
      left = true
      this.open--
      const now = (this.#clients.get(client) ?? 1) - 1
      if (now === 0) this.#clients.delete(client)
      else this.#clients.set(client, now)
    }
  }
}
