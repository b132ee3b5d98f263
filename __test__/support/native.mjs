// The add-on itself, as js/engine/border/native.ts loads it: for tests of what Rust says, without the JavaScript around it.

import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './sources.mjs'

const dist = join(root, 'dist')
const built = existsSync(dist) ? readdirSync(dist).filter((name) => name.endsWith('.node')) : []

/** The file of the binary. */
export const binary = process.env.NAPI_RS_NATIVE_LIBRARY_PATH ?? (built.length === 1 ? join(dist, built[0]) : undefined)
if (binary === undefined) throw new Error(`dist/ has ${built.length} binaries: run \`npm run build\``)

export const native = createRequire(import.meta.url)(binary)
