// One worker thread as the isolate sees it that started it: the segments there, what is said to it, and its end.

import { MessageChannel, type MessagePort, type WorkerOptions as NodeWorkerOptions, Worker } from 'node:worker_threads'
import type { Blame } from '../../engine/stages/harness.js'
import { VeloError } from '../../kit/errors.js'
import type { Command, Outcome, Report, ThreadData } from '../wire/protocol.js'
import { Transfers } from '../wire/transfers.js'
import { atTurnEnd, type Turning } from '../wire/turn-end.js'
import { blamed } from './blame.js'
import { ThreadLoad } from './thread-load.js'

/** ms without a sign of life, when one is asked for, after which a thread is taken for stuck: nothing further is begun there. */
const SILENCE_MS = 100

/** Commands in one message at most: whoever waits on the thread gets a turn between. */
const TOGETHER = 64

/** What the user has put in may be nothing that can be copied. */
function mayBeRefused(command: Command): boolean {
  return command.kind === 'open' && (command.headers !== undefined || command.context !== undefined)
}

/** Who hears what a thread says of a segment there. */
export interface SegmentListener {
  /** The function reads no further event. */
  stopped(): void
  /** The function has finished, and its results went to another thread. */
  finished(outcome: Outcome): void
  /** It was told to leave, and the function does something of its own first, or the thread does not answer. */
  lingers(): void
  /** The thread does not answer. */
  stalled(): void
  /** It works, as far as can be seen. */
  readonly isWorking: boolean
  /** The thread is gone. */
  orphaned(error: VeloError, blame: Blame): void
}

/** What the pool hears of a thread. */
export interface ThreadCalls {
  onFree(thread: WorkerThread): void
  onHealth(): void
  onExit(served: boolean): void
}

export class WorkerThread implements Turning {
  /** Its number in Node.js. */
  readonly number: number
  readonly transfers: Transfers
  private readonly ready: Promise<void>
  /** From the start of the thread until it took orders, ms; `NaN` before. */
  startMs = Number.NaN
  private readonly worker: Worker
  private readonly listeners = new Map<number, SegmentListener>()
  private readonly peers = new Set<WorkerThread>()
  private admitted = 0
  private error: unknown
  /** Segments that were told to leave. */
  private readonly leaving = new Set<number>()
  private watching: NodeJS.Timeout | undefined
  /** It did not answer soon. */
  private silent = false
  /** Until when it must answer. */
  private deadline: NodeJS.Timeout | undefined
  private isAsked = false
  /** It never answered, and is ended for that. */
  private isStuck = false
  private pings = 0
  private answered = 0
  /** The first ping whose answer counts as a sign of life. */
  private awaited = 0
  /** The ping of the last check, while its answer is due. */
  private checked = 0
  private readonly load: ThreadLoad
  /** What is to be said at the end of the turn, in which something was said already. */
  private commands: Command[] = []
  private turning = false
  private readonly onFree: (thread: WorkerThread) => void
  private readonly onHealth: () => void

  /** `onFree`: no segment is left there. `onHealth`: it does not answer, or does again. `onExit`: it is gone; `served` when it had taken orders and nobody had asked it to go. */
  constructor(options: NodeWorkerOptions, spin: number, { onFree, onHealth, onExit }: ThreadCalls) {
    const { port1, port2 } = new MessageChannel()
    const started = performance.now()
    const culprit = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    const workerData: ThreadData = { transfers: port2, spin, culprit }
    this.onFree = onFree
    this.onHealth = onHealth
    this.transfers = new Transfers(port1)
    this.worker = new Worker(new URL('../thread/entry.js', import.meta.url), {
      name: 'velo-stream',
      ...options,
      workerData,
      transferList: [port2],
    })
    this.number = this.worker.threadId
    this.load = new ThreadLoad(this.worker)
    this.ready = new Promise((resolve, reject) => {
      this.worker.on('message', (report: Report) => {
        if (report.kind === 'stopped') return this.listeners.get(report.segment)?.stopped()
        if (report.kind === 'finished') return this.listeners.get(report.segment)?.finished(report.outcome)
        if (report.kind === 'lingers') return this.listeners.get(report.segment)?.lingers()
        if (report.kind === 'ready') {
          this.startMs = performance.now() - started
          this.load.begin()
          return resolve()
        }
        this.answered = report.ping
        if (report.ping < this.awaited || !this.isSuspected) return // what it said before it was asked is no answer
        this.calm()
        this.onHealth()
      })
      this.worker.on('error', (error) => {
        this.error ??= error
      })
      this.worker.on('exit', (code) => {
        this.calm()
        clearTimeout(this.watching)
        this.watching = undefined
        port1.close()
        for (const peer of this.peers) peer.peers.delete(this)
        const error = this.exited(code)
        reject(error)
        const listeners = blamed(this.listeners, Atomics.load(new Int32Array(culprit), 0))
        this.listeners.clear()
        try {
          onExit(!Number.isNaN(this.startMs))
        } finally {
          for (const [listener, blame] of listeners) listener.orphaned(error, blame)
        }
      })
    })
    this.ready.catch(() => {}) // whoever waits for it hears of it
    this.worker.unref() // after the listeners: one for messages takes a reference
  }

