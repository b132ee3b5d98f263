// The average so far, after every number of a file or of standard input, one number a line.
//
// $ node examples/running-average.mjs examples/data/temperatures.txt
// expect: 18.50
// expect: 18.75
// expect: 19.50
// expect: 20.00
// expect: 20.80
// expect: 21.00

import { createReadStream } from 'node:fs'
import { streamFn } from 'velo-stream'
import { lines } from './support/lines.mjs'

const runningAverage = streamFn(async function* runningAverage(numbers) {
  let total = 0
  let count = 0
  for await (const number of numbers) yield (total += number) / ++count
})

async function* numbers(chunks) {
  for await (const line of lines(chunks)) {
    if (line === '') continue
    const number = Number(line)
    if (Number.isNaN(number)) throw new TypeError(`not a number: ${line}`)
    yield number
  }
}

process.stdout.once('error', () => process.exit()) // whoever read the averages has seen enough, as `head` has

const input = process.argv[2] ? createReadStream(process.argv[2]) : process.stdin
for await (const average of runningAverage(numbers(input))) console.log(average.toFixed(2))
