// Bodies that nobody meant: each decoder gets mutations of what it reads, cut anywhere. It answers with events or with a 4xx; it never throws past that, never
// waits, and keeps no more than its bounds. `VELO_FUZZ=n` is how many of each format (10 000), `VELO_SEED` another beginning.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { streamFn } from 'velo-stream'
import { eventsFrom, HttpError } from 'velo-stream/http'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { request } from './support/requests.mjs'
import { start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const ROUNDS = Number(process.env.VELO_FUZZ ?? 10_000)
const SEED = Number(process.env.VELO_SEED ?? 11)
const LINES = '{"a":1}\n[1,2,{"b":"\u00e9\\u00e9\\n"}]\r\n\n"text"\n-1.5e3\ntrue\nnull\n'
const PRETTY = '[\n  {"a": 1, "b": [true, null]},\n  "\\ud83d\\ude00",\n  -1.5e3\n]\n'
const EVENTS = ': c\r\nid: 1\r\nevent: add\r\ndata: x\r\n\r\ndata: y\rdata: z\r\rid\nretry: 5\ndata\n\n'
const part = (header, body) => `--x\r\n${header}\r\n\r\n${body}\r\n`
const FORM = `${part('Content-Disposition: form-data; name="a"', '1')}${part(
  'Content-Disposition: form-data; name="f"; filename="f.bin"\r\nContent-Type: application/octet-stream',
  'abc\r\n--y\r\n',
)}${part('Content-Disposition: form-data; name="t"; filename*=UTF-8\'\'%c3%a9\r\nContent-Type: text/plain; charset=latin1', 'end')}--x--\r\n`

/** Each format: what it is called in headers, and bodies that are right. */
const formats = {
  ndjson: { type: 'application/x-ndjson', bodies: [LINES] },
  json: { type: 'application/json', bodies: [PRETTY, LINES] },
  raw: { type: 'application/octet-stream', bodies: [LINES] },
  sse: { type: 'text/event-stream', bodies: [EVENTS] },
  multipart: { type: 'multipart/form-data; boundary=x', bodies: [FORM] },
  gzip: { type: 'application/x-ndjson', encoding: 'gzip', bodies: [gzipSync(LINES), gzipSync(LINES.repeat(500))] },
  deflate: { type: 'application/x-ndjson', encoding: 'deflate', bodies: [deflateSync(LINES)] },
  br: { type: 'application/x-ndjson', encoding: 'br', bodies: [brotliCompressSync(LINES)] },
}

const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  '--x',
  '--x--',
  '"',
  '{',
  '[',
  ']',
  '}',
  ',',
  ':',
  ';',
  '=',
  'name',
  'Content-Disposition: form-data',
  '\0',
  '\ufeff',
]

/** A few changes of a body: bytes that are changed, left out, said twice, put in, and an end that comes too early. */
function mutated(body, { below, pick }) {
  let bytes = Buffer.from(body)
  for (let left = below(5); left >= 0; left--) {
    const at = below(bytes.length + 1)
    const length = below(12)
    const how = below(6)
    if (how === 0) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at + 1)])
    else if (how === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    else if (how === 2) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
    else if (how === 3) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(TOKENS)), bytes.subarray(at)])
    else if (how === 4) bytes = bytes.subarray(0, at)
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(below(400), below(256)), bytes.subarray(at)])
  }
  return bytes
}

/** The bytes in up to four chunks. */
function pieces(bytes, { below }) {
  const places = [0, ...Array.from({ length: below(4) }, () => below(bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

/** Reads it all; answers the error, if it has one. */
async function read(chunks, headers, options) {
  try {
    for await (const event of eventsFrom(request(chunks, headers), options)) assert.notEqual(event, undefined)
    return undefined
  } catch (error) {
    return error
  }
}

describe(`mutated bodies, ${ROUNDS} of each format, seed ${SEED}`, () => {
  for (const [name, { type, encoding = '', bodies }] of Object.entries(formats)) {
    test(`${name} is read, or refused as 4xx`, { timeout: 60_000 + ROUNDS * 20 }, async () => {
      const chance = random(SEED)
      let refused = 0
      for (let round = 0; round < ROUNDS; round++) {
        const options = { decompress: true, maxLine: 200, maxEvent: 300, maxTotal: 20_000, onMalformed: chance.pick(['fail', 'skip']) }
        const bytes = mutated(chance.pick(bodies), chance)
        const what = `round ${round}: ${bytes.toString('latin1').slice(0, 2000)}`
        const headers = { 'content-type': type, ...(encoding === '' ? {} : { 'content-encoding': encoding }) }
        const error = await within(5000, read(pieces(bytes, chance), headers, options), what)
        if (error === undefined) continue
        assert.ok(error instanceof HttpError && error.status >= 400 && error.status < 500, `${error?.stack} ${what}`)
        refused++
      }
      if (name !== 'raw') assert.ok(refused > ROUNDS / 50, `${refused} were refused`)
    })
  }

  test('a server answers all of them with 2xx or 4xx, and serves on', { timeout: 120_000 }, async () => {
    const echo = streamFn(async function* echo(events) {
      for await (const event of events) yield typeof event
    })
    const server = await start('node:http', echo, { decompress: true, maxLine: 200, maxEvent: 300, maxTotal: 20_000 })
    const chance = random(SEED + 1)
    try {
      for (let round = 0; round < Math.min(ROUNDS, 2000); round++) {
        const { type, encoding, bodies } = chance.pick(Object.values(formats))
        const headers = { 'content-type': type, ...(encoding === undefined ? {} : { 'content-encoding': encoding }) }
        const body = mutated(chance.pick(bodies), chance)
        const response = await within(5000, fetch(server.url, { method: 'POST', headers, body }), `round ${round}`)
        assert.ok(response.status < 500, `${response.status}: ${body.toString('latin1')}`)
        await within(5000, response.text(), `the answer of round ${round}`)
      }
      await settled()
    } finally {
      await server.close()
    }
  })
})

noUnhandledRejections('rule 16')
