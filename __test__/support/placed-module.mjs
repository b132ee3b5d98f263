// A stream function of a test as a module of its own, which a worker can import. Owns the text and the folder it is written to.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { serialize } from 'node:v8'
import { TEXT } from './gates.mjs'

/** Stands for the stream function itself among its captures: in the module, a local stream function of the same generator and options. */
export const self = Symbol('self')

const bridge = new URL('bridge.mjs', import.meta.url)
let folder
let written = 0

/** Writes `fn` and what it takes from its test (`captures`, by name) to a file; answers its URL. The file is removed when the process ends. */
export function writeModule(fn, options, captures) {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'velo-placed-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  }
  const path = join(folder, `${fn.name || 'stream'}-${++written}.mjs`)
  writeFileSync(path, moduleText(fn, options, captures))
  return pathToFileURL(path)
}

function moduleText(fn, options, captures) {
  const constants = Object.entries(captures).map(([name, value]) => {
    const text = value === self ? `streamFn(main, ${valueText(options)})` : valueText(value)
    return `const ${name} = ${text}\n`
  })
  return `import { deserialize } from 'node:v8'
import { streamFn } from '${import.meta.resolve('velo-stream')}'
import { remote } from '${bridge}'
const main = ${fn}
export default main
${constants.join('')}`
}

/** What evaluates to a copy of `value`. */
function valueText(value) {
  if (typeof value?.[TEXT] === 'function') return value[TEXT]()
  if (typeof value === 'function') return `${value}`
  return `deserialize(Buffer.from('${serialize(value).toString('base64')}', 'base64'))`
}
