// The other side of `forked`: a module that answers questions. Imports nothing of the test runner.

/** One question at a time, by name. */
export function answers(handlers) {
  process.on('message', async ({ name, values }) => {
    try {
      process.send({ value: await handlers[name](...values) })
    } catch (error) {
      process.send({ error: String(error?.stack ?? error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send({})
}
