// The load generator, a process of its own: frame i is created at its time, whatever has come back until then. Every gray frame is compared with what it must be. Says its times to the process that started it.
//
// Its job, as JSON: { client, target, count, interval }.
import { now } from './clock.mjs'
import { created, expected, IMAGES, images } from './frames.mjs'

const { client, target, count, interval } = JSON.parse(process.argv[2])
const { open } = await import(`./clients/${client}.mjs`)
const all = images()
/** Whoever started it is gone. */
const leave = () => process.exit()
process.on('disconnect', leave)
const grays = all.map(expected)

let [arrived, last, settle, fail] = [0, 0, undefined, undefined]
const done = new Promise((resolve, reject) => ([settle, fail] = [resolve, reject]))

/** The next result, in order. */
function onResult(bytes) {
  last = now()
  if (!grays[arrived % IMAGES].equals(bytes)) fail(new Error(`frame ${arrived} is not the gray one that it must be`))
  arrived++
  if (arrived === count) settle()
}

const begun = now()
const connection = open(target, onResult, fail)
for (let at = 0; at < count; at++) {
  const wait = begun + at * interval - now()
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  connection.send(created(all, at))
}
const generated = now()
connection.end()
await done
await connection.close()
process.send({ begun, generated, last })
process.off('disconnect', leave)
process.disconnect()
