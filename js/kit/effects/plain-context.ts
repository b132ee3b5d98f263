// What every `ctx` has of a durable one where nothing is durable: a function that asks for it runs there unchanged.

import { VeloError } from '../errors.js'
import { attempt, type EffectOptions, effectOf } from './attempts.js'

export abstract class PlainContext {
  abstract get signal(): AbortSignal

  get state(): undefined {
    return undefined
  }

  set state(_value: unknown) {
    throw new VeloError('VELO_CONFIG', 'ctx.state: is kept only with the options state and durable', { field: 'ctx.state' })
  }

  get replaying(): boolean {
    return false
  }

  async run<Value>(name: string, fn: () => Value | PromiseLike<Value>, options?: EffectOptions): Promise<Value> {
    return attempt(fn, effectOf(name, fn, options), () => this.signal)
  }

  now(): number {
    return Date.now()
  }

  random(): number {
    return Math.random()
  }
}
