// The same generator made as cancellable by hand: whoever waits for a result, and the generator that waits for an event, are told of the end at once, which a bare
// generator cannot do. Nothing else: no counts, no limits, no timers, no async context.

/** A wait that `end()` settles, whatever becomes of the promise that it is for. */
class Wait {
  #settle = null
  over = false

  on(promise) {
    return new Promise((resolve, reject) => {
      this.#settle = resolve
      promise.then(resolve, reject)
    })
  }

  end() {
    this.over = true
    this.#settle?.({ value: undefined, done: true })
  }
}

/** The results of `fn` over `source`, one for each `next()`; `return()` ends both waits and gives the source back. */
export function cancellable(fn, source) {
  const iterator = source[Symbol.asyncIterator]()
  const [events, results] = [new Wait(), new Wait()]
  const done = () => Promise.resolve({ value: undefined, done: true })
  const generator = fn({
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => (events.over ? done() : events.on(iterator.next())),
    async return() {
      events.end()
      await iterator.return?.()
      return done()
    },
  })
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => (results.over ? done() : results.on(generator.next())),
    async return() {
      results.end()
      events.end()
      await generator.return()
      return done()
    },
  }
}
