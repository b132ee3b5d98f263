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

/** The inner rooms, each of which may import itself and those before it; the root comes after them. */
const INNER = ['js/kit', 'js/engine', 'js/workers', 'js/api', 'js/durable']

/** Add-ons, and those whose entry points each is made of beside the root. */
const ADD_ONS = {
  'js/client': [],
  'js/testing': [],
  'js/operators': [],
  'js/http': [],
  'js/websocket': [],
  'js/telemetry': [],
  'js/server': ['js/dashboard', 'js/http', 'js/telemetry', 'js/websocket'],
  'js/dashboard': ['js/http', 'js/telemetry'],
  'js/redis': [],
  'js/nats': [],
  'js/kafka': [],
  'js/cli': ['js/durable', 'js/http', 'js/server', 'js/redis', 'js/nats', 'js/kafka', 'js/telemetry'],
}

/** Folders of add-ons that keep and run durable streams elsewhere: they are made of the inner rooms. */
const KEEPERS = ['js/redis/session', 'js/redis/cluster', 'js/nats/session', 'js/nats/keyed', 'js/kafka/keyed']

/** What each room may load beside Node. `ws`, `fastify` and `@opentelemetry/api` are brought by the user. */
const LIBRARIES = {
  'js/kit': ['msgpackr'],
  'js/http': ['@fastify/busboy', '@streamparser/json/tokenizer.js', '@streamparser/json/utils/types/tokenType.js', 'fastify-plugin'],
  'js/server': ['ws'],
  'js/telemetry': ['@opentelemetry/api'],
  'js/dashboard': ['uplot'],
  'js/redis': ['msgpackr'],
  'js/nats': ['msgpackr'],
  'js/kafka': ['msgpackr'],
  'js/cli': ['ws', 'ioredis', 'iovalkey', 'redis', 'kafkajs'],
}
const TYPES = ['@opentelemetry/api', '@standard-schema/spec', 'fastify']

const roomOf = (name) => name.split('/').slice(0, 2).join('/')
const folderOf = (name) => posix.dirname(name)
const rooms = [...new Set(scripts.map(roomOf))].filter((room) => !room.endsWith('.ts'))
const folders = [...new Set(scripts.map(folderOf))].filter((folder) => folder !== 'js')

/** Groups of nodes that reach each other, of two and more; `edges` tells where each node leads. */
function circles(nodes, edges) {
  const reach = new Map(
    nodes.map((node) => {
      const seen = new Set()
      const open = [...edges(node)]
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (seen.has(next)) continue
        seen.add(next)
        open.push(...edges(next))
      }
      return [node, seen]
    }),
  )
  const together = (node) => nodes.filter((other) => reach.get(node).has(other) && reach.get(other).has(node))
  const groups = nodes.map(together).filter((group) => group.length > 1)
  return [...new Map(groups.map((group) => [group.join(' '), group])).values()]
}

