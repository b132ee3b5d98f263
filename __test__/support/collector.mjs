// A collector of OpenTelemetry as far as a test needs one: it takes what OTLP exporters send as protobuf, and reads it with the messages of OpenTelemetry itself
// (`otlp-messages` is a release of its official package that brings their generated classes; later ones only write). It echoes headers, too.

import { createServer } from 'node:http'
import { gunzipSync } from 'node:zlib'
import messages from 'otlp-messages/build/src/generated/root.js'
import { within } from './within.mjs'

const { trace, metrics } = messages.opentelemetry.proto.collector
const TYPES = {
  '/v1/traces': [trace.v1.ExportTraceServiceRequest, trace.v1.ExportTraceServiceResponse],
  '/v1/metrics': [metrics.v1.ExportMetricsServiceRequest, metrics.v1.ExportMetricsServiceResponse],
}
const PROTOBUF = 'application/x-protobuf'

/** Whether what was sent says the same when it is read and written again: nothing in it is unknown to the official messages. */
function isUnderstood(Request, request, bytes) {
  return Request.encode(request).finish().length === bytes.length
}

async function bodyOf(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
}

/** Starts it on a free port: `{ url, spans, metrics(), close() }`, `spans` and each answer of `metrics()` as plain objects. */
export async function collector() {
  const received = { '/v1/traces': [], '/v1/metrics': [] }
  const faults = []
  const server = createServer(async (request, response) => {
    const types = TYPES[request.url]
    if (types === undefined) return response.end(JSON.stringify(request.headers))
    const [Request, Response] = types
    try {
      if (request.headers['content-type'] !== PROTOBUF) throw new Error(`content-type ${request.headers['content-type']}`)
      const bytes = await bodyOf(request)
      const message = Request.decode(bytes)
      if (!isUnderstood(Request, message, bytes)) throw new Error('there are fields that the messages do not have')
      received[request.url].push(Request.toObject(message, { longs: Number, bytes: Array, arrays: true, defaults: false }))
      response.setHeader('content-type', PROTOBUF)
      response.end(Response.encode({}).finish())
    } catch (error) {
      faults.push(error)
      response.writeHead(400).end()
    }
  })
  await within(10_000, new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)), 'the collector')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** What could not be read. */
    faults,
    /** All spans so far, as `{ scope, ...span }`. */
    get spans() {
      return received['/v1/traces'].flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => ({ ...span, scope })))),
      )
    },
    /** The metrics of the export that came last, by name. */
    metrics() {
      const [last] = received['/v1/metrics'].slice(-1)
      const all = last.resourceMetrics.flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap(({ scope, metrics }) => metrics.map((metric) => ({ ...metric, scope }))),
      )
      return new Map(all.map((metric) => [metric.name, metric]))
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Attributes as a plain object. */
export function attributesOf({ attributes = [] }) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

/** Bytes of an id as text. */
export const hex = (bytes) => Buffer.from(bytes).toString('hex')
