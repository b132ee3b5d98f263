// Computes until it is told by shared memory to go on.

export default async function* computes(events) {
  for await (const flag of events) {
    spins(flag) // asks
    yield 'through'
  }
}

function spins(flag) {
  while (Atomics.load(flag, 0) === 0); // spins
}
