// Servers, connections and processes that fail: nothing is lost, and where results bear an id of their event, nothing is there twice.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { jetstreamManager } from '@nats-io/jetstream'
import { streamFn } from 'velo-stream'
import { natsSink, natsSource, publish } from 'velo-stream/nats'
import { child } from '../support/child.mjs'
import { leftover } from '../support/leftovers.mjs'
import { connection, describeNats, startNats } from '../support/nats-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { eventually, freshStream, freshStreams, isThrough, PATIENT, range, started, valuesOf, way } from './support.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))

const same = streamFn(async function* same(entries) {
  for await (const { sequence, value } of entries) yield { sequence, value }
})
const collecting = (into) =>
  streamFn(async function* collecting(events) {
    for await (const event of events) into.push(event)
  })
/** Each event is one result, whoever worked on it. */
const id = ({ sequence }) => `of-${sequence}`

/** What every process begins with. */
const PROGRAM = `
  import { jetstreamManager } from '@nats-io/jetstream'
  import { connect } from '@nats-io/transport-node'
  import { consume, streamFn } from 'velo-stream'
  import { natsSink, natsSource, publish } from 'velo-stream/nats'
  const [url, stream] = process.argv.slice(-2)
  const client = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20 })
  const stop = new AbortController()
`

describeNats('faults', (server) => {
  const fresh = freshStreams(server, 'faults', { out: true })

  for (const ack of ['each', 'all']) {
    test(`acknowledged ${ack}: a process that is killed, and killed again: nothing is lost, no result is there twice`, async () => {
      const { client, manager, stream } = await fresh()
      await publish(client, stream, range(400))
      const program = `${PROGRAM}
        const fn = streamFn(async function* fn(entries) {
          let left = 90
          for await (const { sequence, value } of entries) {
            if (--left === 0) process.kill(process.pid, 'SIGKILL')
            yield { sequence, value }
          }
        })
        const source = natsSource(client, { stream, consumer: 'c', entries: true, ack: '${ack}', ackWait: 500, batch: 30 })
        await consume(fn, { source, sink: natsSink(client, { subject: stream + '-out', id: ({ sequence }) => 'of-' + sequence }) })
      `
      for (let life = 0; life < 2; life++) {
        const { signal, stderr } = await child(program, { args: [server().url, stream], ms: PATIENT })
        assert.equal(signal, 'SIGKILL', stderr)
      }
      const { stop } = started(same, {
        source: natsSource(client, { stream, consumer: 'c', entries: true }),
        sink: natsSink(client, { subject: `${stream}-out`, id }),
      })
      await eventually(() => isThrough(manager, stream, 'c'))
      await stop()
      const values = await valuesOf(client, `${stream}-out`)
      assert.deepEqual(
        values.map(({ value }) => value).sort((a, b) => a - b),
        range(400),
      )
    })

    test(`acknowledged ${ack}: what was delivered over a connection that was cut is not taken for done`, async () => {
      const { client, manager, stream } = await fresh()
      const between = await way(server().url)
      const far = await connection(between.url)
      const seen = []
      const { stop } = started(collecting(seen), { source: natsSource(far, { stream, consumer: 'c', ack, ackWait: 1000, batch: 5 }) })
      await publish(client, stream, range(3))
      await eventually(() => seen.length === 3)
      await eventually(() => isThrough(manager, stream, 'c'))
      between.mute(true)
      await publish(client, stream, [3, 4, 5])
      await eventually(async () => (await manager.consumers.info(stream, 'c')).num_ack_pending === 3)
      between.mute(false)
      between.cut()
      await publish(client, stream, [6, 7, 8])
      await eventually(() => seen.includes(8))
      await eventually(() => isThrough(manager, stream, 'c'))
      await stop()
      assert.deepEqual([...new Set(seen)].sort(), range(9))
    })
  }

  test('what is in work is not delivered again, however long it takes', async () => {
    const { client, manager, stream } = await fresh()
    await publish(client, stream, [0])
    let release
    const held = new Promise((resolve) => {
      release = resolve
    })
    let given = 0
    const slow = streamFn(async function* slow(events) {
      for await (const _ of events) {
        given++
        await held
      }
    })
    const { stop } = started(slow, { source: natsSource(client, { stream, consumer: 'c', ackWait: 1200 }) })
    const [others, waits] = [[], performance.now()]
    await eventually(() => given === 1)
    const other = started(collecting(others), { source: natsSource(client, { stream, consumer: 'c' }) })
    // Twice the server would have delivered it again.
    await eventually(async () => (await client.flush()) === undefined && performance.now() - waits > 2600)
    assert.deepEqual([given, others], [1, []])
    release()
    await eventually(() => isThrough(manager, stream, 'c'))
    await stop()
    await other.stop()
    assert.deepEqual([given, others], [1, []])
  })

  test('a process that stands still for longer than AckWait: others take over, and what it says later does no harm', async () => {
    const { client, manager, stream } = await fresh()
    await publish(client, stream, range(5))
    const program = `${PROGRAM}
      process.stdin.on('end', () => process.exit()).resume()
      const fn = streamFn(async function* fn(entries) {
        for await (const { sequence, value } of entries) {
          if (value === 0) {
            console.log('in work')
            // Only this process is stopped meanwhile.
            await new Promise((resolve) => process.once('SIGUSR2', resolve))
          }
          yield { sequence, value }
        }
      })
      const source = natsSource(client, { stream, consumer: 'c', entries: true, ackWait: 300 })
      const sink = natsSink(client, { subject: stream + '-out', id: ({ sequence }) => 'of-' + sequence })
      setInterval(() => {}, 1000)
      const running = consume(fn, { source, sink, signal: stop.signal })
      process.once('SIGUSR2', () => stop.abort())
      console.log(JSON.stringify(await running))
      process.exit()
    `
    const args = ['--input-type=module', '--eval', program, '--', server().url, stream]
    const env = { ...process.env, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined }
    const other = spawn(process.execPath, args, { cwd: root, env, stdio: ['pipe', 'pipe', 'inherit'] })
    const gone = leftover(() => other.kill('SIGKILL'))
    const lines = createInterface(other.stdout)[Symbol.asyncIterator]()
    assert.equal((await within(PATIENT, lines.next(), 'the other process')).value, 'in work')
    other.kill('SIGSTOP')
    const { stop } = started(same, {
      source: natsSource(client, { stream, consumer: 'c', entries: true }),
      sink: natsSink(client, { subject: `${stream}-out`, id }),
    })
    await eventually(() => isThrough(manager, stream, 'c'))
    other.kill('SIGCONT')
    other.kill('SIGUSR2')
    const { received } = JSON.parse((await within(PATIENT, lines.next(), 'its numbers')).value)
    assert.ok(received >= 1)
    await stop()
    gone()
    const values = await valuesOf(client, `${stream}-out`)
    assert.deepEqual(
      values.map(({ value }) => value).sort((a, b) => a - b),
      range(5),
    )
    assert.ok(await isThrough(manager, stream, 'c'))
  })

  test('a consumer that is deleted while it is read is made again, and goes on with what is not done', async () => {
    const { client, manager, stream } = await fresh()
    await publish(client, stream, range(10))
    const seen = []
    const { stop } = started(collecting(seen), { source: natsSource(client, { stream, consumer: 'c', block: 500 }) })
    await eventually(() => isThrough(manager, stream, 'c'))
    await manager.consumers.delete(stream, 'c')
    await publish(client, stream, [10, 11])
    await eventually(() => seen.length >= 12)
    await eventually(() => isThrough(manager, stream, 'c'))
    await stop()
    assert.deepEqual(seen, range(12))
  })

  test('without a consumer: cut, and its own consumer deleted: every message once, in order', async () => {
    const { client, manager, stream } = await fresh()
    const between = await way(server().url)
    const far = await connection(between.url)
    const seen = []
    const { stop } = started(collecting(seen), { source: natsSource(far, { stream, from: 'all', block: 500, batch: 10 }) })
    for (let round = 0; round < 4; round++) {
      await publish(
        client,
        stream,
        range(25).map((i) => round * 25 + i),
      )
      await eventually(() => seen.length > round * 25)
      if (round === 1) for (const { name } of await manager.consumers.list(stream).next()) await manager.consumers.delete(stream, name)
      else between.cut()
    }
    await eventually(() => seen.length >= 100)
    await stop()
    assert.deepEqual(seen, range(100))
  })

  test('a message that kills the process goes aside, and its neighbors do not', async () => {
    const { client, stream } = await fresh()
    await publish(client, stream, range(15))
    await freshStream(client, `${stream}-dead`)
    const program = `${PROGRAM}
      const fn = streamFn(async function* fn(events) {
        for await (const event of events) {
          if (event === 6) process.kill(process.pid, 'SIGKILL')
          yield event
        }
      })
      const source = natsSource(client, { stream, consumer: 'c', ackWait: 700, maxDeliveries: 4, deadLetter: stream + '-dead' })
      const running = consume(fn, { source, sink: natsSink(client, { subject: stream + '-out' }), signal: stop.signal })
      const { consumers } = await jetstreamManager(client)
      const isThrough = ({ num_pending, num_ack_pending } = {}) => num_pending === 0 && num_ack_pending === 0
      while (!isThrough(await consumers.info(stream, 'c').catch(() => undefined))) await new Promise(setImmediate)
      stop.abort()
      await running
      await client.close()
    `
    let ended
    let lives = 0
    do {
      ended = await child(program, { args: [server().url, stream], ms: PATIENT })
      lives++
    } while (ended.signal === 'SIGKILL' && lives < 10)
    assert.equal(ended.code, 0, ended.stderr)
    // A machine that stands still for longer than AckWait counts for a kill.
    assert.ok(lives > 1 && lives <= 5, `${lives} lives`)
    assert.deepEqual(await valuesOf(client, `${stream}-dead`), [6])
    const done = await valuesOf(client, `${stream}-out`)
    assert.deepEqual(
      [...new Set(done)].sort((a, b) => a - b),
      range(15).filter((value) => value !== 6),
    )
  })

  test('the server is killed and started again: everything once, from publish to the sink', async () => {
    const own = await startNats()
    const near = await connection(own.url)
    const name = 'restart'
    await freshStream(near, name, { storage: 'file' })
    await freshStream(near, 'restart-out', { storage: 'file' })
    const { stop } = started(same, {
      source: natsSource(near, { stream: name, consumer: 'c', entries: true, ackWait: 1000, block: 500 }),
      sink: natsSink(near, { subject: 'restart-out', id }),
    })
    // A server that is away answers nothing.
    const streams = await jetstreamManager(near, { timeout: 250 })
    const stored = (isEnough) =>
      eventually(async () => {
        const info = await streams.streams.info('restart-out').catch(() => undefined)
        return info !== undefined && isEnough(info.state.messages)
      })
    let at = 0
    for (let round = 0; round < 3; round++) {
      const publishing = (async () => {
        for (let lot = 0; lot < 4; lot++, at += 100)
          await publish(
            near,
            name,
            range(100).map((i) => at + i),
          )
      })()
      await stored((count) => count > round * 400)
      await own.kill()
      await own.start()
      await within(PATIENT, publishing, 'publish')
    }
    await stored((count) => count >= 1200)
    await eventually(() => isThrough(streams, name, 'c'))
    await stop()
    const values = await valuesOf(near, 'restart-out')
    assert.deepEqual(
      values.map(({ value }) => value).sort((a, b) => a - b),
      range(1200),
    )
    await near.close()
  })
})

describeNats(
  'rights',
  (server) => {
    for (const ack of ['each', 'all'])
      test(`a user who may not acknowledge: consume rejects at once, and says what is denied (${ack})`, async () => {
        const stream = `denied-${ack}`
        const admin = await connection(server().url, { user: 'admin', pass: 'a' })
        await freshStream(admin, stream)
        await publish(admin, stream, range(5))
        const client = await connection(server().url, { user: 'reader', pass: 'r' })
        const seen = []
        const { running } = started(collecting(seen), { source: natsSource(client, { stream, consumer: 'c', ack }) })
        await within(
          PATIENT,
          assert.rejects(running, {
            code: 'VELO_ADAPTER',
            message: /acknowledgement of c: .*Permissions Violation for Publish to "\$JS\.ACK/i,
          }),
          'the error',
        )
        await client.close()
      })
  },
  {
    lines: `authorization { users: [
      { user: admin, password: a },
      { user: reader, password: r, permissions: { publish: { deny: ["$JS.ACK.>"] } } }
    ] }`,
  },
)

noUnhandledRejections('nats faults')
