// Names of topics.

import { configError, text } from '../../kit/check.js'

/** Throws `VELO_CONFIG` for what no topic is called. */
export function topicOf(topic: unknown, field: string): void {
  text(topic, field)
  if (!/^[\w.-]{1,249}$/.test(topic as string) || /^\.\.?$/.test(topic as string))
    throw configError(field, 'a name of at most 249 letters, digits and any of . _ -', topic)
}
