// Modules that are loaded with their first use, at once: what most processes never run is not read by each of them at its start, where 100 KB of JavaScript take 4 ms.

import { createRequire } from 'node:module'
import { builtin } from './builtin.js'
import { VeloError } from './errors.js'

/** For code that a bundler has put elsewhere: nothing that is loaded by its address is beside it there. */
export const BUNDLED = "velo-stream was bundled into another file: name it as external in the bundler's settings (docs/bundlers.md)."

/** What the module at an address exports, from the first call on. It has no top-level await, so `require` takes it. Throws `VELO_NATIVE_LOAD` where it is not there. */
export function late<Module>(address: () => URL): () => Module {
  let loaded: Module | undefined
  return () => (loaded ??= load(address) as Module)
}

function load(address: () => URL): unknown {
  try {
    const url = address()
    return createRequire(url)(builtin('node:url').fileURLToPath(url))
  } catch (cause) {
    throw new VeloError('VELO_NATIVE_LOAD', BUNDLED, { cause })
  }
}
