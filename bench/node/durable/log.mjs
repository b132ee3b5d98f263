// The peers of the journal: a bare log with the same group commit, and SQLite with one transaction an event. Each keeps events of many streams at once.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** A file at whose end everything that waits is written at once; then it is synced, and whoever waited goes on. */
export class BareLog {
  #file
  #waiting = []
  #writing = false

  static async in(folder) {
    const log = new BareLog()
    log.#file = await open(join(folder, 'log'), constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND, 0o600)
    return log
  }

  append(bytes) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject })
      if (!this.#writing) setImmediate(() => this.#write())
      this.#writing = true
    })
  }

  close() {
    return this.#file.close()
  }

  async #write() {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#file.writev(group.map(({ bytes }) => bytes))
        await this.#file.datasync()
        for (const { resolve } of group) resolve()
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    this.#writing = false
  }
}

/** SQLite of Node.js with the same promise, one transaction an event; `undefined` where Node.js has none. */
export async function sqliteIn(folder) {
  const { DatabaseSync } = await import('node:sqlite').catch(() => ({}))
  if (DatabaseSync === undefined) return undefined
  const database = new DatabaseSync(join(folder, 'events.sqlite'))
  database.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events (stream INTEGER, at INTEGER, bytes BLOB, PRIMARY KEY (stream, at)) WITHOUT ROWID',
  )
  const insert = database.prepare('INSERT INTO events VALUES (?, ?, ?)')
  return { append: (stream, at, bytes) => insert.run(stream, at, bytes), close: () => database.close() }
}
