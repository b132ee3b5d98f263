// A function that is called with what one request has: a frame, or a whole stream of them. It has no state of its own; with a Redis (its port is the second argument) it gets and sets the state of the stream for each.
import { createServer } from 'node:http'
import { received, toGray } from '../gray.mjs'
import { adopt } from './adopt.mjs'

const redis = process.argv[3] && new (await import('ioredis')).Redis({ port: Number(process.argv[3]), host: '127.0.0.1' })

let isFirst = true
const server = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', async () => {
    if (isFirst) received()
    isFirst = false
    const state = redis && JSON.parse((await redis.get('frames')) ?? '{"frames":0}')
    const result = toGray(Buffer.concat(parts))
    if (redis) await redis.set('frames', JSON.stringify({ frames: state.frames + 1 }))
    response.end(result)
  })
})
adopt(server)
