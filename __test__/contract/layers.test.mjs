// Which room may know which (DESIGN section 3, ARCHITECTURE section 1). Read from the imports and the manifests themselves.

import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, test } from 'node:test'
import { files, rustCode, text } from '../support/sources.mjs'

const scripts = files(/^js\/.*\.ts$/)

/** Every import of a file: what it names, and whether it is gone after compilation. */
function importsOf(name) {
  const found = []
  const source = text(name).replace(/^\s*(\/\/|\*|\/\*).*$/gm, '')
  for (const [, type, target] of source.matchAll(/^(?:import|export)\s+(type\s)?[^'"\n]*?(?:\{[^}]*\}\s*)?from\s+'([^']+)'/gm)) {
    found.push({ target, type: type !== undefined })
  }
  for (const [, target] of source.matchAll(/^import\s+'([^']+)'/gm)) found.push({ target, type: false })
  for (const [, target] of source.matchAll(/\bimport\('([^']+)'\)/g)) found.push({ target, type: false })
  return found.map(({ target, type }) => ({
    type,
    target: target.startsWith('.') ? posix.join(posix.dirname(name), target).replace(/\.js$/, '.ts') : target,
  }))
}

const imports = new Map(scripts.map((name) => [name, importsOf(name)]))
const inside = (folder) => scripts.filter((name) => name.startsWith(folder))
const own = (name) => imports.get(name).filter(({ target }) => target.startsWith('js/'))

/** Public modules that import nothing but each other and the generated numbers: anybody may import them. */
const LEAVES = ['js/kit/errors.ts', 'js/api/options.ts', 'js/kit/types.ts']

/** What each room may load beside Node. `ws` and `fastify` are brought by the user. */
const LIBRARIES = { 'js/http/': ['@fastify/busboy', 'fastify-plugin'], 'js/server/': ['ws'], 'js/cli/': ['ws'] }
const TYPES = ['@standard-schema/spec', 'fastify']

/** Add-ons that are made of others. */
const MADE_OF = {
  'js/operators/': ['checks'],
  'js/http/': ['checks'],
  'js/websocket/': ['checks'],
  'js/server/': ['checks', 'http', 'websocket'],
  'js/cli/': ['http', 'server'],
}

describe('js', () => {
  test('the parser of this test sees the imports', () => {
    assert.ok(imports.get('js/api/stream-fn.ts').some(({ target, type }) => target === 'js/engine/modes/live.ts' && !type))
    assert.ok(imports.get('js/kit/types.ts').some(({ target, type }) => target === 'node:stream/web' && type))
    const counted = [...imports.values()].flat().length
    const lines = scripts.flatMap((name) => text(name).match(/ from '[^']+'$|^(?!\s*(?:\/\/|\*)).*\bimport\('[^']+'\)/gm) ?? []).length
    assert.equal(counted, lines)
  })

  test('every import leads to a file of js/', () => {
    for (const name of scripts) for (const { target } of own(name)) assert.ok(imports.has(target), `${name} imports ${target}`)
  })

  test('only the native loader touches the binding, and only the codec loads a library when it is needed', () => {
    const doors = /createRequire|\brequire\(|process\.dlopen|node:module|\.node['"`]/
    assert.deepEqual(
      scripts.filter((name) => doors.test(text(name))),
      ['js/engine/border/native.ts', 'js/workers/codec/shapes.ts'],
    )
  })

  test('the leaves import only each other and the generated numbers', () => {
    for (const name of LEAVES) {
      for (const { target } of own(name)) assert.ok([...LEAVES, 'js/engine/border/law.ts'].includes(target), `${name} imports ${target}`)
    }
    assert.deepEqual(imports.get('js/engine/border/law.ts'), [])
  })

  test('js/internal knows nothing above it but the leaves', () => {
    for (const name of inside('js/internal/')) {
      for (const { target } of own(name)) {
        assert.ok(target.startsWith('js/internal/') || LEAVES.includes(target), `${name} imports ${target}`)
      }
    }
  })

  test('nobody inside imports the root', () => {
    const addOn = /^js\/(?!internal\/|workers\/)[^/]+\//
    for (const name of scripts) {
      if (addOn.test(name)) continue
      for (const { target } of own(name)) assert.notEqual(target, 'js/index.ts', `${name} imports the root`)
    }
  })

  test('an add-on imports the root, its own files, and the entry points of the add-ons it is made of', () => {
    for (const name of scripts) {
      const [folder] = /^js\/(?!internal\/|workers\/)[^/]+\//.exec(name) ?? []
      if (folder === undefined) continue
      const entries = ['js/index.ts', ...(MADE_OF[folder] ?? []).map((other) => `js/${other}/index.ts`)]
      for (const { target } of own(name)) assert.ok(entries.includes(target) || target.startsWith(folder), `${name} imports ${target}`)
    }
  })

  test('nothing from outside is imported but Node, the types of Standard Schema, and the libraries of a room', () => {
    for (const name of scripts) {
      const [folder] = /^js\/[^/]+\//.exec(name) ?? []
      for (const { target, type } of imports.get(name)) {
        if (target.startsWith('js/') || target.startsWith('node:')) continue
        const allowed = type ? TYPES.includes(target) : LIBRARIES[folder]?.includes(target)
        assert.ok(allowed, `${name} imports ${target}`)
      }
    }
  })

  test('no imports go round in a circle', () => {
    // What is gone after compilation may: a class and the type of its owner name each other.
    const done = new Set()
    const visit = (name, path) => {
      assert.ok(!path.includes(name), [...path.slice(path.indexOf(name)), name].join(' -> '))
      if (done.has(name)) return
      for (const { target, type } of own(name)) if (!type) visit(target, [...path, name])
      done.add(name)
    }
    for (const name of scripts) visit(name, [])
  })
})

describe('crates', () => {
  /** Dependencies of a crate by section. */
  function manifest(crate) {
    const sections = { dependencies: [], 'dev-dependencies': [], 'build-dependencies': [] }
    let section
    for (const line of text(`crates/${crate}/Cargo.toml`).split('\n')) {
      const header = /^\[(.+)\]$/.exec(line.trim())
      if (header) section = Object.keys(sections).find((name) => header[1] === name || header[1].endsWith(`.${name}`))
      const entry = /^([\w-]+)(?:\.workspace)?\s*=/.exec(line)
      if (section !== undefined && entry && !header) sections[section].push(entry[1])
    }
    return sections
  }
  const sources = (crate) => files(new RegExp(`^crates/${crate}/src/.*\\.rs$`)).filter((name) => !name.endsWith('/tests.rs'))
  const uses = (name, crate) => new RegExp(`\\b${crate}(::|\\b.*;)`).test(rustCode(name))

  test('velo-core depends on crossbeam-channel alone, and on loom under cfg(loom)', () => {
    assert.deepEqual(manifest('velo-core').dependencies, ['crossbeam-channel', 'loom'])
  })

  test('velo-runtime depends on velo-core, tokio and serde', () => {
    assert.deepEqual(manifest('velo-runtime').dependencies.sort(), ['serde', 'tokio', 'velo-core'])
  })

  test('velo-node depends on the two others and napi', () => {
    const { dependencies, 'build-dependencies': build } = manifest('velo-node')
    for (const name of ['napi', 'napi-derive', 'velo-core', 'velo-runtime']) assert.ok(dependencies.includes(name), name)
    for (const name of dependencies) assert.match(name, /^(napi|napi-derive|serde|serde_json|velo-core|velo-runtime)$/)
    assert.deepEqual(build, ['napi-build'])
  })

  test('crossbeam is known to the channel of velo-core only, tokio to the timer of velo-runtime only', () => {
    const all = ['velo-core', 'velo-runtime', 'velo-node'].flatMap(sources)
    assert.deepEqual(
      all.filter((name) => uses(name, 'crossbeam_channel')),
      ['crates/velo-core/src/channel.rs'],
    )
    assert.deepEqual(
      all.filter((name) => uses(name, 'tokio')),
      ['crates/velo-runtime/src/timer.rs'],
    )
  })

  test('napi is known to velo-node only', () => {
    for (const name of [...sources('velo-core'), ...sources('velo-runtime')]) assert.doesNotMatch(rustCode(name), /\bnapi/, name)
  })

  test('velo-core has no clock, no thread and no I/O', () => {
    for (const name of sources('velo-core')) {
      assert.doesNotMatch(rustCode(name), /std::(time|thread|fs|io|net|env|process)\b|\b(Instant|SystemTime)\b/, name)
    }
  })

  test('velo-core and velo-runtime forbid unsafe code', () => {
    const forbids = /^#!\[forbid\(unsafe_code\)\]$/m
    for (const crate of ['velo-core', 'velo-runtime']) assert.match(text(`crates/${crate}/src/lib.rs`), forbids, crate)
  })
})
