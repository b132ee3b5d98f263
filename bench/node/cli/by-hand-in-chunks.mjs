// The same by somebody who measured: lines are cut from chunks, results are written many at once. Shown for orientation.

import average from './average.mjs'

async function* events() {
  let rest = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()
    for (const line of lines) yield JSON.parse(line)
  }
}

let text = ''
for await (const result of average(events())) {
  text += `${JSON.stringify(result)}\n`
  if (text.length < 65_536) continue
  process.stdout.write(text)
  text = ''
}
process.stdout.write(text)
