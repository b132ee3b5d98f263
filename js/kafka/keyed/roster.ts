// The sessions of a partition that are here: one for each key that has had events lately.

import type { KeySession } from '../../durable/keyed/key-session.js'

export class Roster {
  readonly #make: (key: string, before: Promise<void>) => KeySession
  readonly #sessions = new Map<string, KeySession>()
  /** Sessions that are closed and still at work. */
  readonly #leaving = new Map<string, Promise<void>>()

  constructor(make: (key: string, before: Promise<void>) => KeySession) {
    this.#make = make
  }

  get size(): number {
    return this.#sessions.size
  }

  get(key: string): KeySession | undefined {
    return this.#sessions.get(key)
  }

  /** Makes it where there is none. */
  of(key: string): KeySession {
    let session = this.#sessions.get(key)
    if (session !== undefined) return session
    // Its predecessor has the id as long as it is at work.
    session = this.#make(key, this.#leaving.get(key) ?? Promise.resolve())
    this.#sessions.set(key, session)
    return session
  }

  close(key: string): void {
    const session = this.#sessions.get(key)
    if (session === undefined) return
    this.#sessions.delete(key)
    session.close()
    const { gone } = session
    this.#leaving.set(key, gone)
    void gone.then(() => {
      if (this.#leaving.get(key) === gone) this.#leaving.delete(key)
    })
  }

  closeIdle(ms: number): void {
    for (const [key, session] of this.#sessions) if (session.isIdleFor(ms)) this.close(key)
  }

  closeAll(): void {
    for (const key of [...this.#sessions.keys()]) this.close(key)
  }

  /** Settles when nothing of those that were closed is at work any more. */
  async gone(): Promise<void> {
    await Promise.all(this.#leaving.values())
  }
}
