// All frames in one request, once the stream is complete.
import { Agent } from 'node:http'
import { FRAME } from '../frames.mjs'
import { post } from './requests.mjs'

export function open(port, onResult, fail) {
  const agent = new Agent()
  const frames = []
  return {
    send: (frame) => frames.push(frame),
    end: () => post(port, agent, Buffer.concat(frames)).then(apart).catch(fail),
    close: async () => agent.destroy(),
  }

  function apart(whole) {
    for (let at = 0; at < whole.length; at += FRAME) onResult(whole.subarray(at, at + FRAME))
  }
}
