// Which isolated streams have a thread of their own at a time: so many that the machine can bear them; others wait in line, first come first served.

import type { Isolation } from '../../engine/stages/harness.js'

const MOST = 4
/** ms between two looks at whether one has proven harmless, while others wait. */
const LOOK = 20

const inside = new Set<Isolation>()
const line: { readonly isolation: Isolation; readonly go: () => void }[] = []
let timer: NodeJS.Timeout | undefined

/** Settles when the stream may begin: it counts from then on until its isolation is over. */
export function quarantine(isolation: Isolation): Promise<void> {
  return new Promise((go) => {
    line.push({ isolation, go })
    admit()
  })
}

function admit(): void {
  for (const one of inside) if (one.isOver) inside.delete(one)
  for (let next = line[0]; next !== undefined && (inside.size < MOST || next.isolation.isOver); next = line[0]) {
    line.shift()
    if (!next.isolation.isOver) inside.add(next.isolation)
    next.go()
  }
  if (line.length === 0) {
    clearInterval(timer)
    timer = undefined
  } else timer ??= setInterval(admit, LOOK)
}
