// A journal in memory: the law of js/durable/journal.ts in its shortest form, for tests of what stands on it. Two journals over one `shelf` are two
// processes, one after the other, over one store. Owns no durability.

import { VeloError } from 'velo-stream'

const keyOf = (key) => JSON.stringify([key.function, key.id])
const refusal = (key, why) => new VeloError('VELO_CHECKPOINT', `${key.function} ${JSON.stringify(key.id)}: ${why}`, { streamId: key.id })
const copy = (bytes) => Uint8Array.from(bytes)
/** A record weighs something even when it is empty. */
const weigh = (bytes) => bytes.length + 16

/** What outlives a memory journal: give it to the next one. */
export const newShelf = () => ({ streams: new Map(), epoch: 0 })

export class MemoryJournal {
  #shelf
  #maxBytes
  #closed = false

  constructor({ shelf = newShelf(), maxBytes = Number.POSITIVE_INFINITY } = {}) {
    this.#shelf = shelf
    this.#maxBytes = maxBytes
  }

  async open(key, init) {
    this.#here(key)
    let stream = this.#find(key)
    const isNew = stream === undefined
    if (isNew) {
      stream = { key: { function: key.function, id: key.id }, at: init.at, seed: init.seed, first: 0, records: [], delivered: 0 }
      Object.assign(stream, { hashes: { from: 0, values: [] }, outcomes: [], outputs: { from: 0, values: [] } })
      this.#shelf.streams.set(keyOf(key), stream)
    }
    stream.own = { key: stream.key, epoch: ++this.#shelf.epoch, token: crypto.randomUUID() }
    const { own, at, seed, first, records, delivered, hashes, outcomes, state, outputs, over } = stream
    return {
      own,
      isNew,
      at,
      seed,
      first,
      events: first + records.length,
      delivered,
      hashes: { from: hashes.from, values: Uint32Array.from(hashes.values) },
      outcomes: outcomes.map((one) => ({ asked: one.asked, bytes: copy(one.bytes) })),
      state: state && { ...state, bytes: copy(state.bytes) },
      outputs: { from: outputs.from, values: outputs.values.map(copy) },
      over: over && copy(over.bytes),
    }
  }

  async append(own, from, records) {
    const stream = this.#owned(own)
    if (stream.over) throw refusal(own.key, 'it has ended')
    const next = stream.first + stream.records.length
    if (from > next) throw refusal(own.key, `a gap: event ${from} was given where ${next} is the next`)
    const fresh = records.slice(next - from).map(({ at, end, bytes }) => ({ at, end, bytes: copy(bytes) }))
    const isEnd = fresh.length === 1 && fresh[0].end
    if (fresh.length > 0 && !isEnd && Number.isFinite(this.#maxBytes)) {
      const bytes = fresh.reduce((sum, record) => sum + weigh(record.bytes), bytesOf(stream))
      if (bytes > this.#maxBytes) throw refusal(own.key, `it would keep ${bytes} bytes, and may keep ${this.#maxBytes}`)
    }
    stream.records.push(...fresh)
  }

  async read(own, from, limit) {
    const stream = this.#owned(own)
    if (from < stream.first) throw refusal(own.key, `event ${from} is not kept any more: the first is ${stream.first}`)
    const read = []
    let bytes = 0
    for (const { at, end, bytes: body } of stream.records.slice(from - stream.first)) {
      if (read.length > 0 && (read.length >= limit.events || bytes >= limit.bytes)) break
      read.push({ at, end, bytes: copy(body) })
      bytes += body.length
    }
    return read
  }

  async commit(own, commit) {
    if (commit.over?.retain === 0 && this.#find(own.key) === undefined) return this.#here(own.key)
    const now = this.#owned(own)
    if (now.over && (commit.hashes || commit.outcomes || commit.state || commit.outputs)) throw refusal(own.key, 'it has ended')
    // On a copy: all of it or nothing.
    const next = {
      ...now,
      records: [...now.records],
      outcomes: [...now.outcomes],
      hashes: { ...now.hashes, values: [...now.hashes.values] },
    }
    apply(next, commit)
    const grows = (commit.outcomes || commit.outputs) && !commit.state
    if (grows && !commit.over && Number.isFinite(this.#maxBytes)) this.#bound(now, next)
    if (commit.over?.retain === 0) this.#shelf.streams.delete(keyOf(own.key))
    else Object.assign(now, next)
  }

  async discard(key) {
    this.#here(key)
    return this.#find(key) !== undefined && this.#shelf.streams.delete(keyOf(key))
  }

  async unfinished(functionName) {
    this.#here({ function: functionName, id: '' })
    const streams = [...this.#shelf.streams.values()].filter((stream) => stream.key.function === functionName && !stream.over)
    return streams.map((stream) => ({
      id: stream.key.id,
      events: stream.first + stream.records.length,
      results: stream.delivered,
      bytes: bytesOf(stream),
    }))
  }

  async close() {
    this.#closed = true
  }

  #here(key) {
    if (this.#closed) throw refusal(key, 'the journal is closed')
  }

  #find(key) {
    const stream = this.#shelf.streams.get(keyOf(key))
    if (stream?.over === undefined || stream.over.until > Date.now()) return stream
    this.#shelf.streams.delete(keyOf(key))
    return undefined
  }

  #bound(now, next) {
    const bytes = bytesOf(next)
    if (bytes > this.#maxBytes && bytes > bytesOf(now))
      throw refusal(now.key, `it would keep ${bytes} bytes, and may keep ${this.#maxBytes}`)
  }

  #owned(own) {
    this.#here(own.key)
    const stream = this.#find(own.key)
    if (stream === undefined) throw refusal(own.key, 'it is not kept any more')
    if (stream.own.epoch !== own.epoch || stream.own.token !== own.token) throw refusal(own.key, 'it was opened by somebody else')
    return stream
  }
}

function bytesOf({ records, hashes, outcomes, state, outputs, over }) {
  const bodies = [...records, ...outcomes, ...(state ? [state] : []), ...(over ? [over] : [])].map(({ bytes }) => bytes)
  return [...bodies, ...outputs.values].reduce((sum, bytes) => sum + weigh(bytes), hashes.values.length * 4)
}

function apply(stream, { delivered, hashes, outcomes, state, outputs, over }) {
  // One that is older than what is kept is a repeat.
  const fresh = state !== undefined && !isOlder(state, stream.state)
  if (fresh) {
    stream.state = { version: state.version, events: state.events, results: state.results, asked: state.asked, bytes: copy(state.bytes) }
    stream.records.splice(0, Math.max(0, state.events - stream.first))
    stream.first = Math.max(stream.first, state.events)
    const gone = Math.max(0, state.results - stream.hashes.from)
    stream.hashes = { from: stream.hashes.from + gone, values: stream.hashes.values.slice(gone) }
    stream.outcomes = stream.outcomes.filter(({ asked }) => asked >= state.asked)
  }
  if (hashes !== undefined) {
    const next = stream.hashes.from + stream.hashes.values.length
    if (hashes.from > next) throw refusal(stream.key, `a gap: the hash of result ${hashes.from} was given where ${next} is the next`)
    stream.hashes.values.push(...hashes.values.slice(next - hashes.from))
  }
  for (const { asked, bytes } of outcomes ?? []) {
    if (asked < (stream.state?.asked ?? 0) || stream.outcomes.some((one) => one.asked === asked)) continue
    stream.outcomes.push({ asked, bytes: copy(bytes) })
  }
  stream.delivered = Math.max(stream.delivered, delivered ?? 0)
  const gone = Math.min(Math.max(0, stream.delivered - stream.outputs.from), stream.outputs.values.length)
  if (gone > 0) stream.outputs = { from: stream.outputs.from + gone, values: stream.outputs.values.slice(gone) }
  if (outputs !== undefined && (state === undefined || fresh)) shelter(stream, outputs)
  if (over !== undefined) {
    const next = stream.first + stream.records.length
    Object.assign(stream, { first: next, records: [], hashes: { from: stream.hashes.from + stream.hashes.values.length, values: [] } })
    Object.assign(stream, { outcomes: [], state: undefined, outputs: { from: stream.delivered, values: [] } })
    stream.over = { bytes: copy(over.bytes), until: Date.now() + over.retain }
  }
}

/** Puts results behind those that are kept. */
function shelter(stream, { from, values }) {
  const next = Math.max(stream.outputs.from + stream.outputs.values.length, stream.delivered)
  if (from > next) throw refusal(stream.key, `a gap: result ${from} was given where ${next} is the next`)
  const fresh = values.slice(next - from).map(copy)
  if (fresh.length === 0) return
  // On a copy, as far as anybody looks at it.
  const before = stream.outputs.values.length === 0 ? { from: next, values: [] } : stream.outputs
  stream.outputs = { from: before.from, values: [...before.values, ...fresh] }
}

function isOlder(state, kept) {
  if (kept === undefined) return false
  const [a, b] = [state, kept].map(({ events, results, asked }) => [events, results, asked])
  const at = a.findIndex((count, index) => count !== b[index])
  return at >= 0 && a[at] < b[at]
}
