// What `run` and the call form have in common: events are pulled from a source, and nobody sends.

import type { Failure } from '../../kit/errors.js'
import { AsyncInlet } from '../channels/async-inlet.js'
import type { Inlet } from '../channels/inlet.js'
import { validated } from '../channels/schema.js'
import { openSource } from '../channels/source.js'
import { SyncInlet } from '../channels/sync-inlet.js'
import type { Definition } from '../definition.js'
import { Instance } from '../instance.js'
import type { LeaseOptions } from '../lease.js'
import type { Mode } from '../mode.js'
import { sourceIdle } from '../refusals.js'

export abstract class PulledMode implements Mode {
  abstract readonly direct: boolean
  readonly ahead: number
  abstract readonly isAwaited: boolean
  abstract readonly holdsResults: boolean
  readonly isSending = false
  readonly isPulled = true
  abstract readonly hasUnread: boolean
  readonly instance: Instance
  protected readonly source: unknown
  private idled = false
  abstract readonly onResult: (result: IteratorResult<unknown>) => void

  constructor(def: Definition, source: unknown, ahead: number, options: LeaseOptions) {
    this.source = source
    this.ahead = ahead
    this.instance = new Instance(def, this, def.pulledIdle, options)
  }

  abstract cut(failure: Failure | undefined): void
  abstract end(failure: Failure | undefined): void

  get idleMs(): number {
    return this.instance.def.pulledIdle
  }

  /** The inlet that fits the source. Events of a function on another thread are counted by whoever sends them there. */
  openInlet(): Inlet<unknown> {
    const { instance } = this
    const first = instance.def.stages[0]
    const counted = first?.placement === undefined
    const schema = first?.schema
    const opened = openSource<unknown>(this.source)
    if (opened.kind === 'array') return new SyncInlet(instance, opened.array, null, schema, counted)
    if (opened.kind === 'sync') return new SyncInlet(instance, null, opened.iterator, schema, counted)
    const iterator = schema === undefined ? opened.iterator : validated(opened.iterator, schema, () => instance.id)
    return new AsyncInlet(instance, iterator, { ahead: this.ahead > 0 && counted, head: counted, link: false, destroy: opened.destroy })
  }

  admitted(): void {
    this.instance.driver.startIfWanted()
  }

  idle(): void {
    const { inlet } = this.instance.driver
    this.idled = true
    inlet?.cut(undefined)
    if (inlet instanceof AsyncInlet) inlet.release()
  }

  /** What its caller is told at the end: what the function threw, or that the source fell silent. */
  protected failureOf(thrown: Failure | undefined): Failure | undefined {
    if (thrown !== undefined || !this.idled) return thrown
    return { error: sourceIdle(this.instance.id, this.instance.def.options.idleTimeout) }
  }
}
