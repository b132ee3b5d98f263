// Stream functions for the model tests, each twice: as a user would write it, and as the plan of what it does. `seen` is told everything
// that happens inside: events taken, results made, gates waited at.

/** What a function does next. */
export const give = (key) => ({ give: key })
export const GATE = { gate: true }
export const RETURN = { leave: {} }
const raise = (error) => ({ leave: { error } })

/** What a marked event makes of the plan for a plain one. */
const marked = (event, plain) => (event.mark === 'throw' ? [raise(event.error)] : event.mark === 'return' ? [RETURN] : plain(event.n))

const FAN = 3

export const shapes = {
  oneToOne: {
    fn: (seen) =>
      async function* oneToOne(events) {
        for await (const event of events) {
          if (seen.took(event)) return
          yield seen.made(event.n)
        }
      },
    plan: () => ({ event: (event) => marked(event, (n) => [give(n)]) }),
  },

  fanOut: {
    fn: (seen) =>
      async function* fanOut(events) {
        for await (const event of events) {
          if (seen.took(event)) return
          for (let k = 0; k < FAN; k++) yield seen.made([event.n, k])
        }
        yield seen.made('end')
      },
    plan: () => ({ event: (event) => marked(event, (n) => Array.from({ length: FAN }, (_, k) => give([n, k]))), end: () => [give('end')] }),
  },

  filter: {
    fn: (seen) =>
      async function* filter(events) {
        const iterator = events[Symbol.asyncIterator]()
        for await (const event of iterator) {
          if (seen.took(event)) return
          if (event.n % 2 === 0) yield seen.made(event.n)
        }
        // Asking again after the end gives the end again.
        for (let i = 0; i < 2; i++) if (!(await iterator.next()).done) yield seen.made('an event after the end')
      },
    plan: () => ({ event: (event) => marked(event, (n) => (n % 2 === 0 ? [give(n)] : [])) }),
  },

  batching: {
    fn: (seen) =>
      async function* batching(events) {
        let batch = []
        for await (const event of events) {
          if (seen.took(event)) return
          batch.push(event.n)
          if (batch.length < 3) continue
          yield seen.made(batch)
          batch = []
        }
        if (batch.length > 0) yield seen.made(batch)
      },
    plan: () => {
      let batch = []
      const flush = () => {
        const whole = batch
        batch = []
        return [give(whole)]
      }
      return {
        event: (event) => marked(event, (n) => (batch.push(n) === 3 ? flush() : [])),
        end: () => (batch.length > 0 ? flush() : []),
      }
    },
  },

  slow: {
    fn: (seen) =>
      async function* slow(events) {
        for await (const event of events) {
          seen.saw(event)
          await seen.gate()
          if (seen.acts(event)) return
          yield seen.made(event.n)
        }
        await seen.gate()
        yield seen.made('end')
      },
    plan: () => ({ event: (event) => [GATE, ...marked(event, (n) => [give(n)])], end: () => [GATE, give('end')] }),
  },

  catching: {
    fn: (seen) =>
      async function* catching(events) {
        try {
          for await (const event of events) {
            try {
              if (seen.took(event)) return
            } catch {
              yield seen.made(['caught', event.n])
              continue
            }
            yield seen.made(event.n)
          }
        } catch {
          // Only an abort comes this way; whatever is yielded now is dropped.
          yield seen.made('after')
        }
      },
    plan: () => ({
      event: (event) => (event.mark === 'throw' ? [give(['caught', event.n])] : marked(event, (n) => [give(n)])),
      aborted: () => [give('after'), RETURN],
    }),
  },

  parting: {
    fn: (seen) =>
      async function* parting(events) {
        try {
          for await (const event of events) {
            if (seen.took(event)) return
            yield seen.made(event.n)
          }
        } finally {
          yield seen.made('parting')
          yield seen.made('parted')
        }
      },
    plan: () => ({ event: (event) => marked(event, (n) => [give(n)]), last: [give('parting'), give('parted')] }),
  },

  deaf: {
    fn: (seen) =>
      async function* deaf() {
        for (let n = 0; n < 4; n++) yield seen.made(n)
        await seen.gate()
      },
    plan: () => ({ deaf: true, start: () => [give(0), give(1), give(2), give(3), GATE, RETURN], event: () => [] }),
  },
}

/** What the functions tell; `gates` are opened by the script. */
export class Seen {
  events = []
  results = []
  gates = []

  saw(event) {
    this.events.push(event)
  }

  took(event) {
    this.saw(event)
    return this.acts(event)
  }

  /** Throws at an event marked so; true at one that makes the function return. */
  acts(event) {
    if (event.mark === 'throw') throw event.error
    return event.mark === 'return'
  }

  made(key) {
    const result = { key }
    this.results.push(result)
    return result
  }

  gate() {
    return new Promise((resolve) => this.gates.push(resolve))
  }

  /** Opens the oldest gate, if the function waits at one. */
  go() {
    this.gates.shift()?.()
  }
}
