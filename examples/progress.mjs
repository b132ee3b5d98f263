// The digest of every file of a folder, four at a time, with a bar on stderr while it lasts. Piped into a file or a log, the bar is a plain line now and then; the
// results on stdout are the same. A file that cannot be read is skipped, and counted.
//
// $ node examples/progress.mjs examples/data
// expect: d8847633  answer.sse
// expect: 21c928a8  orders.ndjson
// expect: c7a9af03  temperatures.txt
// expect: 6768c78a  vibration.csv
// stderr: ^digests .*\n(digests .*\n)*digests 4/5  100%  1 skipped  .*in .* s\n$

import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { map, progressBar } from 'velo-stream/operators'

const folder = process.argv[2] ?? '.'
const names = [...readdirSync(folder), 'a file that is not there'].sort()

const digests = map(
  async (name, { signal }) => {
    const bytes = await readFile(join(folder, name), { signal })
    return `${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}  ${name}`
  },
  { concurrency: 4, onError: 'skip' },
)
const bar = progressBar({ total: names.length, of: digests, label: 'digests' })

for await (const line of digests.pipe(bar)(names)) console.log(line)
