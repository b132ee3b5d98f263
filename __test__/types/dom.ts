// Programs that must compile beside the types of web pages, whose streams may say nothing of iteration. Nothing here is run.

import { type Source, streamFn } from 'velo-stream'

const sizes = streamFn(async function* (chunks: AsyncIterable<Uint8Array>) {
  for await (const chunk of chunks) yield chunk.length
})

export async function bodies(response: Response, blob: Blob): Promise<number[]> {
  if (response.body === null) return []
  const all = await sizes.run(response.body)
  for await (const size of sizes(response.body, { signal: AbortSignal.timeout(5) })) all.push(size)
  for await (const size of sizes.open().feed(blob.stream())) all.push(size)
  const source: Source<Uint8Array> = response.body
  all.push(...(await sizes.run(source)))
  const texts = streamFn(async function* (parts: AsyncIterable<string>) {
    for await (const part of parts) yield part.length
  })
  return [...all, ...(await texts.run(response.body.pipeThrough(new TextDecoderStream())))]
}
