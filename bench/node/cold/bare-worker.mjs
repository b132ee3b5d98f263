// The same by hand: the first message of a worker thread that answers one; then the process ends.
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url))
  worker.on('message', (result) => process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit()))
  worker.postMessage({ add: 7 })
} else {
  const { default: totals } = await import('./totals.mjs')
  const events = async function* () {
    while (true) yield await new Promise((resolve) => parentPort.once('message', resolve))
  }
  for await (const result of totals(events())) parentPort.postMessage(result)
}
