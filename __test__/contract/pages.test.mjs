// What the pages of docs/ say in tables is what the code says: names, defaults and ranges of options, members of what is exported, numbers of the metrics.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { rowsBelow } from '../support/pages.mjs'
import { files, text } from '../support/sources.mjs'

async function* nothing() {}

const plain = (cell) => cell.replaceAll('`', '')

/** What is wrong with `options`, as the message has it: the field, what was expected. */
function complaint(call, options) {
  try {
    call(options)
  } catch (error) {
    return /[:,] expected (.*), got /.exec(error.message)[1]
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(options)} was taken` })
}

/** The one file of js/ with this text. */
function sourceWith(words) {
  const found = files(/^js\/.*\.ts$/).filter((name) => text(name).includes(words))
  assert.equal(found.length, 1, `${words}: ${found}`)
  return text(found[0])
}

/** The members of an interface, each with its doc comment. */
function membersOf(source, name) {
  const [, body] = new RegExp(`export interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)
  return new Map([...body.matchAll(/\/\*\*([\s\S]*?)\*\/\s+(?:readonly )?(\w+)\??:/g)].map(([, comment, member]) => [member, comment]))
}

const defined = (options) => streamFn(nothing, options)
const configured = (workers) => runtime.configure({ workers })
const listOf = (words) => /^one of (.*)$/.exec(words)[1].split(', ')

test('docs/options.md lists every option of a stream function once, and no other', () => {
  const [, ...rows] = rowsBelow('docs/options.md', 'Of a stream function')
  const listed = rows.map(([name]) => plain(name))
  assert.deepEqual(listed.sort(), listOf(complaint(defined, { nope: 1 })).sort())
  assert.deepEqual(listed, [...membersOf(sourceWith('export interface StreamOptions'), 'StreamOptions').keys()].sort())
})

test('docs/options.md says what each option takes in the words of its error', () => {
  const [, ...rows] = rowsBelow('docs/options.md', 'Of a stream function')
  for (const [name, , takes] of rows) assert.equal(plain(takes), complaint(defined, { [plain(name)]: Symbol('wrong') }), name)
})

test('docs/options.md says the defaults that hold', () => {
  const source = sourceWith('export interface StreamOptions')
  const [, body] = /export function defaults\(.*?return \{\n(.*?)\n {2}\}/s.exec(source)
  const held = new Map([...body.matchAll(/^ +(\w+)(?:: (.*))?,$/gm)].map(([, name, value]) => [name, value?.replaceAll('_', '')]))
  const [, idle] = /LIVE_IDLE_TIMEOUT = ([\d_]+)/.exec(sourceWith('export const LIVE_IDLE_TIMEOUT'))
  const [, ...rows] = rowsBelow('docs/options.md', 'Of a stream function')
  assert.equal(rows.length, held.size)
  for (const [cell, said] of rows) {
    const name = plain(cell)
    if (name === 'name') assert.equal(said, 'name of the generator function, or `stream`')
    else if (name === 'idleTimeout') assert.equal(said, `${idle.replaceAll('_', '')} for live streams, none for pulled sources`)
    else assert.equal(plain(said), held.get(name) === 'undefined' ? 'none' : held.get(name), name)
  }
  assert.equal(defined({}).name, 'nothing')
  assert.equal(streamFn(async function* () {}).name, 'stream')
})

test('docs/options.md names the options of every call, and no others', () => {
  const cells = [...rowsBelow('docs/options.md', 'Of a call'), ...rowsBelow('docs/options.md', 'Of the process')]
  const said = (call) => {
    const [, options] = cells.find(([name]) => name.includes(call))
    return [...options.matchAll(/`(\w+)`/g)]
      .map(([, name]) => name)
      .filter((name) => /^(?:signal|headers|id|timeout|maxConcurrent|maxBufferedBytes|workers|log|stuckAfter|redact|deadline)$/.test(name))
  }
  assert.deepEqual(said('fn.open').sort(), listOf(complaint((options) => defined({}).open(options), { nope: 1 })).sort())
  assert.deepEqual(said('runtime.configure').sort(), listOf(complaint(runtime.configure, { nope: 1 })).sort())
  assert.deepEqual(said('runtime.drain').sort(), listOf(complaint(runtime.drain, { nope: 1 })).sort())
  assert.deepEqual(said('stream.recv'), [...membersOf(sourceWith('export interface RecvOptions'), 'RecvOptions').keys(), 'signal'].sort())
})

test('docs/workers.md lists every option of worker threads, with the defaults of the types', () => {
  const [, ...rows] = rowsBelow('docs/workers.md', 'Threads')
  assert.deepEqual(rows.map(([name]) => plain(name)).sort(), listOf(complaint(configured, { nope: 1 })).sort())
  const members = membersOf(sourceWith('export interface WorkersOptions'), 'WorkersOptions')
  for (const [name, said] of rows) {
    const [, held] = /Default:? (?:the |a )?(.*?)(?: of the machine)?(?:\.\s*$| = off|\.$)/s.exec(members.get(plain(name)).trim()) ?? []
    const words = (all) => plain(all).replace(/^(the|a) | of the machine/g, '')
    assert.equal(words(said), words(held), name)
  }
})

test('docs/workers.md names every codec', () => {
  const [, ...rows] = rowsBelow('docs/workers.md', 'How values travel')
  const said = rows.map(([codec]) => plain(codec))
  const last = said.pop()
  assert.equal(`${said.join(', ')} or ${last}`, complaint(defined, { codec: 1 }))
})

/** The names in the first column: `a`, `b` and `fn.run(source)`. */
const named = (rows) => rows.flatMap(([cell]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name))

test('docs/streams.md has a line for every member of a stream function, a stream and the runtime', async () => {
  const own = (object) => Object.getOwnPropertyNames(object).filter((name) => name !== 'length' && name !== 'prototype')
  const members = (heading, prefix) =>
    named(rowsBelow('docs/streams.md', heading)).flatMap((name) => {
      const [, member] = new RegExp(`^${prefix}(\\w+)`).exec(name) ?? []
      return member === undefined ? [] : [member]
    })
  const fn = defined({})
  assert.deepEqual([...new Set(members('Stream functions', 'fn\\.'))].sort(), own(fn).sort())
  const stream = fn.open()
  const inherited = own(Object.getPrototypeOf(stream)).filter((name) => name !== 'constructor')
  assert.deepEqual(
    members('Streams', '')
      .filter((name) => name !== 'for')
      .sort(),
    inherited.sort(),
  )
  assert.deepEqual(members('The process', 'runtime\\.').sort(), Object.keys(runtime).sort())
  await stream.close()
})

test('docs/metrics.md has a line for every number of a function, the process and a stream', async () => {
  const fn = defined({ name: 'measured' })
  const stream = fn.open()
  const [, ...ofFunctions] = rowsBelow('docs/metrics.md', 'Of a function and of the process')
  const names = new Set([...Object.keys(fn.metrics), ...Object.keys(runtime.snapshot())])
  assert.deepEqual(ofFunctions.flatMap(([cell]) => named([[cell]])).sort(), [...names].sort())
  const [, ...ofStreams] = rowsBelow('docs/metrics.md', 'Of a stream')
  const members = membersOf(sourceWith('export interface StreamMetrics'), 'StreamMetrics')
  assert.deepEqual(named(ofStreams).sort(), [...new Set([...members.keys(), ...Object.keys(stream.metrics)])].sort())
  await stream.close()
})
