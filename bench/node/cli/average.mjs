// The work of the bench of the command: the running average of each sensor, with an object in and an object out.

export default async function* average(events) {
  const sensors = new Map()
  for await (const { sensor, value } of events) {
    let state = sensors.get(sensor)
    if (state === undefined) sensors.set(sensor, (state = { total: 0, count: 0 }))
    state.total += value
    state.count++
    yield { sensor, average: state.total / state.count }
  }
}
