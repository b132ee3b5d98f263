// What .ci/bundle.mjs makes of the bundler's ES modules: CommonJS for Node.js, and the thin ES modules beside it.

import { readFileSync } from 'node:fs'

/** The entry that may be bundled: it loads nothing by its address. */
const BUNDLED_TOO = 'client'
/** Stands for the `require` of a CommonJS file until its chunk is written. */
export const REQUIRE = 'COMMONJS_REQUIRE'
/** Stands for the address of the file. */
export const URL_OF_MODULE = 'COMMONJS_URL'

/** The advice for bundled code, as the sources have it. */
const [, BUNDLED] = /BUNDLED =\s+("[^"]+")/.exec(readFileSync(new URL('../js/kit/start/late.ts', import.meta.url), 'utf8'))
const refusal = (condition) =>
  `if (${condition}) throw Object.assign(new (class VeloError extends Error {})(${BUNDLED}), { code: "VELO_NATIVE_LOAD" });`
/**
 * The first statement of each entry. CommonJS that was bundled into an ES module has no `__filename`, and its first `require` of a
 * module of Node.js fails with a message that does not help.
 */
const GUARD = refusal('typeof __filename === "undefined"')

/**
 * Turns a chunk into CommonJS. The bundler's own CommonJS calls a getter of another chunk at each use of an import. Here imports are
 * constants, which is correct because no exported variable changes (`contract/dist.test`). Each statement that is replaced is one
 * line, so the source map stays correct.
 */
export const commonjs = {
  name: 'to-commonjs',
  renderChunk(code, { fileName, isEntry }) {
    const names = []
    const rest = code
      .replace(/^import \{ (.*) \} from (".+");$/gm, (_, list, from) => `const { ${list.replaceAll(' as ', ': ')} } = require(${from});`)
      .replace(/^import \* as (\S+) from (".+");$/gm, 'const $1 = require($2);')
      .replace(/^import (\S+) from (".+");$/gm, 'const $1 = ((found) => found.default ?? found)(require($2));')
      .replace(/^import "node:.+";$/gm, '')
      .replace(/^export \{ (.*) \} from (".+");$/gm, (_, list, from) => {
        const renamed = pairs(list).map(([name, as]) => [name, `_${as}`, as])
        names.push(...renamed.map(([, own, as]) => [own, as]))
        return `const { ${renamed.map(([name, own]) => `${name}: ${own}`).join(', ')} } = require(${from});`
      })
      .replace(/^export \{ (.*) \};$/gm, (_, list) => {
        names.push(...pairs(list))
        return ''
      })
      .replace(/\bimport\(("\.\/[^"]+")\)/g, 'Promise.resolve().then(() => require($1))')
      .replaceAll(REQUIRE, 'require')
    const [left] = /^(?:import|export)\b.*$/m.exec(rest) ?? []
    if (left !== undefined) throw new Error(`${fileName} has a statement that no rule turns into CommonJS: ${left}`)
    const [, hashbang = '', body] = /^(#!.*\n)?([\s\S]*)$/.exec(rest)
    const url = body.includes(URL_OF_MODULE) ? `const ${URL_OF_MODULE} = require("node:url").pathToFileURL(__filename).href;` : ''
    const guard = isEntry && fileName !== `${BUNDLED_TOO}.js` ? GUARD : ''
    const all = names.map(([name, as]) => (name === as ? name : `${as}: ${name}`)).join(', ')
    return { code: `${hashbang}"use strict";${guard}${url}${body}\nmodule.exports = { ${all} };\n`, map: null }
  },
}

/** `a as b, c` as `[['a', 'b'], ['c', 'c']]`. */
function pairs(list) {
  return list.split(', ').map((item) => {
    const [name, as = name] = item.split(' as ')
    return [name, as]
  })
}

/** The file that loads CommonJS for the ES modules beside it. */
export const LOADER = 'commonjs.js'

/**
 * Its code. It stands between an ES module and its CommonJS file for two reasons. Bundlers follow it, and their bundle gets the advice.
 * And Node.js 20 ends the process if a CommonJS file throws while it is imported, even if the error is caught.
 */
export function loader() {
  const moved = `typeof __filename === "undefined" || !__filename.endsWith("${LOADER}")`
  return `"use strict";\nmodule.exports = (name) => {\n  ${refusal(moved)}\n  return require(name);\n};`
}

/** The ES module beside an export, and its declarations, which are those of the CommonJS file. */
export function wrapper(name, names, declarations) {
  const hasDefault = names.includes('default')
  const list = names.filter((each) => each !== 'default').sort()
  const loaded = [`import load from "./${LOADER}";`, `const velo = load("./${name}.js");`]
  const code = name === BUNDLED_TOO ? [`import velo from "./${name}.js";`] : loaded
  if (list.length > 0) code.push(`export const { ${list.join(', ')} } = velo;`)
  if (hasDefault) code.push('export default velo.default;')
  const declared = [`export * from "${declarations}";`]
  // To an ES module the default export of a CommonJS file is everything that it exports.
  if (hasDefault) declared.push(`import velo from "${declarations}";`, 'declare const own: typeof velo.default;', 'export default own;')
  return { code: code.join('\n'), declared: declared.join('\n') }
}
