// Devices send readings over NATS, for as long as they live. Each has a session in whichever process has its partition; its state is in the stream, so a worker that is killed
// is nothing that a device would notice: another one goes on at the next reading. Whoever needs an answer asks, as a gateway does.
//
// Needs a server with JetStream from 2.12 on: nats-server -js, and NATS_URL where it is not on this machine.
//
// expect: boiler: 12 readings, 60.0 to 82.0 degrees
// expect: freezer: 12 readings, -18.0 to 4.0 degrees
// expect: office: 12 readings, 20.0 to 42.0 degrees
// expect: a worker was killed on the way: true

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect } from '@nats-io/transport-node'
import { streamFn } from 'velo-stream'
import { natsSessions } from 'velo-stream/nats'

const device = streamFn(
  async function* device(readings, ctx) {
    for await (const { celsius } of readings) {
      const state = ctx.state
      state.count++
      state.low = Math.min(state.low, celsius)
      state.high = Math.max(state.high, celsius)
      yield { device: ctx.id, ...state }
    }
  },
  { state: { initial: () => ({ count: 0, low: 1000, high: -1000 }), version: 1 } },
)

const client = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })
const devices = natsSessions(client, { stream: 'devices', fn: device, partitions: 4, lease: 1000 })

if (process.argv[2] === 'worker') {
  process.on('disconnect', () => process.exit())
  await devices.work()
  process.send('ready')
} else {
  const worker = async () => {
    const child = fork(fileURLToPath(import.meta.url), ['worker'])
    await once(child, 'message')
    return child
  }
  const workers = [await worker(), await worker()]

  // What the devices send: any program may, with a message to devices.event.<key>.
  const starts = { boiler: 60, freezer: -18, office: 20 }
  for (let at = 0; at < 11; at++) {
    for (const [name, celsius] of Object.entries(starts)) await devices.send(name, { celsius: celsius + 2 * at })
    if (at === 5) workers[0].kill('SIGKILL')
  }

  // The last reading of each, with its answer.
  for (const [name, celsius] of Object.entries(starts)) {
    const [{ count, low, high }] = await devices.ask(name, { celsius: celsius + 22 }, { timeout: 60_000 })
    console.log(`${name}: ${count} readings, ${low.toFixed(1)} to ${high.toFixed(1)} degrees`)
  }
  console.log(`a worker was killed on the way: ${workers[0].killed}`)
  workers[1].kill()
  await devices.stop()
  await client.close()
}
