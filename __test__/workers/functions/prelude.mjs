// How a script in a process of its own begins: the functions of this folder as stream functions, and a few words.

const url = (name) => new URL(name, import.meta.url).href

/** Source text for `child` and `output` of support/child.mjs. */
export const prelude = `
  import { availableParallelism } from 'node:os'
  import { threadId, Worker } from 'node:worker_threads'
  import { runtime, streamFn } from 'velo-stream'
  import { compute, Flag, flags, raise, raised } from '${url('flags.mjs')}'
  import { outcome, turns, until } from '${url('../../support/deferred.mjs')}'
  import { within } from '${url('../../support/within.mjs')}'
  const obey = (options) => streamFn('${url('obey.mjs')}', { placement: 'worker', export: 'obey', idleTimeout: 0, maxConcurrent: 100000, ...options })
  const say = (...words) => console.log(words.join(' '))
  const start = performance.now()
  const passed = (ms) => performance.now() - start >= ms
  /** Gives orders to an open stream, each answered before the next is given. */
  const ask = async (stream, ...orders) => { const answers = []; for (const order of orders) { await stream.send(order); answers.push(await stream.recv()) } return answers }
  const threads = () => runtime.snapshot().workers.map((worker) => worker.thread)
`
