// A WebSocket server whose connections are streams.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { streamFn } from '../../../dist/index.js'
import { serveSocket } from '../../../dist/websocket.js'
import { grayOf, received } from '../gray.mjs'
import { adopt } from './adopt.mjs'

const fn = streamFn(grayOf(received))
const server = createServer()
new WebSocketServer({ server }).on('connection', (socket, request) => serveSocket(socket, fn, { request, binary: 'raw' }))
adopt(server)
