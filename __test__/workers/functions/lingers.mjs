// Functions that answer once, and do something of their own then.

const never = () => new Promise(() => {})

export async function* stuck(events) {
  for await (const event of events) {
    yield event
    await never()
  }
}

export async function* stuckInFinally(events) {
  try {
    yield* events
  } finally {
    await never()
  }
}

/** The thread of whoever runs it does nothing else any more. */
export async function* computes(events) {
  for await (const event of events) {
    yield event
    for (;;);
  }
}

export async function* passes(events) {
  yield* events
}
