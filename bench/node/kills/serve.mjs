// What every contestant of kills.mjs does: one running sum that outlives its process. Owns: the talk with the bench. `add(event)` answers the sum when the event is kept.

export function serve(add) {
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ events }) => {
    const begun = performance.now()
    let sum
    for (let at = 0; at < events; at++) sum = await add(1)
    process.send({ sum, ms: performance.now() - begun })
  })
  process.send({ ready: true })
}
