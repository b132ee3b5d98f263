// The bounded promise queue people write by hand: an array with a head index, `send` waits while it is full, the iterator waits
// while it is empty. Nothing else: no errors, no closing, no limits, no timers, no counters.

export class Queue {
  #items = []
  #head = 0
  #ended = false
  #capacity
  #hasRoom = null
  #hasItem = null

  constructor(capacity = 256) {
    this.#capacity = capacity
  }

  async send(item) {
    while (this.#items.length - this.#head >= this.#capacity) await new Promise((resolve) => (this.#hasRoom = resolve))
    this.#items.push(item)
    if (this.#hasItem !== null) this.#wakeReader()
  }

  end() {
    this.#ended = true
    if (this.#hasItem !== null) this.#wakeReader()
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#head === this.#items.length) {
        if (this.#ended) return
        await new Promise((resolve) => (this.#hasItem = resolve))
      }
      const item = this.#items[this.#head++]
      if (this.#head === 1024) {
        this.#items = this.#items.slice(1024)
        this.#head = 0
      }
      if (this.#hasRoom !== null) this.#wakeSender()
      yield item
    }
  }

  #wakeReader() {
    const wake = this.#hasItem
    this.#hasItem = null
    wake()
  }

  #wakeSender() {
    const wake = this.#hasRoom
    this.#hasRoom = null
    wake()
  }
}

/** Sends every event and reads every result of a generator fed by such a queue. */
export async function throughQueue(fn, events, capacity = 256) {
  const queue = new Queue(capacity)
  const sending = sendAll(queue, events)
  const results = []
  for await (const result of fn(queue)) results.push(result)
  await sending
  return results
}

async function sendAll(queue, events) {
  for (const event of events) await queue.send(event)
  queue.end()
}

/** The same for what a source gives. */
export async function throughQueueFrom(fn, source, capacity = 256) {
  const queue = new Queue(capacity)
  const sending = pump(queue, source)
  const results = []
  for await (const result of fn(queue)) results.push(result)
  await sending
  return results
}

async function pump(queue, source) {
  for await (const event of source) await queue.send(event)
  queue.end()
}

/** One event in, its result out, then the next. */
export async function pingPongQueue(fn, events, capacity = 256) {
  const queue = new Queue(capacity)
  const generator = fn(queue)
  const results = []
  for (const event of events) {
    await queue.send(event)
    results.push((await generator.next()).value)
  }
  queue.end()
  await generator.next()
  return results
}
