// Sensors send bursts of temperatures over NATS, all mixed. Each device has a session of its own, from its first reading to the one that ends its burst; its report goes into
// another stream. A reading is acknowledged when its session is through with it: kill this in the middle, start it again, and no report is missing or there twice.
//
// Needs a server with JetStream: nats-server -js, and NATS_URL where it is not on this machine.
//
// expect: boiler: 3 readings, 71.0 to 93.5 degrees, too hot
// expect: freezer: 4 readings, -19.0 to -17.5 degrees
// expect: office: 2 readings, 20.5 to 21.0 degrees

import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { consume } from 'velo-stream'
import { natsSink, natsSource, publish } from 'velo-stream/nats'
import { keyed } from 'velo-stream/operators'

const client = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })
const { streams } = await jetstreamManager(client)
await streams.add({ name: 'readings', subjects: ['readings.*'] })
await streams.add({ name: 'reports', subjects: ['reports.*'] })

// Local variables are the state of a device.
async function* session(readings) {
  let [count, low, high, first] = [0, Infinity, -Infinity, 0]
  for await (const { sequence, value } of readings) {
    first ||= sequence
    count++
    low = Math.min(low, value.celsius)
    high = Math.max(high, value.celsius)
  }
  yield { first, count, low, high, isHot: high > 90 }
}

const sessions = keyed(session, {
  by: ({ subject }) => subject.split('.')[1],
  until: ({ value }) => value.isLast === true,
  idleTimeout: 60_000,
  maxKeys: 10_000,
})

// What the devices send.
const bursts = { boiler: [71, 88, 93.5], freezer: [-18, -17.5, -19, -18], office: [20.5, 21] }
for (let at = 0; at < 4; at++) {
  for (const [device, burst] of Object.entries(bursts))
    if (at < burst.length) await publish(client, `readings.${device}`, { celsius: burst[at], isLast: at === burst.length - 1 })
}

const stop = new AbortController()
const working = consume(sessions, {
  source: natsSource(client, { stream: 'readings', consumer: 'reporter', entries: true }),
  // A report of the same burst has the same id, so it is stored once.
  sink: natsSink(client, { subject: ({ key }) => `reports.${key}`, id: ({ key, value }) => `${key}-${value.first}` }),
  signal: stop.signal,
})

const lines = []
for await (const { key, value } of natsSource(client, { stream: 'reports', from: 'all' })) {
  const { count, low, high, isHot } = value
  lines.push(`${key}: ${count} readings, ${low.toFixed(1)} to ${high.toFixed(1)} degrees${isHot ? ', too hot' : ''}`)
  if (lines.length === 3) break
}
stop.abort()
await working
console.log(lines.sort().join('\n'))
await client.close()
