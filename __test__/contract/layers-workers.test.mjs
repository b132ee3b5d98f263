// Which folder of js/workers may know which: codec <- wire <- caller, thread. The types count too, so what is gone after compilation is no way around.

import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, test } from 'node:test'
import { files, text } from '../support/sources.mjs'

const ROOM = 'js/workers/'

/** What the files of each folder may import beside each other, and the one that says what the folder is. */
const MAY_IMPORT = {
  options: { from: ['js/kit/'] },
  codec: { from: ['js/kit/'], central: 'codec.ts' },
  wire: { from: ['js/workers/codec/', 'js/engine/border/', 'js/kit/'], central: 'protocol.ts' },
  thread: { from: ['js/workers/wire/', 'js/workers/codec/', 'js/engine/', 'js/kit/'], central: 'entry.ts' },
  caller: { from: ['js/workers/options.ts', 'js/workers/wire/', 'js/workers/codec/', 'js/engine/', 'js/kit/'], central: 'placement.ts' },
}

const scripts = files(/^js\/workers\/.*\.ts$/)
const folderOf = (name) => name.slice(ROOM.length).split(/[/.]/)[0]

/** Our own files that `name` imports, by whatever means. */
function importsOf(name) {
  const targets = text(name).matchAll(/(?:\bfrom|^import|\bimport\()\s*'(\.[^']+)'/gm)
  return Array.from(targets, ([, target]) => posix.join(posix.dirname(name), target).replace(/\.js$/, '.ts'))
}

const imports = new Map(scripts.map((name) => [name, importsOf(name)]))

describe('js/workers', () => {
  test('the parser of this test sees the imports', () => {
    assert.ok(imports.get('js/workers/caller/placement.ts').includes('js/workers/caller/remotes.ts'))
    const counted = [...imports.values()].flat().length
    const lines = scripts.flatMap((name) => text(name).match(/ from '\.[^']+'$|\bimport\('\.[^']+'\)/gm) ?? []).length
    assert.equal(counted, lines)
  })

  test('every file is in a folder of the table, and every folder of the table has files', () => {
    assert.deepEqual([...new Set(scripts.map(folderOf))].sort(), Object.keys(MAY_IMPORT).sort())
  })

  test('the folders know each other in one direction: codec <- wire <- caller, thread', () => {
    for (const [name, targets] of imports) {
      const folder = folderOf(name)
      for (const target of targets) {
        const allowed = target.startsWith(`${ROOM}${folder}/`) || MAY_IMPORT[folder].from.some((one) => target.startsWith(one))
        assert.ok(allowed, `${name} imports ${target}`)
      }
    }
  })

  test('the caller knows of the thread no more than the address of its entry', () => {
    const told = scripts.filter((name) => /'[^']*\bthread\//.test(text(name)))
    assert.deepEqual(told, ['js/workers/caller/worker-thread.ts'])
    assert.deepEqual(text(told[0]).match(/'[^']*\bthread\/[^']*'/g), ["'../thread/entry.js'"])
  })

  test('no imports go round in a circle', () => {
    const done = new Set()
    const visit = (name, path) => {
      assert.ok(!path.includes(name), [...path.slice(path.indexOf(name)), name].join(' -> '))
      if (done.has(name)) return
      for (const target of imports.get(name) ?? []) visit(target, [...path, name])
      done.add(name)
    }
    for (const name of scripts) visit(name, [])
  })

  test('the central file of each folder says what the folder owns and knows nothing of', () => {
    for (const [folder, { central }] of Object.entries(MAY_IMPORT)) {
      if (central === undefined) continue
      const [head] = text(`${ROOM}${folder}/${central}`).split(/\n(?!\/\/)/)
      assert.match(head, /\bOwns\b/, `${folder}/${central}`)
      assert.match(head, /\b[Kk]nows nothing of\b/, `${folder}/${central}`)
    }
  })
})
