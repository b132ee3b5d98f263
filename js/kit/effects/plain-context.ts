// What every `ctx` has of a durable one where nothing is durable: a function that asks for it runs there unchanged.

import { VeloError } from '../errors.js'
import { type EffectOptions, runPlain } from './attempts.js'

export abstract class PlainContext {
  abstract get signal(): AbortSignal
  abstract get aborted(): boolean

  get state(): undefined {
    return undefined
  }

  set state(_value: unknown) {
    throw new VeloError('VELO_CONFIG', 'ctx.state: is kept only with the options state and durable', { field: 'ctx.state' })
  }

  get replaying(): boolean {
    return false
  }

  run<Value>(name: string, fn: () => Value | PromiseLike<Value>, options?: EffectOptions): Promise<Value> {
    return runPlain(this, name, fn, options)
  }

  now(): number {
    return Date.now()
  }

  random(): number {
    return Math.random()
  }
}