  /** Settles when it takes orders, and keeps the process alive until then. */
  async whenReady(): Promise<void> {
    this.worker.ref()
    try {
      await this.ready
    } finally {
      this.worker.unref()
    }
  }

  /** How many segments are there. */
  get streams(): number {
    return this.listeners.size
  }

  /** Part of its time that it was busy since the last call, 0 to 1. */
  utilization(): number {
    return this.load.utilization()
  }

  /** A segment comes: its number. */
  admit(listener: SegmentListener): number {
    this.listeners.set(++this.admitted, listener)
    return this.admitted
  }

  /** A segment is through. */
  release(segment: number): void {
    this.leaving.delete(segment)
    if (this.listeners.delete(segment) && this.listeners.size === 0) this.onFree(this)
  }

  /** The first command of a turn goes at once, so that the thread wakes up; those after it go together, since each message costs. Throws for what cannot be copied. */
  post(command: Command, transfer: MessagePort[] = []): void {
    if (this.turning && transfer.length === 0 && !mayBeRefused(command)) {
      if (this.commands.push(command) >= TOGETHER) this.postAll()
      return
    }
    this.postAll()
    this.worker.postMessage([command] satisfies Command[], transfer)
    if (this.turning) return
    this.turning = true
    atTurnEnd(this)
  }

  turnEnds(): void {
    this.turning = false
    this.postAll()
  }

  private postAll(): void {
    const { commands } = this
    if (commands.length === 0) return
    this.commands = []
    this.worker.postMessage(commands)
  }

  /** Buffers can go to another thread and come from there. */
  meet(other: WorkerThread): void {
    if (this.peers.has(other)) return
    const { port1, port2 } = new MessageChannel()
    this.post({ kind: 'peer', thread: other.number, port: port1 }, [port1])
    other.post({ kind: 'peer', thread: this.number, port: port2 }, [port2])
    this.peers.add(other)
    other.peers.add(this)
  }

  /** It does not answer, or is asked for a sign of life. */
  get isSuspected(): boolean {
    return this.silent || this.isAsked
  }

  /** A segment is told to leave. When it does not soon, the thread is asked whether it does anything. */
  watch(segment: number): void {
    this.leaving.add(segment)
    if (this.isSuspected) return this.lingers()
    if (this.watching === undefined) this.lookLater(() => this.look())
  }

  /** A stream there does not end: unless the thread answers within `ms`, it is stuck as a whole, and is ended. One that starts is asked when it has started. */
  suspect(ms: number): void {
    if (this.isAsked) return
    this.isAsked = true
    const ask = (): void => {
      this.deadline = setTimeout(() => {
        this.isStuck = this.error === undefined
        this.error ??= new Error(`it did not answer within ${ms} ms`)
        void this.worker.terminate() // it stays suspected until it is gone
      }, ms).unref()
      this.awaited = this.ping()
    }
    this.ready.then(ask, () => {}) // gone already
  }

  /** Called at intervals while it has streams: a thread that was busy for a whole interval is pinged, and is suspected if it has not answered by the next one. */
  check(): void {
    if (this.isSuspected || Number.isNaN(this.startMs)) return
    if (this.answered < this.checked) this.falls(this.checked)
    else if (!this.load.hasWaited()) this.checked = this.ping()
  }

  /** What has not begun there goes elsewhere. */
  disperse(): void {
    for (const listener of [...this.listeners.values()]) listener.stalled()
  }

  /** Ends it; whatever runs there fails. */
  terminate(): Promise<number> {
    return this.worker.terminate()
  }

  private look(): void {
    this.watching = undefined
    if (this.isSuspected) return this.lingers()
    if (this.leaving.size === 0) return
    if (Number.isNaN(this.startMs)) return this.lookLater(() => this.look())
    const ping = this.ping()
    this.lookLater(() => {
      this.watching = undefined
      if (this.answered < ping) this.falls(ping)
    })
  }

  /** It did not answer a ping in time. */
  private falls(ping: number): void {
    this.awaited = Math.max(this.awaited, ping)
    this.silent = true
    this.lingers()
    this.onHealth()
  }

  /** Nobody knows when the segments that were told to leave do. */
  private lingers(): void {
    for (const segment of this.leaving) this.listeners.get(segment)?.lingers()
  }

  /** In two steps: an answer that came while this thread was busy itself is heard first. */
  private lookLater(go: () => void): void {
    this.watching = setTimeout(() => setImmediate(go).unref(), SILENCE_MS).unref()
  }

  private ping(): number {
    this.post({ kind: 'ping', ping: ++this.pings })
    return this.pings
  }

  /** It is sound, or gone. */
  private calm(): void {
    clearTimeout(this.deadline)
    this.isAsked = this.silent = false
  }

  /** What functions threw is told as the cause alone: servers tell the message of an error of ours to clients. */
  private exited(code: number): VeloError {
    const isOurs = this.isStuck || Number.isNaN(this.startMs)
    const why = isOurs && this.error instanceof Error ? `: ${this.error.message}` : ''
    return new VeloError('VELO_WORKER_EXITED', `worker thread ${this.number} exited with code ${code}${why}`, { cause: this.error })
  }
}
