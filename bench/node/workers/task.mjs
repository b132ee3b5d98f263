// What one does with a task pool today: the state travels with every event, there and back. Loaded by Piscina's threads.

/** `readings` of functions.mjs, one event at a time. */
export default function reading({ state, event }) {
  const sum = state.sum + event.value
  return { state: { sum }, result: { id: event.id, value: sum, name: event.name, ok: event.ok } }
}
