// js/kit/start: what keeps the start of a process short. Knows nothing of what is loaded.
//
// Modules that are loaded with their first use, at once: what most processes never run is not read by each of them at its start, where 100 KB of JavaScript take 3 ms.
//
// What such a module needs is loaded already, or by such modules alone (`contract/dist.test`): Node.js does not require what somebody imports at this moment.

import { createRequire } from 'node:module'
import { VeloError } from '../errors.js'
import { builtin } from './builtin.js'

/** For code that a bundler has put elsewhere: nothing that is loaded by its address is beside it there. */
export const BUNDLED = "velo-stream was bundled into another file: name it as external in the bundler's settings (docs/bundlers.md)."

/** What the module at an address exports, from the first call on. It has no top-level await, so `require` takes it. Throws `VELO_NATIVE_LOAD` where it cannot be loaded. */
export function late<Module>(address: () => URL): () => Module {
  let loaded: Module | undefined
  return () => (loaded ??= load(address) as Module)
}

function load(address: () => URL): unknown {
  try {
    const url = address()
    return createRequire(url)(builtin('node:url').fileURLToPath(url))
  } catch (cause) {
    throw new VeloError('VELO_NATIVE_LOAD', explained(cause as { code?: unknown; message?: unknown }), { cause })
  }
}

/** Codes of an address that leads nowhere, or of code that has none. */
const NOT_THERE: unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_INVALID_URL']

function explained({ code, message }: { code?: unknown; message?: unknown }): string {
  if (NOT_THERE.includes(code)) return BUNDLED
  const advice =
    code === 'ERR_REQUIRE_ESM'
      ? 'Let this process require ES modules: without --no-experimental-require-module, and without a loader that does not know them.'
      : 'Please report this.'
  return `a part of velo-stream could not be loaded: ${String(message)}\n${advice}`
}
