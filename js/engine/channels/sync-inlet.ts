// Events out of an array or a synchronous iterable: each is there when the function asks, so no wait is needed; promises among them are awaited.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isThenable } from '../../kit/promises.js'
import { COUNTERS } from '../border/flags.js'
import { Word } from '../border/law.js'
import { SAMPLE_MASK } from '../border/probe.js'
import type { Instance } from '../instance.js'
import { Inlet } from './inlet.js'
import { validate } from './schema.js'

const { Accepted, Delivered, DroppedEvents } = Word

export class SyncInlet<In> extends Inlet<In> {
  readonly #array: readonly In[] | null
  readonly #iterator: Iterator<In> | null
  readonly #schema: StandardSchemaV1 | undefined
  /** Its events are counted here, as they are delivered. */
  readonly #counted: boolean
  #index = 0
  /** The iterator ended or threw: return() must not be called. */
  #spent = false
  /** A promise among the events is awaited. */
  #pending = false

  constructor(
    instance: Instance,
    array: readonly In[] | null,
    iterator: Iterator<In> | null,
    schema: StandardSchemaV1 | undefined,
    counted = true,
  ) {
    super(instance)
    this.#array = array
    this.#iterator = iterator
    this.#schema = schema
    this.#counted = counted
  }

  next(): Promise<IteratorResult<In, undefined>> {
    let result: IteratorResult<In, undefined> | Promise<IteratorResult<In, undefined>>
    try {
      result = this.pull()
    } catch (error) {
      return Promise.reject(error)
    }
    return Promise.resolve(result)
  }

  /** The same without a promise, where none is needed; throws what `next()` rejects with. */
  pull(): IteratorResult<In, undefined> | Promise<IteratorResult<In, undefined>> {
    if (this.over) return this.nextOver()
    if (this.#pending) return this.park()
    const array = this.#array
    const instance = this.instance
    const { page, at } = instance
    let value: In
    if (array !== null) {
      if (this.#index >= array.length) return this.#end()
      value = array[this.#index++]
    } else {
      let result: IteratorResult<In>
      try {
        result = (this.#iterator as Iterator<In>).next()
      } catch (error) {
        this.#spent = this.over = true
        throw error
      }
      if (result.done === true) return this.#end()
      value = result.value
    }
    if (this.#counted) {
      const count = ++page[at + Accepted]
      if (COUNTERS && (count & SAMPLE_MASK) <= 2) this.#sample(count)
    }
    if (typeof value === 'object' && isThenable(value)) return this.#later(value as PromiseLike<In>)
    if (this.#schema !== undefined) {
      let checked: unknown
      try {
        checked = validate(this.#schema, value, instance.id)
      } catch (error) {
        return this.#refuse(error)
      }
      if (isThenable(checked)) return this.#later(checked as PromiseLike<In>, true)
      value = checked as In
    }
    if (this.#counted) page[at + Delivered]++
    return { value, done: false }
  }

  override release(): PromiseLike<unknown> | undefined {
    if (this.#spent || this.#iterator === null) return undefined
    this.#spent = true
    try {
      this.#iterator.return?.()
    } catch (error) {
      return Promise.reject(error)
    }
    return undefined
  }

  protected drop(): void {}

  /** The event that is timed, and the one after it. */
  #sample(count: number): void {
    const { page, at, probe } = this.instance
    this.askedAfter(page[at + Delivered])
    if ((count & SAMPLE_MASK) === 1) probe.accepted(count)
  }

  #end(): IteratorResult<In, undefined> {
    if (COUNTERS && this.#counted) this.askedAfter(this.instance.page[this.instance.at + Delivered])
    this.#spent = this.over = true
    return { value: undefined, done: true }
  }

  /** An event that failed its schema, or a promise that rejected: thrown into the function at this pull. */
  #refuse(error: unknown): never {
    if (this.#counted) this.instance.page[this.instance.at + DroppedEvents]++
    throw error
  }

  #later(value: PromiseLike<In>, checked = false): Promise<IteratorResult<In, undefined>> {
    this.#pending = true
    const wait = this.park()
    const settle = async (): Promise<In> => {
      const event = await value
      return (checked || this.#schema === undefined ? event : await validate(this.#schema, event, this.instance.id)) as In
    }
    settle().then(
      (event) => this.#arrived(() => this.unpark()({ value: event, done: false }), true),
      (error) => this.#arrived(() => this.unpark()(Promise.reject(error)), false),
    )
    return wait
  }

  #arrived(settle: () => void, delivered: boolean): void {
    this.#pending = false
    const { page, at } = this.instance
    if (this.resolve === null) {
      if (this.#counted) page[at + DroppedEvents]++ // it came after the end
      return
    }
    if (this.#counted) page[at + (delivered ? Delivered : DroppedEvents)]++
    const more = this.more
    this.more = null
    settle()
    // Asked for while this one was awaited.
    for (const resolve of more ?? []) resolve(this.next())
  }
}
