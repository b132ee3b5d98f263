// Every journal of ours keeps what journals promise, and the one in a folder what it says of its files.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { EmbeddedJournal } from 'velo-stream/durable'
import { output } from '../support/child.mjs'
import { within } from '../support/within.mjs'
import { bytes, conforms } from './conformance.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

const temp = mkdtempSync(join(tmpdir(), 'velo-journal-'))
const folders = [temp]
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
})
/** A user that owns nothing. */
const NOBODY = 65_534
let made = 0
const newFolder = () => join(temp, `j${made++}`, 'data')
const init = { at: 1, seed: 2 }
const key = (id) => ({ function: 'f', id })
const refusal = (pattern) => (error) => {
  assert.equal(error.code, 'VELO_CHECKPOINT')
  assert.match(error.message, pattern)
  return true
}

conforms('in memory', ({ maxBytes } = {}) => {
  const shelf = newShelf()
  return { open: () => new MemoryJournal({ shelf, maxBytes }) }
})

for (const sync of ['disk', 'process']) {
  conforms(`embedded, sync '${sync}'`, ({ maxBytes } = {}) => {
    const folder = newFolder()
    return { open: () => new EmbeddedJournal(folder, { sync, maxBytes }) }
  })
}

test('files are private to their user, and an unused journal touches no disk', async () => {
  const folder = newFolder()
  const journal = new EmbeddedJournal(folder)
  assert.throws(() => statSync(folder), { code: 'ENOENT' })
  await within(10_000, journal.open(key('a'), init))
  const names = readdirSync(folder)
  assert.deepEqual(names.sort(), ['journal.redb', 'lock'])
  if (process.platform !== 'win32') {
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const name of names) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
  await journal.close()
  assert.deepEqual(readdirSync(folder).sort(), ['journal.redb', 'lock'])
})

test('the same path twice is one journal, however it is spelled', async () => {
  const folder = newFolder()
  const [one, two] = [new EmbeddedJournal(folder), new EmbeddedJournal(join(folder, '..', 'data'))]
  const { own } = await within(10_000, one.open(key('a'), init))
  await two.append(own, 0, [{ at: 1, end: false, bytes: bytes('x') }])
  assert.equal((await one.unfinished('f')).length, 1)
  assert.throws(() => new EmbeddedJournal(folder, { sync: 'process' }), { code: 'VELO_CONFIG', field: 'journal(path, options).sync' })
  await two.close()
  await assert.rejects(one.append(own, 1, []), refusal(/closed/))
})

test('a link to a folder is that folder', { skip: process.platform === 'win32' && 'links need rights there' }, async () => {
  const folder = newFolder()
  mkdirSync(folder, { recursive: true })
  symlinkSync(folder, join(temp, 'link'))
  const [one, two] = [new EmbeddedJournal(folder), new EmbeddedJournal(join(temp, 'link'))]
  await within(10_000, one.open(key('a'), init))
  assert.equal((await within(10_000, two.unfinished('f'))).length, 1)
  await Promise.all([one.close(), two.close()])
})

test('several isolates share a journal; one that ends in the middle takes nothing along', async () => {
  const folder = newFolder()
  const journal = new EmbeddedJournal(folder)
  await within(10_000, journal.open(key('main'), init))
  const source = `import { parentPort, workerData } from 'node:worker_threads'
    const { EmbeddedJournal } = await import(workerData.entry)
    const journal = new EmbeddedJournal(workerData.folder)
    const { own } = await journal.open({ function: 'f', id: workerData.id }, { at: 1, seed: 2 })
    for (let i = 0; ; i++) {
      await journal.append(own, i, [{ at: i, end: false, bytes: new Uint8Array(100) }])
      parentPort.postMessage(i + 1)
    }`
  const workerData = { folder, entry: import.meta.resolve('velo-stream/durable') }
  const acked = new Map()
  const workers = ['w1', 'w2', 'w3'].map((id) => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { ...workerData, id } })
    worker.on('message', (count) => acked.set(id, count))
    return worker
  })
  for (const worker of workers) for (let i = 0; i < 20; i++) await within(20_000, once(worker, 'message'))
  await Promise.all(workers.map((worker) => worker.terminate()))
  const kept = await within(10_000, journal.unfinished('f'))
  assert.deepEqual(kept.map(({ id }) => id).sort(), ['main', 'w1', 'w2', 'w3'])
  for (const { id, events } of kept) assert.ok(events >= (acked.get(id) ?? 0), `${id}: ${events} of ${acked.get(id)}`)
  await journal.close()
})

