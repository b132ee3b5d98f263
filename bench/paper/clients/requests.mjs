// A request a frame, over one connection: one instance of the function, which has one request at a time.
import { Agent, request } from 'node:http'

/** Answers the body of the response. */
export function post(port, agent, bytes) {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent, method: 'POST', headers: { 'content-length': bytes.length } }, (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('end', () => resolve(Buffer.concat(parts)))
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(bytes)
  })
}

export function open(port, onResult, fail) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return { send: (frame) => post(port, agent, frame).then(onResult).catch(fail), end() {}, close: async () => agent.destroy() }
}
