// Bytes in, lines out, wherever the chunks were cut; a character cut in two is put together again.
// A line has a bound, so an upload without a newline cannot fill the memory.

const LONGEST = 1024 * 1024

export async function* lines(chunks) {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop()
    if (rest.length > LONGEST) throw new Error(`a line is longer than ${LONGEST} characters`)
    for (const line of parts) yield line.trimEnd()
  }
  rest += decoder.decode()
  if (rest !== '') yield rest.trimEnd()
}
