// The inlet that fits a source.

import type { Instance } from '../instance.js'
import { AsyncInlet } from './async-inlet.js'
import type { Inlet } from './inlet.js'
import { validated } from './schema.js'
import { openSource } from './source.js'
import { SyncInlet } from './sync-inlet.js'

/** The events of a function on another thread are counted by whoever sends them there. */
export function pulledInlet(instance: Instance, source: unknown, ahead: boolean): Inlet<unknown> {
  const remote = instance.def.stages[0]?.placement !== undefined
  const schema = instance.def.stages[0]?.schema
  const opened = openSource<unknown>(source)
  if (opened.kind === 'array') return new SyncInlet(instance, opened.array, null, schema, !remote)
  if (opened.kind === 'sync') return new SyncInlet(instance, null, opened.iterator, schema, !remote)
  const iterator = schema === undefined ? opened.iterator : validated(opened.iterator, schema, () => instance.id)
  return new AsyncInlet(instance, iterator, { ahead: ahead && !remote, head: !remote, destroy: opened.destroy })
}
