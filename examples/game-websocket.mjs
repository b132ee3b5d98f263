// A game over a WebSocket: guess the word, letter by letter. A connection is a game, and the game is a few local variables: no map of sessions, no
// cleanup timer. A player whose connection breaks comes back within half a minute and goes on where the game was.
// The sockets of `ws` fit the server of any framework: here that of Express, Fastify and Hono.
//
// expect: express: a _a____ 7, n _ann_n 7, x _ann_n 6, (connection breaks, comes back), c cann_n 6, o cannon won
// expect: fastify: a _a____ 7, n _ann_n 7, x _ann_n 6, (connection breaks, comes back), c cann_n 6, o cannon won
// expect: hono: a _a____ 7, n _ann_n 7, x _ann_n 6, (connection breaks, comes back), c cann_n 6, o cannon won

import { once } from 'node:events'
import { serve } from '@hono/node-server'
import express from 'express'
import createFastify from 'fastify'
import { Hono } from 'hono'
import { streamFn } from 'velo-stream'
import { serveSocket } from 'velo-stream/websocket'
import { WebSocket, WebSocketServer } from 'ws'

const game = streamFn(
  async function* game(guesses) {
    const word = 'cannon'
    const found = new Set()
    let lives = 7
    for await (const { letter } of guesses) {
      if (word.includes(letter)) found.add(letter)
      else lives--
      const shown = [...word].map((one) => (found.has(one) ? one : '_')).join('')
      const over = shown === word ? 'won' : lives === 0 ? 'lost' : undefined
      yield { letter, shown, lives, over }
      if (over) return
    }
  },
  { idleTimeout: 5 * 60_000 },
)

/** Lets players in at `/game` of any server of Node.js. */
function addGame(server) {
  const sockets = new WebSocketServer({ server, path: '/game', maxPayload: 1024 })
  sockets.on('connection', (socket, request) => {
    serveSocket(socket, game, { request, maxMessage: 1024, onDisconnect: { graceMs: 30_000 } })
  })
}

const frameworks = {
  express: () => express().listen(0, '127.0.0.1'),
  fastify: () => {
    const app = createFastify({ forceCloseConnections: true })
    app.listen({ host: '127.0.0.1', port: 0 })
    return app.server
  },
  hono: () => serve({ fetch: new Hono().fetch, hostname: '127.0.0.1', port: 0 }),
}

/** A player with a bad connection. Without resuming, none of what is about `velo`, `token` and `received` is needed. */
async function play(url, letters) {
  const log = []
  const answers = []
  let token
  while (true) {
    const socket = new WebSocket(token === undefined ? url : `${url}?resume=${token}&last=${answers.length}`)
    let guessed
    socket.on('message', (data) => {
      const { velo, ...answer } = JSON.parse(data)
      if (velo) {
        // The first frame of each connection: what the server has got so far, so that nothing is said twice.
        token = velo.token
        guessed = velo.received
      } else {
        answers.push(answer)
        log.push(`${answer.letter} ${answer.shown} ${answer.over ?? answer.lives}`)
        if (answers.length === 3) return socket.terminate()
      }
      if (guessed === answers.length && guessed < letters.length) socket.send(JSON.stringify({ letter: letters[guessed++] }))
    })
    const [code] = await once(socket, 'close')
    if (code === 1000) return log.join(', ')
    // Anything else but a broken connection is for good: 4410, for example, says that the game is not kept any more.
    if (code !== 1006) throw new Error(`closed with ${code}`)
    log.push('(connection breaks, comes back)')
  }
}

for (const [name, start] of Object.entries(frameworks)) {
  const server = start()
  addGame(server)
  if (!server.listening) await once(server, 'listening')
  console.log(`${name}: ${await play(`ws://127.0.0.1:${server.address().port}/game`, ['a', 'n', 'x', 'c', 'o'])}`)
  server.closeAllConnections()
  server.close()
}
