// What scripts answer instead of `ok`, in words.

import type { StreamKey } from '../../durable/journal.js'
import { refusal } from './keys.js'

/** What stands behind `ok`. Throws `VELO_CHECKPOINT` for every other word. */
export function answerOf(answer: unknown, key: StreamKey, from?: number): unknown[] {
  const [word, ...rest] = answer as [Buffer, ...unknown[]]
  const name = String(word)
  if (name === 'ok') return rest
  throw refusal(key, wordsOf(name, rest.map(String), from))
}

function wordsOf(name: string, [first, second]: string[], from: number | undefined): string {
  switch (name) {
    case 'gone':
      return 'it is not kept any more'
    case 'fenced':
      return 'it was opened by somebody else'
    case 'over':
      return 'it has ended'
    case 'gap':
      return from === undefined ? `a gap: ${first} is the next` : `a gap: event ${from} was given where ${first} is the next`
    case 'lost':
      return `outcome ${first} is missing: the server has lost the end of it`
    case 'full':
      return `it would keep ${first} bytes, and may keep ${second}`
    case 'dropped':
      return `what was asked for is not kept any more: the first event is ${first}`
    default:
      return `the server said ${name}`
  }
}
