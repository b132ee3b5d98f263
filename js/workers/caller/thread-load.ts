// How busy a worker thread is, as its event loop tells.

import type { Worker } from 'node:worker_threads'

/** ms within which the load of a thread is not measured again. */
const SHORT_MS = 20
/** ms over which the load is smoothed: on a busy machine a short interval says little of the thread. */
const SMOOTH_MS = 200

export class ThreadLoad {
  private readonly worker: Worker
  private hasBegun = false
  private seen = { active: 0, idle: 0 }
  private busy = 0
  private measuredAt = 0
  /** ms that its event loop had waited when `hasWaited` was called last. */
  private waited = 0

  constructor(worker: Worker) {
    this.worker = worker
  }

  /** The thread has started, which was no work. */
  begin(): void {
    this.hasBegun = true
    this.seen = this.worker.performance.eventLoopUtilization()
  }

  /** Part of its time that it was busy since the last call, 0 to 1. */
  utilization(): number {
    if (!this.hasBegun) return 0
    const now = performance.now()
    if (now - this.measuredAt < SHORT_MS) return this.busy
    this.measuredAt = now
    const { active, idle } = this.worker.performance.eventLoopUtilization()
    const passed = active + idle - this.seen.active - this.seen.idle
    if (passed < SHORT_MS) return this.busy
    const busy = Math.min(1, Math.max(0, (active - this.seen.active) / passed)) // the figures of another thread may step back
    this.busy += (busy - this.busy) * Math.min(1, passed / SMOOTH_MS)
    this.seen = { active, idle }
    return this.busy
  }

  /** Whether its event loop has waited for something since the last call: a thread that has is no hung one. */
  hasWaited(): boolean {
    const { idle } = this.worker.performance.eventLoopUtilization()
    const before = this.waited
    this.waited = idle
    return idle > before
  }
}
