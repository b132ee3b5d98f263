// Programs with operators that must not compile. `// FAILS <text>` above a line: the line is an error whose message contains the text.

import { batch, chunk, flatMap, map, progress, scan, take, tap } from 'velo-stream/operators'
import { controlledSource, virtualClock } from 'velo-stream/testing'

const half = map((n: number) => n / 2)
const words = map((n: number) => String(n))

// FAILS Argument of type 'string[]' is not assignable to parameter of type 'SourceFrom<number> | Source<number>'
await half.run(['a'])

// FAILS No overload matches this call
words.pipe(half)

// FAILS Property 'toFixed' does not exist on type 'string'
words.pipe(map((word) => word.toFixed()))

// FAILS Property 'length' does not exist on type 'number'
half.pipe(tap((n) => n.length))

// FAILS 'parallel' does not exist in type
map((n: number) => n, { parallel: 2 })

// FAILS Type 'string' is not assignable to type 'number'
map((n: number) => n, { concurrency: '4' })

// FAILS Type '"ignore"' is not assignable to type
map((n: number) => n, { onError: 'ignore' })

// FAILS 'times' does not exist in type 'RetryOptions'
map((n: number) => n, { retry: { times: 2 } })

// FAILS Type 'string' is not assignable to type 'number | PromiseLike<number>'
map((n: number) => n, { onError: () => 'text' })

// FAILS Type 'number' is not assignable to type 'PromiseLike<Values<unknown>> | Values<unknown>'
flatMap((n: number) => n)

// FAILS Argument of type 'string' is not assignable to parameter of type 'number'
take('2')

// FAILS Expected 2 arguments, but got 1
scan((sum: number, n: number) => sum + n)

// FAILS 'concurrency' does not exist in type 'ChunkOptions'
chunk({ concurrency: 2 })

// FAILS No overload matches this call
batch((ns: number[]) => ns, { onError: 'skip' })

// FAILS Cannot assign to 'done' because it is a read-only property
half.metrics.done = 5

// FAILS 'every' does not exist in type 'ProgressOptions'
progress(() => {}, { every: 5 })

// FAILS Argument of type 'string' is not assignable to parameter of type 'number'
controlledSource<number>().push('a')

// FAILS Expected 1 arguments, but got 0
virtualClock().advance()
