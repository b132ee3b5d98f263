// A program that begins with the stream: frames into its input, gray frames out of its output, and the time of its first frame, in ns, as a line among its errors. What it does not read yet waits in this process.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { FRAME } from '../frames.mjs'

export function open([program, ...args], onResult, fail) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  ended.then(([code]) => code !== 0 && fail(new Error(`${program} ended with ${code}`)), fail)
  child.stdin.on('error', fail)
  createInterface({ input: child.stderr }).on('line', (line) => {
    const [, first] = /^first (\d+)$/.exec(line) ?? []
    if (first === undefined) console.error(line)
    else process.send({ first: Number(first) / 1e6 })
  })
  let [parts, size] = [[], 0]
  child.stdout.on('data', (part) => {
    parts.push(part)
    size += part.length
    if (size < FRAME) return
    let rest = Buffer.concat(parts)
    for (; rest.length >= FRAME; rest = rest.subarray(FRAME)) onResult(rest.subarray(0, FRAME))
    ;[parts, size] = [[rest], rest.length]
  })
  return { send: (frame) => child.stdin.write(frame), end: () => child.stdin.end(), close: () => ended }
}
