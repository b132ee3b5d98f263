// The ways to use a stream function with the option `durable`: what is given is checked here, what is done is the business of the journal that came with it.

import type { Definition } from '../../engine/definition.js'
import { configError, iterable, onlyKnown, streamId, text } from '../../kit/check.js'
import { pullerOf } from '../../kit/iteration/pulled.js'
import type { CallOptions, OpenOptions, RunOptions, UnfinishedStream } from '../../kit/types.js'
import { checkCall, checkOpen, signalIn } from '../given.js'
import { Stream } from '../stream.js'
import type { Durability } from './durability.js'

/** What a function without `durable` answers. */
export const NOT_KEPT = {
  async unfinished(): Promise<UnfinishedStream[]> {
    throw notKept('unfinished()')
  },
  async discard(_id: string): Promise<boolean> {
    throw notKept('discard(id)')
  },
}

function notKept(field: string): Error {
  return configError(field, 'a stream function with the option durable', undefined)
}

export function durableCall(def: Definition, durability: Durability, source: unknown, options: CallOptions | undefined) {
  sourceOrMaker(source, 'fn(source)')
  if (options !== undefined) checkCall(options)
  if (options?.id !== undefined) streamId(options.id, 'fn(source, options).id')
  return durability.call(def, source, { id: options?.id, signal: signalIn(options, 'fn(source, options)') })
}

export function durableMembers(def: Definition, durability: Durability) {
  const { name } = def.options
  return {
    async run(source: unknown, options?: RunOptions) {
      sourceOrMaker(source, 'run(source)')
      if (options !== undefined) onlyKnown(options, 'run(source, options)', ['signal', 'id'])
      if (options?.id !== undefined) streamId(options.id, 'run(source, options).id')
      return durability.run(def, source, { id: options?.id, signal: signalIn(options, 'run(source, options)') })
    },
    open(options?: OpenOptions) {
      const puller = options === undefined ? undefined : pullerOf(options)
      return new Stream<never, unknown>(durability.open(def, options === undefined ? {} : checkOpen(options), puller))
    },
    unfinished: () => durability.unfinished(name),
    async discard(id: string) {
      text(id, 'discard(id)')
      return durability.discard(name, id)
    },
  }
}

/** A function is asked for its source when it is known where that begins. */
function sourceOrMaker(source: unknown, field: string): void {
  if (typeof source !== 'function') iterable(source, field)
}
