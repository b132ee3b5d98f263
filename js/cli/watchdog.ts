// A second Ctrl-C where the function is in a busy loop: the thread that would hear of the signal never gets a turn, so another one listens as well.
// Node.js hands signals to JavaScript on the main thread only; what it does so with works on every thread, but has no other name than this one. Where it is gone, a busy
// loop is ended with SIGKILL from outside, as that of any script is.

import { constants } from 'node:os'
import { Worker } from 'node:worker_threads'

/** How long the main thread may take to hear of the second signal, ms. */
const PATIENCE_MS = 500

/** Runs on the thread: nothing is left to tell a process that hears of nothing. */
const LISTENER = `
  // Its name is known to be an inner one.
  process.noDeprecation = true
  const { workerData } = process.getBuiltinModule('node:worker_threads')
  const heard = new Int32Array(workerData.heard)
  const listen = (number) => {
    const signal = new (process.binding('signal_wrap').Signal)()
    let count = 0
    signal.onsignal = () => {
      if (++count < 2) return
      setTimeout(() => Atomics.load(heard, 0) < 2 && process.kill(process.pid, 'SIGKILL'), ${PATIENCE_MS})
    }
    signal.start(number)
  }
  try {
    listen(${constants.signals.SIGINT})
  } catch {}
`

/** Listens until it is disposed of. */
export class Watchdog {
  readonly #heard = new Int32Array(new SharedArrayBuffer(4))
  readonly #thread: Worker

  constructor() {
    const options = { eval: true, execArgv: [], stdin: false, workerData: { heard: this.#heard.buffer } }
    this.#thread = new Worker(LISTENER, options)
    this.#thread.unref()
    // Without it everything else works.
    this.#thread.on('error', () => undefined)
  }

  /** The main thread has heard of a signal. */
  heard(): void {
    Atomics.add(this.#heard, 0, 1)
  }

  dispose(): void {
    void this.#thread.terminate()
  }
}
