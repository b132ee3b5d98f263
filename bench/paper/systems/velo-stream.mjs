// A WebSocket server whose connections are streams.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { streamFn } from '../../../dist/index.js'
import { serveSocket } from '../../../dist/websocket.js'
import { gray } from '../gray.mjs'
import { adopt } from './adopt.mjs'

const fn = streamFn(gray)
const server = createServer()
new WebSocketServer({ server }).on('connection', (socket, request) => serveSocket(socket, fn, { request, binary: 'raw' }))
adopt(server)
