// `velo journal` and what `velo doctor` says of a journal: what is kept in a folder, as people and scripts read it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { streamFn } from 'velo-stream'
import { journal } from 'velo-stream/durable'
import { disk, permissions } from '../../target/js/cli/doctor/journal.js'
import { age } from '../../target/js/cli/journal/prune.js'
import { json, plain, size } from '../../target/js/cli/journal/shown.js'
import { table } from '../../target/js/cli/journal/table.js'
import { within } from '../support/within.mjs'
import { folder, values, velo } from './command.mjs'

const { path } = folder()
const bin = fileURLToPath(new URL('../../dist/velo.js', import.meta.url))

async function* sum(events, ctx) {
  let total = 0
  for await (const event of events) yield { total: (total += event), asked: await ctx.run('ask', () => new Map([['a', 1n]])) }
}

async function* summed(events, ctx) {
  for await (const event of events) yield (ctx.state.total += event)
}

/** A folder with a stream that comes back by replay, one that comes back from its state, one whose end is retained. */
async function filled() {
  const data = join(path, 'filled')
  const kept = journal(data, { retain: 3_600_000 })
  const orders = streamFn(sum, { name: 'orders', durable: kept })
  const stream = orders.open({ id: 'order-\u001b[2J42' })
  await stream.sendBatch([1, 2, 3])
  for (let left = 2; left > 0; left--) await stream.recv()
  await stream.ack()
  await stream.close()
  const ended = orders.open({ id: 'ended' })
  await ended.send(5)
  await ended.recv()
  ended.end()
  for await (const _ of ended);
  await ended.close()
  const meters = streamFn(summed, { name: 'meters', durable: kept, state: { initial: { total: 0 }, version: 3, every: 1 } })
  const meter = meters.open({ id: 'both' })
  await meter.sendBatch([1, 2, 3])
  for (let left = 3; left > 0; left--) await meter.recv()
  await meter.close()
  const other = orders.open({ id: 'both' })
  await other.send(1)
  await other.close()
  await kept.close()
  return data
}

const data = await within(20_000, filled())
/** A copy that a test may change. */
const copy = (name) => {
  const to = join(path, name)
  cpSync(data, to, { recursive: true })
  return to
}

/** The same with a byte turned round in each outcome of `ctx.run`, which its checksum tells. */
function damaged(name) {
  const to = copy(name)
  const file = join(to, 'journal.redb')
  const bytes = readFileSync(file)
  for (let at = bytes.indexOf('ask'); at >= 0; at = bytes.indexOf('ask', at + 1)) bytes[at] ^= 1
  writeFileSync(file, bytes)
  return to
}

