// A cluster of three servers of Redis or Valkey for tests, each with a third of the slots, and what moves a slot between them. Owns no single server (redis-servers.mjs).

import { Redis } from 'ioredis'
import { slotOf } from '../../target/js/redis/session/clients/slot.js'
import { freePort } from './free-port.mjs'
import { leftover } from './leftovers.mjs'
import { startServer } from './redis-servers.mjs'
import { within } from './within.mjs'

const SLOTS = 16_384

/** `bus`: a free port, by which the servers speak with each other. */
const clusterArgs = (bus) => [
  '--cluster-enabled',
  'yes',
  '--cluster-config-file',
  'nodes.conf',
  '--cluster-node-timeout',
  '60000',
  '--cluster-port',
  `${bus}`,
]

/** Asks again and again, so it needs no timer. */
async function until(check, what) {
  const looks = async () => {
    while (!(await check())) await new Promise(setImmediate)
  }
  await within(60_000, looks(), what)
}

function connect(port) {
  const node = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null })
  node.on('error', () => {})
  leftover(() => node.disconnect())
  return node
}

/** `startCluster(kind)`: three servers that know each other. `servers`, `nodes` (a client of each), `ports`, `moveSlot`, `replaced`. */
export async function startCluster(kind) {
  const busses = await Promise.all([0, 1, 2].map(() => freePort()))
  const servers = await Promise.all(busses.map((bus) => startServer(kind, { args: clusterArgs(bus) })))
  const nodes = servers.map(({ port }) => connect(port))
  const ids = await Promise.all(nodes.map((node) => node.call('CLUSTER', 'MYID')))
  for (const [at, node] of nodes.entries()) {
    await node.call('CLUSTER', 'ADDSLOTSRANGE', Math.ceil((at * SLOTS) / 3), Math.ceil(((at + 1) * SLOTS) / 3) - 1)
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)
  }
  for (const at of [1, 2]) await nodes[0].call('CLUSTER', 'MEET', '127.0.0.1', servers[at].port, busses[at])
  const isWhole = async () => {
    const infos = await Promise.all(nodes.map((node) => node.call('CLUSTER', 'INFO')))
    return infos.every((info) => /cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info))
  }
  await until(isWhole, 'the servers know each other')

  /** Which of the servers has a slot. */
  async function ownerOf(slot) {
    const told = await nodes[0].call('CLUSTER', 'SLOTS')
    const [, , [, , id]] = told.find(([from, to]) => from <= slot && slot <= to)
    return ids.indexOf(String(id))
  }

  return {
    servers,
    nodes,
    ports: servers.map(({ port }) => port),
    slotOf,
    ownerOf,
    until,
    /** Kills a server after a replica of it has everything, which takes its place. */
    async replaced(at) {
      const bus = await freePort()
      const replica = await startServer(kind, { args: clusterArgs(bus) })
      const node = connect(replica.port)
      await node.call('CLUSTER', 'MEET', '127.0.0.1', servers[(at + 1) % 3].port, busses[(at + 1) % 3])
      await until(async () => (await node.call('CLUSTER', 'NODES')).includes(ids[at]), 'the replica knows its master')
      await until(
        () =>
          node.call('CLUSTER', 'REPLICATE', ids[at]).then(
            () => true,
            () => false,
          ),
        'the replica has a master',
      )
      await until(async () => /master_link_status:up/.test(await node.info('replication')), 'the replica follows')
      await until(async () => (await nodes[at].call('WAIT', 1, 1000)) === 1, 'the replica has everything')
      await servers[at].kill()
      await node.call('CLUSTER', 'FAILOVER', 'TAKEOVER')
      await until(
        async () => (await nodes[(at + 1) % 3].call('CLUSTER', 'SLOTS')).every(([, , [, port]]) => port !== servers[at].port),
        'the others know',
      )
    },
    /** Moves the slot of a key to another server, key by key, as an operator does. `during` runs when half of the keys are there. */
    async moveSlot(key, during = async () => {}) {
      const slot = slotOf(key)
      const from = await ownerOf(slot)
      const to = (from + 1) % 3
      await nodes[to].call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from])
      await nodes[from].call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to])
      let isHalf = false
      for (;;) {
        const [first] = await nodes[from].call('CLUSTER', 'GETKEYSINSLOT', slot, 1)
        if (first === undefined) break
        await nodes[from].call('MIGRATE', '127.0.0.1', servers[to].port, first, 0, 5000)
        if (!isHalf) await during()
        isHalf = true
      }
      for (const at of [to, from, ...[0, 1, 2].filter((one) => one !== to && one !== from)])
        await nodes[at].call('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to])
      return { from, to, slot }
    },
  }
}
