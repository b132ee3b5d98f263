// The key that says that a group is paused, on the server of its stream.

import { beside } from '../client/script.js'

export function pauseKey(stream: string, group: string): string {
  return beside(stream, `paused:${group}:${stream}`)
}
