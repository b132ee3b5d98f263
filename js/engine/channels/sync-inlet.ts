// Events out of an array or a synchronous iterable: each is there when the function asks, so no wait is needed; promises among them are awaited. One that rejects ends
// the source, which cannot know that: its `return()` is called.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkReturned, isEnd } from '../../kit/iteration/iteration.js'
import { isThenable, silence } from '../../kit/promises.js'
import { Inlet } from './inlet.js'
import type { Owner } from './owner.js'
import { validate } from './schema.js'

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
    owner: Owner,
    array: readonly In[] | null,
    iterator: Iterator<In> | null,
    schema: StandardSchemaV1 | undefined,
    counted = true,
  ) {
    super(owner)
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
    let value: In
    if (array !== null) {
      if (this.#index >= array.length) return this.#end()
      value = array[this.#index++]
    } else {
      try {
        const result = (this.#iterator as Iterator<In>).next()
        if (isEnd(result)) return this.#end()
        value = result.value
      } catch (error) {
        this.#spent = this.over = true
        throw error
      }
    }
    if (this.#counted) this.row.acceptAsked()
    try {
      if (typeof value === 'object' && isThenable(value)) return this.#later(value as PromiseLike<In>)
    } catch (error) {
      return this.#refuse(error)
    }
    if (this.#schema !== undefined) {
      let checked: unknown
      try {
        checked = validate(this.#schema, value, this.owner.id)
      } catch (error) {
        return this.#refuse(error)
      }
      if (isThenable(checked)) return this.#wait(checked as PromiseLike<In>)
      value = checked as In
    }
    if (this.#counted) this.row.deliverAsked()
    return { value, done: false }
  }

  override release(): PromiseLike<unknown> | undefined {
    if (this.#spent || this.#iterator === null) return undefined
    this.#spent = true
    try {
      const giving = this.#iterator.return
      if (giving != null) checkReturned(giving.call(this.#iterator))
    } catch (error) {
      return silence(Promise.reject(error))
    }
    return undefined
  }

  protected drop(): void {}

  #end(): IteratorResult<In, undefined> {
    if (this.#counted) this.row.asked()
    this.#spent = this.over = true
    return { value: undefined, done: true }
  }

  /** An event that failed its schema, or a promise that rejected: thrown into the function at this pull. */
  #refuse(error: unknown): never {
    if (this.#counted) this.row.dropEvents(1)
    throw error
  }

  /** The source is over for its reader. */
  #close(): void {
    this.over = true
    this.release()
  }

  /** A promise among the events. */
  #later(value: PromiseLike<In>): Promise<IteratorResult<In, undefined>> {
    const event = Promise.resolve(value)
    event.then(undefined, () => this.#close())
    const schema = this.#schema
    return this.#wait(schema === undefined ? event : event.then((known) => validate(schema, known, this.owner.id) as In))
  }

  #wait(event: PromiseLike<In>): Promise<IteratorResult<In, undefined>> {
    this.#pending = true
    const wait = this.park()
    event.then(
      (event) => this.#arrived(() => this.unpark()({ value: event, done: false }), true),
      (error) => this.#arrived(() => this.unpark()(Promise.reject(error)), false),
    )
    return wait
  }

  #arrived(settle: () => void, delivered: boolean): void {
    this.#pending = false
    const delivers = delivered && this.resolve !== null // else it came after the end
    if (this.#counted) {
      if (delivers) this.row.deliverAsked()
      else this.row.dropEvents(1)
    }
    if (this.resolve === null) return
    const more = this.more
    this.more = null
    settle()
    // Asked for while this one was awaited.
    for (const resolve of more ?? []) resolve(this.next())
  }
}
