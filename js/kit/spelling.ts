// What somebody may have meant who wrote a name that nobody knows.

/** The known name that is so close that it was meant, most likely: a letter missing, added, changed or swapped, or two in a long name; capitals do not count. */
export function meant(name: string, known: readonly string[]): string | undefined {
  const written = name.toLowerCase()
  let nearest: string | undefined
  let least = Math.min(3, Math.ceil(name.length / 2))
  for (const candidate of known) {
    const steps = distance(written, candidate.toLowerCase(), least)
    if (steps >= least) continue
    least = steps
    nearest = candidate
  }
  return nearest
}

/** Letters to insert, remove, change or swap with their neighbor until `a` is `b`; `bound` where they are as many or more. */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, column) => column)]
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let steps = Math.min(at(last, column) + 1, at(next, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) steps = Math.min(steps, at(before, column - 2) + 1)
      next.push(steps)
    }
    before = last
    last = next
  }
  return Math.min(bound, at(last, b.length))
}

const at = (row: readonly number[] | undefined, column: number): number => row?.[column] ?? 0