test('ls: a table for people, lines of JSON for scripts', async () => {
  const { code, out, err } = await velo(['journal', 'ls', data])
  assert.deepEqual([code, err], [0, ''])
  const [head, ...rows] = out.trimEnd().split('\n')
  assert.match(head, /^ID +FUNCTION +EVENTS +RESULTS +SIZE +BACK BY +MADE$/)
  assert.equal(rows.length, 4)
  assert.match(out, /^order-\\u\{1b\}\[2J42 +orders +3 +2 +[\d.]+ k?B +replay +\d{4}-\d\d-\d\d \d\d:\d\d$/m)
  assert.match(out, /^both +meters +3 +\d +.* +state +/m)
  assert.match(out, /^ended +orders +2 +1 +.* +ended +/m)
  const lines = values((await velo(['journal', 'ls', data, '--json', '--function', 'orders'])).out)
  assert.deepEqual(lines.map(({ id, events, results, back }) => [id, events, results, back]).sort(), [
    ['both', 1, 0, 'replay'],
    ['ended', 2, 1, 'ended'],
    ['order-\u001b[2J42', 3, 2, 'replay'],
  ])
  assert.ok(lines.every(({ made, bytes }) => Date.parse(made) > 0 && bytes > 0))
})

test('show: one stream, by its id and where that is needed its function', async () => {
  const state = await velo(['journal', 'show', data, 'both', '--function', 'meters'])
  assert.equal(state.code, 0, state.err)
  assert.match(state.out, /^both\n {2}function {2}meters\n/)
  assert.match(state.out, /state of version 3, behind \d events and \d results:\n\s+\{ total: \d \}/)
  const asJson = JSON.parse((await velo(['journal', 'show', data, 'order-\u001b[2J42', '--json'])).out)
  assert.deepEqual(asJson.outcomes[0], { name: 'ask', turn: 0, value: [['a', '1']] })
  assert.match((await velo(['journal', 'show', data, 'ended'])).out, /end:\n\s+\{ reason: 'done', events: 2, results: 1/)
  for (const [args, message] of [
    [['nobody'], /there is no stream "nobody" in this folder/],
    [['both'], /several functions have a stream "both" \(meters, orders\): --function says which/],
    [['both', '--function', 'none'], /there is no stream "both"/],
  ]) {
    const { code, out, err } = await velo(['journal', 'show', data, ...args])
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
})

test('export: values as JSON, or bytes as they are kept', async () => {
  const lines = values((await velo(['journal', 'export', data])).out)
  assert.deepEqual(
    lines
      .filter(({ kind }) => kind === 'stream')
      .map(({ function: name, id }) => `${name} ${id}`)
      .sort(),
    ['meters both', 'orders both', 'orders ended', 'orders order-\u001b[2J42'],
  )
  const at = lines.findIndex(({ kind, id }) => kind === 'stream' && id === 'order-\u001b[2J42')
  const own = lines
    .slice(at + 1)
    .filter(({ kind }) => kind === 'event')
    .slice(0, 3)
  assert.deepEqual(
    own.map(({ index, value, end }) => [index, value, end]),
    [
      [0, 1, false],
      [1, 2, false],
      [2, 3, false],
    ],
  )
  assert.deepEqual(lines.find(({ kind }) => kind === 'over').value.reason, 'done')
  const raw = values((await velo(['journal', 'export', data, '--raw'])).out)
  assert.match(raw.find(({ kind }) => kind === 'event').value, /^[\w+/]+=*$/)
})

test('verify: exit code 1 where a record is damaged, which is named', async () => {
  const well = await velo(['journal', 'verify', data])
  assert.deepEqual([well.code, well.out, well.err], [0, '4 streams, nothing is damaged\n', ''])
  const to = damaged('damaged')
  const { code, out } = await velo(['journal', 'verify', to])
  assert.equal(code, 1, out)
  assert.match(out, /^orders "order-.*42": .*corrupt/m)
  assert.match(out, /\d damaged records?\n$/)
  const asJson = await velo(['journal', 'verify', to, '--json'])
  const { ok, streams, damage } = JSON.parse(asJson.out)
  assert.deepEqual([asJson.code, ok, streams], [1, false, 4])
  assert.ok(damage.length > 0)
  const exported = await velo(['journal', 'export', to])
  assert.equal(exported.code, 1)
  assert.ok(values(exported.out).some(({ kind }) => kind === 'damage'))
  const doctor = await velo(['doctor', '--durable', to, '--json'])
  assert.equal(doctor.code, 1)
  assert.match(JSON.parse(doctor.out).findings.find(({ name }) => name === 'records').says, /damaged, the first: orders/)
})

test('prune: says what goes, and removes what fits everything that is said', async () => {
  const to = copy('prune')
  for (const [args, message] of [
    [[], /which streams\?/],
    [['--ended'], /nobody can be asked here: --yes/],
    [['--older-than', '5', '--yes'], /--older-than: expected a number with s, m, h or d behind it, as 12h, got 5/],
    [['--id', 'nobody', '--yes'], /there is no stream "nobody"/],
  ]) {
    const { code, out, err } = await velo(['journal', 'prune', to, ...args])
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
  assert.equal((await velo(['journal', 'prune', to, '--ended', '--older-than', '1h', '--yes'])).out, '0 streams removed\n')
  assert.deepEqual(await velo(['journal', 'prune', to, '--ended', '--yes']), { code: 0, signal: null, out: '1 stream removed\n', err: '' })
  const two = await velo(['journal', 'prune', to, '--id', 'both', '--function', 'meters', '--yes', '--json'])
  assert.deepEqual(
    values(two.out).map(({ function: name, id }) => [name, id]),
    [['meters', 'both']],
  )
  const left = values((await velo(['journal', 'ls', to, '--json'])).out)
  assert.deepEqual(left.map(({ id }) => id).sort(), ['both', 'order-\u001b[2J42'])
  assert.equal((await velo(['journal', 'prune', to, '--older-than', '0s', '--yes'])).out, '2 streams removed\n')
  assert.equal((await velo(['journal', 'ls', to])).out, 'no streams\n')
})

if (process.platform === 'linux') {
  test('on a terminal it asks, and shows what fits', async () => {
    const to = copy('asked')
    const refused = await onTerminal(`stty cols 60; '${process.execPath}' '${bin}' journal prune '${to}' --ended; echo "code $?"`, 'n\r')
    assert.match(refused, /Remove 1 stream\? \[y\/N\]/)
    assert.match(refused, /nothing was removed[\s\S]*code 1/)
    const agreed = await onTerminal(`'${process.execPath}' '${bin}' journal prune '${to}' --ended; echo "code $?"`, 'y\r')
    assert.match(agreed, /1 stream removed\r\ncode 0/)
    const narrow = await onTerminal(`stty cols 40; '${process.execPath}' '${bin}' journal ls '${to}'`)
    assert.ok(
      narrow.split('\r\n').every((line) => line.length <= 40),
      narrow,
    )
    assert.match(narrow, /^both\r\n {2}FUNCTION {2}meters\r\n {2}EVENTS {4}3\r\n/m)
  })
}

/** What a terminal shows of a shell command; `typed` is typed when it asks. */
async function onTerminal(line, typed) {
  const env = { ...process.env, TERM: 'xterm', NO_COLOR: '1', FORCE_COLOR: undefined, NODE_OPTIONS: undefined }
  const child = spawn('script', ['-qec', line, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  after(() => child.kill('SIGKILL'))
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    shown += text
    if (typed !== undefined && shown.includes('[y/N] ')) {
      child.stdin.write(typed)
      typed = undefined
    }
  })
  const closed = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  await within(30_000, closed, line)
  return shown
}

test('a folder without a journal, or none at all, is not made by looking', async () => {
  const empty = join(path, 'empty')
  mkdirSync(empty)
  const none = join(path, 'none')
  for (const action of ['ls', 'verify', 'export']) {
    const one = await velo(['journal', action, empty])
    assert.deepEqual([one.code, one.out], [2, ''])
    assert.match(one.err, /empty: there is no journal in this folder\n$/)
    assert.match((await velo(['journal', action, none])).err, /none: no such folder/)
  }
  assert.equal(existsSync(none), false)
  assert.equal(existsSync(join(empty, 'journal.redb')), false)
})

test('the words of the command', async () => {
  const { code, out } = await velo(['journal', '--help'])
  assert.equal(code, 0)
  for (const action of ['ls', 'show', 'verify', 'export', 'prune']) assert.match(out, new RegExp(`^  journal ${action} <folder>`, 'm'))
  assert.doesNotMatch(out, /run <function>/)
  assert.match((await velo(['journal', 'prune', '--help'])).out, /--older-than <age>/)
  for (const [args, message] of [
    [['journal'], /there is no command 'journal'/],
    [['journal', 'list', data], /there is no command 'journal list'/],
    [['journal', 'ls'], /missing required args for command `journal ls <folder>`/],
    [['journal', 'show', data], /missing required args/],
    [['journal', 'ls', data, data], /Unused args/],
  ]) {
    const { code: refused, err } = await velo(args)
    assert.equal(refused, 2, err)
    assert.match(err, message)
  }
})

test('doctor: a journal that is well, one that others may read, one that is not there', async () => {
  const to = copy('doctor')
  chmodSync(to, 0o700)
  const findings = async (...args) => JSON.parse((await velo(['doctor', '--json', '--durable', ...args])).out).findings
  const well = await findings(to)
  const level = (found, name) => found.find((one) => one.name === name)?.level
  assert.deepEqual(
    ['journal', 'owner', 'records', 'permissions'].map((name) => level(well, name)),
    ['ok', 'ok', 'ok', 'ok'],
  )
  assert.match(well.find(({ name }) => name === 'journal').says, /^format 2, 4 streams, of which 1 have ended$/)
  assert.match(well.find(({ name }) => name === 'owner').says, /^none; process \d+ was the last one$/)
  assert.match(well.find(({ name }) => name === 'disk').says, /^\d+ MiB free$/)
  if (process.platform !== 'win32') {
    chmodSync(join(to, 'journal.redb'), 0o644)
    const open = (await findings(to)).find(({ name }) => name === 'permissions')
    assert.deepEqual([open.level, /journal\.redb is 644: others may use it$/.test(open.says)], ['warn', true])
  }
  const none = await velo(['doctor', '--durable', join(path, 'nowhere')])
  assert.equal(none.code, 1)
  assert.match(none.out, /^fail {2}journal +.*nowhere: no such folder$/m)
})

test('doctor: a folder that another process has', async () => {
  const to = copy('owned')
  const source = `import { EmbeddedJournal } from 'velo-stream/durable'
    const journal = new EmbeddedJournal(${JSON.stringify(to)})
    await journal.unfinished('f')
    process.stdout.write('ready')
    setInterval(() => {}, 1e9)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  after(() => child.kill('SIGKILL'))
  await within(20_000, new Promise((resolve) => child.stdout.once('data', resolve)))
  const { code, out } = await velo(['doctor', '--durable', to])
  assert.equal(code, 0, out)
  assert.match(out, new RegExp(`^ok {4}owner +process ${child.pid} has the folder, and is alive$`, 'm'))
  child.kill('SIGKILL')
})

test('findings of a disk and of files', () => {
  const MIB = 1024 * 1024
  assert.deepEqual(
    [disk(1), disk(100 * MIB), disk(1000 * MIB)].map(({ level }) => level),
    ['fail', 'warn', 'ok'],
  )
  assert.equal(permissions('d', []).level, 'ok')
  assert.match(
    permissions('d', [
      { name: 'd', mode: '755', least: '700' },
      { name: 'd/f', mode: '644', least: '600' },
    ]).says,
    /^d is 755: others may use it, and 1 more$/,
  )
})

test('values, sizes and ages in words', () => {
  assert.deepEqual([0, 999, 1500, 250_000, 3_200_000].map(size), ['0 B', '999 B', '1.5 kB', '250 kB', '3.2 MB'])
  assert.deepEqual(['90s', '15m', '12h', '7d'].map(age), [90_000, 900_000, 43_200_000, 604_800_000])
  for (const text of ['', '5', 'd', '-1d', '1.5h', '1w', '99999999999999999d']) assert.throws(() => age(text), /--older-than: expected/)
  const loop = { kind: 'event' }
  loop.value = loop
  for (const [value, text] of [
    [undefined, 'null'],
    [{ a: 1n, b: new Set([1]), c: new Map([['k', Number.NaN]]) }, '{"a":"1","b":[1],"c":[["k","NaN"]]}'],
    [new Uint8Array([1, 2]), '"AQI="'],
    [Buffer.from('ab'), '"YWI="'],
    [new RangeError('no'), '{"name":"RangeError","message":"no"}'],
  ])
    assert.equal(json(value), text)
  assert.match(json(loop), /^\{"kind":"event","value":".*Circular/)
  assert.equal(plain('a\u001b[2J\u202e\n'), 'a\\u{1b}[2J\\u{202e}\\u{a}')
  const columns = [{ name: 'A' }, { name: 'NUM', isNumber: true }]
  assert.equal(
    table(
      columns,
      [
        ['x', '1'],
        ['yyy', '22'],
      ],
      undefined,
    ),
    'A    NUM\nx      1\nyyy   22\n',
  )
  assert.equal(
    table(
      columns,
      [
        ['x', '1'],
        ['yyy', ''],
      ],
      5,
    ),
    'x\n  NUM  1\n\nyyy\n',
  )
})