describe('js', () => {
  test('the parser of this test sees the imports', () => {
    assert.ok(imports.get('js/api/stream-fn.ts').some(({ target, type }) => target === 'js/engine/modes/live.ts' && !type))
    assert.ok(imports.get('js/api/stream.ts').some(({ target, type }) => target === 'node:stream/web' && type))
    const counted = [...imports.values()].flat().length
    const lines = scripts.flatMap((name) => text(name).match(/ from '[^']+'$|^(?!\s*(?:\/\/|\*)).*\bimport\('[^']+'\)/gm) ?? []).length
    assert.equal(counted, lines)
  })

  test('this test knows every room', () => {
    assert.deepEqual(rooms.sort(), [...INNER, ...Object.keys(ADD_ONS)].sort())
  })

  test('every import leads to a file of js/', () => {
    for (const name of scripts) for (const { target } of own(name)) assert.ok(imports.has(target), `${name} imports ${target}`)
  })

  test('only two files load anything but by an import: the native loader and the one for late modules', () => {
    const doors = /createRequire|\brequire\(|process\.dlopen|node:module|\.node['"`]/
    assert.deepEqual(
      scripts.filter((name) => doors.test(text(name))),
      ['js/engine/border/binary.ts', 'js/kit/start/late.ts'],
    )
  })

  test('an inner room imports itself and the rooms before it', () => {
    for (const [place, room] of INNER.entries()) {
      const allowed = INNER.slice(0, place + 1)
      for (const name of inside(`${room}/`)) {
        for (const { target } of own(name)) assert.ok(allowed.includes(roomOf(target)), `${name} imports ${target}`)
      }
    }
    // Durable streams are no part of the root: whoever wants them brings them.
    for (const { target } of own('js/index.ts')) assert.ok(INNER.slice(0, -1).includes(roomOf(target)), `the root imports ${target}`)
  })

  test('an add-on imports the root, the kit, its own files, and the entry points of the add-ons it is made of', () => {
    for (const [room, others] of Object.entries(ADD_ONS)) {
      const entries = ['js/index.ts', ...others.map((other) => `${other}/index.ts`)]
      for (const name of inside(`${room}/`)) {
        for (const { target } of own(name)) {
          const isKeeper = KEEPERS.some((folder) => name.startsWith(`${folder}/`)) && INNER.includes(roomOf(target))
          assert.ok(isKeeper || entries.includes(target) || [room, 'js/kit'].includes(roomOf(target)), `${name} imports ${target}`)
        }
      }
    }
  })

  test('the client is made of itself and the kit, and nothing that it loads is known to Node.js only', () => {
    const reached = new Set(inside('js/client/'))
    for (const name of reached) {
      for (const { target, type } of imports.get(name)) {
        if (name.startsWith('js/client/') && target.startsWith('js/'))
          assert.ok(['js/client', 'js/kit'].includes(roomOf(target)), `${name} imports ${target}`)
        if (type) continue
        assert.ok(target.startsWith('js/'), `${name} loads ${target}`)
        reached.add(target)
      }
      const code = text(name).replace(/^\s*(\/\/|\*|\/\*).*$/gm, '')
      assert.doesNotMatch(code, /\b(Buffer|process|require|setImmediate|NodeJS|import\.meta)\b|\.unref\(/, name)
    }
    assert.ok(reached.has('js/kit/errors.ts'))
  })

  test('the page of the dashboard loads nothing but itself, what it is drawn by and what knows no Node, and nothing loads it', () => {
    const isOfPage = (name) => name.startsWith('js/dashboard/page/')
    for (const name of scripts) {
      for (const { target, type } of imports.get(name)) {
        if (isOfPage(name))
          assert.ok(type || isOfPage(target) || ['uplot', 'js/kit/sight/recent.ts'].includes(target), `${name} loads ${target}`)
        else assert.ok(!isOfPage(target) && target !== 'uplot', `${name} imports ${target}`)
      }
    }
  })

  test('nothing from outside is imported but Node, the types of Standard Schema, and the libraries of a room', () => {
    for (const name of scripts) {
      for (const { target, type } of imports.get(name)) {
        if (target.startsWith('js/') || target.startsWith('node:')) continue
        const allowed = type ? TYPES.includes(target) : LIBRARIES[roomOf(name)]?.includes(target)
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

  test('the folders of a folder, and the files beside them, import one way, types included', () => {
    const parents = [...new Set(folders.map(folderOf))].filter((folder) => folder !== 'js')
    for (const parent of parents) {
      const nodeOf = (name) => (folderOf(name) === parent ? name : `${parent}/${name.slice(parent.length + 1).split('/')[0]}`)
      const nodes = [...new Set(inside(`${parent}/`).map(nodeOf))]
      const edges = (node) => {
        const names = inside(`${parent}/`).filter((name) => nodeOf(name) === node)
        const targets = names.flatMap((name) => own(name).map(({ target }) => target)).filter((target) => target.startsWith(`${parent}/`))
        return [...new Set(targets.map(nodeOf))].filter((target) => target !== node)
      }
      // Files alone are of one folder, the parent itself.
      const across = circles(nodes, edges).filter((group) => group.some((node) => !node.endsWith('.ts')))
      assert.deepEqual(across, [], `${parent}: folders import each other`)
    }
  })

  test('inside a folder, no more than three files import each other, types included', () => {
    for (const folder of folders) {
      const names = scripts.filter((name) => folderOf(name) === folder)
      const edges = (name) =>
        own(name)
          .map(({ target }) => target)
          .filter((target) => folderOf(target) === folder)
      for (const group of circles(names, edges)) assert.ok(group.length <= 3, `a circle: ${group.join(', ')}`)
    }
  })

  test('one file of each folder begins by saying what the folder is, and what it knows nothing of', () => {
    for (const folder of folders) {
      const saying = scripts.filter((name) => folderOf(name) === folder && text(name).startsWith(`// ${folder}: `))
      assert.equal(saying.length, 1, `${folder}: ${saying.join(', ') || 'no file begins with its name'}`)
      const [head] = text(saying[0]).split(/\n(?!\/\/)/)
      assert.match(head, /\b[Kk]nows nothing of|only\b|\bOwns no /, `${saying[0]}: what does the folder know nothing of?`)
    }
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

  test('velo-journal depends on its store, checksums and crossbeam, and on nothing of ours', () => {
    assert.deepEqual(manifest('velo-journal').dependencies.sort(), ['crc32fast', 'crossbeam-channel', 'redb'])
  })

  test('velo-node depends on the three others and napi', () => {
    const { dependencies, 'build-dependencies': build } = manifest('velo-node')
    for (const name of ['napi', 'napi-derive', 'velo-core', 'velo-journal', 'velo-runtime']) assert.ok(dependencies.includes(name), name)
    for (const name of dependencies)
      assert.match(name, /^(napi|napi-derive|serde|serde_json|signal-hook|velo-core|velo-journal|velo-runtime)$/)
    assert.deepEqual(build, ['napi-build'])
  })

  test('crossbeam is known to the channel of velo-core and the writer of velo-journal only, tokio to the timer of velo-runtime only', () => {
    const all = ['velo-core', 'velo-runtime', 'velo-journal', 'velo-node'].flatMap(sources)
    assert.deepEqual(
      all.filter((name) => uses(name, 'crossbeam_channel')),
      ['crates/velo-core/src/channel.rs', 'crates/velo-journal/src/journal.rs', 'crates/velo-journal/src/writer.rs'],
    )
    assert.deepEqual(
      all.filter((name) => uses(name, 'tokio')),
      ['crates/velo-runtime/src/timer.rs'],
    )
  })

  test('napi is known to velo-node only', () => {
    for (const name of ['velo-core', 'velo-runtime', 'velo-journal'].flatMap(sources)) assert.doesNotMatch(rustCode(name), /\bnapi/, name)
  })

  test('velo-core has no clock, no thread and no I/O', () => {
    for (const name of sources('velo-core')) {
      assert.doesNotMatch(rustCode(name), /std::(time|thread|fs|io|net|env|process)\b|\b(Instant|SystemTime)\b/, name)
    }
  })

  test('every crate but velo-node forbids unsafe code', () => {
    const forbids = /^#!\[forbid\(unsafe_code\)\]$/m
    for (const crate of ['velo-core', 'velo-runtime', 'velo-journal']) assert.match(text(`crates/${crate}/src/lib.rs`), forbids, crate)
  })
})
