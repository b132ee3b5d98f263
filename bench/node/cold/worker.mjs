// The first result of a function on a worker thread, of one event; then the process ends.
import { streamFn } from '../../../dist/index.mjs'

const stream = streamFn(new URL('./totals.mjs', import.meta.url), { placement: 'worker' }).open()
await stream.send({ add: 7 })
process.stdout.write(`${JSON.stringify(await stream.recv())}\n`, () => process.exit())
