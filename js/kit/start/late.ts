// js/kit/start: what keeps the start of a process short. Knows nothing of what is loaded.
//
// Modules that are loaded synchronously on first use: most processes never run them, and reading 100 KB of JavaScript costs a
// start 3 ms.

import { createRequire } from 'node:module'
import { VeloError } from '../errors.js'
import { builtin } from './builtin.js'

/** The advice if a bundler has moved this code: no file that is loaded by its address is beside it there. */
export const BUNDLED = "velo-stream was bundled into another file: name it as external in the bundler's settings (docs/bundlers.md)."

/**
 * Loads a module synchronously: a file of ours by its URL, or a package by its name. `.ci/bundle.mjs` replaces the call below
 * with the `require` of the built CommonJS file. A loader that has loaded this copy of velo-stream therefore loads the rest of
 * the same copy (docs/bundlers.md).
 */
export function required(module: URL | string): unknown {
  return createRequire(import.meta.url)(typeof module === 'string' ? module : builtin('node:url').fileURLToPath(module))
}

/** The exports of our module at an address, loaded by the first call. Throws `VELO_NATIVE_LOAD` if it cannot be loaded. */
export function late<Module>(address: () => URL): () => Module {
  let loaded: Module | undefined
  return () => (loaded ??= load(address) as Module)
}

function load(address: () => URL): unknown {
  try {
    return required(address())
  } catch (cause) {
    throw new VeloError('VELO_NATIVE_LOAD', explained(cause as { code?: unknown; message?: unknown }), { cause })
  }
}

/** Codes of an address that leads nowhere, or of code that has none. */
const NOT_THERE: unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_INVALID_URL']

function explained({ code, message }: { code?: unknown; message?: unknown }): string {
  if (NOT_THERE.includes(code)) return BUNDLED
  return `a part of velo-stream could not be loaded: ${String(message)}\nPlease report this.`
}
