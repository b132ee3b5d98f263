// Sources and sinks in memory, as adapters are: what was acknowledged and accepted can be seen, and waited for.

/** Gives 0, 1, 2 ... up to `count`; `open`: it does not end then. */
export function numbered(count, { open = false, failing = false, ...more } = {}) {
  const waits = []
  let ended = () => {}
  const over = new Promise((resolve) => {
    ended = resolve
  })
  const source = {
    acked: 0,
    ends: 0,
    acks: [],
    async *batches() {
      for (let n = 0; n < count; n += 16) yield Array.from({ length: Math.min(16, count - n) }, (_, i) => n + i)
      if (open) await over
    },
    async *[Symbol.asyncIterator]() {
      throw new Error('it gives batches')
    },
    async ack(upTo) {
      source.acked = upTo
      source.acks.push(upTo)
      for (const wait of waits) wait()
    },
    end() {
      source.ends++
    },
    /** Turns of the event loop. */
    async turns(times) {
      for (let turn = 0; turn < times; turn++) await new Promise(setImmediate)
    },
    waits,
    ...more,
  }
  const { batches } = source
  source.batches = () => {
    const iterator = batches()
    return { next: () => iterator.next(), return: async () => ended() }
  }
  return source
}

/** Resolves when so many are acknowledged. */
export function until(source, acked) {
  return new Promise((resolve) => {
    const look = () => source.acked >= acked && resolve()
    source.waits.push(look)
    look()
  })
}

/** Accepts results at once, or with `held` after `release()`. */
export function controlledSink({ held = false } = {}) {
  let release
  const open = new Promise((resolve) => {
    release = resolve
  })
  let ask
  const asked = new Promise((resolve) => {
    ask = resolve
  })
  const waits = []
  const sink = {
    accepted: [],
    ends: 0,
    async write(results) {
      ask()
      if (held) await open
      sink.accepted.push(...results)
      for (const wait of waits) wait()
    },
    end() {
      sink.ends++
    },
    asked: () => asked,
    release,
    /** Resolves when so many were accepted. */
    until(count) {
      return new Promise((resolve) => {
        const look = () => sink.accepted.length >= count && resolve()
        waits.push(look)
        look()
      })
    },
  }
  return sink
}
