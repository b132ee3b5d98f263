// A connection of its own for reads that wait on the server. A read that is not answered in time is lost, whatever the client says: the connection is thrown away, and the
// next read gets a new one. Each new connection may have cost the answer to a read, which whoever reads is told.

import { isReadOnly, settled } from '../client/faults.js'
import type { Argument, Wire } from '../client/wire.js'

/** ms that an answer may be late. */
const LATE = 3000

export class Blocking {
  readonly #wire: Wire
  #own: Wire | undefined
  #number: unknown
  #isClosed = false
  /** What a read had been given may have been lost on its way. */
  isDoubtful = false

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /** Rejects as the client does, and when there is no answer `ms` after the server should have given one. */
  async read(command: readonly Argument[], ms: number, binary: boolean): Promise<unknown> {
    try {
      const own = (this.#own ??= await this.#connect())
      return await settled(own.send(command, binary), ms + LATE, () => new Error(`no answer to a read in ${ms + LATE} ms`))
    } catch (error) {
      this.isDoubtful = true
      if (error instanceof Error && error.message.startsWith('no answer')) this.#drop()
      // Its server is a replica by now, and another one takes writes.
      else if (isReadOnly(error)) this.#drop()
      else if (this.#own?.isEnded === true) this.#drop()
      throw error
    }
  }

  /** Ends the read that waits, with nothing lost where the server helps. */
  async unblock(): Promise<void> {
    if (this.#own === undefined || typeof this.#number !== 'number') return this.close()
    try {
      await settled(this.#wire.send(['CLIENT', 'UNBLOCK', this.#number]), LATE, () => new Error('no answer'))
    } catch {
      this.close()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  async #connect(): Promise<Wire> {
    if (this.#isClosed) throw new Error('closed')
    const own = await this.#wire.duplicate()
    const identify = async (): Promise<void> => {
      this.#number = undefined
      this.#number = await own.send(['CLIENT', 'ID']).catch(() => undefined)
    }
    // Some clients tell of the first connection, too, which costs no answer, and a look in vain. Whether a connection is a new one is not asked of it: it may be cut before it says so.
    own.onReady(() => {
      this.isDoubtful = true
      // Connections of a cluster have no one number.
      if (!own.isCluster) void identify()
    })
    if (this.#isClosed) own.destroy()
    else if (!own.isCluster) await identify()
    return own
  }

  #drop(): void {
    this.#own?.destroy()
    this.#own = undefined
    this.#number = undefined
  }
}
