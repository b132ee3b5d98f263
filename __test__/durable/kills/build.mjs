// The stream function of one opening of a journey: how large its buffer is and where it runs may differ from that of the opening before.

import { streamFn } from 'velo-stream'
import * as functions from './functions.mjs'

const MODULE = new URL('./functions.mjs', import.meta.url)
const OPERATORS = ['counted', 'windowed', 'mapped', 'sharded']
/** A codec of the user, which only this thread has. */
const OWN = {
  encode: (value) => Buffer.from(`own ${JSON.stringify(value)}`),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString().slice(4)),
}
const initial = () => ({ total: 0, seen: 0 })

/** `journals`: one by whether ends are retained. */
export function build(journey, a, { journals, workers, dice }) {
  const { kind, tail, id, turn, retained, every, name, codec, bounded, deadly } = journey
  const mayBePlaced = workers && codec !== 'own'
  const placed = mayBePlaced && dice.below(2) === 0
  const options = {
    durable: journals[bounded ? 'bounded' : retained ? 'retaining' : 'forgetting'],
    codec: codec === 'own' ? OWN : codec,
    onWorkerExit: 'resume',
    buffer: 1 + dice.below(dice.below(2) === 0 ? 4 : 40),
    closeTimeout: 1000,
    context: () => ({ id, a, turn, deadly, bounded }),
    ...(kind === 'summed' && { state: { initial, version: 1, every } }),
  }
  const make = (exported, more) => {
    if (placed) return streamFn(MODULE, { ...more, name: exported, placement: 'worker', export: exported })
    if (OPERATORS.includes(exported)) return functions[exported].with({ ...more, name: exported })
    return streamFn(functions[exported], { ...more, name: exported })
  }
  const one = make(kind, options)
  if (!tail) return one
  const second = mayBePlaced && dice.below(2) === 0
  const piped = one.pipe(second ? streamFn(MODULE, { placement: 'worker', export: 'tagged' }) : functions.tagged)
  if (name !== `${kind}|tagged`) throw new Error(`a pipeline of another name: ${name}`)
  return piped
}
