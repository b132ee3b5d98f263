// Computes until it is told by shared memory to go on.

export default async function* computes(events) {
  for await (const flag of events) {
    while (Atomics.load(flag, 0) === 0);
    yield 'through'
  }
}
