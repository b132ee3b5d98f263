// What is answered at the socket: the view, and `/metrics`. Nobody is asked who they are: the mode of the socket says who may.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { metricsText, metricsType } from '../metrics-text.js'
import { viewAnswer } from '../view/answer.js'

/** Answers requests; one that brings a body is refused. */
export function answering(readOnly: boolean): RequestListener {
  return (req, res) => {
    try {
      answer(req, res, readOnly)
    } catch (error) {
      json(res, 500, { error: { code: 'FAILED', message: String(error) } })
    }
  }
}

function answer(req: IncomingMessage, res: ServerResponse, readOnly: boolean): void {
  const { method = 'GET', url = '/', headers } = req
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
    return json(res, 413, { error: { code: 'PAYLOAD_TOO_LARGE', message: 'nothing here takes a body' } }, { connection: 'close' })
  }
  if (method === 'GET' && url === '/metrics') return send(res, 200, metricsText(), { 'content-type': metricsType() })
  const found = viewAnswer({ method, url }, { readOnly })
  json(res, found.status, found.body, found.headers)
}

function json(res: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  send(res, status, `${JSON.stringify(body)}\n`, { 'content-type': 'application/json', ...headers })
}

function send(res: ServerResponse, status: number, body: string, headers: Readonly<Record<string, string>>): void {
  res.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body)
}
