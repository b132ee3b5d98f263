// The same over HTTP as people write it with Express: lines in, lines out; says its port when it listens.
import { createInterface } from 'node:readline'
import express from 'express'

const app = express()
app.post('/', async (req, res) => {
  let total = 0
  for await (const line of createInterface({ input: req })) res.write(`${JSON.stringify({ total: (total += JSON.parse(line).add) })}\n`)
  res.end()
})
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