test('a second process is told whose folder it is, and has it when that one is killed', async () => {
  const folder = newFolder()
  const script = `import { EmbeddedJournal } from 'velo-stream/durable'
    const journal = new EmbeddedJournal(${JSON.stringify(folder)})
    const { own } = await journal.open({ function: 'f', id: 'a' }, { at: 1, seed: 2 })
    await journal.append(own, 0, [{ at: 1, end: false, bytes: new Uint8Array(8) }])
    process.stdout.write('ready')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await within(20_000, once(child.stdout, 'data'))
  const journal = new EmbeddedJournal(folder)
  await assert.rejects(within(10_000, journal.open(key('b'), init)), refusal(new RegExp(`in use by process ${child.pid}\\b`)))
  child.kill('SIGKILL')
  await within(10_000, once(child, 'exit'))
  assert.equal((await within(10_000, journal.open(key('a'), init))).events, 1)
  await journal.close()
})

test('an idle journal does not keep the process alive, a command under way does', async () => {
  const script = `import { EmbeddedJournal } from 'velo-stream/durable'
    const journal = new EmbeddedJournal(${JSON.stringify(newFolder())})
    journal.open({ function: 'f', id: 'a' }, { at: 1, seed: 2 }).then(({ isNew }) => process.stdout.write('kept ' + isNew))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  const [code] = await within(20_000, once(child, 'close'))
  assert.deepEqual([code, said], [0, 'kept true'])
})

test('what stands in the way of a folder is told', async () => {
  const folder = newFolder()
  mkdirSync(join(folder, '..'))
  writeFileSync(folder, 'a file')
  const blocked = new EmbeddedJournal(folder)
  await assert.rejects(within(10_000, blocked.open(key('a'), init)), refusal(/data: cannot (make the folder|take the lock)/))
  await blocked.close()
  const damaged = newFolder()
  mkdirSync(damaged, { recursive: true })
  writeFileSync(join(damaged, 'journal.redb'), 'no store at all, but long enough to look at'.repeat(1000))
  const journal = new EmbeddedJournal(damaged)
  await assert.rejects(within(10_000, journal.open(key('a'), init)), refusal(/journal\.redb/))
  await journal.close()
})

if (process.platform !== 'win32') {
  test('a folder that may not be written is told, and used when it may', async () => {
    // Root may write everywhere: a process that was root is somebody else before it opens the folder.
    const parent = mkdtempSync(join(tmpdir(), 'velo-denied-'))
    folders.push(parent)
    chmodSync(parent, 0o755)
    const folder = join(parent, 'data')
    mkdirSync(folder, { mode: 0o500 })
    const isRoot = process.getuid() === 0
    if (isRoot) chownSync(folder, NOBODY, NOBODY)
    const script = `import { chmodSync } from 'node:fs'
      import { EmbeddedJournal } from 'velo-stream/durable'
      const folder = ${JSON.stringify(folder)}
      const key = { function: 'f', id: 'a' }
      const journal = new EmbeddedJournal(folder)
      journal.metrics // the binary is loaded as whoever may read it
      if (${isRoot}) {
        process.setgid(${NOBODY})
        process.setuid(${NOBODY})
      }
      const refused = await journal.open(key, { at: 1, seed: 2 }).catch((error) => error)
      chmodSync(folder, 0o700)
      const { isNew } = await journal.open(key, { at: 1, seed: 2 })
      await journal.close()
      console.log(JSON.stringify({ code: refused.code, message: refused.message, isNew, uid: process.getuid() }))`
    const { code, message, isNew, uid } = JSON.parse(await output(script))
    assert.equal(code, 'VELO_CHECKPOINT')
    assert.match(message, /data: cannot take the lock: .*denied.*: the folder must be writable$/)
    assert.deepEqual([isNew, uid !== 0], [true, true])
  })
}

test('options and ids are checked', async () => {
  const folder = newFolder()
  assert.throws(() => new EmbeddedJournal(''), { code: 'VELO_CONFIG' })
  assert.throws(() => new EmbeddedJournal(folder, { sync: 'never' }), { code: 'VELO_CONFIG', field: 'journal(path, options).sync' })
  assert.throws(() => new EmbeddedJournal(folder, { maxBytes: 0 }), { code: 'VELO_CONFIG', field: 'journal(path, options).maxBytes' })
  assert.throws(() => new EmbeddedJournal(folder, { syncs: 'disk' }), { code: 'VELO_CONFIG' })
  const journal = new EmbeddedJournal(folder, { maxBytes: Number.POSITIVE_INFINITY })
  await assert.rejects(journal.open(key('\ud800'), init), refusal(/well-formed/))
  await assert.rejects(journal.open(key('x'.repeat(70_000)), init), refusal(/at most/))
  const { own } = await journal.open(key('a'), init)
  for (const from of [-1, 0.5, Number.NaN]) await assert.rejects(journal.append(own, from, []), { code: 'VELO_CONFIG' })
  assert.ok(journal.metrics.commits > 0 && journal.metrics.streams === 1 && journal.metrics.syncs > 0)
  await journal.close()
})
