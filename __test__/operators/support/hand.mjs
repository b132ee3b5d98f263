// A source fed by hand that counts as those of support/counted.mjs do.

/** The integers from 0 up to, not including, `count`. */
export const upTo = (count) => Array.from({ length: count }, (_, i) => i)

/** A source that gives what it is told to. Counts `pulls` and `returns`. */
export function handSource() {
  const waiting = []
  const queued = []
  const settle = (answer) => (waiting.length > 0 ? answer(waiting.shift()) : queued.push(answer))
  return {
    pulls: 0,
    returns: 0,
    push: (...events) => {
      for (const value of events) settle(({ resolve }) => resolve({ value, done: false }))
    },
    end: () => settle(({ resolve }) => resolve({ value: undefined, done: true })),
    fail: (error) => settle(({ reject }) => reject(error)),
    next() {
      this.pulls++
      return new Promise((resolve, reject) => {
        const reader = { resolve, reject }
        if (queued.length > 0) queued.shift()(reader)
        else waiting.push(reader)
      })
    },
    async return() {
      this.returns++
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
