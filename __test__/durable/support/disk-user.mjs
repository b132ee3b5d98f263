// A process with durable streams on a disk that its parent spoils: it tells what became of what it sent.

import { streamFn } from 'velo-stream'
import { Inspector, journal } from 'velo-stream/durable'
import { answers } from '../../support/answers.mjs'

const open = new Map()
/** Their functions. */
let folders = []

async function* beginnings(events) {
  let seen = 0
  for await (const { text } of events) yield [seen++, text.split('|')[0]]
}

const told = ({ code, message }) => ({ code, message })

/** Why a send was refused: a stream that was ended by its journal says so in its end. */
async function why(stream, error) {
  return told(error.code === 'VELO_CLOSED' ? ((await stream.closed).error ?? error) : error)
}

const end = '.'.repeat(3000)

answers({
  /** Opens streams by their ids, in a folder. */
  async open(folder, ids, sync) {
    const kept = journal(folder, { sync })
    folders.push(kept)
    const fn = streamFn(beginnings, { name: 'beginnings', durable: kept, buffer: 4096 })
    const opened = ids.map((id) => fn.open({ id }))
    for (const stream of opened) open.set(stream.id, stream)
    return await Promise.all(opened.map((stream) => stream.resumed.catch(told)))
  },

  /** Sends until something is refused: what was not, and why. */
  async fill(id, word, most) {
    const sent = []
    while (sent.length < most) {
      const text = `${word}, ${sent.length}`
      const stream = open.get(id)
      try {
        await stream.send({ text: `${text}|${end}` })
      } catch (error) {
        return { sent, ...(await why(stream, error)) }
      }
      sent.push(text)
    }
    return { sent }
  },

  /** Sends one event. */
  async send(id, text) {
    const stream = open.get(id)
    return stream.send({ text }).then(
      () => 'kept',
      (error) => why(stream, error),
    )
  },

  state: (id) => open.get(id).state,

  /** Says that everything read has arrived. */
  async ack(id) {
    const stream = open.get(id)
    return stream.ack().then(
      () => 'acknowledged',
      (error) => why(stream, error),
    )
  },

  /** So many results of a stream. */
  async read(id, count) {
    const results = []
    while (results.length < count) results.push(await open.get(id).recv())
    return results
  },

  position: (id) => open.get(id).position,

  /** Gives all folders back. */
  async close() {
    for (const stream of open.values()) await stream.close()
    open.clear()
    for (const kept of folders) await kept.close()
    folders = []
  },

  /** What is damaged. */
  async verify(folder) {
    const inspector = new Inspector(folder)
    const damage = await inspector.verify()
    await inspector.close()
    return damage
  },
})
