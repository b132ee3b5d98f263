// Complete JSON values out of the tokens of a language model, and the tokens of a recorded answer.

import { streamFn } from 'velo-stream'
import { lines } from './lines.mjs'

export const jsonValues = streamFn(async function* jsonValues(tokens) {
  let text = ''
  let depth = 0
  let inString = false
  let escaped = false
  for await (const token of tokens) {
    for (const char of token) {
      if (depth === 0 && char !== '{' && char !== '[') continue
      text += char
      if (escaped) escaped = false
      else if (inString && char === '\\') escaped = true
      else if (char === '"') inString = !inString
      else if (inString) continue
      else if (char === '{' || char === '[') depth++
      else if ((char === '}' || char === ']') && --depth === 0) {
        yield JSON.parse(text)
        text = ''
      }
    }
  }
  if (depth > 0) throw new SyntaxError(`the answer stopped in the middle of a value: ${text}`)
})

/** The tokens of an answer, as server-sent events bring them. */
export async function* tokens(chunks) {
  for await (const line of lines(chunks)) {
    if (line === 'data: [DONE]') return
    if (!line.startsWith('data: ')) continue
    // The first and the last one of a real answer have no text, but say who speaks, why it stopped, and what it cost.
    const text = JSON.parse(line.slice(6)).choices[0]?.delta.content
    if (text) yield text
  }
}
