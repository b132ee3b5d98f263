// What people write instead of keyed: a Map from key to a bare generator and the queue in front of it, which grows while the generator is busy.

class Queue {
  #events = []
  #waiting = null
  #over = false

  push(value) {
    if (this.#waiting === null) return this.#events.push(value)
    const resolve = this.#waiting
    this.#waiting = null
    resolve({ value, done: false })
  }

  end() {
    this.#over = true
    this.#waiting?.({ value: undefined, done: true })
  }

  next() {
    if (this.#events.length > 0) return Promise.resolve({ value: this.#events.shift(), done: false })
    if (this.#over) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  [Symbol.asyncIterator]() {
    return this
  }
}

/** Runs one `fn` per `event.key` and collects `{ key, value }`. */
export async function mapOfGenerators(fn, events) {
  const queues = new Map()
  const results = []
  const finished = []
  for await (const event of events) {
    let queue = queues.get(event.key)
    if (queue === undefined) {
      queue = new Queue()
      queues.set(event.key, queue)
      finished.push(collect(event.key, fn(queue), results))
    }
    queue.push(event)
  }
  for (const queue of queues.values()) queue.end()
  await Promise.all(finished)
  return results
}

function collect(key, generator, results) {
  return new Promise((resolve, reject) => {
    const ask = () => generator.next().then(take, reject)
    const take = ({ value, done }) => {
      if (done) return resolve()
      results.push({ key, value })
      ask()
    }
    ask()
  })
}
