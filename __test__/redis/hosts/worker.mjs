// A process that hosts sessions until it is told to stop, or is killed. Its arguments: the URL of the server, the client, options of the cluster as JSON, the module of the functions.

import { cluster } from 'velo-stream/redis'
import { clients } from '../clients.mjs'

const [url, name, options, module] = process.argv.slice(2)
const { functions } = await import(module)
const { make, end } = clients.find((one) => one.name === name)
const client = await make(url)
const own = cluster({ client, functions, ...JSON.parse(options) })
await own.work({ capacity: 1000 })
process.send('working')
process.on('warning', ({ message }) => process.send({ warning: message }))
if (process.env.EXIT_AFTER !== undefined) setTimeout(() => process.exit(1), Number(process.env.EXIT_AFTER))
process.on('message', async (message) => {
  if (message === 'hosted') return void process.send({ hosted: own.hosted })
  await own.stop()
  await end(client)
  process.disconnect()
})
process.on('disconnect', () => process.exit())
