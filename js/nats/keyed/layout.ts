// Names of what the sessions of a stream have in the server. A key is one token of a subject.

import { configError } from '../../kit/check.js'

/** The group of the consumers: whoever is pinned in it gets the messages. */
export const GROUP = 'velo'

export class Layout {
  readonly stream: string
  readonly partitions: number

  constructor(stream: string, partitions: number) {
    this.stream = stream
    this.partitions = partitions
  }

  /** Of the stream: the server says which partition a key is in, so whoever publishes need not know. */
  get config(): Readonly<Record<string, unknown>> {
    const { stream } = this
    return {
      subjects: ['event.*', 'out.>', 'key.>', 'own.*', 'dead.>'].map((name) => `${stream}.${name}`),
      subject_transform: { src: `${stream}.event.*`, dest: `${stream}.in.{{partition(${this.partitions},1)}}.{{wildcard(1)}}` },
    }
  }

  /** What is published to this subject is an event of the key. */
  event(key: string): string {
    return `${this.stream}.event.${key}`
  }

  events(partition: number): string {
    return `${this.stream}.in.${partition}.*`
  }

  result(partition: number, key: string): string {
    return `${this.stream}.out.${partition}.${key}`
  }

  state(partition: number, key: string): string {
    return `${this.stream}.key.${partition}.${key}`
  }

  dead(partition: number, key: string): string {
    return `${this.stream}.dead.${partition}.${key}`
  }

  /** Who has the partition, and how far it is: the fence. */
  owner(partition: number): string {
    return `${this.stream}.own.${partition}`
  }

  consumer(partition: number): string {
    return `p${partition}`
  }

  /** What workers say to each other, which no stream keeps. */
  get beats(): string {
    return `${this.stream}.beat`
  }
}

/** The key of a subject of an event. */
export function keyOf(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1)
}

/** Throws `VELO_CONFIG`. */
export function checkKey(key: unknown, field: string): void {
  if (typeof key !== 'string' || !/^[^\s.*>\p{Cc}]{1,200}$/u.test(key))
    throw configError(field, 'a string of 1 to 200 characters without dots, spaces and wildcards', key)
}
